"""The stories of TROUBLESHOOTING in postern-policy(8), acted out: what an admin
is told to look at is there, and what is to be done about it helps. The texts
that the page quotes are what log and commands say."""
import json
import os
import re
import signal
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
import smtp
from dnsserver import DnsServer
from memcached import Memcached
from policy import Policy
from postfix import Postfix
from sasl import Sasl
from scene import SRCDIR, Scene, program, wait_until
from sink import Sink

ZONE = """
9.113.0.203.bl.example          A    127.0.0.2
9.113.0.203.in-addr.arpa        PTR  mail.listed.example
mail.listed.example             A    203.0.113.99
*.refusing.example              A    127.255.255.254
"""
STRANGER, LISTED = "198.51.100.66", "203.0.113.9"
TO = "ann@example.net"
OK, TEMPFAIL, REJECTED = 0, 75, 65


def page():
    """postern-policy(8)'s TROUBLESHOOTING, without its macros."""
    with open(os.path.join(SRCDIR, "man", "postern-policy.8")) as file:
        text = re.search(r"(?s)\n\.Sh TROUBLESHOOTING\n(.*?)\n\.Sh ",
            file.read()).group(1)
    text = re.sub(r"(?m)^\.(?:Ql|Li|Dq|Pq|Cm|Pa) ", "", text)
    return re.sub(r"\s+", " ", text)


class Trouble(unittest.TestCase):
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.scene = Scene("trouble")
        cls.addClassCleanup(cls.scene.close)
        cls.page = page()
        cls.dns = DnsServer(ZONE).start()
        cls.scene.on_close(cls.dns.stop)
        cls.prepare()
        cls.sink = Sink(cls.scene)
        cls.postfix = Postfix(cls.scene, cls.sink.port)
        cls.policy = Policy(cls.scene, cls.postfix.queue,
            Nameservers=cls.dns.address, **cls.settings)
        cls.policy.table("access-client", "")
        cls.policy.start()
        cls.port = cls.postfix.listen(smtpd_milters=cls.policy.postfix_socket,
            smtpd_sasl_auth_enable="yes")
        cls.postfix.start()
        Sasl(cls.scene, cls.postfix.queue + "/private/auth",
            {"joe": "secret"})

    @classmethod
    def prepare(cls):
        """What settings need."""

    def send(self, sender, client=STRANGER, to=TO, user=None):
        """A message like no other; None, or the reply that it was refused
        with."""
        self.number = getattr(self, "number", 0) + 1
        data = smtp.message(sender, to, "%s %d" % (self.id(), self.number))
        with smtp.Client(self.port) as mta:
            if user:
                mta.login(user, "secret")
            else:
                mta.xclient(addr=client, name="[UNAVAILABLE]")
            try:
                mta.send(sender, [to], data)
            except smtp.Reply as reply:
                return reply
        return None

    def ask(self, line, status=OK):
        """What a command that the page shows prints."""
        told, output, error = self.policy.ask(*line.split())
        self.assertEqual(told, status, output + error)
        return output if status == OK else error

    def quoted(self, text):
        """The page has these words, and so has the log."""
        self.assertIn(text, self.page)
        self.policy.wait_log(re.escape(text))


