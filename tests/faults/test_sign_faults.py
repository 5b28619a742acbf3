"""postern-sign when something fails: what it refuses, what it survives, and
that no message is lost or leaves unsigned meanwhile."""
import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
import smtp
import verify
from milter import Lost, Milter
from nsd import Nsd
from postfix import Postfix
from scene import Scene, own, wait_until
from service import Load
from signer import Signer, zone_txt
from sink import Sink

CONFIG = 78
IN_USE = 69
SENDER = "sender@d0000000.example"      # milterload's


class Case(unittest.TestCase):
    """A fresh scene with a signer that works, not yet started."""

    def setUp(self):
        self.scene = Scene("faults")
        self.addCleanup(self.scene.close)
        self.signer = Signer(self.scene)
        self.key, self.key_txt = self.signer.key("main")
        self.signer.table("KeyTable", "main d0000000.example:main:" + self.key)
        self.signer.table("SigningTable", "*@d0000000.example main")
        self.signer.configure()

    def load(self, *options, **how):
        return Load(self.scene, self.signer, *options, **how)

    def session(self):
        """An MTA that has sent half of a message."""
        mta = Milter("unix:" + self.signer.socket)
        self.addCleanup(mta.close)
        mta.negotiate()
        mta.greet("localhost", "127.0.0.1")
        mta.mail("<%s>" % SENDER)
        mta.rcpt("<friend@example.net>")
        mta.data()
        mta.header("From", " " + SENDER)
        mta.header("Subject", " half")
        mta.eoh()
        mta.body(b"the first half\r\n")
        return mta

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
        self.signer.table("KeyTable", "main d0000000.example:main:" + self.key,
            "short example.org")
        self.signer.table("SigningTable", "*@d0000000.example main",
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
        self.signer.table("SigningTable", "# a comment", "*@d0000000.example main",
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
        self.refused_under_load(os.path.join(self.signer.dir, "KeyTable"))

    def test_repaired(self):
        """After a refused reload the next good one counts."""
        self.signer.table("SigningTable", "broken")
        self.signer.reload()
        self.signer.table("SigningTable", "*@example.com main")
        self.signer.reload()
        report = self.load(seconds=1).finish()
        self.assertEqual(report["errors"], {})
        self.assertNotIn("insheader", report["actions"])

    def test_message_keeps_its_tables(self):
        """What a message began with decides it; the next has the new."""
        before = self.session()
        key, _ = self.signer.key("next")
        self.signer.table("KeyTable", "main d0000000.example:next:" + key)
        self.signer.reload()
        after = self.session()
        self.assertIn(b" s=main;", self.finish(before))
        self.assertIn(b" s=next;", self.finish(after))

    def finish(self, mta):
        """The signature's value."""
        mta.body(b"the second half\r\n")
        value = mta.eom().inserted()[b"DKIM-Signature"]
        return b" ".join(value.split())

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
        # It stopped listening at once, long before the load ended.
        self.assertEqual(set(report["errors"]), {"connect"}, report)
        self.assertEqual(set(report["verdicts"]), {"accept"})
        self.assertEqual(report["actions"]["insheader"],
            report["verdicts"]["accept"])

    def test_term_waits_for_open_message(self):
        mta = self.session()
        self.signer.process.signal(signal.SIGTERM)
        time.sleep(1.5)
        self.assertTrue(self.signer.process.running())
        mta.body(b"the second half\r\n")
        self.assertIn(b"DKIM-Signature", mta.eom().inserted())
        mta.quit()
        self.assertEqual(self.signer.process.wait(10), 0)

    def test_second_term_ends_at_once(self):
        self.session()
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
        self.assertLess(time.monotonic() - began, 3)
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


class AtTheSocket(Case):
    """What an MTA, or somebody in its place, may do to us."""

    def test_drops_mid_message(self):
        """State of dropped messages goes with them, however many."""
        self.signer.start()
        self.assert_all_signed(self.load(seconds=2).finish())
        files, memory = self.signer.files_open(), self.signer.resident_kb()
        load = self.load(seconds=5)
        for _ in range(1000):
            self.session().close()
        self.assert_all_signed(load.finish())
        wait_until(lambda: self.signer.files_open() <= files, 10,
            "descriptors to be closed")
        self.assertLess(self.signer.resident_kb(), memory + 4096)

    def test_drops_at_every_stage(self):
        self.signer.start()
        stages = [lambda m: m.greet("localhost", "127.0.0.1"),
            lambda m: m.mail("<%s>" % SENDER),
            lambda m: m.rcpt("<friend@example.net>"), lambda m: m.data(),
            lambda m: m.header("From", " " + SENDER),
            lambda m: m.eoh(), lambda m: m.body(b"x\r\n" * 1000),
            lambda m: m.write(b"E")]
        for count in range(len(stages) + 1):
            with Milter("unix:" + self.signer.socket) as mta:
                mta.negotiate()
                for stage in stages[:count]:
                    stage(mta)
        self.assert_all_signed(self.load(seconds=1).finish())

    def test_slow_sessions_hold_up_nobody(self):
        self.signer.start()
        slow = [self.session() for _ in range(100)]
        self.assert_all_signed(self.load(seconds=3).finish(), 100)
        for mta in slow:
            mta.body(b"the second half\r\n")
            self.assertIn(b"DKIM-Signature", mta.eom().inserted())

    def test_silent_session_ends(self):
        """After MilterTimeout, in the middle of a packet too."""
        self.signer.configure(MilterTimeout="10s")
        self.signer.start()
        idle, cut = self.session(), self.session()
        cut.socket.sendall(b"\0\0")
        files = self.signer.files_open()
        for mta in idle, cut:
            mta.socket.settimeout(25)
            with self.assertRaises(Lost):
                mta.read()
        wait_until(lambda: self.signer.files_open() <= files - 2, 5,
            "descriptors to be closed")
        self.assert_all_signed(self.load(seconds=1).finish())

    def test_nonsense(self):
        """Octets that are no milter packets end that session, no more."""
        self.signer.start()
        for octets in b"GET / HTTP/1.0\r\n\r\n", b"\xff" * 64, b"\0" * 64, \
            b"\0\0\0\x01E" * 20, b"\0\0\0\x02DC" * 3, \
            b"\0\0\0\x0dO\0\0\0\0\0\0\0\0\0\0\0\0":
            with Milter("unix:" + self.signer.socket) as mta:
                mta.socket.sendall(octets)
                mta.socket.settimeout(0.3)
                try:
                    while mta.socket.recv(4096):
                        pass
                except OSError:
                    pass
        self.assertTrue(self.signer.process.running())
        self.assert_all_signed(self.load(seconds=1).finish())


class BehindPostfix(Case):
    """A signer that is away makes mail wait; none leaves unsigned."""

    def setUp(self):
        super().setUp()
        self.sink = Sink(self.scene)
        self.postfix = Postfix(self.scene, self.sink.port)
        self.signer = Signer(self.scene, self.postfix.queue, "behind")
        key, text = self.signer.key("main")
        self.signer.table("KeyTable", "main example.org:main:" + key)
        self.signer.table("SigningTable", "*@example.org main")
        self.signer.configure()
        self.dns = Nsd(self.scene, {"example.org": zone_txt(
            "main._domainkey", text)}).start()
        self.postfix.settings.update(
            smtpd_milters=self.signer.postfix_socket,
            non_smtpd_milters=self.signer.postfix_socket)
        self.signer.start()
        self.postfix.start()

    def message(self, subject):
        return smtp.message("user@example.org", "friend@example.net", subject)

    def send(self, subject):
        with smtp.Client(self.postfix.port) as client:
            return client.send("user@example.org", ["friend@example.net"],
                self.message(subject))

    def test_away_and_back(self):
        self.signer.process.signal(signal.SIGKILL)
        self.signer.process.wait()
        with self.assertRaises(smtp.Reply) as caught:
            self.send("while away")
        self.assertEqual(caught.exception.code, 451)
        self.postfix.sendmail("user@example.org", ["friend@example.net"],
            self.message("local"))
        self.postfix.wait_log(r"milter-reject.*4\.7\.1")
        self.signer.start()
        self.send("back again")
        self.postfix.flush()
        for subject in "back again", "local":
            verify.check(self.sink.wait(subject, 60).data, self.dns)
        self.assertEqual(len(self.sink.messages), 2)

    def test_reload_while_mail_flows(self):
        for number in range(10):
            self.send("flow %d" % number)
            self.signer.process.signal(signal.SIGHUP)
        for number in range(10):
            verify.check(self.sink.wait("flow %d" % number).data, self.dns)


if __name__ == "__main__":
    unittest.main()
