"""postern-verify when something fails, and against mail made to wear it down:
DNS that does not answer, or not the truth, never turns into a pass, a fail or
a none; and every message has its defined end, whatever it is made of, within
bounds of time, memory and questions."""
import collections
import concurrent.futures
import os
import re
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
import smtp
from dkimkeys import Keys
from dnsserver import DnsServer
from milter import Milter
from scene import Scene, is_sanitized, program, wait_until
from service import Load
from verifier import FIELD, Results, Verifier

ID = "mx.example.org"
CLIENT = "192.0.2.10"
QUERIES_MAX = 40
CPU_MAX = 5.0
GROWTH_MAX_KB = 64 * 1024
AUTHOR = "user@good.example"

# Of any domain: SPF for CLIENT, a key, a policy.
DOMAIN = """
{0}                TXT "v=spf1 ip4:192.0.2.10 -all"
_dmarc.{0}         TXT "v=DMARC1; p=reject"
s1._domainkey.{0}  TXT "{1}"
"""
REVERSE = """
10.2.0.192.in-addr.arpa PTR  mail.good.example
mail.good.example       A    192.0.2.10
"""


def setUpModule():
    """Keys take long to make: one scene holds them for all tests."""
    global keys
    scene = Scene("keys")
    unittest.addModuleCleanup(scene.close)
    keys = Keys(scene)


def compose(author=AUTHOR, sign=True, extra="", body="A line.\r\n",
    subject="faults"):
    data = smtp.message(author, "friend@example.net", subject, body, extra)
    return keys.sign(data, author.partition("@")[2]) if sign else data


def parse(data):
    """(fields, body) as an MTA hands them to a milter."""
    header, _, body = data.partition(b"\r\n\r\n")
    fields = re.findall(rb"(?s)([^:\r\n]+):(.*?)\r\n(?![ \t])",
        header + b"\r\n")
    return [(name.decode(), value.replace(b"\r\n", b"\n").decode("utf-8",
        "surrogateescape")) for name, value in fields], body


class Outcome:
    """What a message came to, and what it cost."""

    def __init__(self, reply, seconds):
        word = reply.text[:1] if reply.verdict == "reply" else reply.verdict
        self.verdict = {"continue": "accept", "4": "tempfail",
            "5": "reject"}.get(word, word)
        self.text = reply.text
        self.seconds = seconds
        field = reply.inserted().get(FIELD.encode())
        self.results = Results(field.decode()) if field else None
        self.deleted = sum(value == b"" for _, _, value in
            reply.headers(b"m"))

    def __repr__(self):
        return "%s %s %s" % (self.verdict, self.text, self.results)


class Case(unittest.TestCase):
    """A fresh daemon with a DNS server of its own. It tells and enforces: what
    it may not decide for DNS trouble is a tempfail."""
    settings = {}

    def setUp(self):
        self.scene = Scene("verify-faults")
        self.addCleanup(self.scene.close)
        self.dns = DnsServer(REVERSE, ttl=60)
        self.publish("good.example")
        self.dns.start()
        self.addCleanup(self.dns.stop)
        self.verifier = Verifier(self.scene)
        self.verifier.configure(**{"AuthservID": ID, "RejectFailures": "yes",
            "Nameservers": self.dns.address, "DNSTimeout": "1s",
            **self.settings})
        self.verifier.start()

    def publish(self, *domains):
        for domain in domains:
            self.dns.load(DOMAIN.format(domain, keys.record("rsa")))

    def session(self, client=CLIENT, helo="mail.good.example"):
        mta = Milter("unix:" + self.verifier.socket, timeout=60)
        self.addCleanup(mta.close)
        mta.negotiate()
        mta.greet("mail.good.example", client, helo, {"j": ID})
        return mta

    def give(self, data, sender=AUTHOR, mta=None, **how):
        """One message over a session of its own: its Outcome."""
        headers, body = data if isinstance(data, tuple) else parse(data)
        mta = mta or self.session(**how)
        began = time.monotonic()
        reply = mta.send("<%s>" % sender, ["<friend@example.net>"], headers,
            body)
        seconds = time.monotonic() - began
        mta.close()
        return Outcome(reply, seconds)

    def load(self, *options, **how):
        """milterload with good mail."""
        return Load(self.scene, self.verifier, "--client", CLIENT,
            "--client-name", "mail.good.example", "--helo",
            "mail.good.example", "--from", AUTHOR, "--input",
            self.scene.write("load.eml", compose()), *options, **how)

    def assert_all_answered(self, report, least=1):
        self.assertGreaterEqual(report["messages"], least, report)
        self.assertEqual(report["errors"], {}, report)

    def logged(self, key):
        """How often the log says each value of a key."""
        return collections.Counter(re.findall(r" %s=(\S+)" % key,
            self.verifier.log()))


