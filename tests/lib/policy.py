"""postern-policy in a scene (service.py), with its state and control socket."""
import os
import re

from scene import program
from service import Unit


class Policy(Unit):
    """One daemon: its configuration, tables, state, log and counters. Settings
    that are rules may be lists."""

    def __init__(self, scene, socket_root=None, name="policy", secret=None,
        **settings):
        super().__init__(scene, "policy", socket_root, name)
        self.state = scene.mkdir(name + "/state", 0o700, self.user)
        self.settings.update({
            "ControlSocket": os.path.join(self.run, "control"),
            "CacheFile": os.path.join(self.state, "cache"),
            "CacheSecretFile": secret or os.path.join(self.state,
                "cache.secret"),
        })
        self.configure(**settings)

    def ask(self, *words):
        """postern WORDS, put to this daemon: (status, output, error)."""
        done = self.scene.run([program("admin/postern"), *words, "--socket",
            self.settings["ControlSocket"]], check=False)
        return done.returncode, done.stdout, done.stderr

    def lines(self, pattern=""):
        """The log's lines about messages, as {key: [values]}, oldest first."""
        found = []
        for line in re.findall(r"(?m)^<\d>(\S+: action=.*)$", self.log()):
            if not re.search(pattern, line):
                continue
            pairs = re.findall(r'(\S+?)=("(?:[^"\\]|\\.)*"|\S*)', line)
            fields = {"queue_id": [line.split(":", 1)[0]]}
            for key, value in pairs:
                fields.setdefault(key, []).append(value.strip('"'))
            found.append(fields)
        return found

    def count(self, row):
        """What a row of the counters file says; 0 where it is not there."""
        return self.counters().get(row, 0)
