"""ARC chains that others sealed are validated: dkimpy's, Mail::DKIM's and
rspamd's, and the published suite of chain validations, where it lies beside the
tree. Each by "postern message verify --json" against a DNS server that holds
the keys."""
import json
import os
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))

from dkimkeys import Keys  # noqa: E402
from dnsserver import DnsServer  # noqa: E402
from scene import SRCDIR, Scene, program, wait_until  # noqa: E402

SUITE = os.path.join(SRCDIR, "..", "shared", "suites", "arc-validate.json")
SETS_MAX = 50
MESSAGE = (b"From: Joe <joe@author.example>\r\nTo: list@one.example\r\n"
    b"Subject: hello\r\nDate: Sun, 22 Nov 2026 03:00:00 +0000\r\n"
    b"Message-ID: <1@author.example>\r\n\r\nhello,  world \r\n\r\n\r\n")

# Nothing but arc; its list of ten thousand suffixes compiles for half a minute.
RSPAMD = r"""
options {
    pidfile = "%(dir)s/pid";
    filters = "dkim";
    explicit_modules = ["arc"];
    check_all_filters = false;
    cache_file = "%(dir)s/symbols.cache";
    hs_cache_dir = "%(dir)s";
    control_socket = "%(dir)s/control mode=0600";
    tempdir = "%(dir)s";
    url_tld = "%(dir)s/tld";
    dns { nameserver = ["127.0.0.1:1"]; }
}
logging { type = "console"; level = "error"; }
worker "rspamd_proxy" {
    bind_socket = "%(dir)s/sock mode=0666";
    milter = yes;
    count = 1;
    upstream "local" { default = yes; self_scan = yes; }
}
dkim { }
arc {
    sign_inbound = true;
    use_domain = "header";
    use_esld = false;
    allow_hdrfrom_mismatch = true;
    try_fallback = false;
    domain { "author.example" { path = "%(key)s"; selector = "s1"; } }
}
actions { reject = null; add_header = null; greylist = null; }
metric { }
modules { path = "${PLUGINSDIR}/arc.lua"; }
"""


