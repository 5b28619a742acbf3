"""The milters that are measured side by side, each with a configuration of its
own in the scene, and milterload to measure them with."""
import base64
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess

from scene import program, wait_until

DOMAIN = "d0000000.example"     # what milterload sends from
CLIENT = "192.0.2.10"


class Keys:
    """One RSA-2048 and one Ed25519 key, in every form a daemon wants."""

    def __init__(self, scene):
        self.rsa = scene.path("rsa.private")
        self.ed25519 = scene.path("ed25519.private")
        scene.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt",
            "rsa_keygen_bits:2048", "-out", self.rsa])
        scene.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out",
            self.ed25519])
        for path in self.rsa, self.ed25519:
            os.chmod(path, 0o600)
        der = subprocess.run(["openssl", "pkey", "-in", self.ed25519,
            "-outform", "DER"], stdout=subprocess.PIPE, check=True).stdout
        self.ed25519_seed = scene.write("ed25519.seed",
            base64.b64encode(der[-32:]).decode() + "\n", 0o600)

    def path(self, algorithm):
        return getattr(self, algorithm)


class Setup:
    """What a daemon is to sign with. tables: (KeyTable, SigningTable) files
    instead of one row of each."""

    def __init__(self, keys, algorithm="rsa", header="relaxed",
            body="relaxed", tables=None):
        self.keys, self.algorithm = keys, algorithm
        self.header, self.body = header, body
        self.tables = tables
        self.name = "-".join((algorithm, header, body))