# ---- DNS ----

TROUBLE = "servfail", "refused", "silent", "garbage", "cut", "wrongid"


class Trouble(Case):
    """One name server's answers, of one kind for one question."""

    def setUp(self):
        super().setUp()
        for trouble in TROUBLE:
            for part in "spf", "dkim", "dmarc":
                self.break_one(trouble, part)

    def break_one(self, trouble, part):
        domain = "%s-%s.example" % (trouble, part)
        self.publish(domain)
        name = {"spf": domain, "dkim": "s1._domainkey." + domain,
            "dmarc": "_dmarc." + domain}[part]
        self.dns.flaw(name, trouble, kind="TXT")

    def each(self, part, **how):
        """{trouble: Outcome} of messages from the domains where that part is
        in trouble, all at once."""
        def one(trouble):
            author = "user@%s-%s.example" % (trouble, part)
            return self.give(compose(author, how.get("sign", True)), author,
                client=how.get("client", CLIENT))
        with concurrent.futures.ThreadPoolExecutor(len(TROUBLE)) as pool:
            return dict(zip(TROUBLE, pool.map(one, TROUBLE)))

    def test_spf(self):
        """DKIM makes up for it."""
        for trouble, outcome in self.each("spf").items():
            with self.subTest(trouble):
                self.assertEqual(outcome.verdict, "accept", outcome)
                results = outcome.results
                self.assertEqual(results.of("spf", smtp_mailfrom=None),
                    ["temperror"])
                self.assertEqual(results.of("dkim"), ["pass"])
                self.assertEqual(results.of("dmarc"), ["pass"])

    def test_spf_alone(self):
        """An aligned pass might have been: nothing is refused for good."""
        for trouble, outcome in self.each("spf", sign=False).items():
            with self.subTest(trouble):
                self.assertEqual(outcome.verdict, "tempfail", outcome)

    def test_key(self):
        for trouble, outcome in self.each("dkim").items():
            with self.subTest(trouble):
                results = outcome.results
                self.assertEqual(results.of("dkim"), ["temperror"])
                self.assertEqual(results.of("dmarc"), ["pass"])

    def test_key_and_spf_fails(self):
        for trouble, outcome in self.each("dkim",
            client="198.51.100.66").items():
            with self.subTest(trouble):
                self.assertEqual(outcome.verdict, "tempfail", outcome)
                self.assertLess(outcome.seconds, 3)

    def test_policy(self):
        """Whether mail nobody vouches for is forged cannot be known."""
        for trouble, outcome in self.each("dmarc", sign=False,
            client="198.51.100.66").items():
            with self.subTest(trouble):
                self.assertEqual(outcome.verdict, "tempfail", outcome)

    def test_policy_of_one_of_several(self):
        """No single author, and what one of them asks for is not known."""
        data = compose(sign=False).replace(b"<" + AUTHOR.encode() + b">",
            b"<a@nowhere.example>, b@servfail-dmarc.example", 1)
        outcome = self.give(data)
        self.assertEqual(outcome.verdict, "tempfail", outcome)


