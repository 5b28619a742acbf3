"""Authentication-Results as others read it, python3-authres here: whatever the
envelope and the header hold, the field is well-formed, says what was found and
nothing else."""
import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))

from dnsserver import DnsServer  # noqa: E402
from scene import Scene, program  # noqa: E402
from verifier import Results  # noqa: E402

ID = "mx.example.net"
METHODS = ["iprev", "spf", "spf", "dkim", "arc", "dmarc"]
MESSAGE = b"From: joe@example.org\r\nSubject: hello\r\n\r\nhello\r\n"

# What a client may say; none of it must end a value, a comment or a line.
HELOS = ["mx.example.org", "[192.0.2.1]", "[IPv6:2001:db8::1]", "a;dmarc=pass",
    "x; dkim=pass header.d=bank.example", "a\"b", "a\\", "\\\"", "(", ")",
    "a) dmarc=pass (", "a b", "\t", "=", "a\r\nBcc: joe@example.org", "\x01",
    "b\u00fccher.example", "\udcff\udcfe", "a" * 900, "\"" * 900, "\\" * 900,
    "=?utf-8?q?=22?=", "joe@example.org", "%s%n"]
SENDERS = ["<>", "joe@example.org", "\"joe smith\"@example.org",
    "\"a;b\"@example.org", "\"a\\\"b\\\\\"@example.org", "a+b=c@example.org",
    "\"" + "\\\"" * 100 + "\"@example.org", "joe@[192.0.2.1]", "joe",
    "\u00fc@example.org", "joe@b\u00fccher.example", "a@b@c", "<a;b@c>",
    "joe@" + "a." * 300 + "org", "x" * 300 + "@example.org", "@"]


class Fields(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = Scene("authres")
        cls.addClassCleanup(cls.scene.close)
        cls.server = DnsServer("""
            example.org         TXT "v=spf1 ip4:192.0.2.1 -all"
            _dmarc.example.org  TXT "v=DMARC1; p=reject"
        """).__enter__()
        cls.addClassCleanup(cls.server.stop)
        cls.config = cls.scene.write("verify.conf",
            "AuthservID %s\n" % ID)

    def verify(self, helo, sender, data=MESSAGE):
        """The field's value, without folds."""
        done = subprocess.run([program("admin/postern"), "message", "verify",
            "--json", "-c", self.config, "--nameserver", self.server.address,
            "--client-addr", "192.0.2.1", "--helo", octets(helo),
            "--mail-from", octets(sender),
            self.scene.write("message.eml", data)], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=60)
        self.assertIn(done.returncode, (0, 1, 75), done.stderr)
        return json.loads(done.stdout)["authentication_results"]

    def check(self, helo, sender):
        text = self.verify(helo, sender)
        self.assertRegex(text, r"\A[ -~]+\Z")
        results = Results(text)
        self.assertEqual(results.authserv_id, ID)
        self.assertEqual([m.method for m in results.methods], METHODS, text)
        passes = "@example.org" in sender.lower() and "pass" in results.of(
            "spf", smtp_mailfrom=None)
        self.assertEqual(results.of("dmarc"), ["pass" if passes else "fail"],
            text)
        return results

    def test_helo(self):
        for helo in HELOS:
            with self.subTest(helo):
                self.check(helo, "joe@example.org")

    def test_sender(self):
        for sender in SENDERS:
            with self.subTest(sender):
                self.check("mx.example.org", sender)

    def test_values_survive(self):
        for sender, value in (("joe@example.org", "joe@example.org"),
                ("<a+b=c@EXAMPLE.org>", "a+b=c@example.org"),
                ("joe@b\u00fccher.example", "joe@xn--bcher-kva.example")):
            results = self.check("mx.example.org", sender)
            self.assertIn(value, results.property("spf", "smtp.mailfrom"))
        results = self.check("a;dmarc=pass", "joe@example.org")
        self.assertIn("a;dmarc=pass", results.property("spf", "smtp.helo"))

    def test_hostile_fields(self):
        """d=, s= and a= of signatures, and domains of sealers."""
        for value in ("a;b", "x) dmarc=pass (", "\"", "\\", "a b"):
            data = "".join("%s: i=1; v=1; cv=none; a=%s; d=%s; s=%s; b=%s\r\n"
                % (name, value, value, value, value)
                for name in ("DKIM-Signature", "ARC-Seal")).encode() + MESSAGE
            with self.subTest(value):
                text = self.verify("mx.example.org", "joe@example.org", data)
                results = Results(text)
                self.assertEqual([m.method for m in results.methods], METHODS)
                self.assertEqual(results.of("arc"), ["fail"])
                self.assertNotIn("pass", results.of("dkim"))


def octets(text):
    return text.encode("utf-8", "surrogateescape")


if __name__ == "__main__":
    unittest.main()
