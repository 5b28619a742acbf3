"""postern-sign when something fails: what it refuses, what it survives, and
that no message is lost or leaves unsigned meanwhile."""
import json
import os
import signal
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
from scene import Scene, own, wait_until
from signer import Load, Signer

CONFIG = 78
IN_USE = 69


class Case(unittest.TestCase):
    """A fresh scene with a signer that works, not yet started."""

    def setUp(self):
        self.scene = Scene("faults")
        self.addCleanup(self.scene.close)
        self.signer = Signer(self.scene)
        self.key, _ = self.signer.key("main", "ed25519")
        self.signer.table("KeyTable", "main example.org:main:" + self.key)
        self.signer.table("SigningTable", "*@example.org main")
        self.signer.configure()

    def load(self, *options, **how):
        return Load(self.scene, self.signer, "--from", "user@example.org",
            *options, **how)

    def assert_all_signed(self, report, least=1):
        """Every message was answered and got its signature."""
        self.assertGreaterEqual(report["messages"], least, report)
        self.assertEqual(report["errors"], {}, report)
        self.assertEqual(report["verdicts"], {"accept": report["messages"]})
        self.assertEqual(report["actions"].get("insheader"),
            report["messages"], report)

    def refuses_to_start(self, *words):
        """Exit status 78, all words in the log; the same by -n."""
        self.signer.start(wait=False)
        self.assertEqual(self.signer.process.wait(20), CONFIG,
            self.signer.log())
        status, said = self.signer.check()
        self.assertEqual(status, CONFIG, said)
        for word in words:
            self.assertIn(word, self.signer.log())
            self.assertIn(word, said)


class AtStart(Case):
    def test_works(self):
        """The ground the other tests stand on."""
        self.signer.start()
        self.assertEqual(self.signer.check()[0], 0)
        self.assert_all_signed(self.load(seconds=1).finish())
        self.assertEqual(self.signer.stop(), 0)
        self.assertFalse(os.path.exists(self.signer.socket))
        self.assertFalse(os.path.exists(self.signer.settings["PidFile"]))

    def test_key_missing(self):
        os.unlink(self.key)
        self.refuses_to_start(self.key, "KeyTable:1:")

    def test_key_garbage(self):
        with open(self.key, "w") as file:
            file.write("-----BEGIN PRIVATE KEY-----\nAAAA\n")
        self.refuses_to_start(self.key, "KeyTable:1:")

    def test_key_unreadable(self):
        own(self.key, 0o600, "root")
        self.refuses_to_start(self.key, "KeyTable:1:")

    def test_key_readable_by_others(self):
        os.chmod(self.key, 0o644)
        self.refuses_to_start(self.key, "KeyTable:1:")

    def test_key_readable_by_others_allowed(self):
        os.chmod(self.key, 0o644)
        self.signer.configure(RequireSafeKeys="no")
        self.signer.start()

    def test_table_rows(self):
        """Everything that is wrong is said at once."""
        self.signer.table("KeyTable", "main example.org:main:" + self.key,
            "short example.org")
        self.signer.table("SigningTable", "*@example.org main",
            "*@example.com other", "lonely")
        self.refuses_to_start("KeyTable:2:", "SigningTable:2:",
            "SigningTable:3:")

    def test_guide_trap(self):
        """The rows of a widely read guide: both names and the fix are said."""
        self.signer.table("KeyTable",
            "mydomain.org mydomain.org:mail:" + self.key)
        self.signer.table("SigningTable",
            "*@mydomain.org mail._domainkey.mydomain.org")
        self.refuses_to_start("SigningTable:1:", "mydomain.org",
            "mail._domainkey.mydomain.org", "KeyTable:1")

    def test_unknown_setting(self):
        self.signer.configure(SigningTabel="x")
        self.refuses_to_start("SigningTabel", "SigningTable")

    def test_socket_directory_missing(self):
        self.signer.configure(Socket="unix:" +
            self.scene.path("nowhere", "socket"))
        self.signer.start(wait=False)
        self.assertEqual(self.signer.process.wait(20), 73)
        self.assertIn(self.scene.path("nowhere"), self.signer.log())

    def test_second_instance(self):
        self.signer.start()
        load = self.load(seconds=3)
        second = self.scene.start(self.signer.process.popen.args, "second.log",
            cwd="/")
        self.assertEqual(second.wait(20), IN_USE)
        with open(second.log) as file:
            self.assertIn(self.signer.socket, file.read())
        self.assert_all_signed(load.finish())


