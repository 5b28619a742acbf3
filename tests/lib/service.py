"""One of our daemons in a scene: its configuration, notify socket, log and
counters; and milterload against it."""
import glob
import json
import os
import pwd
import re
import signal
import socket
import threading
import time

from scene import (SRCDIR, for_anyone, own, program, tail, user_ids,
    wait_until)

READY = b"READY=1"


class Service:
    """program: its place in the build tree; conf: its file in the scene. name
    keeps several in one scene apart."""

    def __init__(self, scene, name, program, conf):
        self.scene = scene
        self.name = name
        self.program = program
        self.conf_name = conf
        self.conf = scene.path(conf)
        self.log_path = scene.path(name + ".log")
        self.settings = {}
        self.process = None
        self.states = []

    def configure(self, **settings):
        """Writes the configuration; a setting that is None is left out, one
        that is a list has a line for each."""
        self.settings.update(settings)
        self.scene.write(self.conf_name, "".join("%s\t%s\n" % (name, one)
            for name, value in self.settings.items() if value is not None
            for one in (value if isinstance(value, (list, tuple)) else
            [value])))

    # ---- its life ----

    def start(self, wait=True, options=("-f",), env=None, **how):
        self.states = []
        self.process = self.scene.start([program(self.program), *options,
            "-c", self.conf], log=self.log_path, cwd="/",
            env={**os.environ, "NOTIFY_SOCKET": self._notify_socket(),
            **(env or {})}, **how)
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
                raise RuntimeError("%s ended with status %d:\n%s" %
                    (self.name, self.process.wait(), tail(self.log_path)))
            return self.told(READY)
        wait_until(ready, seconds, self.name + "'s READY=1")

    def reload(self, seconds=30):
        """SIGHUP; returns when the reload is over, done or refused."""
        before = self.told(READY)
        self.process.signal(signal.SIGHUP)
        wait_until(lambda: self.told(READY) > before, seconds, "the reload")

    def stop(self, seconds=35):
        """SIGTERM; its exit status."""
        self.process.signal(signal.SIGTERM)
        return self.process.wait(seconds)

    # ---- what it says ----

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_log(self, pattern, seconds=10):
        return wait_until(lambda: re.search(pattern, self.log()), seconds,
            "%r in the log:\n%s" % (pattern, tail(self.log_path)))

    def counters(self):
        """{metric with labels: value} of the counters file, as it is now."""
        with open(self.settings["CountersFile"]) as file:
            rows = [line.rsplit(" ", 1) for line in file
                if line.strip() and not line.startswith("#")]
        return {name: float(value) for name, value in rows}

    def files_open(self):
        return len(glob.glob("/proc/%d/fd/*" % self.process.pid))

    def resident_kb(self, what="VmRSS"):
        """Memory in use; with "VmHWM" the most there was."""
        with open("/proc/%d/status" % self.process.pid) as file:
            return int(re.search(what + r":\s*(\d+)", file.read()).group(1))

    def cpu_seconds(self):
        """User and system time so far, all threads."""
        with open("/proc/%d/stat" % self.process.pid) as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Unit(Service):
    """A daemon run as its systemd unit would run it: as an unprivileged user
    from the start, its socket in a directory inside Postfix's queue,
    directories with the modes of the unit's tmpfiles.d file. what: "sign" of
    postern-sign; name keeps several of them in one scene apart."""

    def __init__(self, scene, what, socket_root=None, name=None):
        self.unit = "postern-" + what
        name = name or what
        super().__init__(scene, name, "milters/%s/%s" % (what, self.unit),
            "%s/%s.conf" % (name, what))
        self.user = unit_user(self.unit)
        self.modes = installed_modes(self.unit)
        root = socket_root or scene.mkdir("run")
        self.socket_dir = os.path.join(root, self.unit)
        os.makedirs(self.socket_dir, exist_ok=True)
        own(self.socket_dir, self.modes[self.unit], self.user, "postfix")
        self.socket = os.path.join(self.socket_dir, name)
        # As in main.cf: relative to the queue directory.
        self.postfix_socket = "unix:%s/%s" % (self.unit, name)
        self.dir = scene.mkdir(name)
        self.run = scene.mkdir(name + "/run", 0o755, self.user)
        self.settings = {
            "Socket": "unix:" + self.socket,
            "CountersFile": os.path.join(self.run, "counters.prom"),
            "PidFile": os.path.join(self.run, "pid"),
        }

    def table(self, name, *rows):
        return self.scene.write("%s/%s" % (self.name, name),
            "".join(row + "\n" for row in rows))

    def start(self, wait=True):
        return super().start(wait, user=self.user, umask=unit_umask(self.unit))

    def check(self):
        """The program's -n as the daemon's user: (status, what it said)."""
        done = self.scene.run(["setpriv", "--reuid", self.user, "--regid",
            str(user_ids(self.user)[1]), "--clear-groups",
            for_anyone(program(self.program)), "-n", "-c", self.conf],
            check=False, cwd="/")
        return done.returncode, done.stdout + done.stderr

    def decision(self, queue_id, seconds=10):
        """The {key: value} of the line about that message; a key that comes
        several times has its last value."""
        line = self.wait_log(r"(?m)^<\d>%s: (.*)$" % queue_id,
            seconds).group(1)
        pairs = re.findall(r'(\S+?)=("(?:[^"\\]|\\.)*"|\S*)', line)
        return {key: value.strip('"') for key, value in pairs}


def unit_user(unit):
    """The unit's user where it was installed; else another nobody uses."""
    for name in unit, "opendkim", "nobody":
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            pass
    raise RuntimeError("no unprivileged user")


def installed_modes(unit):
    """{directory's last name: mode} as systemd/*.tmpfiles.in lays them out."""
    path = os.path.join(SRCDIR, "systemd", unit + ".tmpfiles.in")
    with open(path) as file:
        lines = [line.split() for line in file if line.startswith("d ")]
    return {os.path.basename(line[1]): int(line[2], 8) for line in lines}


def unit_umask(unit):
    path = os.path.join(SRCDIR, "systemd", unit + ".service.in")
    with open(path) as file:
        return int(re.search(r"(?m)^UMask=(\d+)", file.read()).group(1), 8)


class Load:
    """milterload against a Unit, in the background; its client is local unless
    options say another."""

    def __init__(self, scene, daemon, *options, concurrency=8, seconds=10):
        self.path = scene.path("load-%d.json" % time.monotonic_ns())
        self.process = scene.start([program("tests/bench/milterload"), "-S",
            "unix:" + daemon.socket, "--json", "-c", str(concurrency), "-t",
            str(seconds), "--client", "127.0.0.1", "--client-name",
            "localhost", *options], log=self.path, env={**os.environ,
            "ASAN_OPTIONS": "detect_leaks=0"})  # it ends, with all it has
        self.seconds = seconds

    def finish(self):
        """Its report."""
        self.process.wait(self.seconds + 60)
        with open(self.path) as file:
            text = file.read()
        report = json.loads(text[text.index("{"):])
        report["said"] = text[:text.index("{")]
        return report


def listen(notify, states):
    with notify:
        while data := notify.recv(65536):
            states += data.split(b"\n")
