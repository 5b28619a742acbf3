"""The MTA's side of the milter protocol, versions 2 to 6.

    with Milter("unix:/run/x.sock") as mta:
        mta.negotiate()
        outcome = mta.send(sender="<a@example.org>", recipients=["<b@...>"],
            headers=[("Subject", " hello")], body=b"hi\r\n")
        outcome.verdict, outcome.edits

send() goes through all stages as Postfix does; the methods of its stages can be
called one by one, in any order, for what Postfix would not do.
"""
import socket
import struct

# What the MTA offers: steps it can leave out or expects no reply at.
NOCONNECT, NOHELO, NOMAIL, NORCPT, NOBODY, NOHDRS, NOEOH = (
    0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x40)
NR_HDR, NOUNKNOWN, NODATA, SKIP, RCPT_REJ = 0x80, 0x100, 0x200, 0x400, 0x800
NR_CONN, NR_HELO, NR_MAIL, NR_RCPT, NR_DATA, NR_UNKN, NR_EOH, NR_BODY = (
    0x1000, 0x2000, 0x4000, 0x8000, 0x10000, 0x20000, 0x40000, 0x80000)
LEADSPC = 0x100000
ALL_STEPS = 0x1fffff
VERSION_2_STEPS = 0x7f
ALL_ACTIONS = 0x1ff
VERSION_2_ACTIONS = 0x3f

VERDICTS = {b"c": "continue", b"a": "accept", b"r": "reject",
    b"t": "tempfail", b"d": "discard", b"s": "skip", b"y": "reply"}
STAGES = "CHMRTEN"      # in the order of SMFIM_CONNECT...
PROGRESS = b"p"


def octets(text):
    """Text as it goes over the wire; octets of any kind are surrogates."""
    return text.encode("utf-8", "surrogateescape")


class Lost(Exception):
    """The milter closed the connection."""


class Reply:
    """verdict is a word of VERDICTS; text that of "reply", edits what came
    before it: (command, octets) each."""

    def __init__(self, verdict, text="", edits=()):
        self.verdict = verdict
        self.text = text
        self.edits = list(edits)

    def __repr__(self):
        return "<%s %s %s>" % (self.verdict, self.text, self.edits)

    def inserted(self):
        """{name: value} of the headers that are inserted."""
        return {name: value for _, name, value in (self._header(data)
            for command, data in self.edits if command == b"i")}

    def headers(self, command):
        """(n, name, value) of each "i" (insert) or "m" (change)."""
        return [self._header(data) for c, data in self.edits if c == command]

    @staticmethod
    def _header(data):
        name, value = data[4:].split(b"\0")[:2]
        return struct.unpack("!I", data[:4])[0], name, value