def validate(scene, server, data):
    """The arc object for a message; {"result": why} where there is none."""
    done = subprocess.run([program("admin/postern"), "message", "verify",
        "--json", "-c", scene.write("verify.conf", ""), "--nameserver",
        server.address, "--client-addr", "192.0.2.1", "--helo",
        "mx.one.example", "--mail-from", "joe@author.example",
        scene.write("message.eml", data)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    try:
        return json.loads(done.stdout)["arc"] or {"result": "not checked"}
    except ValueError:
        return {"result": "exit %d: %s" % (done.returncode,
            done.stderr.decode(errors="replace"))}


def by_dkimpy(keys, data, domain):
    return keys.seal(data, domain)


def by_mail_dkim(keys, data, domain):
    chain = "pass" if b"ARC-Seal:" in data else "none"
    results = "Authentication-Results: %s; arc=%s\r\n" % (domain, chain)
    done = subprocess.run(["perl", os.path.join(HERE, "mail_dkim_arc.pl"),
        keys.key("rsa")[0], domain, "s1", chain], stdout=subprocess.PIPE,
        input=results.encode() + data, check=True)
    return done.stdout


class Peers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = Scene("arc")
        cls.addClassCleanup(cls.scene.close)
        cls.keys = Keys(cls.scene)
        cls.server = DnsServer().__enter__()
        cls.addClassCleanup(cls.server.stop)
        for name in ("one", "two", "three", "author"):
            cls.server.add("s1._domainkey.%s.example" % name, "TXT",
                cls.keys.record("rsa").encode())

    def check(self, data, result, sealers=None):
        got = validate(self.scene, self.server, data)
        self.assertEqual(got["result"], result, got)
        if sealers is not None:
            self.assertEqual(got["sealers"], sealers)

    def chain(self, *sealers):
        """MESSAGE, sealed by each in turn."""
        data = MESSAGE
        for seal, name in zip(sealers, ("one", "two", "three")):
            data = seal(self.keys, data, name + ".example")
        return data

    def test_chains(self):
        self.check(MESSAGE, "none", [])
        for sealers in ((by_dkimpy,), (by_mail_dkim,), (by_dkimpy,) * 3,
                (by_mail_dkim,) * 3, (by_dkimpy, by_mail_dkim, by_dkimpy)):
            with self.subTest([s.__name__ for s in sealers]):
                self.check(self.chain(*sealers), "pass",
                    ["one.example", "two.example",
                    "three.example"][:len(sealers)])

    @unittest.skipUnless(shutil.which("rspamd"), "no rspamd")
    def test_rspamd(self):
        directory = self.scene.mkdir("rspamd")
        socket = os.path.join(directory, "sock")
        self.scene.write("rspamd/tld", "example\n")
        daemon = self.scene.start(["rspamd", "-f", "--insecure", "-c",
            self.scene.write("rspamd/conf", RSPAMD % {"dir": directory,
            "key": self.keys.key("rsa")[0]})], log=socket + ".log")
        wait_until(lambda: os.path.exists(socket) or not daemon.running(), 60,
            "rspamd")
        done = subprocess.run([program("tests/bench/milterload"), "-S",
            "unix:" + socket, "-a", "192.0.2.1", "-f", "joe@author.example",
            "--print", "-i", self.scene.write("rspamd/message", MESSAGE)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.check(done.stdout, "pass", ["author.example"])
        self.check(by_dkimpy(self.keys, done.stdout, "two.example"), "pass",
            ["author.example", "two.example"])
        self.check(done.stdout.replace(b"world", b"World"), "fail")

    def test_changes(self):
        data = self.chain(by_dkimpy, by_mail_dkim)
        self.check(data, "pass")
        for old, new in ((b"hello,  world ", b"hello, world\t"),
                (b"Subject: hello", b"subject :  hello")):
            self.check(data.replace(old, new), "pass")
        for old, new in ((b"world", b"World"), (b"From: Joe", b"From: Jane"),
                (b"arc=pass", b"arc=none"), (b"cv=none", b"cv=pass"),
                (b"i=1", b"i=3"), (b"ARC-Seal", b"X-Seal"),
                (b"dkim=pass", b"dkim=fail")):
            self.assertIn(old, data)
            with self.subTest(old):
                self.check(data.replace(old, new, 1), "fail")

    def test_dead_dns(self):
        """Neither a fail nor a pass, unless the chain fails anyway."""
        data = self.chain(by_dkimpy)
        for flaw in ("servfail", "refused", "garbage"):
            self.server.flaw("s1._domainkey.%s.example" % flaw, flaw)
            with self.subTest(flaw):
                sealed = by_dkimpy(self.keys, data, flaw + ".example")
                self.check(sealed, "temperror")
                self.check(sealed.replace(b"world", b"World"), "fail")
        self.check(by_dkimpy(self.keys, data, "gone.example"), "fail")

    def test_longest(self):
        data = MESSAGE
        for i in range(SETS_MAX):
            data = by_dkimpy(self.keys, data, "%s.example" %
                ("one", "two")[i % 2])
        self.check(data, "pass", ["one.example", "two.example"] * 25)
        self.check(data.replace(b"i=50;", b"i=51;"), "fail")
        self.check(b"ARC-Seal: i=5000; cv=pass\r\n" + data, "fail")


@unittest.skipUnless(os.path.exists(SUITE),
    "no conformance data at ../shared/suites")
class Suite(unittest.TestCase):
    def rows(self):
        """(server, test) for each; a server holds its scenario."""
        with open(SUITE, encoding="utf-8") as file:
            scenarios = json.load(file)["scenarios"]
        for scenario in scenarios:
            with DnsServer() as server:
                for name, text in scenario["txt"].items():
                    server.add(name, "TXT", text.encode())
                for test in scenario["tests"]:
                    yield server, test

    def test_rows(self):
        problems, count = [], 0
        with Scene("arc") as scene:
            for server, test in self.rows():
                got = validate(scene, server,
                    test["message"].replace("\n", "\r\n").encode())
                count += 1
                # Without a status the suite tells what a sealer would do.
                if test["cv"] not in (None, got["result"]):
                    problems.append("%s: %s, not %s" % (test["name"], got,
                        test["cv"]))
        self.assertFalse(problems, "%d of %d rows:\n%s" % (len(problems),
            count, "\n".join(problems)))
        self.assertGreaterEqual(count, 88)


if __name__ == "__main__":
    unittest.main()
