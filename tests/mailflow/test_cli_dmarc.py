"""postern dmarc: the walk, the policy and what DNS does to them."""
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
from dnsserver import DnsServer
from scene import program

OK, NO, USAGE, TEMPFAIL = 0, 1, 64, 75
ZONE = """
    _dmarc.example.com      TXT "v=DMARC1; p=reject; sp=quarantine; np=none; "
    a.example.com           A   192.0.2.1
    www.empty.example.com   A   192.0.2.1
    _dmarc.full.example     TXT "v=DMARC1; p=quarantine; t=y; X=1; " \
"rua=mailto:d@full.example!10m,bad; ruf=mailto:f@full.example"
    _dmarc.bank.example     TXT "v=DMARC1; p=reject; psd=y"
    _dmarc.giant.bank.example TXT "v=DMARC1; p=none"
    _dmarc.xn--bcher-kva.example TXT "v=DMARC1; p=none"
    _dmarc.bad.example      TXT "v=DMARC1; p=rejected"
    _dmarc.odd.example      TXT "v=DMARC1; p=none; x=\\027[2J\\200"
    _dmarc.two.example      TXT "v=DMARC1; p=none"
    _dmarc.two.example      TXT "v=DMARC1; p=reject"
    _dmarc.dead.example     !servfail
    _dmarc.silent.example   !silent
    _dmarc.own.dead         TXT "v=DMARC1; p=reject"
    _dmarc.dead             !servfail
    _dmarc.exists.example   TXT "v=DMARC1; p=reject; np=none"
    x.exists.example        !servfail
"""


class Dmarc(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = DnsServer(ZONE)
        cls.server.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def postern(self, *arguments, status=OK):
        done = subprocess.run([program("admin/postern"), "dmarc",
            "--nameserver", "127.0.0.1@%d" % self.server.port] +
            list(arguments), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def json(self, *arguments, status=OK):
        return json.loads(self.postern("--json", *arguments,
            status=status).stdout)

    def check(self, domain, policy, source, at, organization, status=OK):
        found = self.json(domain, status=status)
        self.assertEqual((found["policy"], found["source"],
            found["policy_domain"], found["organizational_domain"]),
            (policy, source, at, organization), domain)
        return found

    def test_policies(self):
        org = "example.com"
        self.check(org, "reject", "p", org, org)
        self.check("a.example.com", "quarantine", "sp", org, org)
        self.check("empty.example.com", "quarantine", "sp", org, org)
        self.check("nx.example.com", "none", "np", org, org)
        self.check("EXAMPLE.com.", "reject", "p", org, org)
        self.check("b\u00fccher.example", "none", "p",
            "xn--bcher-kva.example", "xn--bcher-kva.example")
        self.check("giant.bank.example", "none", "p", "giant.bank.example",
            "giant.bank.example")
        self.check("m.mega.bank.example", "reject", "p", "bank.example",
            "mega.bank.example")

    def test_none(self):
        for domain in ("none.example", "two.example", "bad.example"):
            found = self.check(domain, None, None, None, domain, status=NO)
            self.assertIsNone(found["tags"])
            self.assertIsNone(found["testing"])
        self.assertIn("p= is not valid", found["reason"])
        self.assertIn("no policy applies",
            self.postern("none.example", status=NO).stdout)

    def test_record(self):
        found = self.json("full.example")
        self.assertEqual(found["tags"], {"v": "DMARC1", "p": "quarantine",
            "t": "y", "x": "1", "rua": "mailto:d@full.example!10m,bad",
            "ruf": "mailto:f@full.example"})
        self.assertIs(found["testing"], True)
        self.assertEqual(found["rua"], ["mailto:d@full.example"])
        self.assertEqual(found["ruf"], ["mailto:f@full.example"])
        text = self.postern("full.example").stdout
        for part in ("quarantine (p=)", "_dmarc.full.example", "t=y",
                "mailto:d@full.example\n", "_dmarc.example: no record"):
            self.assertIn(part, text)

    def test_names_asked(self):
        asked = self.json("a.b.c.d.e.f.g.h.i.j.mail.example.com")["queries"]
        self.assertEqual([q["name"] for q in asked if q["type"] == "TXT"],
            ["_dmarc." + name for name in
            ("a.b.c.d.e.f.g.h.i.j.mail.example.com",
            "g.h.i.j.mail.example.com", "h.i.j.mail.example.com",
            "i.j.mail.example.com", "j.mail.example.com",
            "mail.example.com", "example.com", "com")])

    def test_suffix_list(self):
        found = self.json("x.giant.bank.example", "--discovery", "psl")
        self.assertEqual(found["organizational_domain"], "bank.example")
        self.assertEqual([step["domain"] for step in found["walk"]],
            ["x.giant.bank.example", "bank.example"])

    def test_trouble(self):
        for domain in ("dead.example", "silent.example"):
            found = self.json(domain, "--timeout", "1", status=TEMPFAIL)
            self.assertEqual(found["result"], "temperror")
            self.assertIn("_dmarc." + domain, found["reason"])
            self.assertIsNone(found["policy"])
            self.assertIsNone(found["organizational_domain"])
        self.check("own.dead", "reject", "p", "own.dead", None)
        self.check("x.exists.example", "reject", "p", "exists.example",
            "exists.example", status=TEMPFAIL)

    def test_hostile_record(self):
        text = self.postern("odd.example").stdout
        self.assertTrue(text.isascii() and text.replace("\n", "")
            .isprintable(), text)
        self.assertEqual(self.json("odd.example")["policy"], "none")

    def test_usage(self):
        for arguments in (("a..b",), ("[192.0.2.1]",), ("",), (), ("a", "b"),
                ("a", "--discovery", "guess")):
            self.assertIn("postern: ", self.postern(*arguments,
                status=USAGE).stderr)
        self.assertIn("Exit status", self.postern("--help").stdout)


if __name__ == "__main__":
    unittest.main()
