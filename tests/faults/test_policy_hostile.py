"""postern-policy against sessions and mail made to wear it down: each message
has its defined end, whatever it is made of, within bounds of time, memory and
questions, and one printable line in the log."""
import concurrent.futures
import itertools
import os
import re
import struct
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
from dnsserver import DnsServer
from milter import Lost, Milter
from policy import Policy
from scene import Scene, is_sanitized, wait_until

ID = "mx.example.org"
CLIENT = "192.0.2.10"
SENDER = "<sender@example.org>"
FIELDS = [("From", " sender@example.org"), ("Subject", " hostile"),
    ("Message-ID", " <1@example.org>")]
# For one message.
CPU_MAX = 2.0
GROWTH_MAX_KB = 32 * 1024
QUERIES_MAX = 40
LINE_MAX = 40000

ZONE = """
10.2.0.192.in-addr.arpa   PTR  mail.example.org
mail.example.org          A    192.0.2.10
10.2.0.192.bl.example     A    127.0.0.2
"""

RULES = ["r%d key=%s limit=1000000/1h %s" % (i, key, how) for i, (key, how) in
    enumerate([("rcpt", "action=tempfail"), ("rcpt-domain", "action=reject"),
    ("rcpt+mail-from", "action=tempfail burst=1000"),
    ("rcpt+helo", "action=quarantine"), ("rcpt-domain+client", "action=tag"),
    ("client", "action=tempfail"), ("client-net", "action=reject"),
    ("mail-from", "count=recipients action=tempfail"),
    ("dkim-domain", "action=tag"), ("sasl-user+daemon", "action=tempfail")])]

SETTINGS = {
    "AccessClient": "{dir}/client",
    "AccessHelo": "pcre:{dir}/helo",
    "AccessSender": "{dir}/sender",
    "AccessRecipient": "{dir}/rcpt, pcre:{dir}/helo",
    "AccessHeader": "pcre:{dir}/header",
    "RateLimit": RULES + ["few key=rcpt limit=1/1h action=tag "
        "when=sender-domain=few.example"],
    "WarmUp": "many.example start=1000000/day growth=1 max=1000000 "
        "since=2026-01-01 when=out",
    "Greylist": "delay=1s share=100% when=sender-domain=grey.example",
    "GreylistRecipients": "postgrey:{dir}/grey",
    "DnsList": ["bl.example type=client weight=1",
        "dbl.example type=from weight=1", "dbl.example type=sender weight=1",
        "dbl.example type=helo weight=1"],
    "HostCheck": ["helo-not-fqdn weight=0.5", "helo-no-address weight=0.5",
        "iprev-fail weight=0.5", "helo-not-ptr weight=0.5"],
    "Reputation": ["dkim-domain weight=-3", "client-net weight=-2"],
    "AuthResults": "trust",
    "AuthservID": ID,
    "ScoreHeader": "yes",
    "ScoreReject": "100",
    "MaximumHeaders": "32M",
    "OnBadMessage": "reject",
}

TABLES = {
    "client": ["203.0.113.0/24 REJECT"],
    "helo": [r"/[a-z]+[0-9]{9}$/ REJECT", r"/^(\w+\.?)+!$/ REJECT"],
    "sender": ["refused.example REJECT"],
    "rcpt": ["refused.example REJECT", "pre.example PREPEND X-Pre: $0"],
    "header": [r"/[a-z]+[0-9]{9}$/ REJECT", r"/^X-Warn:/ WARN",
        r"/^X-Hold:(a+)+$/ HOLD"],
    "grey": ["/(a+)+$/"],
}

# What a client may say instead of a name or an address.
NOISE = ["", " ", "<", ">", "<>", "<@>", "@", "<a@>", "<@b>", "<a@b@c>",
    "<\"a b\"@x.example>", "<\"\\\">", "<a@[192.0.2.1]>", "<a@[IPv6:::1]>",
    "<a@[>", "<a@[1.2.3]>", "[192.0.2.10]", "[IPv6:::1]", "<@a,@b:c@d.example>",
    "<a@-.example>", "<a@b..example>", "<a@" + "x" * 300 + ".example>",
    "<" + "a" * 300 + "@x.example>", "<\xfc@\xfc.example>",
    "<\udcff\udcfe@\udcc3.example>", "<a\r\n@b\tc\x1b[31m.example>",
    "\x01\x7f\x80", "a" * 60000, "<" + "a@" * 20000 + ">", "(" * 60000,
    "\"" * 60000, "." * 60000, "%s%n%1$s", "\udcff" * 60000]


numbers = itertools.count(1)