class Accepting(Case):
    """OnDnsError accept: the results are told."""
    settings = {"OnDnsError": "accept"}

    def test_all_silent(self):
        self.dns.silent = True
        results = self.give(compose()).results
        self.assertEqual((results.of("iprev"), results.of("spf"),
            results.of("dkim"), results.of("dmarc")), (["temperror"],
            ["temperror", "temperror"], ["temperror"], ["temperror"]))

    def test_alias_loop(self):
        self.publish("loop.example")
        self.dns.remove("s1._domainkey.loop.example")
        self.dns.add("s1._domainkey.loop.example", "CNAME", "a.loop.example")
        self.dns.add("a.loop.example", "CNAME", "s1._domainkey.loop.example")
        results = self.give(compose("user@loop.example"), "x@evil.example",
            client="198.51.100.66").results
        self.assertIn(results.of("dkim"), (["temperror"], ["permerror"]))

    def test_endless_aliases(self):
        self.publish("chain.example")
        self.dns.remove("s1._domainkey.chain.example")
        self.dns.add("s1._domainkey.chain.example", "CNAME", "a0.chain.example")
        for i in range(100):
            self.dns.add("a%d.chain.example" % i, "CNAME",
                "a%d.chain.example" % (i + 1))
        results = self.give(compose("user@chain.example"), "x@evil.example",
            client="198.51.100.66").results
        self.assertIn(results.of("dkim"), (["temperror"], ["permerror"]))

    def test_truncated(self):
        """The answer comes over TCP."""
        self.publish("tcp.example")
        for name in "tcp.example", "s1._domainkey.tcp.example", \
            "_dmarc.tcp.example":
            self.dns.flaw(name, "truncate")
        results = self.give(compose("user@tcp.example"),
            "user@tcp.example").results
        self.assertEqual((results.of("spf", smtp_mailfrom=None),
            results.of("dkim"), results.of("dmarc")), (["pass"], ["pass"],
            ["pass"]))

    def test_large_answer(self):
        """More TXT records than a datagram holds beside the one wanted."""
        self.publish("large.example")
        for i in range(40):
            self.dns.add("large.example", "TXT", "noise-%d-" % i + "x" * 200)
        results = self.give(compose("user@large.example"),
            "user@large.example").results
        self.assertEqual(results.of("spf", smtp_mailfrom=None), ["pass"])


class Slow(Case):
    settings = {"DNSTimeout": "5s"}

    def test_two_seconds_an_answer(self):
        self.dns.delay = 2.0
        outcome = self.give(compose())
        self.assertEqual(outcome.verdict, "accept", outcome)
        self.assertEqual(outcome.results.of("dkim"), ["pass"])
        self.assertEqual(outcome.results.of("dmarc"), ["pass"])
        self.assertLess(outcome.seconds, 10)


class Endless(Case):
    settings = {"DNSTimeout": "2s", "MessageTimeout": "2s"}

    def test_one_answer_leads_to_the_next(self):
        """Each in time, all together not: MessageTimeout ends it."""
        for i in range(10):
            self.dns.add("i%d.example" % i, "TXT",
                "v=spf1 include:i%d.example -all" % (i + 1))
        self.dns.delay = 0.5
        outcome = self.give(compose(), "x@i0.example", client="198.51.100.66")
        self.assertEqual(outcome.results.of("spf", smtp_mailfrom=None),
            ["temperror"])
        self.assertEqual(outcome.results.of("dmarc"), ["pass"])
        self.assertLess(outcome.seconds, 2.5)


class Dead(Case):
    """As it is out of the box: DNSTimeout is 5 s."""
    settings = {"DNSTimeout": None}

    def test_silent(self):
        self.dns.silent = True
        outcome = self.give(compose())
        self.assertEqual(outcome.verdict, "tempfail", outcome)
        self.assertLess(outcome.seconds, 5.5)

    def test_port_refused(self):
        self.dns.stop()
        outcomes = [self.give(compose()) for _ in range(5)]
        self.assertEqual({o.verdict for o in outcomes}, {"tempfail"})
        self.assertLess(min(o.seconds for o in outcomes), 0.05, [o.seconds
            for o in outcomes])

    def test_silent_under_load(self):
        """Fifty at once wait together, not one behind the other."""
        self.dns.silent = True
        report = self.load("-n", "50", concurrency=50, seconds=8).finish()
        self.assert_all_answered(report, 50)
        self.assertLessEqual(set(report["verdicts"]), {"reply4xx",
            "tempfail"}, report)
        self.assertLess(report["latency_ms"]["max"], 5500, report)


