"""The measuring programs measure: a short run of each, whose figures are there
and whose messages are all signed. Targets are not held here."""
import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "lib")]

import incoming  # noqa: E402
import netns  # noqa: E402
from scene import Scene  # noqa: E402


class Bench(unittest.TestCase):
    def setUp(self):
        self.scene = Scene("bench-test")
        self.addCleanup(self.scene.close)

    def bench(self, *arguments):
        """What the run wrote to its --json file."""
        path = self.scene.path("figures")
        done = subprocess.run([os.path.join(HERE, "run"), *arguments,
            "--json", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout.decode())
        with open(path) as file:
            return json.load(file)

    def test_sign(self):
        found = self.bench("sign", "--quick", "--rounds", "1", "--seconds",
            "0.2", "--only", "ed25519 2 KB c=10 relaxed/relaxed")
        self.assertEqual(len(found["cells"]), 1)
        measured = found["cells"][0]["rounds"][0]
        for name in "empty", "postern":
            self.assertGreater(measured[name]["cpu_ms"], 0, name)
            self.assertEqual(measured[name]["errors"], {}, name)
        self.assertGreater(measured["floor"], measured["empty"]["cpu_ms"])
        self.assertEqual(measured["postern"]["actions"]["insheader"],
            measured["postern"]["messages"])

    @unittest.skipUnless(netns.available() and incoming.dkim,
        "needs root, and python3-dkim")
    def test_verify(self):
        found = self.bench("verify", "--quick", "--rounds", "1", "--seconds",
            "0.2", "--only", "2 KB signed", "--without", "rspamd")
        self.assertEqual(len(found["cells"]), 1)
        measured = found["cells"][0]["rounds"][0]
        for name, result in measured.items():
            if name != "floor":
                self.assertGreater(result["cpu_ms"], 0, name)
                self.assertEqual(result["errors"], {}, name)
        for name in "postern", "postern-dkim":
            self.assertEqual(measured[name]["actions"]["insheader"],
                measured[name]["messages"], name)
        if "opendkim+opendmarc" in measured:
            # One field of the first, two of the second.
            both = measured["opendkim+opendmarc"]
            self.assertEqual(both["actions"]["insheader"],
                3 * both["messages"])

    def test_soak(self):
        found = self.bench("soak", "--messages", "600", "--reloads", "3")
        self.assertEqual(found["lost"], 0)
        self.assertEqual(found["reloads"], 3)
        self.assertEqual(len(found["looks"]), 3)


if __name__ == "__main__":
    unittest.main()