class Case(unittest.TestCase):
    settings = {}

    @classmethod
    def setUpClass(cls):
        cls.scene = Scene("policy-hostile")
        cls.addClassCleanup(cls.scene.close)
        cls.dns = DnsServer(ZONE).start()
        cls.scene.on_close(cls.dns.stop)
        cls.policy = Policy(cls.scene)
        for table, rows in TABLES.items():
            cls.policy.table(table, *rows)
        cls.policy.configure(Nameservers=cls.dns.address, DNSTimeout="1s",
            **{name: value.format(dir=cls.policy.dir) if isinstance(value,
            str) else value for name, value in {**SETTINGS,
            **cls.settings}.items()})
        cls.policy.start()

    def session(self, name="mail.example.org", address=CLIENT,
        helo="mail.example.org", **macros):
        mta = Milter("unix:" + self.policy.socket, timeout=60)
        self.addCleanup(mta.close)
        mta.negotiate()
        mta.greet(name, address, helo, {"j": ID, "{client_port}": "1025",
            "{client_connections}": "1", **macros})
        return mta

    def give(self, sender=SENDER, recipients=("<friend@example.net>",),
        fields=(), macros=None, **how):
        """A message over a session of its own: its reply, which has the
        queue id."""
        queue_id = "Q%d" % next(numbers)
        mta = self.session(**how)
        reply = mta.send(sender, recipients, [*fields, *FIELDS], b"x\r\n",
            queue_id, macros)
        mta.close()
        reply.queue_id = queue_id
        return reply

    def lines(self):
        """The log's lines about messages, as octets. One whose recipients
        were all refused has no queue id."""
        with open(self.policy.log_path, "rb") as file:
            return re.findall(rb"(?m)^<\d>\S+: action=.*$", file.read())

    def bounded(self, act, cpu=CPU_MAX, growth=GROWTH_MAX_KB):
        """What act() gives, whose cost is within bounds."""
        self.give()
        policy = self.policy
        with open("/proc/%d/clear_refs" % policy.process.pid, "w") as file:
            file.write("5")         # the peak of memory begins anew
        memory, began = policy.resident_kb(), policy.cpu_seconds()
        queries, told = self.dns.count(), len(self.lines())
        result = act()
        # Of a program that watches itself this tells little.
        scale = 8 if is_sanitized(policy.program) else 1
        self.assertLess(policy.cpu_seconds() - began, cpu * scale)
        self.assertLess(policy.resident_kb("VmHWM") - memory, growth * scale)
        self.assertLessEqual(self.dns.count() - queries, QUERIES_MAX)
        self.assertTrue(policy.process.running())
        wait_until(lambda: len(self.lines()) > told, 10, "a line in the log")
        lines = self.lines()
        self.assertEqual(len(lines), told + 1, lines[told:])
        self.assertRegex(lines[-1].decode("latin-1"), r"\A[ -~]+\Z")
        self.assertLess(len(lines[-1]), LINE_MAX)
        self.assertIn(self.give().verdict, ("accept", "continue"))
        return result

    def bounded_message(self, *args, cpu=CPU_MAX, growth=GROWTH_MAX_KB, **how):
        return self.bounded(lambda: self.give(*args, **how), cpu, growth)

    def line(self, reply):
        return self.policy.lines("^(%s|NOQUEUE): " % reply.queue_id)[-1]

    def assert_passes(self, reply):
        self.assertIn(reply.verdict, ("accept", "continue"), reply)


class Patterns(Case):
    def test_fields_that_take_long(self):
        """2000, of which each took 30 ms: the rest is not asked."""
        reply = self.bounded_message(fields=[("X-Slow", " " + "a" * 8000)] *
            2000, growth=128 * 1024)
        self.assert_passes(reply)
        self.assertIn("patterns: took 200 ms and are asked no more",
            self.line(reply)["access"])
        # The counters file is made anew every 10 s, and at the end.
        self.assertEqual(self.policy.stop(), 0)
        self.assertGreaterEqual(self.policy.count(
            "postern_policy_patterns_cut_short_total"), 1)
        self.policy.start()

    def test_fields_that_run_into_limits(self):
        reply = self.bounded_message(fields=[("X-Hold", "a" * 500 + "!")] *
            2000)
        self.assert_passes(reply)
        self.assertIn("access", self.line(reply))

    def test_names(self):
        """As HELO, and as recipients for two tables."""
        reply = self.bounded_message(helo="a." * 4000 + "?", recipients=[
            "<%s%d@%s.example>" % ("a" * 200, i, "a." * 100)
            for i in range(300)], sender="<a@grey.example>")
        self.assertIn("action", self.line(reply))

    def test_what_is_innocent(self):
        """100,000 fields, which is no more than we are given: all of the
        2000 that are looked at are asked for."""
        reply = self.bounded_message(fields=[("X-Field-%d" % (i % 1000),
            " value") for i in range(100000)])
        self.assert_passes(reply)
        self.assertNotIn("access", self.line(reply))

    def test_findings(self):
        """A row that speaks at every field: the line names some, and how many
        more there are."""
        reply = self.bounded_message(fields=[("X-Warn", " x")] * 5000)
        self.assert_passes(reply)
        self.assertGreaterEqual(int(self.line(reply)["more_findings"][0]),
            2000 - 32)