class Milter:
    def __init__(self, address, timeout=20):
        kind, rest = address.split(":", 1)
        if kind in ("unix", "local"):
            self.socket = socket.socket(socket.AF_UNIX)
            where = rest
        else:
            port, host = rest.split("@")
            self.socket = socket.socket(socket.AF_INET6 if kind == "inet6"
                else socket.AF_INET)
            where = (host, int(port))
        self.socket.settimeout(timeout)
        try:
            self.socket.connect(where)
        except BaseException:
            self.socket.close()
            raise
        self.steps = 0
        self.wanted = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    # ---- packets ----

    def write(self, command, data=b""):
        self.socket.sendall(struct.pack("!I", len(data) + 1) + command + data)

    def _read(self, size):
        data = b""
        while len(data) < size:
            try:
                piece = self.socket.recv(size - len(data))
            except ConnectionError as e:
                raise Lost(str(e)) from None
            if not piece:
                raise Lost("end of file")
            data += piece
        return data

    def read(self):
        size, = struct.unpack("!I", self._read(4))
        data = self._read(size)
        return data[:1], data[1:]

    def reply(self):
        edits = []
        while True:
            command, data = self.read()
            if command in VERDICTS:
                return Reply(VERDICTS[command],
                    data.rstrip(b"\0").decode("latin-1"), edits)
            if command != PROGRESS:
                edits.append((command, data))

    def is_silent(self, seconds=0.2):
        """Nothing comes from the milter for that long."""
        self.socket.settimeout(seconds)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
            return False
        except socket.timeout:
            return True
        finally:
            self.socket.settimeout(20)

    def _stage(self, command, data, leave_out, no_reply):
        """None where the stage is left out or has no reply."""
        if self.steps & leave_out:
            return None
        self.write(command, data)
        return None if self.steps & no_reply else self.reply()

    # ---- the stages ----

    def negotiate(self, version=6, actions=ALL_ACTIONS, steps=ALL_STEPS):
        self.write(b"O", struct.pack("!III", version, actions, steps))
        command, data = self.read()
        assert command == b"O", command
        self.version, self.actions, self.steps = struct.unpack("!III",
            data[:12])
        assert self.steps & ~steps == 0, hex(self.steps)
        assert self.actions & ~actions == 0, hex(self.actions)
        rest = data[12:]
        while rest:
            stage, = struct.unpack("!I", rest[:4])
            names, rest = rest[4:].split(b"\0", 1)
            # SMFIM_EOM is 5, SMFIM_EOH is 6
            self.wanted[STAGES[stage]] = names.decode().split()
        return self

    def macros(self, stage, values):
        """Those of values that were asked for, or all where nothing was."""
        if stage in self.wanted:
            values = {name: value for name, value in values.items()
                if name in self.wanted[stage]}
        if values:
            self.write(b"D", stage.encode() + b"".join(
                octets(name) + b"\0" + octets(value) + b"\0"
                for name, value in values.items()))

    def connect(self, name="client.example", address="192.0.2.1", port=4000):
        family = b"U" if address is None else b"6" if ":" in address else b"4"
        data = octets(name) + b"\0" + family
        if address is not None:
            data += struct.pack("!H", port) + octets(address) + b"\0"
        return self._stage(b"C", data, NOCONNECT, NR_CONN)

    def helo(self, name="client.example"):
        return self._stage(b"H", octets(name) + b"\0", NOHELO, NR_HELO)

    def mail(self, sender="<sender@example.org>"):
        return self._stage(b"M", octets(sender) + b"\0", NOMAIL, NR_MAIL)

    def rcpt(self, recipient="<rcpt@example.net>"):
        return self._stage(b"R", octets(recipient) + b"\0", NORCPT, NR_RCPT)

    def data(self):
        return self._stage(b"T", b"", NODATA, NR_DATA)

    def header(self, name, value):
        """value with its leading blank: Postfix drops it for a milter that
        does not ask to keep it."""
        if not self.steps & LEADSPC and value[:1] == " ":
            value = value[1:]
        return self._stage(b"L", octets(name) + b"\0" + octets(value) +
            b"\0", NOHDRS, NR_HDR)

    def eoh(self):
        return self._stage(b"N", b"", NOEOH, NR_EOH)

    def body(self, piece):
        return self._stage(b"B", piece, NOBODY, NR_BODY)

    def eom(self):
        self.write(b"E")
        return self.reply()

    def abort(self):
        self.write(b"A")

    def quit(self):
        self.write(b"Q")

    def greet(self, name="client.example", address="192.0.2.1",
        helo="client.example", macros=None):
        """Connect and HELO; the reply that decided the session, or None."""
        self.macros("C", dict({"{daemon_name}": "mx.example"},
            **(macros or {})))
        return decisive("connect", self.connect(name, address)) or \
            decisive("helo", self.helo(helo))

    def send(self, sender="<sender@example.org>",
        recipients=("<rcpt@example.net>",),
        headers=(("From", " sender@example.org"), ("Subject", " test")),
        body=b"body\r\n", queue_id="4X0000", macros=None):
        """One message after greet(): the reply that decided it. A refused
        recipient is left out."""
        self.macros("M", macros or {})
        return decisive("mail", self.mail(sender)) or \
            self._recipients(recipients) or \
            self._content(headers, body, queue_id)

    def _recipients(self, recipients):
        left = len(recipients)
        for recipient in recipients:
            reply = decisive("rcpt", self.rcpt(recipient))
            if reply and reply.verdict in ("accept", "discard"):
                return reply
            left -= reply is not None
        if left == 0:
            self.abort()
            return reply
        return None

    def _content(self, headers, body, queue_id):
        self.macros("T", {"i": queue_id})
        reply = decisive("data", self.data())
        for name, value in headers:
            reply = reply or decisive("header", self.header(name, value))
        if reply:
            return reply
        self.macros("N", {"i": queue_id})
        reply = decisive("eoh", self.eoh())
        for start in range(0, len(body), 65535):
            reply = reply or decisive("body",
                self.body(body[start:start + 65535]))
        if reply and reply.verdict != "skip":
            return reply
        self.macros("E", {"i": queue_id})
        reply = self.eom()
        reply.stage = "eom"
        return reply


def decisive(stage, reply):
    """reply, with its stage, where it is one that ends something."""
    if reply is None or reply.verdict == "continue":
        return None
    reply.stage = stage
    return reply
