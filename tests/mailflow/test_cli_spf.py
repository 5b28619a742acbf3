"""postern spf: what it prints, and how it ends."""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
from dnsserver import DnsServer
from scene import Scene, program

OK, USAGE, TEMPFAIL = 0, 64, 75
ZONE = r"""
    d.example       TXT "v=spf1 ip4:198.51.100.0/24 include:i.example a " \
"-all exp=why.example"
    d.example       A   192.0.2.7
    i.example       TXT "v=spf1 mx ip6:2001:db8::/32 -all"
    i.example       MX  10 m.example
    m.example       A   192.0.2.8
    why.example     TXT "%{i} may not send as %{s}"
    r.example       TXT "v=spf1 redirect=d.example"
    h.example       TXT "v=spf1 a -all"
    h.example       A   192.0.2.9
    odd.example     TXT "v=spf1 a:\027[31m.example -all"
    dead.example    !silent
""".replace("\\\n", "")


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = Scene("cli-spf")
        cls.addClassCleanup(cls.scene.close)
        cls.dns = DnsServer(ZONE).start()
        cls.addClassCleanup(cls.dns.stop)

    def postern(self, *arguments, status=OK):
        argv = [program("admin/postern"), "spf", *arguments]
        done = self.scene.run(argv, check=False, cwd=self.scene.dir)
        self.assertEqual(done.returncode, status, "%s\n%s%s" %
            (" ".join(argv), done.stdout, done.stderr))
        return done

    def ask(self, client, sender, helo="h.example", *more, status=OK):
        return self.postern("--client-addr", client, "--helo", helo,
            "--mail-from", sender, "--nameserver", self.dns.address, *more,
            status=status)

    def json(self, *arguments, status=OK):
        return json.loads(self.ask(*arguments, "--json",
            status=status).stdout)


class Spf(Case):
    def test_json(self):
        got = self.json("192.0.2.7", "alice@d.example", "h.example")
        for key, value in {"result": "pass", "term": "a", "term_domain":
                "d.example", "explanation": "", "reason": "", "scope":
                "mailfrom", "domain": "d.example", "sender":
                "alice@d.example", "dns_terms": 3, "void_terms": 0}.items():
            self.assertEqual(got[key], value, key)
        self.assertEqual([(q["type"], q["name"], q["result"]) for q in
            got["queries"]], [("TXT", "d.example", "found"),
            ("TXT", "i.example", "found"), ("MX", "i.example", "found"),
            ("A", "m.example", "found"), ("A", "d.example", "found")])
        self.assertEqual(got["queries"][2]["records"], ["10 m.example"])
        self.assertEqual(got["queries"][4]["records"], ["192.0.2.7"])
        self.assertEqual([(s["depth"], s["domain"], s["term"], s["outcome"])
            for s in got["steps"]], [
            (0, "d.example", "", "record found"),
            (0, "d.example", "ip4:198.51.100.0/24", "no match"),
            (0, "d.example", "include:i.example", "no match"),
            (1, "i.example", "", "record found"),
            (1, "i.example", "mx", "no match"),
            (1, "i.example", "ip6:2001:db8::/32", "no match"),
            (1, "i.example", "-all", "match"),
            (0, "d.example", "a", "match")])

    def test_fail_with_its_explanation(self):
        got = self.json("192.0.2.1", "alice@r.example", "h.example")
        self.assertEqual((got["result"], got["term"], got["term_domain"],
            got["explanation"]), ("fail", "-all", "d.example",
            "192.0.2.1 may not send as alice@r.example"))

    def test_text(self):
        out = self.ask("2001:db8::1", "alice@d.example").stdout
        for line in ("result       pass",
                "identity     alice@d.example (mailfrom)",
                "term         include:i.example (record of d.example)",
                "    i.example: ip6:2001:db8::/32: match",
                "  TXT i.example: found: \"v=spf1 mx ip6:2001:db8::/32 "
                "-all\" ("):
            self.assertIn("\n" + line, "\n" + out)

    def test_helo_where_there_is_no_sender(self):
        for sender in "", "<>":
            got = self.json("192.0.2.9", sender, "h.example")
            self.assertEqual((got["scope"], got["result"], got["sender"]),
                ("helo", "pass", "postmaster@h.example"))
        done = self.postern("--client-addr", "192.0.2.1", "--helo",
            "localhost", "--nameserver", self.dns.address)
        self.assertIn("not a fully qualified name", done.stdout)

    def test_senders_as_people_write_them(self):
        for sender in ("<alice@D.example>", "d.example", "a b@d.example",
                "@d.example"):
            self.assertEqual(self.json("192.0.2.7", sender,
                "h.example")["domain"].lower(), "d.example")

    def test_bytes_from_dns_are_escaped(self):
        out = self.ask("192.0.2.1", "alice@odd.example").stdout
        self.assertIn("result       permerror", out)
        self.assertNotIn("\033", out)
        self.assertEqual(out.isascii(), True)

    def test_dead_dns_is_temperror(self):
        got = self.json("192.0.2.1", "alice@dead.example", "h.example",
            "--timeout", "1", status=TEMPFAIL)
        self.assertEqual(got["result"], "temperror")
        self.assertEqual(got["queries"][0]["result"], "timeout")
        self.assertIn("TXT dead.example: ", got["reason"])

    @unittest.skipUnless(os.geteuid() == 0, "needs root for a host's name")
    def test_host_with_the_longest_name(self):
        """libspf2 would end the process over it."""
        done = self.scene.run(["unshare", "--uts", "sh", "-c",
            "hostname %s && exec \"$@\"" % ("a" * 64), "sh",
            program("admin/postern"), "spf", "--client-addr", "192.0.2.9",
            "--helo", "h.example", "--nameserver", self.dns.address],
            check=False, cwd=self.scene.dir)
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertIn("result       pass", done.stdout)

    def test_wrong_usage(self):
        for arguments, text in (
                ((), "--client-addr is missing"),
                (("--client-addr", "192.0.2"), "no IP address"),
                (("--client-addr", "192.0.2.1"), "--mail-from or --helo"),
                (("--client-addr", "192.0.2.1", "--helo", "h.example",
                    "--nameserver", "nowhere"), "--nameserver"),
                (("--client-addr", "192.0.2.1", "extra"), "unexpected"),
                (("--cleint-addr", "192.0.2.1"), "--client-addr?")):
            done = self.postern(*arguments, status=USAGE)
            self.assertIn(text, done.stderr)
            self.assertEqual(done.stdout, "")

    def test_help(self):
        for arguments in ("spf", "--help"), ("help", "spf"):
            done = self.scene.run([program("admin/postern"), *arguments],
                check=False, cwd=self.scene.dir)
            self.assertEqual(done.returncode, OK)
            self.assertIn("usage: postern spf [OPTION...]", done.stdout)
            self.assertIn("--mail-from ADDRESS", done.stdout)


if __name__ == "__main__":
    unittest.main()