class Recipients(Case):
    def many(self, count, domain="many%d.example"):
        return ["<r%d@%s>" % (i, domain % i if "%" in domain else domain)
            for i in range(count)]

    def test_1000(self):
        """Of as many domains, and ten rules."""
        reply = self.bounded_message(recipients=self.many(1000))
        self.assert_passes(reply)
        self.assertEqual(self.line(reply)["recipients"], ["1000"])

    def test_1000_twice(self):
        self.give(recipients=self.many(1000, "again.example"))
        self.assert_passes(self.bounded_message(recipients=self.many(1000,
            "again.example")))

    def test_1000_of_a_user(self):
        reply = self.bounded_message(recipients=self.many(1000,
            "many.example"), macros={"{auth_type}": "PLAIN",
            "{auth_authen}": "joe"})
        self.assert_passes(reply)

    def test_10000(self):
        """More than are counted: rules of recipients do what they do over
        the limit."""
        reply = self.bounded_message(recipients=self.many(10000), cpu=4)
        self.assertEqual(reply.text[:1], "4", reply)
        self.assertIn("more than 1000", " ".join(self.line(reply)["rate"]))

    def test_10000_refused(self):
        reply = self.bounded_message(recipients=self.many(10000,
            "refused.example"))
        self.assertEqual(reply.text[:1], "5", reply)
        self.assertEqual(self.line(reply)["refused"], ["10000"])

    def test_1000_greylisted(self):
        reply = self.bounded_message(sender="<a@grey.example>",
            recipients=self.many(1000), address="198.51.100.7")
        self.assertEqual(reply.text[:1], "4", reply)

    def test_fields(self):
        """A row that adds one for each: 64 of them, each once."""
        reply = self.bounded_message(recipients=self.many(1000,
            "%d.pre.example"))
        self.assert_passes(reply)
        self.assertEqual(len([name for _, name, _ in reply.headers(b"i")
            if name == b"X-Pre"]), 1)

    def test_tags(self):
        """A limit that 500 are over: not a field each."""
        how = {"sender": "<a@few.example>", "recipients": self.many(500)}
        self.give(**how, fields=[("Message-ID", " <a@few.example>")])
        reply = self.bounded_message(**how,
            fields=[("Message-ID", " <b@few.example>")])
        self.assert_passes(reply)
        tags = [value for _, name, value in reply.headers(b"i")
            if name == b"X-Postern-Tag"]
        self.assertEqual(len(tags), 16)


class Session(Case):
    def test_noise_as_sender(self):
        for text in NOISE:
            with self.subTest(text[:20]):
                self.line(self.bounded_message(sender=text))

    def test_noise_as_recipient(self):
        """What is over 2 KB is refused before anybody looks at it."""
        for text in NOISE:
            with self.subTest(text[:20]):
                if len(text) > 2048:
                    self.assertEqual(self.give(recipients=[text]).text[:1],
                        "4")
                else:
                    self.line(self.bounded_message(recipients=[text]))

    def test_noise_as_helo(self):
        for text in NOISE:
            with self.subTest(text[:20]):
                self.line(self.bounded_message(helo=text))

    def test_noise_as_client_name(self):
        for text in NOISE:
            with self.subTest(text[:20]):
                self.line(self.bounded_message(name=text))

    def test_noise_as_user(self):
        for text in NOISE:
            with self.subTest(text[:20]):
                self.line(self.bounded_message(macros={"{auth_type}": "x",
                    "{auth_authen}": text}))

    def test_noise_as_macros(self):
        for text in NOISE:
            with self.subTest(text[:20]):
                self.line(self.bounded_message(**{name: text for name in
                    ("j", "v", "{client_port}", "{client_connections}",
                    "{daemon_name}", "{daemon_addr}")}))

    def test_addresses(self):
        for address in None, "::1", "2001:db8::1", "0.0.0.0", "::", \
            "::ffff:192.0.2.1":
            with self.subTest(address):
                self.line(self.bounded_message(address=address))

    def test_addresses_that_are_none(self):
        """The MTA's to know: the session may end there, the daemon does
        not."""
        for address in "", "1.2.3", "x", "1.2.3.4.5", ":" * 1000, "[::1]", \
            "fe80::1%eth0":
            with self.subTest(address):
                try:
                    self.give(address=address)
                except (Lost, OSError):
                    pass
                self.assert_passes(self.give())

    def test_nul(self):
        """Where a text ends early, what comes behind is another's."""
        def act():
            mta = self.session(helo="mail\0.example.org")
            mta.mail("<a\0b@example.org>")
            mta.rcpt("<c\0d@example.net>")
            mta.macros("T", {"i": "Q\0001"})
            mta.data()
            mta.header("X-Nul", " a\0b")
            mta.header("X-\0Nul", " a")
            mta.eoh()
            mta.body(b"a\0b")
            return mta.eom()

        self.assert_passes(self.bounded(act))

    def test_packets(self):
        """Lengths that promise what does not come, and commands that are
        none."""
        for data in b"\xff\xff\xff\xffM", b"\0\0\0\0", b"\0\0\0\1?", \
            struct.pack("!I", 1 << 28) + b"L", b"\0\0\0\1M", b"\0\0\0\1R", \
            b"\0\0\0\2DM", b"\0\0\0\1C", b"\0\0\0\5C\0004xx":
            for _ in range(5):
                mta = self.session()
                try:
                    mta.socket.sendall(data)
                    mta.close()
                except OSError:
                    pass
        self.assert_passes(self.give())

    def test_drops_at_every_stage(self):
        """What a message holds is let go."""
        stages = [lambda m: m.mail(SENDER), lambda m: m.rcpt("<a@b.example>"),
            lambda m: m.data(), lambda m: [m.header(*f) for f in FIELDS],
            lambda m: m.eoh(), lambda m: m.body(b"x"), lambda m: m.write(b"E")]
        for count in range(len(stages) + 1):
            for _ in range(20):
                mta = self.session()
                for stage in stages[:count]:
                    stage(mta)
                mta.close()
        self.assert_passes(self.give())