class TwoServers(Case):
    """One of two name servers is gone."""
    settings = {"DNSTimeout": "5s"}

    def ask_with(self, other):
        self.verifier.configure(Nameservers="%s, %s" % (other,
            self.dns.address))
        self.verifier.reload()
        self.assertEqual(self.give(compose()).results.of("dmarc"), ["pass"])
        # Which one it is is known now.
        self.publish("next.example")
        outcome = self.give(compose("user@next.example"), "user@next.example")
        self.assertEqual(outcome.results.of("dmarc"), ["pass"])
        self.assertLess(outcome.seconds, 1)

    def test_refuses(self):
        self.ask_with("127.0.0.1@%d" % self.scene.port())

    def test_silent(self):
        with DnsServer() as other:
            other.silent = True
            self.ask_with(other.address)


class ComesAndGoes(Case):
    """The resolver ends under load and comes back."""

    def test_killed_and_back(self):
        self.dns.ttl = 1
        self.dns.negative_ttl = 1
        self.dns.forget()
        self.dns.load(REVERSE)
        self.publish("good.example")
        load = self.load("--rate", "100", concurrency=16, seconds=12)
        time.sleep(2)
        self.dns.stop()
        time.sleep(4)
        self.dns.start()
        time.sleep(4)
        before = self.logged("dmarc")
        report = load.finish()
        self.assert_all_answered(report, 300)
        said = self.logged("dmarc")
        self.assertEqual(set(said), {"pass", "temperror"}, said)
        self.assertEqual(set(self.logged("spf")), {"pass", "temperror"})
        self.assertEqual(set(self.logged("dkim")), {"pass", "temperror"})
        # All is well again some seconds after, without a restart.
        self.assertEqual(said["temperror"], before["temperror"])
        self.assertGreater(said["pass"], before["pass"])
        self.assertEqual(self.give(compose()).results.of("dmarc"), ["pass"])


# ---- hostile mail ----

