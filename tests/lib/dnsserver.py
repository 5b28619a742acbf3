#!/usr/bin/python3
"""A scriptable DNS server on loopback, UDP and TCP on one port.

    with DnsServer('''
        example.org        MX    10 mx.example.org
        example.org        TXT   "v=spf1 " "-all"
        www.example.org    CNAME example.org
        dead.example.org   !servfail
        slow.example.org   !delay 2000 TXT
    ''') as server:
        server.add("raw.example.org", "TXT", b"\\xff\\x00", b"second string")
        server.delay = 0.05             # seconds, every answer
        ...                             # ask 127.0.0.1 at server.port
        server.count("example.org", "TXT")

It answers for all names like a resolver that knows everything: CNAME and DNAME
are followed; a name that has nothing but others below it exists; "*" is a
wildcard label. A line is "name TYPE data" with names in full; TXT data are
strings in double quotes (\\DDD, \\" and \\\\ inside) or words. What a name does
instead of answering, for all types or only for one:

    name !servfail|!refused|!nxdomain|!nodata|!silent|!truncate|!garbage|
         !cut|!wrongid [TYPE]
    name !delay MILLISECONDS [TYPE]

truncate: the full answer comes over TCP only. garbage: the right id and then
noise. cut: an answer that ends too early. What goes for a name goes for the
aliases that lead to it.

As a command:
    dnsserver.py [--port N] [--delay MS] [--counts FILE] [ZONEFILE...]
It prints "port N" when it serves, reads the files anew on SIGHUP and writes
the counts ("number name TYPE" a line) on SIGUSR1 and at its end."""
import argparse
import collections
import heapq
import ipaddress
import itertools
import os
import random
import re
import signal
import socket
import struct
import sys
import threading
import time

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15,
    "TXT": 16, "AAAA": 28, "DNAME": 39, "SPF": 99}
NAMES = {number: name for name, number in TYPES.items()}
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
EDNS_SIZE = 1232
CHAIN_MAX = 16
FLAWS = ("servfail", "refused", "nxdomain", "nodata", "silent", "truncate",
    "garbage", "cut", "wrongid", "delay")


# ---- names and record data ----

def labels_of(name):
    """The labels of a name in lower case, as bytes; b"" has none."""
    raw = name if isinstance(name, bytes) else name.encode()
    raw = raw.lower()
    if raw.endswith(b"."):
        raw = raw[:-1]
    return tuple(raw.split(b".")) if raw else ()


def wire_name(labels):
    return b"".join(bytes([len(l)]) + l for l in labels) + b"\0"


def words(text):
    """The words and quoted strings of a line's data, as bytes."""
    found = []
    for quoted, word in re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', text):
        raw = (word or quoted).encode("utf-8", "surrogateescape")
        found.append(re.sub(rb"\\(\d{3}|.)", lambda m: bytes([int(m[1])])
            if m[1].isdigit() and len(m[1]) == 3 else m[1], raw)
            if not word else raw)
    return found


def name_data(name):
    return wire_name(labels_of(name))


def txt_data(*strings):
    """Strings over 255 octets are cut into several."""
    parts = []
    for text in strings:
        raw = text if isinstance(text, bytes) else text.encode()
        parts += [raw[i:i + 255] for i in range(0, len(raw), 255)] or [b""]
    return b"".join(bytes([len(p)]) + p for p in parts)


def mx_data(preference, name):
    return struct.pack(">H", int(preference)) + name_data(name)


def soa_data(primary, mail, *numbers):
    return name_data(primary) + name_data(mail) + struct.pack(">5L",
        *(int(n) for n in numbers))


def address_data(text):
    raw = text.decode() if isinstance(text, bytes) else text
    return ipaddress.ip_address(raw).packed


MAKE = {"A": address_data, "AAAA": address_data, "MX": mx_data,
    "TXT": txt_data, "SPF": txt_data, "SOA": soa_data, "NS": name_data,
    "PTR": name_data, "CNAME": name_data, "DNAME": name_data}


# ---- what the server knows ----