def negotiates(path):
    """Whether a milter there answers. It may listen before it is ready; then
    this waits."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(600)
        try:
            s.connect(path)
            s.sendall(struct.pack(">IcIII", 13, b"O", 6, 0x1ff, 0x1fffff))
            return len(s.recv(4)) == 4
        except OSError:
            return False


class Daemon:
    """A running milter. command() writes what it needs and says how to start
    it."""

    available = True

    def __init__(self, scene, setup):
        self.scene, self.setup = scene, setup
        base = scene.mkdir("%s-%s" % (self.name, setup.name if setup else ""))
        n = len(os.listdir(base))
        self.dir = scene.mkdir(os.path.join(os.path.basename(base), str(n)))
        self.socket = os.path.join(self.dir, "s")
        self.log = os.path.join(self.dir, "log")

    def start(self, seconds=60):
        self.process = self.scene.start(self.command(), log=self.log)
        self.scene.on_close(self.stop)
        self.pid = self.process.pid
        wait_until(self._answers, seconds, self.name, 0.002)
        return self

    def _answers(self):
        if not self.process.running():
            raise RuntimeError("%s ended:\n%s" % (self.name, open(
                self.log, errors="replace").read()[-2000:]))
        return os.path.exists(self.socket) and negotiates(self.socket)

    def stop(self):
        """Some take ten seconds over SIGTERM, and nothing here hangs on how
        they end."""
        self.process.signal(signal.SIGKILL)
        self.process.stop()

    def write(self, name, text):
        return self.scene.write(os.path.join(self.dir, name), text, 0o600)

    def tables(self):
        """Paths of KeyTable and SigningTable."""
        if self.setup.tables:
            return self.setup.tables
        return (self.write("KeyTable", "key %s:s:%s\n" % (DOMAIN,
            self.setup.keys.path(self.setup.algorithm))),
            self.write("SigningTable", "*@%s key\n" % DOMAIN))

    def sockets(self):
        """Of the milters that get a message, in their order."""
        return [self.socket]

    def pids(self):
        """Of all processes that work on it."""
        return [self.pid]

    def status(self, field):
        """A number from /proc/PID/status, such as VmRSS in KB."""
        return sum(status(pid, field) for pid in self.pids())

    def descriptors(self):
        return len(os.listdir("/proc/%d/fd" % self.pid))

    def reset_peak(self):
        """Makes VmHWM begin at what is in use now."""
        for pid in self.pids():
            with open("/proc/%d/clear_refs" % pid, "w") as file:
                file.write("5")

    def load(self, *arguments):
        named = [each for pid in self.pids() for each in ("-p", pid)]
        return load(self.sockets(), *named, *arguments)


def status(pid, field):
    with open("/proc/%d/status" % pid) as file:
        return int(re.search(r"(?m)^%s:\s+(\d+)" % field,
            file.read()).group(1))


class Empty(Daemon):
    name = "empty"

    def command(self):
        return [program("tests/bench/emptymilter"), "unix:" + self.socket]


class Postern(Daemon):
    name = "postern"

    def command(self):
        key_table, signing_table = self.tables()
        conf = self.write("sign.conf", POSTERN % {"socket": self.socket,
            "keys": key_table, "rows": signing_table, "client": CLIENT,
            "header": self.setup.header, "body": self.setup.body})
        return [program("milters/sign/postern-sign"), "-f", "-c", conf]


class OpenDkim(Daemon):
    name = "opendkim"
    available = shutil.which("opendkim") is not None

    def command(self):
        key_table, signing_table = self.tables()
        algorithm = {"rsa": "rsa-sha256", "ed25519": "ed25519-sha256"}
        conf = self.write("opendkim.conf", OPENDKIM % {"socket": self.socket,
            "keys": key_table, "rows": signing_table, "client": CLIENT,
            "algorithm": algorithm[self.setup.algorithm],
            "header": self.setup.header, "body": self.setup.body})
        return ["opendkim", "-f", "-x", conf]


class DkimpyMilter(Daemon):
    name = "dkimpy"
    available = shutil.which("dkimpy-milter") is not None

    def command(self):
        key = ("KeyFile %s\nSelector s" % self.setup.keys.rsa
            if self.setup.algorithm == "rsa" else
            "KeyFileEd25519 %s\nSelectorEd25519 s" %
            self.setup.keys.ed25519_seed)
        conf = self.write("dkimpy.conf", DKIMPY % {"socket": self.socket,
            "pid": os.path.join(self.dir, "pid"), "key": key,
            "domain": DOMAIN, "client": CLIENT, "header": self.setup.header,
            "body": self.setup.body})
        return ["dkimpy-milter", conf]


POSTERN = """\
Socket unix:%(socket)s
UserID root
LogTarget stderr
KeyTable file:%(keys)s
SigningTable refile:%(rows)s
InternalHosts %(client)s
Canonicalization %(header)s/%(body)s
"""

OPENDKIM = """\
Socket local:%(socket)s
Background no
Syslog no
Mode s
KeyTable file:%(keys)s
SigningTable refile:%(rows)s
InternalHosts %(client)s
Canonicalization %(header)s/%(body)s
SignatureAlgorithm %(algorithm)s
OversignHeaders From
UserID root
RequireSafeKeys no
"""

DKIMPY = """\
Socket local:%(socket)s
PidFile %(pid)s
Syslog no
Mode s
Domain %(domain)s
%(key)s
InternalHosts %(client)s
Canonicalization %(header)s/%(body)s
UserID root
RequireSafeKeys no
"""


def milterload(sockets, *arguments):
    """Its CompletedProcess."""
    where = [each for place in sockets for each in ("-S", place
        if place.startswith("inet:") else "unix:" + place)]
    return subprocess.run([program("tests/bench/milterload"), *where, "-a",
        CLIENT, *map(str, arguments)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)


def load(sockets, *arguments):
    """What milterload measured."""
    done = milterload(sockets, "--json", *arguments)
    if done.returncode > 1 or not done.stdout:
        raise RuntimeError("milterload: " + done.stderr.decode())
    result = json.loads(done.stdout)
    result["complaints"] = done.stderr.decode()
    return result


def unsigned(result):
    """How many messages went through without a signature, or not at all."""
    answered = result["messages"] - result["verdicts"].get("aborted", 0)
    signed = result["actions"].get("insheader", 0) + result["actions"].get(
        "addheader", 0)
    return answered - signed + sum(result["errors"].values())


def floor(seconds, *what):
    """CPU ms of what the crypto library alone needs, by name."""
    done = subprocess.run([program("tests/bench/floor"), str(seconds),
        *map(str, what)], stdout=subprocess.PIPE, check=True)
    return {name: float(ms) for name, ms in (line.split() for line in
        done.stdout.decode().splitlines())}
