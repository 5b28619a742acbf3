"""postern message policy: what it prints, in words and in JSON, how it ends, and
that it leaves everything as it was."""
import json
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
import lists
from dnsserver import DnsServer
from lists import BOTH, GOOD, PLAIN, SPAMMER
from milter import Milter
from policy import Policy
from scene import Scene, program

ACCEPTED, USAGE, REFUSED, NOINPUT, DEFERRED, CONFIG = 0, 64, 65, 66, 75, 78
MESSAGE = (b"From: Joe <joe@plain.test>\r\nTo: ann@example.net\r\n"
    b"Subject: hello\r\n\r\nA line.\r\n")
RULES = ["DnsList bl.test weight=5 codes=127.0.0.2-9",
    "DnsList wl.test weight=-3 codes=127.0.10.0/24",
    "HostCheck helo-not-fqdn weight=1.5", "HostCheck ptr-none weight=1",
    "ScoreReject 5", "ScoreDefer 4", "ScoreHeader yes"]
TOP_KEYS = ["verdict", "direction", "exempt", "score", "findings",
    "recipients", "fields", "queries", "path"]


def envelope(client, helo=None, *recipients):
    arguments = ["--client-addr", client[0], "--client-name", client[1],
        "--helo", helo or client[1], "--mail-from", "joe@plain.test"]
    for recipient in recipients or ("ann@example.net",):
        arguments += ["--rcpt", recipient]
    return arguments


class Case(unittest.TestCase):
    def setUp(self):
        self.scene = Scene("message-policy")
        self.addCleanup(self.scene.close)
        self.dns = DnsServer(lists.zone_text()).start()
        self.addCleanup(self.dns.stop)
        self.configure(*RULES)

    def configure(self, *lines):
        self.conf = self.scene.write("policy.conf", "".join(line + "\n"
            for line in ("Nameservers " + self.dns.address, *lines)))

    def run_it(self, *arguments, status=ACCEPTED, data=MESSAGE):
        """(what it printed, what it said besides)."""
        argv = [program("admin/postern"), "message", "policy", *arguments,
            "-c", self.conf, "-"]
        done = subprocess.run(argv, input=data, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=60, cwd=self.scene.dir)
        self.assertEqual(done.returncode, status, "%s\n%s%s" %
            (" ".join(argv), done.stdout.decode(), done.stderr.decode()))
        return done.stdout.decode(), done.stderr.decode()

    def report(self, *arguments, **how):
        report = json.loads(self.run_it(*arguments, "--json", **how)[0])
        self.assertEqual(list(report), TOP_KEYS)
        return report


class Words(Case):
    def test_nothing_is_found(self):
        self.assertEqual(self.run_it(*envelope(PLAIN)), ("score 0\n"
            "X-Postern-Score: 0\nverdict: accept\n", ""))

    def test_refused(self):
        out, _ = self.run_it(*envelope(SPAMMER, "localhost"), status=REFUSED)
        self.assertIn("dnslist bl.test +5: 192.0.2.66 is in bl.test "
            "(127.0.0.", out)
        self.assertIn("hostname helo-not-fqdn +1.5: HELO localhost is no full "
            "host name\n", out)
        self.assertIn("\nscore 7.5\n", out)
        self.assertRegex(out, r"\nverdict: reject 550 5\.7\.1 .*192\.0\.2\.66")

    def test_weighed(self):
        out, _ = self.run_it(*envelope(BOTH))
        self.assertIn("dnslist wl.test -3: ", out)
        self.assertIn("\nscore 2\n", out)

    def test_deferred(self):
        self.configure("DnsList bl.test weight=4", *RULES[4:])
        out, _ = self.run_it(*envelope(BOTH), status=DEFERRED)
        self.assertRegex(out, r"\nverdict: tempfail 45\d 4\.7\.1 ")

    def test_monitored(self):
        self.configure("MonitorOnly yes", *RULES)
        out, _ = self.run_it(*envelope(SPAMMER))
        self.assertIn("bl.test +5 monitored: ", out)
        self.assertIn("verdict: accept\n", out)

    def test_our_own_user(self):
        out, _ = self.run_it(*envelope(SPAMMER, "localhost"), "--auth=joe")
        self.assertIn("score 0\n", out)
        self.assertEqual(self.dns.count(), 0)

    def test_the_path(self):
        self.configure("DnsList odd.test weight=1", *RULES)
        out, _ = self.run_it(*envelope(GOOD), "--explain")
        self.assertIn("DnsList odd.test: no answer for 192.0.2.10 "
            "(127.255.255.254)\n", out)
        self.assertTrue(out.endswith("verdict: accept\n"))

    def test_another_name_server(self):
        self.configure("Nameservers 127.0.0.1@1", *RULES)
        self.run_it(*envelope(SPAMMER))
        self.run_it(*envelope(SPAMMER), "--nameserver", self.dns.address,
            status=REFUSED)