class Zone:
    """Names, their records and their flaws."""

    def __init__(self, ttl=300):
        self.ttl = ttl
        self.negative_ttl = 60
        self.records = {}       # labels -> {type: [rdata]}
        self.flaws = {}         # labels -> {type or None: {flaw: value}}
        self.existing = set()   # labels of all names and those above them

    def note(self, labels):
        self.existing.update(labels[i:] for i in range(len(labels) + 1))

    def add_raw(self, name, kind, data):
        labels = labels_of(name)
        number = TYPES[kind] if isinstance(kind, str) else kind
        self.records.setdefault(labels, {}).setdefault(number, []).append(data)
        self.note(labels)

    def add(self, name, kind, *data):
        self.add_raw(name, kind, MAKE[kind](*data))

    def flaw(self, name, flaw, value=True, kind=None):
        if flaw not in FLAWS:
            raise ValueError("no such flaw: " + flaw)
        labels = labels_of(name)
        self.flaws.setdefault(labels, {}).setdefault(
            TYPES[kind] if kind else None, {})[flaw] = value
        if flaw != "nxdomain":
            self.note(labels)

    def remove(self, name):
        """Forgets records and flaws of a name; it may exist no more."""
        self.records.pop(labels_of(name), None)
        self.flaws.pop(labels_of(name), None)
        self.existing.clear()
        for labels in [*self.records, *self.flaws]:
            self.note(labels)

    def load(self, text):
        for number, line in enumerate(text.splitlines(), 1):
            line = line.strip()
            if line and line[0] not in "#;":
                try:
                    self.load_line(*line.split(None, 2))
                except (ValueError, KeyError, TypeError) as e:
                    raise ValueError("line %d: %r: %s" % (number, line, e)) \
                        from None

    def load_line(self, name, kind, data=""):
        if not kind.startswith("!"):
            self.add(name, kind, *words(data))
            return
        rest = data.split()
        value = int(rest.pop(0)) / 1000 if kind == "!delay" else True
        self.flaw(name, kind[1:], value, rest[0] if rest else None)

    def find(self, table, labels):
        """What a table has for a name, or for the wildcard that covers it."""
        if labels in table:
            return table[labels]
        for i in range(1, len(labels)):
            if (b"*",) + labels[i:] in table:
                return table[(b"*",) + labels[i:]]
            if labels[i:] in self.existing:
                break
        return None

    def exists(self, labels):
        return labels in self.existing or self.find(self.records,
            labels) is not None

    def flaws_of(self, labels, kind):
        table = self.find(self.flaws, labels) or {}
        return {**table.get(None, {}), **table.get(kind, {})}

    def alias(self, labels, records):
        """(record to add, the next name) where a name leads elsewhere."""
        if TYPES["CNAME"] in records:
            data = records[TYPES["CNAME"]][0]
            return [(labels, TYPES["CNAME"], data)], labels_of_wire(data)
        for i in range(1, len(labels)):
            above = self.records.get(labels[i:], {})
            if TYPES["DNAME"] in above:
                data = above[TYPES["DNAME"]][0]
                target = labels[:i] + labels_of_wire(data)
                return [(labels[i:], TYPES["DNAME"], data), (labels,
                    TYPES["CNAME"], wire_name(target))], target
        return None

    def answer(self, labels, kind):
        """(rcode, [(owner, type, rdata)], flaws) for a question."""
        chain, flaws = [], {}
        for _ in range(CHAIN_MAX):
            flaws.update(self.flaws_of(labels, kind))
            if "nxdomain" in flaws:
                return NXDOMAIN, chain, flaws
            if "nodata" in flaws:
                return NOERROR, chain, flaws
            records = self.find(self.records, labels) or {}
            if kind in records:
                return NOERROR, chain + [(labels, kind, data)
                    for data in records[kind]], flaws
            step = self.alias(labels, records)
            if step is None:
                rcode = NOERROR if self.exists(labels) else NXDOMAIN
                return rcode, chain, flaws
            chain, labels = chain + step[0], step[1]
        return NOERROR, chain, flaws

    def soa(self, labels):
        for i in range(len(labels) + 1):
            data = self.records.get(labels[i:], {}).get(TYPES["SOA"])
            if data:
                return labels[i:], data[0]
        return (), soa_data("ns", "hostmaster", 1, 3600, 600, 86400,
            self.negative_ttl)