class Header(Case):
    def test_results(self):
        """5000 of one verifier, of which 64 are read: 16 domains."""
        value = " %s" % ID + "".join(";\n dkim=pass header.d=d%d.example" % i
            for i in range(5000))
        self.assert_passes(self.bounded_message(fields=[(
            "Authentication-Results", value)]))

    def test_fields_of_results(self):
        """Of foreign verifiers, with names to take long to compare."""
        for value in " x.example; none", " " + "(" * 1000 + ID, " " + \
            "()" * 500 + ID + "; dkim=pass header.d=", " \"" + "\\" * 999:
            with self.subTest(value[:20]):
                self.bounded_message(fields=[("Authentication-Results",
                    value)] * 3000)

    def test_authors(self):
        """1000 of as many domains: few are asked for."""
        self.bounded_message(fields=[("From", " " + ", ".join(
            "a@d%d.example" % i for i in range(1000)))])

    def test_author_of_a_megabyte(self):
        for value in "\"" + "x" * 1000000 + "\" <a@good.example>", \
            "(" * 500000 + ")" * 500000 + " a@good.example", \
            "a:" * 300000 + "a@good.example", "x@" + "a." * 500000 + "x", \
            "<@a" + ",@a" * 300000, ("x" * 300 + "@" + "x" * 300 + ",") * 1000:
            with self.subTest(value[:20]):
                self.bounded_message(fields=[("From", " " + value)])

    def test_forged_fields(self):
        reply = self.bounded_message(fields=[("X-Postern-Score", " -5")] * 999)
        self.assert_passes(reply)
        self.assertEqual(len(reply.headers(b"m")), 999)
        reply = self.bounded_message(fields=[("X-Postern-Score", " -5")] *
            20000)
        self.assertEqual(reply.text[:1], "5", reply)

    def test_octets(self):
        """Names and values of any octets."""
        self.bounded_message(fields=[("".join(chr(c) for c in range(33, 127)
            if chr(c) != ":"), " " + "".join(chr(c) for c in range(1, 256)
            if c not in (10, 13))), ("\udcff", "\udcfe"),
            ("X" * 60000, "y")] * 20)

    def test_large(self):
        """30 MB of header are held, once."""
        self.assert_passes(self.bounded_message(fields=[("X-Large", " " +
            "x" * 60000)] * 500, growth=128 * 1024))

    def test_too_large(self):
        reply = self.bounded_message(fields=[("X-Large", " " + "x" * 60000)] *
            700, growth=128 * 1024)
        self.assertEqual(reply.text[:1], "5", reply)


class Many(Case):
    def test_20_at_once(self):
        """Hostile ones from all sides; honest ones are answered."""
        def hostile(i):
            return self.give(recipients=["<r%d@d%d.example>" % (n, i)
                for n in range(100)], fields=[("X-Slow", " " + "a" * 8000)] *
                50, helo=NOISE[i % len(NOISE)][:500])

        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            sent = [pool.submit(hostile, i) for i in range(20)]
            time.sleep(0.5)
            for _ in range(20):
                self.assert_passes(self.give())
            for one in sent:
                self.assertIsNotNone(one.result().verdict)
        self.assertTrue(self.policy.process.running())


if __name__ == "__main__":
    unittest.main()