class Hostile(Case):
    """Each with its result, within bounds."""
    settings = {"MaximumHeaders": "32M", "OnDnsError": "accept"}

    def bounded(self, data, **how):
        """The Outcome of a message, whose cost is within bounds."""
        self.give(compose(subject="warm"))
        with open("/proc/%d/clear_refs" % self.verifier.process.pid,
            "w") as file:
            file.write("5")         # the peak of memory begins anew
        memory = self.verifier.resident_kb()
        cpu = self.verifier.cpu_seconds()
        queries = self.dns.count()
        outcome = self.give(data, **how)
        # Of a program that watches itself this tells little.
        scale = 8 if is_sanitized(self.verifier.program) else 1
        self.assertLess(self.verifier.cpu_seconds() - cpu, CPU_MAX * scale)
        self.assertLess(self.verifier.resident_kb("VmHWM") - memory,
            GROWTH_MAX_KB * scale)
        self.assertLessEqual(self.dns.count() - queries, QUERIES_MAX)
        self.assertTrue(self.verifier.process.running())
        return outcome

    def with_fields(self, fields, data=None):
        """A good message below other fields."""
        headers, body = parse(data or compose())
        return fields + headers, body

    def test_signatures(self):
        """The aligned one is looked at first, wherever it stands."""
        other = parse(compose("user@other.example"))[0][0]
        self.assertEqual(other[0], "DKIM-Signature")
        data = self.with_fields([(other[0], other[1].replace("s=s1",
            "s=k%d" % i)) for i in range(5000)])
        outcome = self.bounded(data, client="198.51.100.66")
        self.assertEqual(outcome.results.of("dmarc"), ["pass"])
        self.assertEqual(outcome.results.of("dkim").count("pass"), 1)
        self.assertLessEqual(len(outcome.results.of("dkim")), 64)

    def test_signatures_of_the_author(self):
        """Aligned ones too are too many; nothing is held up for ever."""
        own = parse(compose())[0][0]
        data = self.with_fields([(own[0], own[1].replace("s=s1", "s=k%d" % i))
            for i in range(5000)])
        outcome = self.bounded(data)
        self.assertEqual(outcome.results.of("dmarc"), ["pass"])
        self.assertEqual(outcome.results.of("dkim")[:8], ["permerror"] * 8)

    def test_tags(self):
        """One signature of 100,000 tags, one with an h= of 100,000 names."""
        own = parse(compose())[0][0]
        fields = [(own[0], own[1].rstrip("; ") + "".join("; x%d=y" % i
            for i in range(100000))), (own[0], own[1].replace("h=", "h=" +
            "from:" * 100000))]
        outcome = self.bounded(self.with_fields(fields))
        self.assertEqual(outcome.results.of("dmarc"), ["pass"])

    def test_fields(self):
        """100,000 header fields."""
        outcome = self.bounded(self.with_fields([("X-Field-%d" % (i % 1000),
            " value") for i in range(100000)]), client="198.51.100.66")
        self.assertEqual(outcome.results.of("dkim"), ["pass"])
        self.assertEqual(outcome.results.of("dmarc"), ["pass"])

    def test_fields_that_are_signed(self):
        """As many of the names that h= lists."""
        outcome = self.bounded(self.with_fields([("Subject", " x"), ("To",
            " y@example.net")] * 50000), client="198.51.100.66")
        self.assertEqual(outcome.results.of("dkim"), ["pass"])

    def test_header_of_10_mb(self):
        line = " " + "x" * 70 + "\n"
        outcome = self.bounded(self.with_fields([("X-Large", " begin\n" +
            (line * 1400).rstrip("\n"))] * 100), client="198.51.100.66")
        self.assertEqual(outcome.results.of("dkim"), ["pass"])

    def test_field_of_10_mb(self):
        outcome = self.bounded(self.with_fields([("X-Large", " " + "x" *
            10000000)]), client="198.51.100.66")
        self.assertEqual(outcome.results.of("dkim"), ["pass"])

    def test_empty_lines(self):
        """5 million at the end are none."""
        headers, body = parse(compose())
        outcome = self.bounded((headers, body + b"\r\n" * 5000000),
            client="198.51.100.66")
        self.assertEqual(outcome.results.of("dkim"), ["pass"])

    def test_empty_lines_before_a_line(self):
        headers, body = parse(compose())
        outcome = self.bounded((headers, body + b"\r\n" * 5000000 + b"x\r\n"))
        self.assertEqual(outcome.results.of("dkim"), ["fail"])

    def sealed(self, count, sealers=1):
        """A good message in that many ARC sets."""
        data = compose()
        for i in range(count):
            data = keys.seal(data, "sealer%d.example" % (i % sealers))
        return data

    def test_50_sets(self):
        self.publish("sealer0.example")
        outcome = self.bounded(self.sealed(50))
        self.assertEqual(outcome.results.of("arc"), ["pass"])
        self.assertEqual(outcome.results.of("dmarc"), ["pass"])

    def test_50_sealers(self):
        """More questions than a message has: the chain is not taken for good,
        and DKIM and DMARC keep their share."""
        for i in range(50):
            self.publish("sealer%d.example" % i)
        outcome = self.bounded(self.sealed(50, 50), client="198.51.100.66")
        self.assertIn(outcome.results.of("arc"), (["fail"], ["temperror"]))
        self.assertEqual(outcome.results.of("dkim"), ["pass"])
        self.assertEqual(outcome.results.of("dmarc"), ["pass"])

    def test_5000_sets(self):
        fields = [field for field in parse(self.sealed(1))[0]
            if field[0].startswith("ARC-")]
        data = self.with_fields([(name, value.replace("i=1", "i=%d" % i))
            for i in range(5000, 0, -1) for name, value in fields])
        outcome = self.bounded(data)
        self.assertEqual(outcome.results.of("arc"), ["fail"])
        self.assertEqual(outcome.results.of("dmarc"), ["pass"])

    def test_forged_results(self):
        """500 of them, among 500 foreign ones."""
        outcome = self.bounded(self.with_fields([(FIELD, " %s; dkim=pass" % ID),
            (FIELD, " mx.example.com; dkim=fail")] * 500))
        self.assertEqual(outcome.deleted, 500)
        self.assertEqual(outcome.results.of("dmarc"), ["pass"])

    def test_nested_comments(self):
        outcome = self.bounded(self.with_fields([(FIELD, " " + "(" * 500000 +
            ID), (FIELD, " " + "()" * 500000 + ID + "; dkim=pass")]))
        self.assertEqual(outcome.deleted, 2)

    def authors(self, value, count=1):
        headers, body = parse(compose(sign=False))
        return [("From", " " + value)] * count + [field for field in headers
            if field[0] != "From"], body

    def test_authors(self):
        """1000 of 1000 domains, of which 5 are looked at: refused."""
        outcome = self.bounded(self.authors(", ".join("a@d%d.example" % i
            for i in range(1000))))
        self.assertEqual(outcome.verdict, "reject")

    def test_from_fields(self):
        outcome = self.bounded(self.authors(AUTHOR, 1000))
        self.assertEqual(outcome.verdict, "reject")

    def test_author_of_a_megabyte(self):
        for value in "\"" + "x" * 1000000 + "\" <%s>" % AUTHOR, \
            "(" * 500000 + ")" * 500000 + " " + AUTHOR, \
            "a:" * 300000 + AUTHOR, "x" * 1000000 + "@good.example", \
            "x@" + "a." * 500000 + "example", "<@a" + ",@a" * 300000:
            with self.subTest(value[:20]):
                self.bounded(self.authors(value))

    def test_spf_of_many_questions(self):
        """Every term leads to ten more: the limits of RFC 7208 hold."""
        name = "many.example"
        self.dns.add(name, "TXT", "v=spf1 " + " ".join("mx:m%d.%s" % (i, name)
            for i in range(10)) + " -all")
        for i in range(10):
            for j in range(10):
                self.dns.add("m%d.%s" % (i, name), "MX", "10",
                    "h%d.m%d.%s" % (j, i, name))
                self.dns.add("h%d.m%d.%s" % (j, i, name), "A", "203.0.113.1")
        outcome = self.bounded(compose(), sender="x@" + name)
        self.assertNotIn("pass", outcome.results.of("spf",
            smtp_mailfrom=None))
        self.assertEqual(outcome.results.of("dkim"), ["pass"])
        self.assertEqual(outcome.results.of("dmarc"), ["pass"])

    def test_names(self):
        """A From, HELO and sender of as many labels as there can be."""
        deep = ".".join("a" * 120)
        outcome = self.bounded(self.authors("x@%s.example" % deep),
            sender="x@%s.example" % deep, helo=deep + ".example")
        self.assertEqual(outcome.results.of("dmarc"), ["none"])