def labels_of_wire(data):
    labels, at = [], 0
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].lower())
        at += 1 + data[at]
    return tuple(labels)


# ---- messages ----

class Reply:
    """What is sent for one question, but for the id and the question."""

    def __init__(self, zone, labels, kind):
        rcode, records, flaws = zone.answer(labels, kind)
        for flaw, code in ("servfail", SERVFAIL), ("refused", REFUSED):
            if flaw in flaws:
                rcode, records = code, []
        negative = rcode in (NOERROR, NXDOMAIN) and not any(r[1] == kind
            for r in records)
        self.rcode = rcode
        self.flaws = flaws
        self.counts = len(records), 1 if negative else 0
        self.body = b"".join(pack(zone.ttl, *r) if r[0] != labels else
            pack(zone.ttl, None, *r[1:]) for r in records)
        if negative:
            owner, data = zone.soa(records[-1][0] if records else labels)
            self.body += pack(zone.negative_ttl, owner, TYPES["SOA"], data)

    def bytes(self, ident, question, edns, limit):
        """The message; limit None: over TCP."""
        truncated = limit is not None and ("truncate" in self.flaws or
            12 + len(question) + len(self.body) + 11 > limit)
        flags = 0x8580 | self.rcode | (0x200 if truncated else 0)
        counts = (0, 0) if truncated else self.counts
        message = struct.pack(">HHHHHH", ident ^ ("wrongid" in self.flaws),
            flags, 1, *counts, 1 if edns else 0) + question
        if not truncated:
            message += self.body
        if edns:
            message += b"\0" + struct.pack(">HHLH", 41, EDNS_SIZE, 0, 0)
        if "garbage" in self.flaws:
            return message[:2] + random.Random(ident).randbytes(60)
        if "cut" in self.flaws:
            return message[:-max(len(self.body) // 2, 3)]
        return message


def pack(ttl, owner, kind, data):
    """A record; owner None: the question's name."""
    name = b"\xc0\x0c" if owner is None else wire_name(owner)
    return name + struct.pack(">HHLH", kind, 1, ttl, len(data)) + data


def parse(message):
    """(id, question, labels, type, edns size or 0); raises on nonsense."""
    ident, flags, questions, _, _, extra = struct.unpack(">6H", message[:12])
    if flags & 0x8000 or questions != 1:
        raise ValueError("no question")
    end = 12
    while message[end]:
        end += 1 + message[end]
    labels = labels_of_wire(message[12:end + 1])
    question = message[12:end + 5]
    kind, = struct.unpack(">H", question[-4:-2])
    size = 0
    if extra and message[end + 5:end + 8] == b"\0\0\x29":
        size = max(struct.unpack(">H", message[end + 8:end + 10])[0], 512)
    return ident, question, labels, kind, size


# ---- the server ----

class DnsServer(Zone):
    """See the top of this file. start() and stop() may be called again and
    again; the port stays."""

    def __init__(self, text="", port=0, delay=0.0, ttl=300):
        super().__init__(ttl)
        self.port = port
        self.delay = delay
        self.silent = False     # no answer to anything
        self.queries = collections.Counter()    # (labels, type)
        self._replies = {}
        self._running = False
        self._timers = []
        self._timer = threading.Condition()
        self._order = itertools.count()
        self.load(text)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def address(self):
        """As settings have it."""
        return "127.0.0.1@%d" % self.port

    # What changes the zone makes all replies anew.
    def add_raw(self, name, kind, data):
        super().add_raw(name, kind, data)
        self._replies = {}

    def flaw(self, name, flaw, value=True, kind=None):
        super().flaw(name, flaw, value, kind)
        self._replies = {}

    def remove(self, name):
        super().remove(name)
        self._replies = {}

    def forget(self):
        """Empties the zone."""
        self.records, self.flaws, self.existing = {}, {}, set()
        self._replies = {}

    def count(self, name=None, kind=None):
        """Questions so far: for a name, of a type, or all but those for the
        root, which a resolver asks to see whether anybody is there."""
        labels = None if name is None else labels_of(name)
        number = TYPES[kind] if kind else None
        return sum(n for (l, k), n in list(self.queries.items())
            if (l != () if labels is None else l == labels) and
            (number is None or k == number))

    def start(self):
        self._udp, self._tcp = self._bind()
        self._running = True
        self._threads = [threading.Thread(target=f, daemon=True)
            for f in (self._serve_udp, self._serve_tcp, self._serve_late)]
        for thread in self._threads:
            thread.start()
        return self

    def stop(self):
        """From now on the port refuses."""
        if not self._running:
            return
        self._running = False
        with self._timer:
            self._timers.clear()
            self._timer.notify()
        # close() alone does not wake who waits in recvfrom() and accept().
        for s in self._udp, self._tcp:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.sendto(b"", ("127.0.0.1", self.port))
        except OSError:
            pass
        for thread in self._threads:
            thread.join(5)
        self._udp.close()
        self._tcp.close()

    def _bind(self):
        for _ in range(100):
            port = self.port or random.randrange(20000, 32000)
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
            try:
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
                tcp.listen(128)
                self.port = port
                return udp, tcp
            except OSError:
                udp.close()
                tcp.close()
                if self.port:
                    time.sleep(0.05)
        raise OSError("no free port for the DNS server")

    def _reply(self, labels, kind):
        reply = self._replies.get((labels, kind))
        if reply is None:
            reply = Reply(self, labels, kind)
            if len(self._replies) < 1 << 16:
                self._replies[labels, kind] = reply
        return reply

    def _handle(self, message, limit, send):
        try:
            ident, question, labels, kind, size = parse(message)
        except (ValueError, IndexError, struct.error):
            return
        self.queries[labels, kind] += 1
        reply = self._reply(labels, kind)
        if self.silent or "silent" in reply.flaws:
            return
        data = reply.bytes(ident, question, size > 0,
            None if limit is None else size or 512)
        delay = self.delay + reply.flaws.get("delay", 0)
        if delay > 0:
            self._later(delay, send, data)
        else:
            send(data)

    def _serve_udp(self):
        while self._running:
            try:
                message, peer = self._udp.recvfrom(65535)
            except OSError:
                continue
            try:
                self._handle(message, 512, lambda data, peer=peer:
                    self._udp.sendto(data, peer))
            except OSError:
                continue    # it was stopped meanwhile

    def _serve_tcp(self):
        while self._running:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                continue
            threading.Thread(target=self._serve_stream, args=(connection,),
                daemon=True).start()

    def _serve_stream(self, connection):
        connection.settimeout(10)

        def send(data):
            connection.sendall(struct.pack(">H", len(data)) + data)
        try:
            with connection, connection.makefile("rb") as file:
                while self._running:
                    head = file.read(2)
                    if len(head) < 2:
                        break
                    self._handle(file.read(struct.unpack(">H", head)[0]),
                        None, send)
        except OSError:
            pass

    def _later(self, delay, send, data):
        with self._timer:
            heapq.heappush(self._timers, (time.monotonic() + delay,
                next(self._order), send, data))
            self._timer.notify()

    def _serve_late(self):
        while self._running:
            with self._timer:
                now = time.monotonic()
                if not self._timers or self._timers[0][0] > now:
                    self._timer.wait(self._timers[0][0] - now
                        if self._timers else None)
                    continue
                _, _, send, data = heapq.heappop(self._timers)
            try:
                send(data)
            except OSError:
                pass

    def counts(self):
        """The counts as text."""
        return "".join("%d %s %s\n" % (n, b".".join(labels).decode("ascii",
            "backslashreplace") or ".", NAMES.get(kind, kind))
            for (labels, kind), n in sorted(self.queries.items()))


# ---- the command ----

def load_files(server, paths):
    server.forget()
    for path in paths:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            server.load(file.read())


def write_counts(server, path):
    if path:
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(server.counts())
        os.rename(path + ".new", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0, help="ms")
    parser.add_argument("--counts")
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    wanted = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1}
    signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
    server = DnsServer(port=options.port, delay=options.delay / 1000)
    load_files(server, options.files)
    with server:
        print("port %d" % server.port, flush=True)
        while True:
            number = signal.sigwait(wanted)
            if number == signal.SIGHUP:
                load_files(server, options.files)
            else:
                write_counts(server, options.counts)
            if number in (signal.SIGTERM, signal.SIGINT):
                return 0


if __name__ == "__main__":
    sys.exit(main())
