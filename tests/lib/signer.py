"""postern-sign in a scene, run as its systemd unit would run it: as an
unprivileged user from the start, its socket in a directory inside Postfix's
queue, keys and directories with the modes of the unit's tmpfiles.d file."""
import base64
import json
import os
import pwd
import re
import subprocess
import time

from scene import SRCDIR, for_anyone, own, program, user_ids
from service import Service

SOCKET_DIRECTORY = "postern-sign"


def unit_user():
    """The unit's user where it was installed; else another nobody uses."""
    for name in "postern-sign", "opendkim", "nobody":
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            pass
    raise RuntimeError("no unprivileged user")


def installed_modes():
    """{directory's last name: mode} as systemd/*.tmpfiles.in lays them out."""
    path = os.path.join(SRCDIR, "systemd", "postern-sign.tmpfiles.in")
    with open(path) as file:
        lines = [line.split() for line in file if line.startswith("d ")]
    return {os.path.basename(line[1]): int(line[2], 8) for line in lines}


def unit_umask():
    path = os.path.join(SRCDIR, "systemd", "postern-sign.service.in")
    with open(path) as file:
        return int(re.search(r"(?m)^UMask=(\d+)", file.read()).group(1), 8)


class Signer(Service):
    """One daemon: its configuration, keys, tables, log and counters. name
    keeps several in one scene apart."""

    def __init__(self, scene, socket_root=None, name="sign"):
        super().__init__(scene, name, "milters/sign/postern-sign",
            name + "/sign.conf")
        self.user = unit_user()
        modes = installed_modes()
        root = socket_root or scene.mkdir("run")
        self.socket_dir = os.path.join(root, SOCKET_DIRECTORY)
        os.makedirs(self.socket_dir, exist_ok=True)
        own(self.socket_dir, modes[SOCKET_DIRECTORY], self.user, "postfix")
        self.socket = os.path.join(self.socket_dir, name)
        # As in main.cf: relative to the queue directory.
        self.postfix_socket = "unix:%s/%s" % (SOCKET_DIRECTORY, name)
        self.dir = scene.mkdir(name)
        self.keys = scene.mkdir(name + "/keys", modes["keys"], self.user)
        self.run = scene.mkdir(name + "/run", 0o755, self.user)
        self.settings = {
            "Socket": "unix:" + self.socket,
            "KeyTable": os.path.join(self.dir, "KeyTable"),
            "SigningTable": "refile:" + os.path.join(self.dir,
                "SigningTable"),
            "CountersFile": os.path.join(self.run, "counters.prom"),
            "PidFile": os.path.join(self.run, "pid"),
        }

    def table(self, name, *rows):
        return self.scene.write("%s/%s" % (self.name, name),
            "".join(row + "\n" for row in rows))

    def key(self, name, kind="rsa", bits=2048):
        """A key file made by openssl; (path, DNS text of its record)."""
        path = os.path.join(self.keys, name + ".private")
        make = ["openssl", "genpkey", "-quiet", "-out", path, "-algorithm"]
        make += ["RSA", "-pkeyopt", "rsa_keygen_bits:%d" % bits] \
            if kind == "rsa" else ["ED25519"]
        if subprocess.run(make, stderr=subprocess.DEVNULL).returncode != 0:
            make.remove("-quiet")       # unknown before OpenSSL 3.1
            subprocess.run(make, check=True, stderr=subprocess.DEVNULL)
        own(path, 0o600, self.user)
        return path, record(path, kind)

    def start(self, wait=True):
        return super().start(wait, user=self.user, umask=unit_umask())

    def check(self):
        """postern-sign -n as the daemon's user: (status, what it said)."""
        done = self.scene.run(["setpriv", "--reuid", self.user, "--regid",
            str(user_ids(self.user)[1]), "--clear-groups", for_anyone(program(
            "milters/sign/postern-sign")), "-n", "-c", self.conf],
            check=False, cwd="/")
        return done.returncode, done.stdout + done.stderr

    def decision(self, queue_id, seconds=10):
        """The {key: value} of the line about that message; a key that comes
        several times has its last value."""
        line = self.wait_log(r"(?m)^<\d>%s: (.*)$" % queue_id,
            seconds).group(1)
        pairs = re.findall(r'(\S+?)=("(?:[^"\\]|\\.)*"|\S*)', line)
        return {key: value.strip('"') for key, value in pairs}


def record(path, kind):
    """What is to stand in DNS for a private key, by openssl alone."""
    der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout",
        "-outform", "DER"], check=True, stdout=subprocess.PIPE).stdout
    if kind == "ed25519":
        der = der[-32:]         # RFC 8463: the bare key
    return "v=DKIM1; k=%s; p=%s" % (kind, base64.b64encode(der).decode())


def zone_txt(name, text):
    """A TXT record for a zone file, in strings of at most 255."""
    return "%s IN TXT ( %s )" % (name, " ".join('"%s"' % text[i:i + 250]
        for i in range(0, len(text), 250)))


class Load:
    """milterload against a signer, in the background."""

    def __init__(self, scene, signer, *options, concurrency=8, seconds=10):
        self.path = scene.path("load-%d.json" % time.monotonic_ns())
        self.process = scene.start([program("tests/bench/milterload"), "-S",
            "unix:" + signer.socket, "--json", "-c", str(concurrency), "-t",
            str(seconds), "--client", "127.0.0.1", "--client-name",
            "localhost", *options], log=self.path)
        self.seconds = seconds

    def finish(self):
        """Its report."""
        self.process.wait(self.seconds + 60)
        with open(self.path) as file:
            text = file.read()
        report = json.loads(text[text.index("{"):])
        report["said"] = text[:text.index("{")]
        return report