class Many(Case):
    def test_500_sessions(self):
        """500 messages that all wait for DNS, in 50 MB."""
        self.dns.delay = 0.5
        domains = ["m%d.example" % i for i in range(50)]
        self.publish(*domains)
        names = [self.scene.write("m/%s.eml" % domain, compose("user@" +
            domain)) for domain in domains]
        report = Load(self.scene, self.verifier, "--input",
            os.path.dirname(names[0]), "--client", CLIENT, "--from", AUTHOR,
            "--pid", str(self.verifier.process.pid), "-n", "500",
            concurrency=500, seconds=20).finish()
        self.assert_all_answered(report, 500)
        self.assertEqual(self.logged("dmarc"), {"pass": 500})
        self.assertGreater(report["latency_ms"]["min"], 400)
        self.assertLess(report["peak_kb"], 50 * 1024)


class TooLarge(Case):
    """More header than MaximumHeaders, as it is out of the box."""

    def test_fields(self):
        headers, body = parse(compose())
        outcome = self.give(([("X-Field", " " + "x" * 100)] * 20000 + headers,
            body))
        self.assertEqual(outcome.verdict, "reject", outcome)

    def test_accepted(self):
        """Nothing passes then."""
        self.verifier.configure(OnBadMessage="accept")
        self.verifier.reload()
        headers, body = parse(compose())
        outcome = self.give(([("X-Field", " " + "x" * 100)] * 20000 + headers,
            body))
        self.assertEqual(outcome.verdict, "accept", outcome)
        self.assertNotIn("pass", outcome.results.of("dkim") +
            outcome.results.of("dmarc"))


# ---- the MTA, and the daemon's life ----

