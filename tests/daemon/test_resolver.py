"""The resolver against servers that behave and servers that do not."""
import os
import shutil
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
from dnsserver import DnsServer
from nsd import Nsd
from scene import Scene, program, wait_until


class Answer:
    """A line of dnsask."""

    def __init__(self, line):
        self.line = line
        words = line.split(" ")
        self.result = words[0]
        self.ms = int(words[1][3:])
        self.secure = words[2] == "secure=1"
        self.canonical = words[4].split("=", 1)[1].strip('"')
        self.data = [bytes.fromhex(w[5:]) for w in words
            if w.startswith("data=")]

    def __repr__(self):
        return self.line


class Dnsask:
    """A process that asks what it is told."""

    def __init__(self, scene, *arguments):
        self.popen = subprocess.Popen([program("tests/daemon/dnsask"),
            *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.said = None
        scene.on_close(self.close)

    def message(self, *questions):
        """The answers to the questions of one message, and its seconds."""
        began = time.monotonic()
        self.popen.stdin.write(b"".join((q if isinstance(q, bytes) else
            q.encode()) + b"\n" for q in questions) + b"\n")
        self.popen.stdin.flush()
        answers = []
        while (line := self.popen.stdout.readline()) != b"\n":
            if not line:
                raise RuntimeError("dnsask: " + self.close())
            answers.append(Answer(line.decode().rstrip("\n")))
        return answers, time.monotonic() - began

    def ask(self, question):
        return self.message(question)[0][0]

    def close(self):
        """What it had to say on standard error."""
        if self.said is None:
            self.said = self.popen.communicate(timeout=20)[1].decode()
        return self.said


ZONE = '''
example.org          TXT   "v=spf1 " "-all"
example.org          MX    10 mx.example.org
www.example.org      CNAME example.org
far.example.org      CNAME x.away.example.org
away.example.org     DNAME example.net
x.example.net        A     192.0.2.1
broken.example.org   CNAME dead.example.org
nowhere.example.org  CNAME gone.example.org
dead.example.org     !servfail
closed.example.org   !refused
tc.example.org       TXT   "over TCP"
tc.example.org       !truncate
a.b.example.org      A     192.0.2.2
loop.example.org     CNAME loop.example.org
loop1.example.org    CNAME loop2.example.org
loop2.example.org    CNAME loop1.example.org
silent.example.org   !silent
noise.example.org    TXT   x
noise.example.org    !garbage
cut.example.org      TXT   x
cut.example.org      !cut
wrong.example.org    TXT   x
wrong.example.org    !wrongid
localhost            A     192.0.2.3
name.localhost       A     192.0.2.3
name.test            A     192.0.2.3
name.invalid         A     192.0.2.3
name.onion           A     192.0.2.3
name.local           A     192.0.2.3
name.home.arpa       A     192.0.2.3
1.0.0.127.in-addr.arpa     PTR here.example.org
1.0.0.10.in-addr.arpa      PTR here.example.org
1.1.168.192.in-addr.arpa   PTR here.example.org
1.2.0.192.in-addr.arpa     PTR here.example.org
8.b.d.0.1.0.0.2.ip6.arpa   PTR here.example.org
'''

HERE = b"\4here\7example\3org\0"

ANSWERS = (
    ("TXT example.org", "found", b"\7v=spf1 \4-all"),
    ("TXT Example.ORG.", "found", b"\7v=spf1 \4-all"),
    ("TXT www.example.org", "found", b"\7v=spf1 \4-all"),
    ("MX example.org", "found", b"\0\x0a\2mx\7example\3org\0"),
    ("A x.away.example.org", "found", bytes([192, 0, 2, 1])),
    ("A far.example.org", "found", bytes([192, 0, 2, 1])),
    ("A example.org", "nodata", None),
    ("A www.example.org", "nodata", None),
    ("A b.example.org", "nodata", None),
    ("A c.example.org", "nxdomain", None),
    ("A nowhere.example.org", "nxdomain", None),
    ("A dead.example.org", "servfail", None),
    ("A broken.example.org", "servfail", None),
    ("A closed.example.org", "servfail", None),
    ("TXT tc.example.org", "found", b"\x08over TCP"),
    ("A loop.example.org", "servfail", None),
    ("A loop1.example.org", "servfail", None),
    ("A localhost", "found", bytes([192, 0, 2, 3])),
    ("A name.localhost", "found", bytes([192, 0, 2, 3])),
    ("A name.test", "found", bytes([192, 0, 2, 3])),
    ("A name.invalid", "found", bytes([192, 0, 2, 3])),
    ("A name.onion", "found", bytes([192, 0, 2, 3])),
    ("A name.local", "found", bytes([192, 0, 2, 3])),
    ("A name.home.arpa", "found", bytes([192, 0, 2, 3])),
    ("PTR 1.0.0.127.in-addr.arpa", "found", HERE),
    ("PTR 1.0.0.10.in-addr.arpa", "found", HERE),
    ("PTR 1.1.168.192.in-addr.arpa", "found", HERE),
    ("PTR 1.2.0.192.in-addr.arpa", "found", HERE),
    ("PTR 8.b.d.0.1.0.0.2.ip6.arpa", "found", HERE),
    ("A a..example.org", "malformed", None),
    ("A " + "x" * 64 + ".example.org", "malformed", None),
    ("A " + "x" * 63 + ".example.org", "nxdomain", None),
    ("A " + ".".join(["x"] * 127), "nxdomain", None),
    ("A " + ".".join(["x"] * 128), "malformed", None),
)

# What an SPF macro can make of a sender's address.
OCTETS = b' !"#$%&\'()*+,-/:;<=>?@[\\]^_`{|}~\x01\x7f\x80\xff'


class Resolver(unittest.TestCase):
    def setUp(self):
        self.scene = Scene("resolver")
        self.addCleanup(self.scene.close)

    def server(self, text="", **how):
        server = DnsServer(text, **how).start()
        self.scene.on_close(server.stop)
        return server

    def asker(self, *servers, **options):
        """Extra options by letter: q=500."""
        return Dnsask(self.scene, "-n", ", ".join(s.address for s in servers),
            *("-%s%s" % item for item in options.items()))

    def test_answers(self):
        server = self.server(ZONE)
        asker = self.asker(server)
        # All at once; then what is cached.
        for _ in range(2):
            answers, _ = asker.message(*(row[0] for row in ANSWERS))
            for (question, result, data), answer in zip(ANSWERS, answers):
                with self.subTest(question):
                    self.assertEqual(answer.result, result)
                    self.assertEqual(answer.data, [data] if data else [])
                    self.assertFalse(answer.secure)
        self.assertEqual(asker.ask("TXT www.example.org").canonical,
            "example.org")
        self.assertEqual(asker.ask("TXT example.org").canonical, "")
        self.assertEqual(server.count("example.org", "TXT"), 1)
        self.assertEqual(server.count("c.example.org"), 1)

    def test_any_octets_in_names(self):
        server = self.server()
        server.add_raw(OCTETS + b".example.org", "A", b"\xc0\0\2\4")
        answers, _ = self.asker(server).message(
            b"A " + OCTETS + b".example.org", b"A x" + OCTETS + b".example.org")
        self.assertEqual([a.result for a in answers], ["found", "nxdomain"])
        self.assertEqual(answers[0].data, [b"\xc0\0\2\4"])

    def test_nonsense_has_a_result(self):
        server = self.server(ZONE)
        answers, took = self.asker(server, q=700).message(
            *("TXT %s.example.org" % name for name in ("silent", "noise",
            "cut", "wrong")))
        for answer in answers:
            self.assertIn(answer.result, ("timeout", "servfail"))
        self.assertEqual(answers[0].result, "timeout")
        self.assertLess(took, 2)

    def test_many_records(self):
        server = self.server()
        for i in range(1500):
            server.add("many.example.org", "A", "192.0.%d.%d" % (i // 250,
                i % 250))
        answer = self.asker(server).ask("A many.example.org")
        self.assertEqual(answer.result, "found")
        self.assertEqual(len(answer.data), 1000)

    def test_odd_record_data(self):
        server = self.server()
        server.add_raw("odd.example.org", "TXT", b"\xffshort")
        server.add_raw("empty.example.org", "TXT", b"")
        answers, _ = self.asker(server, q=700).message("TXT odd.example.org",
            "TXT empty.example.org")
        for answer in answers:
            self.assertIn(answer.result, ("found", "servfail", "timeout"))

    def test_questions_overlap(self):
        server = self.server(delay=0.2)
        answers, took = self.asker(server).message(
            *("A %d.example.org" % i for i in range(100)))
        self.assertEqual({a.result for a in answers}, {"nxdomain"})
        self.assertGreaterEqual(took, 0.2)
        self.assertLess(took, 1)

    def test_slow_server_loses_nothing(self):
        server = self.server(ZONE, delay=2)
        asker = self.asker(server)
        for question in "TXT example.org", "MX example.org":
            answers, took = asker.message(question, "A %s.example.org" %
                question[:2])
            self.assertEqual([a.result for a in answers],
                ["found", "nxdomain"])
            self.assertLess(took, 4.5)
        self.assertEqual(asker.close(), "")

    def test_refusal_is_noticed_at_once(self):
        server = self.server(ZONE)
        asker = self.asker(server)
        server.stop()
        times = []
        for i in range(5):
            answers, took = asker.message("TXT example.org",
                "A %d.example.org" % i)
            self.assertEqual([a.result for a in answers], ["servfail"] * 2)
            self.assertIn("connection refused", str(answers[0]))
            times.append(took)
            time.sleep(0.15)
        self.assertLess(sorted(times)[2], 0.05)
        self.assertLess(max(times), 1)
        server.start()
        wait_until(lambda: asker.ask("TXT example.org").result == "found", 2,
            "the server's return")
        said = asker.close().splitlines()
        self.assertEqual(len(said), 2, said)
        self.assertIn("refused", said[0])
        self.assertIn("answer again", said[1])

    def test_silence_and_return(self):
        server = self.server(ZONE)
        asker = self.asker(server, q=4000)
        server.silent = True
        answers, took = self.asker(server, q=500).message("TXT example.org",
            "MX example.org")
        self.assertEqual([a.result for a in answers], ["timeout"] * 2)
        self.assertLess(took, 1)
        threading.Timer(1.5, setattr, (server, "silent", False)).start()
        answers, took = asker.message("TXT example.org", "MX example.org")
        self.assertEqual([a.result for a in answers], ["found"] * 2)
        self.assertLess(took, 2.3)

    def test_dies_under_load_and_comes_back(self):
        server = self.server("*.example.org A 192.0.2.1")
        asker = self.asker(server, q=1000)
        end = time.monotonic() + 4
        down = threading.Thread(target=self.flap, args=(server, end))
        down.start()
        results, number = set(), 0
        while time.monotonic() < end:
            names = ["A %d.example.org" % (number + i) for i in range(20)]
            number += 20
            answers, took = asker.message(*names)
            self.assertEqual(len(answers), 20)
            results |= {a.result for a in answers}
            self.assertLess(took, 1.8)
        down.join()
        self.assertLessEqual(results, {"found", "servfail", "timeout"})
        self.assertLessEqual({"found", "servfail"}, results)
        wait_until(lambda: asker.ask("A %d.test.example.org" %
            time.monotonic_ns()).result == "found", 1, "recovery")

    @staticmethod
    def flap(server, end):
        while time.monotonic() < end:
            time.sleep(0.4)
            server.stop()
            time.sleep(0.4)
            server.start()

    def test_next_server_answers(self):
        """One of two does not, and then it is the other one."""
        for how in "refuses", "is silent":
            first, second = self.server(ZONE), self.server(ZONE)
            asker = self.asker(first, second)
            self.gone(first, how)
            self.all_well(asker, "TXT example.org")
            self.all_well(asker, "MX example.org")
            first.silent = False
            first.start() if how == "refuses" else None
            self.gone(second, how)
            self.all_well(asker, "A x.away.example.org")
            self.all_well(asker, "TXT tc.example.org")
            # At first the right one may have been asked by chance.
            said = asker.close().splitlines()
            self.assertIn([line.rpartition(" ")[2] for line in said],
                ([second.address, first.address], [first.address]))

    @staticmethod
    def gone(server, how):
        if how == "refuses":
            server.stop()
        server.silent = True

    def all_well(self, asker, question):
        answers, took = asker.message(question, "A c%d.example.org" %
            time.monotonic_ns())
        self.assertEqual([a.result for a in answers], ["found", "nxdomain"])
        self.assertLess(took, 1)

    def test_failures_are_not_kept(self):
        server = self.server("a.example.org A 192.0.2.1\n"
            "a.example.org !servfail")
        asker = self.asker(server)
        self.assertEqual(asker.ask("A a.example.org").result, "servfail")
        server.remove("a.example.org")
        server.add("a.example.org", "A", "192.0.2.1")
        wait_until(lambda: asker.ask("A a.example.org").result == "found", 8,
            "the answer", 0.2)

    def test_without_cache(self):
        server = self.server("a.example.org A 192.0.2.1")
        server.ttl = 0
        asker = self.asker(server, c=0)
        self.assertEqual(asker.ask("A a.example.org").result, "found")
        server.remove("a.example.org")
        self.assertEqual(asker.ask("A a.example.org").result, "nxdomain")

    def test_resolv_conf_is_read_again(self):
        first, second = self.server("a.example.org A 192.0.2.1"), \
            self.server("*.example.org A 192.0.2.2")
        path = self.scene.write("resolv.conf", "search example.org\n"
            "nameserver %s\n" % first.address)
        asker = Dnsask(self.scene, "-r", path, "-q", "4500")
        self.assertEqual(asker.ask("A a.example.org").data,
            [b"\xc0\0\2\1"])
        # An open question goes along to the new server.
        first.silent = True
        threading.Timer(0.5, self.scene.write, ("resolv.conf",
            "nameserver %s\n" % second.address)).start()
        answers, took = asker.message("A b.example.org")
        self.assertEqual(answers[0].data, [b"\xc0\0\2\2"])
        self.assertLess(took, 3)
        # What the other one said does not count any more.
        self.assertEqual(asker.ask("A a.example.org").data, [b"\xc0\0\2\2"])
        # A file that names nobody we can ask changes nothing.
        self.scene.write("resolv.conf", "nameserver fe80::1%eth0\n")
        time.sleep(1.2)
        self.assertEqual(asker.ask("A c.example.org").data, [b"\xc0\0\2\2"])
        self.assertIn("has changed: asking " + second.address, asker.close())


class Dnssec(unittest.TestCase):
    """A signed zone, a forged one and a plain one."""

    RECORDS = {"good": "www IN A 192.0.2.1\n", "bad": "www IN A 192.0.2.2\n",
        "plain": "www IN A 192.0.2.3\n"}

    @classmethod
    def setUpClass(cls):
        for tool in "nsd", "ldns-keygen", "ldns-signzone":
            if shutil.which(tool) is None:
                raise unittest.SkipTest("needs " + tool)

    def setUp(self):
        self.scene = Scene("dnssec")
        self.addCleanup(self.scene.close)
        self.anchors = ""

    def sign(self, path):
        """Signs a zone file in place and adds its key to the anchors."""
        where, name = os.path.split(path)
        zone = name[:-len(".zone")]
        key = self.scene.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k",
            zone], cwd=where).stdout.strip()
        self.scene.run(["ldns-signzone", "-n", "-o", zone, "-f", name, name,
            key], cwd=where)
        with open(os.path.join(where, key + ".key"), encoding="ascii") as file:
            self.anchors += file.read()

    def forge(self, path):
        """Changes an address after it was signed."""
        self.sign(path)
        with open(path, encoding="ascii") as file:
            text = file.read()
        self.assertIn("192.0.2.2", text)
        with open(path, "w", encoding="ascii") as file:
            file.write(text.replace("192.0.2.2", "192.0.2.66"))

    def test_results(self):
        nsd = Nsd(self.scene, {name + ".example": records for name, records in
            self.RECORDS.items()}, {"good.example": self.sign,
            "bad.example": self.forge}).start()
        anchors = self.scene.write("anchors", self.anchors)
        names = ["A %s.%s.example" % (name, zone) for name in ("www", "no")
            for zone in ("good", "bad", "plain")]
        server = "127.0.0.1@%d" % nsd.port
        answers, _ = Dnsask(self.scene, "-n", server, "-a",
            anchors).message(*names)
        self.assertEqual([(a.result, a.secure) for a in answers], [
            ("found", True), ("bogus", False), ("found", False),
            ("nxdomain", True), ("nxdomain", True), ("nxdomain", False)])
        self.assertIn("DNSSEC", str(answers[1]))
        self.assertEqual(answers[1].data, [])
        # Without anchors nobody looks at signatures.
        answers, _ = Dnsask(self.scene, "-n", server).message(*names)
        self.assertEqual([(a.result, a.secure) for a in answers],
            [("found", False)] * 3 + [("nxdomain", False)] * 3)

    def test_anchors_that_went_away(self):
        """Nothing is trusted instead; the log says why."""
        server = DnsServer("a.example A 192.0.2.1").start()
        self.scene.on_close(server.stop)
        path = self.scene.write("anchors", "example. IN DS 1 13 2 " + "00" * 32)
        asker = Dnsask(self.scene, "-n", server.address, "-a", path)
        asker.message()     # it has started
        os.rename(path, path + ".gone")
        answer = asker.ask("A a.example")
        self.assertEqual(answer.result, "servfail")
        self.assertIn(path, str(answer))
        self.assertIn(path, asker.close())

    def test_anchors_that_are_none(self):
        for text in "no anchors\n", "", None:
            path = self.scene.path("none")
            if text is not None:
                path = self.scene.write("anchors", text)
            asker = Dnsask(self.scene, "-n", "127.0.0.1@9", "-a", path)
            asker.popen.wait(10)
            with self.subTest(text):
                self.assertEqual(asker.popen.returncode, 78)
                self.assertIn(path, asker.close())


if __name__ == "__main__":
    unittest.main()