class OneMachine(Trouble):
    settings = {
        "RateLimit": ["users key=sasl-user limit=2/1d when=authenticated "
            "count=recipients action=tempfail alert=yes",
            "clients key=client limit=1/1h when=client=192.0.2.0/24 "
            "action=tempfail"],
        "Greylist": "delay=5m share=100% when=sender-domain=grey.example",
        "DnsList": ["bl.example type=client weight=4",
            "refusing.example type=client weight=1"],
        "HostCheck": "iprev-fail weight=1.5", "ScoreReject": "5",
    }

    @classmethod
    def prepare(cls):
        cls.settings = dict(cls.settings, AccessClient=os.path.join(
            cls.scene.dir, "policy", "access-client"))

    def test_a_user_can_send_no_more(self):
        for _ in range(2):
            self.assertIsNone(self.send("joe@users.example", user="joe"))
        reply = self.send("joe@users.example", user="joe")
        self.assertEqual(reply.code, 451)
        self.assertIn("Too many recipients (limit users); try again in ",
            reply.text)
        self.policy.wait_log("event=limit-overrun rule=users key=joe count=3 "
            "limit=2 period=86400")
        self.policy.wait_log("cause=rate .*user=joe ")
        shown = dict(re.split(r"\s+", line, 1) for line in self.ask(
            "limit show users joe").splitlines())
        self.assertEqual(list(shown), ["rule", "key", "count", "limit",
            "free"])
        self.assertEqual(shown["count"], "2 recipients in 86400 seconds")
        self.assertRegex(shown["free"], r"^in \d+ seconds$")
        self.assertEqual(self.ask("limit release users joe"),
            "users: joe starts anew\n")
        self.assertIsNone(self.send("joe@users.example", user="joe"))
        for line in "limit set users joe 2000 --for 1d", "limit show users joe":
            self.assertIn("2000", self.ask(line))
        for _ in range(3):
            self.assertIsNone(self.send("joe@users.example", user="joe"))

    def test_why_does_it_wait(self):
        reply = self.send("joe@grey.example")
        self.assertEqual(reply.code, 450)
        self.policy.wait_log("cause=greylist .*sender=joe@grey.example")
        why = " ".join([STRANGER, "joe@grey.example", TO])
        said = self.ask("greylist why " + why)
        self.assertRegex(said, r"^has to wait: \d+ seconds\n")
        self.assertIn("passes", self.page)
        self.assertIn("has to wait", self.page)
        self.assertGreater(len(re.findall(r"(?m)^no   [a-z]+: ", said)), 9)
        self.ask("greylist release " + why)
        self.assertRegex(self.ask("greylist why " + why), r"^passes: ")
        self.assertIsNone(self.send("joe@grey.example"))

    def test_why_was_it_refused(self):
        reply = self.send("joe@listed.example", LISTED)
        self.assertEqual(reply.code, 550)
        for weight in ("bl.example (127.0.0.2)", "does not lead back"):
            self.assertIn(weight, reply.text)
        self.policy.wait_log("cause=score .*sender=joe@listed.example .*"
            r'score=5\.5 .*dnslist="bl\.example \+4: ')
        message = self.scene.write("message.eml", smtp.message(
            "joe@listed.example", TO, "judged").decode())
        words = ["--client-addr", LISTED, "--helo", "mail.listed.example",
            "--mail-from", "joe@listed.example", "--rcpt", TO, message]
        self.assertIn("verdict: reject 550 5.7.1", self.judge(words, REJECTED))
        # The exception that the page has.
        self.policy.table("access-client", LISTED + " OK")
        self.policy.reload()
        self.assertIn("verdict: accept", self.judge(words, OK))
        self.assertIsNone(self.send("joe@listed.example", LISTED))
        self.policy.wait_log("sender=joe@listed.example .*exempt=yes")

    def judge(self, words, status):
        done = self.scene.run([program("admin/postern"), "message", "policy",
            "--explain", "-c", self.policy.conf, *words], check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout

    def test_limits_hold_for_the_exempt(self):
        self.policy.table("access-client", "192.0.2.7 OK")
        self.policy.reload()
        self.assertIsNone(self.send("a@far.example", "192.0.2.7"))
        self.assertEqual(self.send("b@far.example", "192.0.2.7").code, 451)

    def test_a_list_refuses_us(self):
        self.assertIsNone(self.send("joe@plain.example"))
        self.quoted("it says 127.255.255.254, which counts as no answer")
        for i in range(6):
            self.assertIsNone(self.send("joe@plain.example",
                "198.51.100.%d" % (100 + i)))
        self.quoted("no answer to 5 questions in a row")

    def test_the_cache_is_gone(self):
        """The daemon is started without its file, and without its secret."""
        self.quoted("the cache begins empty")
        self.assertRegex(self.ask("cache show"),
            r"state      complete for \d+ seconds\n")
        self.assertIn("for how long it has been complete", self.page)


class ManyMachines(Trouble):
    @classmethod
    def prepare(cls):
        cls.memcached = [Memcached(cls.scene, "mc%d" % i).start()
            for i in range(2)]
        cls.settings = {
            "Cache": "memcached " + ", ".join(server.spec
                for server in cls.memcached),
            "CacheFile": None,
            "Greylist": "delay=5m when=sender-domain=grey.example",
            "RateLimit": ["open key=mail-from limit=3/1h action=tempfail "
                "when=sender-domain=open.example",
                "closed key=mail-from limit=3/1h action=tempfail "
                "on-error=tempfail when=sender-domain=closed.example"],
        }

    def test_nothing_is_limited(self):
        """The servers are away, and come back as they were."""
        for _ in range(3):
            self.assertIsNone(self.send("a@open.example"))
        self.assertEqual(self.send("a@open.example").code, 451)
        for server in self.memcached:
            server.signal(signal.SIGSTOP)
        try:
            self.away()
        finally:
            for server in self.memcached:
                server.signal(signal.SIGCONT)
        wait_until(lambda: "0 of them away" in self.ask("cache show"), 20,
            "the servers are back")
        self.quoted("all is well again")
        self.assertEqual(self.send("a@open.example").code, 451)
        self.assertGreaterEqual(json.loads(self.ask("limit show open "
            "a@open.example --json"))["count"], 3)
        self.assertIsNone(self.send("a@closed.example"))

    def is_away(self):
        """What one more message shows."""
        sender = "other%d@open.example" % self.number
        self.assertIsNone(self.send(sender))
        return re.search("sender=%s .*cache=away" % sender, self.policy.log())

    def away(self):
        wait_until(self.is_away, 20, "a message decided without the cache")
        self.assertIsNone(self.send("a@open.example"))
        self.assertEqual(self.send("b@closed.example").code, 451)
        wait_until(lambda: "2 of them away" in self.ask("cache show"), 20,
            "the servers are away")
        self.policy.wait_log("memcached .* is away")
        for line in ("limit release open a@open.example",
                "limit set open a@open.example 9",
                "limit set open a@open.example default"):
            self.assertIn("nothing was changed", self.ask(line, TEMPFAIL))
        self.assertIn("what this process has counted",
            self.ask("limit show open a@open.example"))
        self.assertTrue(self.ask("greylist why %s a@grey.example %s" % (
            STRANGER, TO)).startswith("passes: the cache does not answer "
            "(on-error=accept)\n"))

    def test_state_empty_since(self):
        """At the first start the servers had nothing yet."""
        self.quoted("state empty since")


if __name__ == "__main__":
    unittest.main()