class Life(Case):
    def test_drops_at_every_stage(self):
        """With questions open, too: what they asked for is given up."""
        self.dns.flaw("silent.example", "silent")
        headers, body = parse(compose())
        stages = [lambda m: m.mail("<x@silent.example>"),
            lambda m: m.rcpt("<friend@example.net>"), lambda m: m.data(),
            lambda m: [m.header(*field) for field in headers],
            lambda m: m.eoh(), lambda m: m.body(body),
            lambda m: m.write(b"E")]
        for count in range(len(stages) + 1):
            for _ in range(20):
                mta = self.session()
                for stage in stages[:count]:
                    stage(mta)
                mta.close()
        self.assertEqual(self.give(compose()).results.of("dmarc"), ["pass"])

    def test_drops_leave_nothing(self):
        self.assert_all_answered(self.load(seconds=1).finish())
        files, memory = self.verifier.files_open(), self.verifier.resident_kb()
        report = self.load("--drop-every", "2", seconds=4).finish()
        self.assertGreater(report["messages"], 100)
        wait_until(lambda: self.verifier.files_open() <= files, 10,
            "descriptors to be closed")
        self.assertLess(self.verifier.resident_kb(), memory + 8192)

    def test_reload_under_load(self):
        """Each half second: none lost, none with another result."""
        load = self.load(seconds=5)
        time.sleep(0.5)
        for _ in range(8):
            self.verifier.reload()
            time.sleep(0.5)
        report = load.finish()
        self.assert_all_answered(report, 200)
        self.assertEqual(set(self.logged("dmarc")), {"pass"})
        wait_until(lambda: self.verifier.files_open() < 60, 10,
            "the old resolvers to go")

    def test_broken_reload_under_load(self):
        self.verifier.table("overrides", "good.example perhaps -")
        self.verifier.configure(DMARCOverrides=self.verifier.dir +
            "/overrides")
        load = self.load(seconds=2)
        time.sleep(0.5)
        self.verifier.reload()
        self.assertIn("overrides:1:", self.verifier.log())
        self.assert_all_answered(load.finish(), 50)
        self.assertEqual(set(self.logged("dmarc")), {"pass"})

    def test_reload_keeps_the_cache(self):
        """As long as it asks the same servers the same way."""
        self.give(compose())
        asked = self.dns.count()
        self.verifier.reload()
        self.give(compose(subject="again"))
        self.assertEqual(self.dns.count(), asked)
        self.verifier.configure(DNSCacheSize="1M")
        self.verifier.reload()
        self.give(compose(subject="anew"))
        self.assertGreater(self.dns.count(), asked)

    def test_reload_changes_what_is_enforced(self):
        forged = compose(sign=False)
        how = {"sender": "x@evil.example", "client": "198.51.100.66"}
        self.assertEqual(self.give(forged, **how).verdict, "reject")
        self.verifier.configure(RejectFailures="no")
        self.verifier.reload()
        outcome = self.give(forged, **how)
        self.assertEqual(outcome.verdict, "accept", outcome)
        self.assertEqual(outcome.results.of("dmarc"), ["fail"])

    def test_in_the_background(self):
        """As init scripts start it: the resolver's thread is the child's."""
        self.verifier.stop()
        self.verifier.configure(UserID=self.verifier.user)
        self.scene.run([program("milters/verify/postern-verify"), "-c",
            self.verifier.conf])
        with open(self.verifier.settings["PidFile"]) as file:
            pid = int(file.read())
        self.addCleanup(os.kill, pid, signal.SIGTERM)
        self.assertEqual(self.give(compose()).results.of("dmarc"), ["pass"])
        self.dns.delay = 0.2
        self.publish("later.example")
        outcome = self.give(compose("user@later.example"),
            "user@later.example")
        self.assertEqual(outcome.results.of("dmarc"), ["pass"])

    def test_term_under_load(self):
        """What is open is finished, with DNS that takes its time."""
        self.dns.delay = 0.3
        load = self.load("--per-connection", "3", concurrency=20, seconds=4)
        time.sleep(1.5)
        self.assertEqual(self.verifier.stop(), 0)
        report = load.finish()
        self.assertEqual(set(report["errors"]), {"connect"}, report)
        self.assertEqual(set(self.logged("dmarc")), {"pass"})

    def test_term_while_dns_is_silent(self):
        self.dns.silent = True
        mta = self.session()
        headers, body = parse(compose())
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            sent = pool.submit(self.give, (headers, body), mta=mta)
            time.sleep(0.3)
            self.assertEqual(self.verifier.stop(), 0)
            self.assertEqual(sent.result().verdict, "tempfail")


if __name__ == "__main__":
    unittest.main()
