"""What an MTA sees of a filter behind the libmilter driver, stage by stage."""
import os
import re
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from filterd import Filter
import milter
from scene import Scene

STAGES = ["Connect", "Helo", "Mail", "Rcpt", "Headers", "Body", "End"]
# Where the MTA hears of a verdict: by the stage it was given at, without and
# with TESTMILTER_REPLIES.
HEARD_LATE = dict(Connect="eoh", Helo="eoh", Mail="eoh", Rcpt="eoh",
    Headers="eoh", Body="eom", End="eom")
HEARD_AT_ONCE = dict(Connect="connect", Helo="helo", Mail="mail",
    Rcpt="rcpt", Headers="eoh", Body="body", End="eom")
VERSIONS = {
    "version 6": dict(),
    "version 6 without NR": dict(steps=milter.ALL_STEPS & ~0xfd080),
    "version 2": dict(version=2, actions=milter.VERSION_2_ACTIONS,
        steps=milter.VERSION_2_STEPS),
}


def unfold(value):
    return {key: text for key, text in re.findall(
        r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)', value.decode())}


class Case(unittest.TestCase):
    replies = ""

    @classmethod
    def setUpClass(cls):
        cls.scene = Scene("driver")
        cls.addClassCleanup(cls.scene.close)
        cls.filter = Filter(cls.scene)
        cls.first = dict(cls.filter.settings)
        cls.begin()

    @classmethod
    def begin(cls):
        cls.filter.start(env={"TESTMILTER_REPLIES": cls.replies})

    def settings(self, **settings):
        """The first settings and these, in use."""
        self.filter.settings = dict(self.first)
        self.filter.configure(**settings)
        self.filter.reload()

    def one(self, how=None, greet=None, **message):
        """One message in a session of its own: the deciding reply."""
        with self.filter.mta(**(how or {})) as mta:
            return mta.greet(**(greet or {})) or mta.send(**message)

    def assert_all_done(self):
        """Each message that was begun was done once, and no session is left."""
        self.assertEqual(self.filter.stop(), 0)
        self.assertEqual(self.filter.count("messages_begun_total"),
            self.filter.count("messages_done_total"))
        self.assertEqual(self.filter.count("sessions_open"), 0)
        self.assertNotIn("private data", self.filter.log())
        self.begin()


class Verdicts(Case):
    heard = HEARD_LATE

    def test_verdicts(self):
        """Every verdict at every stage."""
        expected = {
            "reject": ("reject", ""),
            "tempfail": ("tempfail", ""),
            "discard": ("discard", ""),
            "accept": ("accept", ""),
            "reject 554 5.7.9 No thanks": ("reply", "554 5.7.9 No thanks"),
            "tempfail 450 4.2.1 50% off":
                ("reply", "450 4.2.1 50%% off"),
            "reject 450 4.2.1 wrong class":
                ("reply", "550 5.7.1 wrong class"),
            "reject 0 - caf\u00e9": ("reply", "550 5.7.1 caf\\xc3\\xa9"),
        }
        for stage in STAGES:
            for text, (verdict, words) in expected.items():
                self.settings(**{"At" + stage: text})
                for name, how in VERSIONS.items():
                    with self.subTest(stage=stage, text=text, mta=name):
                        reply = self.one(how, body=b"x" * 200000)
                        self.assertEqual((reply.verdict, reply.text),
                            (verdict, words))
                        self.assertEqual(reply.stage,
                            self.stage(stage, verdict))
        self.assert_all_done()

    def stage(self, stage, verdict):
        # at the session's stages there is no message yet to be discarded
        if self.heard is HEARD_AT_ONCE and verdict == "discard" and \
                stage in ("Connect", "Helo"):
            return "mail"
        return self.heard[stage]

    def test_quarantine(self):
        for stage in STAGES:
            self.settings(**{"At" + stage: "quarantine 0 - looks odd",
                "Edit": "insert 0 X-A: b"})
            with self.subTest(stage=stage):
                reply = self.one()
                self.assertEqual((reply.verdict, reply.stage),
                    ("accept", "eom"))
                self.assertIn((b"q", b"looks odd\0"), reply.edits)
                # edits are recorded at the end only
                self.assertEqual(len(reply.edits), 2 if stage == "End" else 1)

    def test_long_text(self):
        text = " ".join("word%d" % i for i in range(200))
        self.settings(AtEnd="reject 550 5.7.1 " + text)
        reply = self.one()
        lines = reply.text.split("\r\n")
        self.assertEqual(" ".join(line[10:] for line in lines), text)
        self.assertTrue(all(len(line) <= 510 for line in lines))
        self.assertTrue(all(line.startswith("550-5.7.1 ")
            for line in lines[:-1]), lines)
        self.assertTrue(lines[-1].startswith("550 5.7.1 "))


class VerdictsAtOnce(Verdicts):
    replies = "connect helo mail rcpt body"
    heard = HEARD_AT_ONCE

    def test_one_recipient(self):
        self.settings(AtRcpt="reject 550 5.1.1 no such user",
            Refuse="<b@example.net>", Echo="yes")
        with self.filter.mta() as mta:
            mta.greet()
            mta.mail()
            self.assertEqual(mta.rcpt("<a@example.net>").verdict, "continue")
            refusal = mta.rcpt("<b@example.net>")
            self.assertEqual(refusal.text, "550 5.1.1 no such user")
            self.assertEqual(mta.rcpt("<c@example.net>").verdict, "continue")
            mta.header("From", " a@example.org")
            mta.eoh()
            echo = mta.eom().inserted()[b"X-Echo"].decode()
            self.assertEqual(re.findall(r"rcpt=(\S+)", echo),
                ["<a@example.net>", "<c@example.net>"])

    def test_kept_refusal_is_for_all_recipients(self):
        """Discarding at HELO is told at MAIL; rejecting at MAIL goes at once."""
        self.settings(AtMail="reject")
        with self.filter.mta() as mta:
            mta.greet()
            self.assertEqual(mta.mail().verdict, "reject")
            self.assertEqual(mta.mail("<other@example.org>").verdict,
                "reject")

    def test_skip(self):
        self.settings(AtBody="skip", Echo="yes")
        for name, how in VERSIONS.items():
            with self.subTest(mta=name), self.filter.mta(**how) as mta:
                mta.greet()
                mta.mail()
                mta.rcpt()
                mta.header("From", " a@example.org")
                mta.eoh()
                can_skip = mta.version == 6
                for piece in range(3):
                    reply = mta.body(b"x" * 100)
                    self.assertEqual(reply.verdict,
                        "skip" if can_skip else "continue")
                echo = unfold(mta.eom().inserted()[b"X-Echo"])
                self.assertEqual(echo["body"], "100")


class Messages(Case):
    """What the filter gets, and what becomes of its edits."""

    def echo(self, how=None, greet=None, **message):
        self.settings(Echo="yes")
        reply = self.one(how, greet, **message)
        self.assertEqual(reply.verdict, "accept", reply)
        return unfold(reply.inserted()[b"X-Echo"])

    def test_envelope_and_macros(self):
        for name, how in VERSIONS.items():
            with self.subTest(mta=name):
                echo = self.echo(how, greet={"name": "[192.0.2.9]",
                    "address": "2001:db8::9", "helo": "h.example",
                    "macros": {"{daemon_name}": "mx1"}},
                    sender="<>", macros={"{auth_type}": "PLAIN"},
                    queue_id="4ABC")
                for key, value in dict(client="2001:db8::9",
                    name="[192.0.2.9]", helo="h.example", sender="<>",
                    rcpt="<rcpt@example.net>", id="4ABC", daemon="mx1",
                    auth="PLAIN", headers="2", overflow="0", body="6",
                    pieces="1").items():
                    self.assertEqual(echo[key], value, key)

    def test_client_without_address(self):
        self.assertEqual(self.echo(greet={"address": None})["client"],
            '""')

    def test_header_bytes(self):
        """Leading blanks and folds come through where the MTA sends them."""
        for how, value, got in (
            ("version 6", " a", " a"),
            ("version 6", "a", "a"),
            ("version 6", "\t a\n  b\n\tc ", "\t a\r\n  b\r\n\tc "),
            ("version 6", "", ""),
            ("version 2", " a", " a"),
            ("version 2", " a\n b", " a\r\n b"),
        ):
            with self.subTest(mta=how, value=value):
                echo = self.echo(VERSIONS[how], headers=[
                    ("From", " x@example.org"), ("X-Probe", value)])
                want = got.replace("\r", "\\x0d").replace("\n", "\\x0a") \
                    .replace("\t", "\\x09")
                self.assertEqual(echo["probe"].strip('"'), want)

    def test_long_header(self):
        """Postfix passes fields of 100 KB and more."""
        self.assertEqual(self.echo(headers=[("From", " x@example.org"),
            ("X-Long", " " + "y" * 300000)])["headers"], "2")

    def test_too_much_header(self):
        self.settings(Echo="yes", MaximumHeaders="2k")
        reply = self.one(headers=[("X-%d" % i, " " + "y" * 500)
            for i in range(10)])
        echo = unfold(reply.inserted()[b"X-Echo"])
        self.assertEqual((echo["overflow"], echo["headers"]), ("1", "4"))

    def test_body(self):
        body = bytes(i * 7 % 251 for i in range(1000000))
        total = 0
        for octet in body:
            total = (total * 31 + octet) & 0xffffffff
        echo = self.echo(body=body)
        self.assertEqual((echo["body"], echo["sum"]),
            (str(len(body)), str(total)))

    def test_edits(self):
        self.settings(Edit="insert 0 X-A: one,insert 2 X-B:two,"
            "change 3 X-C: new,delete 2 X-D,addrcpt <x@example.net>,"
            "delrcpt <y@example.net>")
        for name, how in VERSIONS.items():
            space = b" " if name != "version 2" else b""
            with self.subTest(mta=name):
                reply = self.one(how)
                self.assertEqual(reply.verdict, "accept")
                self.assertEqual(reply.edits, [
                    (b"i", b"\0\0\0\0X-A\0" + space + b"one\0"),
                    (b"i", b"\0\0\0\2X-B\0two\0"),
                    (b"m", b"\0\0\0\3X-C\0" + space + b"new\0"),
                    (b"m", b"\0\0\0\2X-D\0\0"),
                    (b"+", b"<x@example.net>\0"),
                    (b"-", b"<y@example.net>\0")])

    def test_folds_of_edits(self):
        reply_value = self.one_echo_value()
        self.assertIn(b"\n\ttoken=", reply_value)
        self.assertNotIn(b"\r", reply_value)

    def one_echo_value(self):
        self.settings(Echo="yes")
        return self.one().inserted()[b"X-Echo"]

    def test_no_edits_of_refused(self):
        self.settings(Edit="insert 0 X-A: one", AtEnd="reject")
        self.assertEqual(self.one().edits, [])


class Agreement(Case):
    """What is negotiated."""

    def negotiated(self, how=None, **settings):
        self.settings(**settings)
        with self.filter.mta(**(how or {})) as mta:
            return mta

    def test_steps(self):
        quiet = milter.NR_CONN | milter.NR_HELO | milter.NR_MAIL | \
            milter.NR_RCPT | milter.NR_HDR | milter.NR_BODY
        always = quiet | milter.LEADSPC | milter.SKIP | milter.NODATA | \
            milter.NOUNKNOWN
        for wants, left_out in (
            ("helo mail rcpt headers body", 0),
            ("mail headers", milter.NOHELO | milter.NORCPT | milter.NOBODY),
            ("rcpt", milter.NOHELO | milter.NOMAIL | milter.NOHDRS |
                milter.NOEOH | milter.NOBODY),
        ):
            with self.subTest(wants=wants):
                mta = self.negotiated(Wants=wants)
                self.assertEqual(hex(mta.steps), hex(always | left_out))
        self.assertEqual(self.negotiated(VERSIONS["version 2"]).steps,
            milter.NR_HDR & milter.VERSION_2_STEPS)

    def test_macros(self):
        mta = self.negotiated(Macros="{mine} x")
        self.assertEqual(mta.wanted, {
            "C": ["{daemon_name}", "{mine}", "x"], "H": ["{mine}", "x"],
            "M": ["{auth_type}", "{mine}", "x"], "R": ["{mine}", "x"],
            "T": ["{mine}", "x"], "E": ["i", "{mine}", "x"],
            "N": ["i", "{mine}", "x"]})
        mta = self.negotiated(dict(actions=milter.ALL_ACTIONS & ~0x100))
        self.assertEqual(mta.wanted, {})

    def test_too_few_actions(self):
        """An MTA that forbids what the filter does is told so by a lost
        connection, and the log says why."""
        with self.assertRaises(milter.Lost):
            self.negotiated(dict(actions=0x10))
        self.filter.wait_log("does not allow what this filter does")

    def test_unwanted_stages(self):
        """A filter without a stage is not called at it even where an old MTA
        goes through it; the message is whole all the same."""
        self.settings(Wants="headers", AtMail="reject", AtHelo="reject",
            AtRcpt="reject", AtBody="reject", Echo="yes")
        for name, how in VERSIONS.items():
            with self.subTest(mta=name):
                self.assertEqual(self.one(how).verdict, "accept")


class Disorder(Case):
    """MTAs that break off or know no order."""

    def begun(self, upto):
        """A session that has come that far."""
        mta = self.filter.mta()
        mta.greet()
        steps = [mta.mail, mta.rcpt, lambda: mta.header("From", " a@b.c"),
            mta.eoh, lambda: mta.body(b"x" * 1000)]
        for step in steps[:upto]:
            step()
        return mta

    def test_drop_abort_quit(self):
        self.settings(Echo="yes")
        for upto in range(6):
            with self.subTest(upto=upto):
                self.begun(upto).close()
                mta = self.begun(upto)
                mta.abort()
                self.assertEqual(mta.send().verdict, "accept")
                mta.quit()
                mta.close()
                mta = self.begun(upto)
                mta.quit()
                mta.close()
        self.assert_all_done()

    def test_wrong_order(self):
        self.settings(Echo="yes")
        with self.begun(3) as mta:      # MAIL in the middle of a header
            self.assertEqual(mta.send(headers=[("X-Probe", " x")]).verdict,
                "accept")
        with self.begun(2) as mta:      # HELO in the middle of a message
            mta.helo("again.example")
            self.assertEqual(unfold(mta.send().inserted()[b"X-Echo"])["helo"],
                "again.example")
        for first in (b"M<a@b.c>\0", b"E", b"Zjunk", b"Ljunk", b"D", b"DZ",
            b"L\0", b"Cx", b"Cx\0004\0", b"Cx\0Q\0\0x\0"):
            with self.subTest(first=first):
                mta = self.filter.mta()
                mta.write(first[:1], first[1:])
                mta.close()
        with self.filter.mta() as mta:
            mta.greet()
            self.assertEqual(mta.send().verdict, "accept")
        self.assert_all_done()

    def test_before_negotiation(self):
        for data in (b"", b"O", b"\0\0\0\1", b"\xff\xff\xff\xffO",
            b"\0\0\0\5Oabcd", b"\0\0\0\1Q", b"\0\0\0\15O" + b"\0" * 12):
            mta = self.filter.connection()
            mta.socket.sendall(data)
            mta.close()
        self.assertEqual(self.one().verdict, "accept")
        self.assert_all_done()

    def test_several_messages(self):
        self.settings(Echo="yes")
        with self.filter.mta() as mta:
            mta.greet()
            for i in range(5):
                reply = mta.send(sender="<%d@example.org>" % i,
                    queue_id="4%d" % i)
                echo = unfold(reply.inserted()[b"X-Echo"])
                self.assertEqual((echo["sender"], echo["id"], echo["body"]),
                    ("<%d@example.org>" % i, "4%d" % i, "6"))
        self.assert_all_done()

    def test_quit_new_connection(self):
        """A connection that goes on after its end passes no message."""
        with self.filter.mta() as mta:
            mta.greet()
            mta.write(b"U", b"STARTTLS\0")
            self.assertEqual(mta.reply().verdict, "continue")
            mta.write(b"K")
            mta.greet(name="other.example")
            self.assertEqual(mta.send().text[:9], "451 4.3.0")
        self.assert_all_done()

    def test_slow_client(self):
        """Who sends half a packet keeps nobody else waiting for long."""
        slow = [self.filter.mta() for _ in range(20)]
        for mta in slow:
            mta.socket.sendall(b"\0\0")
        for _ in range(20):
            began = time.monotonic()
            self.assertEqual(self.one().verdict, "accept")
            self.assertLess(time.monotonic() - began, 5)
        for mta in slow:
            mta.socket.sendall(b"\0\x0bC" + b"x\0U" + b"\0" * 7)
            mta.close()
        self.assert_all_done()


class Silence(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.filter.stop()
        cls.filter.configure(MilterTimeout="10s", EndPause="12s")
        cls.begin()

    def test_timeout(self):
        """Who is silent for too long is cut off; who waits for us is not."""
        idle, cut, working = [self.filter.mta() for _ in range(3)]
        for mta in idle, cut, working:
            mta.greet()
            mta.mail()
            mta.socket.settimeout(14)
        cut.socket.sendall(b"\0\0")
        began = time.monotonic()
        self.assertEqual(working.send().verdict, "accept")
        for mta in idle, cut:
            with self.assertRaises(milter.Lost):
                mta.read()
        self.assertLess(time.monotonic() - began, 14)
        self.assertEqual(working.send().verdict, "accept")
        working.close()
        self.assert_all_done()


class Generations(Case):
    """Sessions that are open while the configuration changes."""

    def token(self, mta):
        return unfold(mta.send().inserted()[b"X-Echo"])["token"]

    def test_next_message_has_new_settings(self):
        self.settings(Echo="yes", Token="old")
        with self.filter.mta() as mta:
            mta.greet()
            self.assertEqual(self.token(mta), "old")
            self.settings(Echo="yes", Token="new")
            self.assertEqual(self.token(mta), "new")

    def test_message_keeps_its_settings(self):
        self.settings(Echo="yes", Token="old")
        with self.filter.mta() as mta:
            mta.greet()
            mta.mail()
            mta.rcpt()
            self.settings(Echo="yes", Token="new")
            mta.header("From", " a@b.c")
            mta.eoh()
            mta.body(b"x")
            echo = unfold(mta.eom().inserted()[b"X-Echo"])
            self.assertEqual(echo["token"], "old")

    def test_more_stages(self):
        """A session that agreed to less keeps the settings it can serve."""
        self.settings(Echo="yes", Token="small", Wants="mail headers")
        with self.filter.mta() as old:
            old.greet()
            self.settings(Echo="yes", Token="large",
                Wants="mail headers body")
            self.assertEqual(self.token(old), "small")
            with self.filter.mta() as new:
                new.greet()
                self.assertEqual(self.token(new), "large")
            self.settings(Echo="yes", Token="medium", Wants="mail headers")
            self.assertEqual(self.token(old), "medium")
        self.assert_all_done()

    def test_more_macros(self):
        self.settings(Echo="yes", Token="old")
        with self.filter.mta() as old:
            old.greet()
            self.settings(Echo="yes", Token="new", Macros="{more}")
            self.assertEqual(self.token(old), "old")
            self.settings(Echo="yes", Token="newer")
            self.assertEqual(self.token(old), "newer")

    def test_idle_sessions_keep_no_tables(self):
        """What a reload replaces is freed although sessions are open."""
        idle = []
        self.addCleanup(lambda: [mta.close() for mta in idle])
        for i in range(10):
            self.settings(Token="token%d" % i)
            if i > 0:
                self.filter.wait_log("unloads token%d" % (i - 1))
            mta = self.filter.mta()
            mta.greet()
            self.assertEqual(mta.send().verdict, "accept")
            idle.append(mta)
        self.assertNotIn("unloads token9", self.filter.log())


if __name__ == "__main__":
    unittest.main()
