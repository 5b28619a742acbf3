"""What a real Postfix makes of the driver's replies and edits."""
import os
import re
import shutil
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from filterd import Filter
from postfix import DAEMONS, Postfix
from scene import Scene
from sink import Sink
import smtp

SENDER, RECIPIENT = "a@example.org", "b@example.net"


@unittest.skipUnless(os.getuid() == 0 and os.access(DAEMONS + "/master",
    os.X_OK) and shutil.which("postfix"), "needs root and Postfix")
class BehindPostfix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = Scene("postfix")
        cls.addClassCleanup(cls.scene.close)
        cls.sink = Sink(cls.scene)
        cls.postfix = Postfix(cls.scene, cls.sink.port)
        cls.filter = Filter(cls.scene)
        cls.filter.configure(SocketGroup="postfix", Socket="unix:" +
            os.path.join(cls.postfix.milter_dir, "test"))
        cls.first = dict(cls.filter.settings)
        cls.filter.start(env={"TESTMILTER_REPLIES": "rcpt"})
        cls.postfix.settings.update(smtpd_milters="unix:milter/test",
            non_smtpd_milters="unix:milter/test")
        cls.postfix.start()

    def settings(self, **settings):
        self.filter.settings = dict(self.first)
        self.filter.configure(**settings)
        self.filter.reload()

    def send(self, subject, recipients=(RECIPIENT,), **more):
        with smtp.Client(self.postfix.port) as client:
            client.send(SENDER, recipients, smtp.message(SENDER, RECIPIENT,
                subject, **more))

    def refused(self, code, *words, **how):
        with self.assertRaises(smtp.Reply) as caught:
            self.send("refused", **how)
        self.assertEqual(caught.exception.code, code)
        for word in words:
            self.assertIn(word, str(caught.exception))

    def test_edits(self):
        self.settings(Echo="yes", Edit="change 1 X-C: changed,"
            "delete 1 X-D,addrcpt <more@example.net>")
        self.send("edits", extra="X-C: old\r\nX-D: one\r\nX-D: two\r\n"
            "X-Probe:\t a\r\n  b \r\n")
        got = self.sink.wait("edits")
        self.assertEqual(got.fields("X-C"), ["changed"])
        self.assertEqual(got.fields("X-D"), ["two"])
        # above Postfix's own Received
        header = got.header().decode()
        self.assertTrue(header.startswith("X-Echo: "), header)
        self.assertIn(r'probe="\x09 a\x0d\x0a  b "', header)
        self.assertRegex(header, r"\n\tid=[0-9A-Za-z]+\r?\n")
        self.assertIn("\tdaemon=", header)
        self.postfix.wait_log(r"to=<more@example\.net>")

    def test_replies(self):
        self.settings(AtEnd="reject 554 5.7.9 100% spam")
        self.refused(554, "5.7.9", "100% spam")
        self.settings(AtHeaders="tempfail")
        self.refused(451, "4.7.1")
        self.settings(AtMail="tempfail 421 4.3.2 closing")
        self.refused(421, "4.3.2 closing")
        self.settings(AtEnd="reject 550 5.7.1 " + "many words " * 100)
        self.refused(550, "many words many")

    def test_one_recipient(self):
        self.settings(AtRcpt="reject 550 5.1.1 not here",
            Refuse="<c@example.net>")
        with smtp.Client(self.postfix.port) as client:
            client.command("MAIL FROM:<%s>" % SENDER)
            client.command("RCPT TO:<%s>" % RECIPIENT)
            with self.assertRaises(smtp.Reply) as caught:
                client.command("RCPT TO:<c@example.net>")
            self.assertIn("550 5.1.1", str(caught.exception))
            self.assertIn("not here", str(caught.exception))
            client.command("DATA", 354)

    def test_quarantine(self):
        self.settings(AtHeaders="quarantine 0 - looks odd")
        self.send("held")
        self.postfix.wait_log(r"milter-hold: .*(looks odd|HOLD)")

    def test_discard_and_accept(self):
        self.settings(AtHeaders="discard")
        self.send("discarded")
        self.postfix.wait_log("milter-discard")
        self.settings(AtHeaders="accept", Echo="yes")
        self.send("accepted", body="x" * 70 + "\r\n")
        self.assertEqual(self.sink.wait("accepted").fields("X-Echo"), [])

    def test_not_by_smtp(self):
        """The sendmail command: RCPT is simulated, and passes."""
        self.settings(Echo="yes")
        self.postfix.sendmail(SENDER, [RECIPIENT], smtp.message(SENDER,
            RECIPIENT, "local"))
        echo = self.sink.wait("local").fields("X-Echo")[0]
        self.assertIn("client=127.0.0.1", echo)
        self.assertTrue(re.search(r"rcpt=<?%s>?" % RECIPIENT, echo), echo)


if __name__ == "__main__":
    unittest.main()
