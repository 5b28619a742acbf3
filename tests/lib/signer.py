"""postern-sign in a scene, run as its systemd unit would run it: as an
unprivileged user from the start, its socket in a directory inside Postfix's
queue, keys and directories with the modes of the unit's tmpfiles.d file."""
import base64
import glob
import json
import os
import pwd
import re
import signal
import socket
import subprocess
import threading
import time

from scene import SRCDIR, own, program, tail, user_ids, wait_until

SOCKET_DIRECTORY = "postern-sign"
READY = b"READY=1"


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


class Signer:
    """One daemon: its configuration, keys, tables, log and counters. name
    keeps several in one scene apart."""

    def __init__(self, scene, socket_root=None, name="sign"):
        self.scene = scene
        self.name = name
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
        self.conf = os.path.join(self.dir, "sign.conf")
        self.log_path = scene.path(name + ".log")
        self.settings = {
            "Socket": "unix:" + self.socket,
            "KeyTable": os.path.join(self.dir, "KeyTable"),
            "SigningTable": "refile:" + os.path.join(self.dir,
                "SigningTable"),
            "CountersFile": os.path.join(self.run, "counters.prom"),
            "PidFile": os.path.join(self.run, "pid"),
        }
        self.process = None
        self.states = []

    # ---- what an admin writes ----

    def configure(self, **settings):
        """Writes sign.conf; a setting that is None is left out."""
        self.settings.update(settings)
        self.scene.write(self.name + "/sign.conf", "".join("%s\t%s\n" % item
            for item in self.settings.items() if item[1] is not None))

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

    # ---- its life ----

    def start(self, wait=True):
        self.states = []
        env = dict(os.environ, NOTIFY_SOCKET=self._notify_socket())
        self.process = self.scene.start([program(
            "milters/sign/postern-sign"), "-f", "-c", self.conf],
            log=self.log_path, env=env, user=self.user, cwd="/",
            umask=unit_umask())
        if wait:
            self.wait_ready()
        return self

    def _notify_socket(self):
        """Somebody who reads what systemd would, as soon as it is said."""
        path = self.scene.path(self.name + ".notify")
        if os.path.exists(path):
            os.unlink(path)
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(path)
        os.chmod(path, 0o777)
        self.scene.on_close(lambda: notify.shutdown(socket.SHUT_RD))
        threading.Thread(target=listen, args=(notify, self.states),
            daemon=True).start()
        return path

    def told(self, state):
        """How often it has told systemd so."""
        return self.states.count(state)

    def wait_ready(self, seconds=20):
        def ready():
            if not self.process.running():
                raise RuntimeError("postern-sign ended with status %d:\n%s" %
                    (self.process.wait(), tail(self.log_path)))
            return self.told(READY)
        wait_until(ready, seconds, "postern-sign's READY=1")

    def reload(self, seconds=30):
        """SIGHUP; returns when the reload is over, done or refused."""
        before = self.told(READY)
        self.process.signal(signal.SIGHUP)
        wait_until(lambda: self.told(READY) > before, seconds, "the reload")

    def stop(self, seconds=35):
        """SIGTERM; its exit status."""
        self.process.signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def check(self):
        """postern-sign -n as the daemon's user: (status, what it said)."""
        done = self.scene.run(["setpriv", "--reuid", self.user, "--regid",
            str(user_ids(self.user)[1]), "--clear-groups", program(
            "milters/sign/postern-sign"), "-n", "-c", self.conf], check=False,
            cwd="/")
        return done.returncode, done.stdout + done.stderr

    # ---- what it says ----

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_log(self, pattern, seconds=10):
        return wait_until(lambda: re.search(pattern, self.log()), seconds,
            "%r in the log:\n%s" % (pattern, tail(self.log_path)))

    def decision(self, queue_id, seconds=10):
        """The {key: value} of the line about that message; a key that comes
        several times has its last value."""
        line = self.wait_log(r"(?m)^<\d>%s: (.*)$" % queue_id,
            seconds).group(1)
        pairs = re.findall(r'(\S+?)=("(?:[^"\\]|\\.)*"|\S*)', line)
        return {key: value.strip('"') for key, value in pairs}

    def counters(self):
        """{metric with labels: value} of the counters file, as it is now."""
        with open(self.settings["CountersFile"]) as file:
            rows = [line.rsplit(" ", 1) for line in file
                if line.strip() and not line.startswith("#")]
        return {name: float(value) for name, value in rows}

    def files_open(self):
        return len(glob.glob("/proc/%d/fd/*" % self.process.pid))

    def resident_kb(self):
        with open("/proc/%d/status" % self.process.pid) as file:
            return int(re.search(r"VmRSS:\s*(\d+)", file.read()).group(1))


def listen(notify, states):
    with notify:
        while data := notify.recv(65536):
            states += data.split(b"\n")


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
