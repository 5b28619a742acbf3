"""The measuring programs measure: a short run of each, whose figures are there
and whose messages are all signed. Targets are not held here."""
import json
import os
import socketserver
import subprocess
import sys
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "lib")]

import incoming  # noqa: E402
import netns  # noqa: E402
from daemons import load  # noqa: E402
from policies import PolicydWeight, Postgrey  # noqa: E402
from scene import Scene  # noqa: E402


class Measured(unittest.TestCase):
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

    def policy(self, part):
        return self.bench("policy", "--quick", "--rounds", "1", "--seconds",
            "0.2", "--only", part)[part]


class Bench(Measured):
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

    @unittest.skipUnless(netns.available(), "needs root")
    def test_policy_messages(self):
        for name, rounds in self.policy("messages").items():
            self.assertGreater(rounds[0]["cpu_ms"], 0, name)
            self.assertEqual(rounds[0]["errors"], {}, name)
            if "memcached" in name:
                self.assertGreater(rounds[0]["cache_cpu_ms"], 0, name)

    @unittest.skipUnless(netns.available(), "needs root")
    def test_policy_servers(self):
        found = self.policy("servers")
        for count in "1", "2", "4":
            self.assertGreater(found["updates"][count][0]["per_second"], 0)
        loss = found["loss"]
        self.assertEqual(loss["before"], 100000)
        self.assertAlmostEqual(loss["after"] / (loss["before"] -
            loss["share"]), 1, delta=0.01)

    def test_soak(self):
        found = self.bench("soak", "--messages", "600", "--reloads", "3")
        self.assertEqual(found["lost"], 0)
        self.assertEqual(found["reloads"], 3)
        self.assertEqual(len(found["looks"]), 3)


class Peers(Measured):
    """Those that mostly wait for programs which start slowly."""

    @unittest.skipUnless(netns.available(), "needs root")
    def test_policy_trips(self):
        found = self.policy("trips")
        for kind in "known", "new":
            self.assertEqual(set(found[kind]), {"message", "recipient"})

    @unittest.skipUnless(netns.available() and Postgrey.available,
        "needs root, and postgrey")
    def test_policy_greylist(self):
        for cell, found in self.policy("greylist").items():
            for name in "postern", "postgrey":
                self.assertGreater(found[name][0]["check_cpu_ms"], 0, cell)

    @unittest.skipUnless(netns.available() and PolicydWeight.available,
        "needs root, and policyd-weight")
    def test_policy_lists(self):
        for cell, found in self.policy("lists").items():
            for name in "postern", "policyd-weight":
                self.assertGreater(found[name][0]["check_cpu_ms"], 0, cell)


class PolicyService(socketserver.ThreadingUnixStreamServer):
    """Says of every recipient what is in its address."""

    daemon_threads = True

    def __init__(self, path):
        super().__init__(path, Answers)
        self.asked = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answers(socketserver.StreamRequestHandler):
    def handle(self):
        attributes = {}
        for line in self.rfile:
            name, _, value = line.decode().rstrip("\n").partition("=")
            if name:
                attributes[name] = value
                continue
            self.server.asked.append(attributes)
            self.wfile.write(b"action=%s\n\n" % attributes["recipient"].split(
                "@")[0].replace("_", " ").encode())
            attributes = {}


class Policy(unittest.TestCase):
    """milterload asks policy services."""

    ACTIONS = {"DUNNO": "continue", "PREPEND_X-A: b": "continue",
        "OK": "accept", "DEFER_IF_PERMIT_later": "tempfail",
        "450_4.7.1_later": "reply4xx", "554_never": "reply5xx",
        "REJECT": "reject", "DISCARD": "discard"}

    def setUp(self):
        self.scene = Scene("policy-load")
        self.addCleanup(self.scene.close)
        self.path = self.scene.path("s")
        self.service = PolicyService(self.path)
        self.addCleanup(self.service.server_close)
        self.addCleanup(self.service.shutdown)

    def ask(self, *arguments):
        return load([self.path], "--policy", *arguments)

    def test_actions(self):
        for action, verdict in self.ACTIONS.items():
            result = self.ask("-r", action + "@dest.example")
            self.assertEqual(result["verdicts"], {verdict: 1}, action)

    def test_unknown_action_is_an_error(self):
        result = self.ask("-r", "PERHAPS@dest.example")
        self.assertEqual(result["errors"], {"protocol": 1})

    def test_attributes(self):
        result = self.ask("-n", 4, "-m", 2, "-r", "DUNNO@a.example", "-r",
            "DUNNO@b.example", "--domains", 4, "--clients", 4)
        self.assertEqual(result["messages"], 4)
        asked = self.service.asked
        self.assertEqual(len(asked), 8)
        for each in asked:
            self.assertEqual(each["request"], "smtpd_access_policy")
            self.assertEqual(each["protocol_state"], "RCPT")
        self.assertEqual([each["recipient"] for each in asked[:2]],
            ["DUNNO@a.example", "DUNNO@b.example"])
        self.assertEqual(asked[0]["instance"], asked[1]["instance"])
        for name in "instance", "sender", "client_address":
            self.assertEqual(len({each[name] for each in asked}), 4, name)

    def test_one_recipient_that_passes_is_enough(self):
        for first, second, verdict in (("REJECT", "OK", "accept"),
                ("DUNNO", "REJECT", "continue"),
                ("REJECT", "DEFER", "tempfail")):
            result = self.ask("-r", first + "@a.example", "-r",
                second + "@b.example")
            self.assertEqual(result["verdicts"], {verdict: 1})
        self.assertEqual(len(self.service.asked), 6)


if __name__ == "__main__":
    unittest.main()
