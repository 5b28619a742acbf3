"""memcached servers of a test's own."""
import socket

from scene import wait_until


class Memcached:
    """One server, at a loopback port or, with path, on a Unix socket. It may be
    stopped and started again at the same place, then empty."""

    def __init__(self, scene, name="memcached", path=None, megabytes=64,
        threads=2):
        self.scene, self.name, self.path = scene, name, path
        self.port = None if path else scene.port()
        self.spec = path or "127.0.0.1:%d" % self.port
        self.options = ["-u", "nobody", "-m", str(megabytes), "-t",
            str(threads), "-c", "4096"] + (["-s", path, "-a", "0777"] if path
            else ["-l", "127.0.0.1", "-p", str(self.port), "-U", "0"])
        self.process = None

    def start(self):
        self.process = self.scene.start(["memcached", *self.options],
            log=self.name + ".log")
        wait_until(self._answers, 20, self.name)
        return self

    def _answers(self):
        try:
            self.ask("version")
            return True
        except OSError:
            return False

    def stop(self):
        self.process.stop()

    def signal(self, number):
        self.process.signal(number)

    def connect(self):
        if self.path:
            made = socket.socket(socket.AF_UNIX)
            made.settimeout(5)
            made.connect(self.path)
            return made
        return socket.create_connection(("127.0.0.1", self.port), 5)

    def ask(self, command):
        """The lines of its answer, to END or the only one."""
        lines = []
        with self.connect() as s, s.makefile("rwb") as file:
            file.write(command.encode() + b"\r\n")
            file.flush()
            for line in file:
                lines.append(line.decode().rstrip("\r\n"))
                if lines[-1] == "END" or not lines[-1].startswith(
                        ("STAT ", "VALUE ", "ITEM ")):
                    break
        return lines

    def stats(self):
        """Its counters, as numbers where they are."""
        rows = [line.split(" ", 2) for line in self.ask("stats")
            if line.startswith("STAT ")]
        return {name: int(value) if value.isdigit() else value
            for _, name, value in rows}