class Json(Case):
    def test_the_object(self):
        report = self.report(*envelope(BOTH))
        self.assertEqual(report["verdict"], {"action": "accept", "code": 250,
            "text": ""})
        self.assertEqual((report["direction"], report["exempt"],
            report["score"]), ("in", False, 2))
        self.assertEqual(report["findings"][0], {"check": "dnslist",
            "rule": "bl.test", "weight": 5, "action": "none",
            "reason": "192.0.2.68 is in bl.test (127.0.0.2)",
            "monitored": False, "for_recipient": False})
        self.assertEqual(report["findings"][1]["weight"], -3)
        self.assertEqual(report["recipients"], [{"path": "<ann@example.net>",
            "result": "accepted"}])
        self.assertEqual(report["fields"], ["X-Postern-Score: 2 "
            "(dnslist/bl.test=5 dnslist/wl.test=-3)"])
        self.assertIn(("68.2.0.192.bl.test", "A"), {(q["name"], q["type"])
            for q in report["queries"]})

    def test_refused(self):
        report = self.report(*envelope(SPAMMER), status=REFUSED)
        self.assertEqual(report["verdict"]["code"], 550)
        self.assertEqual([r["result"] for r in report["recipients"]],
            ["refused"])
        self.assertEqual(report["fields"], [])

    def test_fractions(self):
        self.configure("HostCheck helo-not-fqdn weight=-0.05")
        self.assertEqual(self.report(*envelope(PLAIN, "x"))["score"], -0.05)


class State(Case):
    def test_nothing_is_made(self):
        cache = self.scene.path("cache")
        secret = self.scene.path("secret")
        self.configure("CacheFile " + cache, "CacheSecretFile " + secret,
            "Greylist delay=5m share-for=0", *RULES)
        before = sorted(os.listdir(self.scene.dir))
        for _ in range(2):
            self.run_it(*envelope(PLAIN), status=DEFERRED)
        self.assertEqual(sorted(os.listdir(self.scene.dir)), before)


    def test_what_the_daemon_saved(self):
        """A message that waits has waited long enough an hour later; without
        that file it would be new."""
        daemon = Policy(self.scene, Greylist="delay=10m share-for=0")
        daemon.start()
        with Milter(daemon.settings["Socket"]) as mta:
            mta.negotiate()
            mta.greet(PLAIN[1], PLAIN[0])
            outcome = mta.send("<joe@plain.test>", ["<ann@example.net>"])
            self.assertTrue(outcome.text.startswith("4"), outcome)
        self.assertEqual(daemon.stop(), 0)
        cache = daemon.settings["CacheFile"]
        with open(cache, "rb") as file:
            saved = file.read()
        later = "%d" % (time.time() + 3600)
        self.conf = daemon.conf
        self.run_it(*envelope(PLAIN), status=DEFERRED)
        self.run_it(*envelope(PLAIN), "--at", later)
        with open(cache, "rb") as file:
            self.assertEqual(file.read(), saved)
        os.unlink(cache)
        self.run_it(*envelope(PLAIN), "--at", later, status=DEFERRED)
        self.scene.write(os.path.relpath(cache, self.scene.dir), "no cache\n")
        _, err = self.run_it(*envelope(PLAIN), "--at", later, status=DEFERRED)
        self.assertIn("judged as with an empty cache", err)


class Usage(Case):
    def test_what_is_missing(self):
        whole = envelope(PLAIN)
        for option in "--client-addr", "--helo", "--mail-from", "--rcpt":
            at = whole.index(option)
            with self.subTest(option):
                out, err = self.run_it(*whole[:at], *whole[at + 2:],
                    status=USAGE)
                self.assertIn(option + " is missing", err)
                self.assertEqual(out, "")

    def test_a_bad_configuration(self):
        self.configure("DnsList bl.test weight=much")
        self.assertIn("policy.conf:2: error: DnsList", self.run_it(
            *envelope(PLAIN), status=CONFIG)[1])


if __name__ == "__main__":
    unittest.main()