class AtReload(Case):
    def setUp(self):
        super().setUp()
        self.signer.start()

    def refused_under_load(self, *words):
        """The reload is refused, says so, and nobody notices."""
        load = self.load(seconds=4)
        time.sleep(1)
        failures = self.failures()
        self.signer.reload()
        for word in words:
            self.assertIn(word, self.signer.log())
        self.assert_all_signed(load.finish(), 100)
        self.assertTrue(self.signer.process.running())
        # The counters file is made anew every 10 s, and at the end.
        self.assertEqual(self.signer.stop(), 0)
        self.assertEqual(self.failures(), failures + 1)

    def failures(self):
        rows = self.signer.counters() if os.path.exists(
            self.signer.settings["CountersFile"]) else {}
        return sum(value for name, value in rows.items()
            if "reload" in name and "fail" in name)

    def test_broken_row(self):
        self.signer.table("SigningTable", "# a comment", "*@example.org main",
            "*@example.com")
        self.refused_under_load("SigningTable:3:")

    def test_broken_setting(self):
        self.signer.configure(Canonicalization="tidy")
        self.refused_under_load("sign.conf:", "Canonicalization")

    def test_key_missing(self):
        os.unlink(self.key)
        self.refused_under_load(self.key)

    def test_key_garbage(self):
        with open(self.key, "w") as file:
            file.write("nonsense\n")
        self.refused_under_load(self.key)

    def test_key_unreadable(self):
        own(self.key, 0o600, "root")
        self.refused_under_load(self.key)

    def test_all_tables_gone(self):
        os.unlink(os.path.join(self.signer.dir, "KeyTable"))
        os.unlink(os.path.join(self.signer.dir, "SigningTable"))
        self.refused_under_load("KeyTable", "SigningTable")

    def test_repaired(self):
        """After a refused reload the next good one counts."""
        self.signer.table("SigningTable", "broken")
        self.signer.reload()
        self.signer.table("SigningTable", "*@example.com main")
        self.signer.reload()
        report = self.load(seconds=1).finish()
        self.assertEqual(report["errors"], {})
        self.assertNotIn("insheader", report["actions"])

    def test_every_second_under_load(self):
        """SIGHUP each second: none lost, none unsigned, nothing piles up."""
        load = self.load("--per-connection", "5", seconds=12)
        time.sleep(1)
        self.signer.reload()
        files = []
        for _ in range(9):
            time.sleep(1)
            self.signer.reload()
            files.append(self.signer.files_open())
        self.assert_all_signed(load.finish(), 1000)
        wait_until(lambda: self.signer.files_open() < 40, 10,
            "descriptors to be closed: %s" % files)

    def test_reloads_in_a_burst(self):
        load = self.load(seconds=4)
        for _ in range(50):
            self.signer.process.signal(signal.SIGHUP)
            time.sleep(0.02)
        self.assert_all_signed(load.finish(), 100)


class AtStop(Case):
    def setUp(self):
        super().setUp()
        self.signer.start()

    def test_term_under_load(self):
        """Sessions that are open are finished; what comes later finds nobody,
        which Postfix answers by a temporary failure."""
        load = self.load("--per-connection", "20", "--size", "200k",
            seconds=6)
        time.sleep(2)
        self.signer.process.signal(signal.SIGTERM)
        report = load.finish()
        self.assertEqual(self.signer.process.wait(35), 0)
        self.assertEqual(report["errors"], {}, report)
        self.assertEqual(set(report["verdicts"]), {"accept", "connfail"})
        self.assertEqual(report["actions"]["insheader"],
            report["verdicts"]["accept"])
        # It stopped listening at once, long before the load ended.
        self.assertGreater(report["verdicts"]["connfail"], 0)

    def test_term_waits_for_open_message(self):
        client = self.slow_session()
        self.signer.process.signal(signal.SIGTERM)
        time.sleep(1.5)
        self.assertTrue(self.signer.process.running())
        self.assertEqual(client.finish().count("insheader"), 1)
        self.assertEqual(self.signer.process.wait(10), 0)

    def test_second_term_ends_at_once(self):
        self.slow_session()
        self.signer.process.signal(signal.SIGTERM)
        time.sleep(1)
        self.assertTrue(self.signer.process.running())
        self.signer.process.signal(signal.SIGTERM)
        self.signer.process.wait(3)

    def test_kill_and_stale_socket(self):
        self.signer.process.signal(signal.SIGKILL)
        self.signer.process.wait()
        self.assertTrue(os.path.exists(self.signer.socket))
        began = time.monotonic()
        self.signer.start()
        self.assertLess(time.monotonic() - began, 1.5)
        self.assert_all_signed(self.load(seconds=1).finish())

    def test_what_is_in_the_way_is_kept(self):
        """Only a dead socket is removed, never a file."""
        self.signer.stop()
        with open(self.signer.socket, "w") as file:
            file.write("precious")
        self.signer.start(wait=False)
        self.assertEqual(self.signer.process.wait(20), 73)
        with open(self.signer.socket) as file:
            self.assertEqual(file.read(), "precious")


if __name__ == "__main__":
    unittest.main()
