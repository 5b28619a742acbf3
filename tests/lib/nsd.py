"""An authoritative DNS server (nsd) for a scene, and a client to ask it."""
import os
import random
import socket
import struct

from scene import wait_until

TXT = 16


class Nsd:
    """nsd on a free loopback port with the zones given as {name: records}; the
    root is "". finish[name](path) may change a zone's file before it is
    served: signs it, for one."""

    def __init__(self, scene, zones, finish=None):
        self.scene = scene
        self.port = scene.port()
        self.dir = scene.mkdir("dns")
        self.zones = zones
        self.finish = finish or {}
        self.process = None

    def start(self):
        for name, records in self.zones.items():
            path = self.scene.write("dns/%s.zone" % name, ZONE % {
                "name": name, "records": records})
            self.finish.get(name, str)(path)
        self.scene.write("dns/nsd.conf", CONF % {"dir": self.dir,
            "port": self.port} + "".join(CONF_ZONE % {"name": name,
            "dir": self.dir} for name in self.zones))
        self.process = self.scene.start(["nsd", "-d", "-c",
            os.path.join(self.dir, "nsd.conf")], log="dns/nsd.log")
        name = next(iter(self.zones))
        wait_until(lambda: self._answers(name), 20, "nsd")
        return self

    def _answers(self, name):
        if not self.process.running():
            raise RuntimeError("nsd: " + self.log())
        try:
            return query(self.port, name, 6, 0.5)[0] == 0
        except OSError:
            return False

    def log(self):
        with open(os.path.join(self.dir, "nsd.log")) as file:
            return file.read()

    def txt(self, name):
        """The strings of every TXT record of name, joined; [] for none."""
        return [b"".join(strings(rdata)) for kind, rdata in
            query(self.port, name, TXT)[1] if kind == TXT]


CONF = """\
server:
    ip-address: 127.0.0.1@%(port)d
    username: ""
    server-count: 1
    rrl-ratelimit: 0
    zonesdir: "%(dir)s"
    database: ""
    pidfile: "%(dir)s/nsd.pid"
    xfrdfile: "%(dir)s/xfrd.state"
    xfrdir: "%(dir)s"
    zonelistfile: "%(dir)s/zone.list"
remote-control:
    control-enable: no
"""

CONF_ZONE = """\
zone:
    name: "%(name)s."
    zonefile: "%(dir)s/%(name)s.zone"
"""

ZONE = """\
$ORIGIN %(name)s.
$TTL 60
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN A 127.0.0.1
%(records)s
"""


def query(port, name, kind, seconds=2.0):
    """(rcode, [(type, rdata)]) from 127.0.0.1; UDP, then TCP if truncated."""
    ident = random.randrange(65536)
    question = encode_name(name) + struct.pack(">HH", kind, 1)
    message = struct.pack(">HHHHHH", ident, 0, 1, 0, 0, 0) + question
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(seconds)
        s.connect(("127.0.0.1", port))
        s.send(message)
        answer = s.recv(65535)
    if answer[2] & 2:
        answer = ask_tcp(port, message, seconds)
    return decode(answer)


def ask_tcp(port, message, seconds):
    with socket.create_connection(("127.0.0.1", port), seconds) as s:
        s.sendall(struct.pack(">H", len(message)) + message)
        with s.makefile("rb") as file:
            size = struct.unpack(">H", file.read(2))[0]
            return file.read(size)


def encode_name(name):
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def skip_name(message, at):
    while True:
        size = message[at]
        if size >= 0xc0:
            return at + 2
        at += 1 + size
        if size == 0:
            return at


def decode(message):
    flags, questions, answers = struct.unpack(">2xHHH", message[:8])
    at, found = 12, []
    for _ in range(questions):
        at = skip_name(message, at) + 4
    for _ in range(answers):
        at = skip_name(message, at)
        kind, size = struct.unpack(">H6xH", message[at:at + 10])
        found.append((kind, message[at + 10:at + 10 + size]))
        at += 10 + size
    return flags & 15, found


def strings(rdata):
    while rdata:
        yield rdata[1:1 + rdata[0]]
        rdata = rdata[1 + rdata[0]:]
