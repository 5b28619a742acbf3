"""One of our daemons in a scene: its configuration, notify socket, log and
counters."""
import glob
import os
import re
import signal
import socket
import threading

from scene import program, tail, wait_until

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
        """Writes the configuration; a setting that is None is left out."""
        self.settings.update(settings)
        self.scene.write(self.conf_name, "".join("%s\t%s\n" % item
            for item in self.settings.items() if item[1] is not None))

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

    def resident_kb(self):
        with open("/proc/%d/status" % self.process.pid) as file:
            return int(re.search(r"VmRSS:\s*(\d+)", file.read()).group(1))


def listen(notify, states):
    with notify:
        while data := notify.recv(65536):
            states += data.split(b"\n")
