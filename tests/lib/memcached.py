"""Real memcached servers of a scene, and load on them."""
import json
import os
import signal
import socket
import subprocess

from scene import program, tail, wait_until


class Memcached:
    """One server on a loopback port; the same port after a restart."""

    def __init__(self, scene, megabytes=64, port=None):
        self.scene = scene
        self.megabytes = megabytes
        self.port = port or scene.port()
        self.address = "127.0.0.1:%d" % self.port
        self.start()
        scene.on_close(self.kill)

    def start(self):
        """Empty."""
        self.process = self.scene.start(["memcached", "-u", "nobody", "-l",
            "127.0.0.1", "-p", str(self.port), "-t", "1", "-m",
            str(self.megabytes)], log="memcached-%d.log" % self.port)
        wait_until(self.answers, what="memcached:\n" + tail(self.process.log))

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False

    def kill(self):
        self.process.signal(signal.SIGKILL)
        self.process.wait()

    def stall(self):
        self.process.signal(signal.SIGSTOP)

    def go_on(self):
        self.process.signal(signal.SIGCONT)

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.process.pid,
            encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def spec(servers):
    """The value of a Cache setting."""
    return "memcached " + ", ".join(s.address for s in servers)


class CacheLoad:
    """cacheload at work; report() waits for its end."""

    def __init__(self, scene, cache, *options):
        self.popen = subprocess.Popen([program("tests/daemon/cacheload"),
            "--cache", cache, *(str(o) for o in options)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.log = ""
        scene.on_close(self.close)

    def close(self):
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.communicate()

    def report(self, seconds=120):
        out, err = self.popen.communicate(timeout=seconds)
        self.log = err.decode()
        if self.popen.returncode != 0:
            raise RuntimeError("cacheload: exit status %d\n%s" %
                (self.popen.returncode, self.log))
        return json.loads(out)


def load(scene, cache, *options):
    return CacheLoad(scene, cache, *options).report()
