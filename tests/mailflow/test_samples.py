"""The sample files as they are installed: two daemons and a Postfix that have
no settings but these, with other directories."""
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
import smtp
from dnsserver import DnsServer
from postfix import Postfix
from scene import SRCDIR, Scene, program
from service import Unit
from sink import Sink
from verifier import FIELD, Results

OURS, OUTSIDE = "example.org", "partner.example"
RECIPIENT = "ann@example.net"
ZONE = """
partner.example         TXT  "v=spf1 ip4:192.0.2.10 -all"
_dmarc.partner.example  TXT  "v=DMARC1; p=reject"
"""


def sample(name):
    with open(os.path.join(SRCDIR, "etc", name)) as file:
        return file.read()


def main_cf():
    """{parameter: value} of the sample lines."""
    lines = [line for line in sample("main.cf").splitlines()
        if not line.startswith("#")]
    return dict(re.split(r"\s*=\s*", entry, 1) for entry in re.split(
        r"\n(?=\S)", re.sub(r"\n[ \t]+", " ", "\n".join(lines)).strip())
        if entry.strip())


class Samples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = Scene("samples")
        cls.addClassCleanup(cls.scene.close)
        cls.dns = DnsServer(ZONE).start()
        cls.addClassCleanup(cls.dns.stop)
        cls.sink = Sink(cls.scene)
        cls.postfix = Postfix(cls.scene, cls.sink.port, main_cf())
        cls.etc = cls.scene.mkdir("etc")
        cls.signer, cls.verifier = cls.unit("sign"), cls.unit("verify")
        for name in "KeyTable", "SigningTable", "DMARCOverrides":
            cls.install(name)
        cls.scene.run([program("admin/postern"), "key",
            "generate", OURS, "-c", cls.signer.conf])
        cls.scene.run(["chown", "-R", cls.signer.user,
            cls.scene.path("etc/keys")])
        cls.submission = cls.postfix.listen(
            smtpd_milters="$submission_milters")
        cls.signer.start()
        cls.verifier.start()
        cls.postfix.start()

    @classmethod
    def unit(cls, what):
        """The daemon with its sample, told where things are in the scene."""
        unit = Unit(cls.scene, what, cls.postfix.queue)
        unit.conf = cls.install(what + ".conf", {
            "/var/spool/postfix": cls.postfix.queue,
            "/run/postern-" + what: unit.run,
            "UserID\t\t\tpostern-" + what: "UserID " + unit.user,
            "#Nameservers\t\t127.0.0.1, 2001:db8::53@5353":
                "Nameservers " + cls.dns.address})
        return unit

    @classmethod
    def install(cls, name, changes=None):
        text = sample(name).replace("/etc/postern", cls.etc)
        for old, new in (changes or {}).items():
            text = text.replace(old, new)
        return cls.scene.write("etc/" + name, text)

    def from_outside(self, subject, port=None, **attributes):
        data = smtp.message("joe@" + OUTSIDE, RECIPIENT, subject)
        with smtp.Client(port or self.postfix.port) as mta:
            mta.xclient(**{"addr": "192.0.2.10", "name": "mx." + OUTSIDE,
                **attributes})
            mta.send("joe@" + OUTSIDE, [RECIPIENT], data)
        return self.sink.wait(subject)

    def test_everything_is_used(self):
        """What the samples set is what the daemons have."""
        for unit in self.signer, self.verifier:
            self.assertEqual(unit.check()[0], 0, unit.check()[1])
        self.assertEqual(main_cf()["smtpd_milters"].count("{"), 2)

    def test_mail_from_outside_is_checked_and_not_signed(self):
        message = self.from_outside("From outside")
        fields = message.fields(FIELD)
        self.assertEqual(len(fields), 1)
        self.assertEqual(Results(fields[0]).authserv_id, "mail.example.org")
        self.assertEqual(Results(fields[0]).of("dmarc"), ["pass"])
        self.assertEqual(message.fields("DKIM-Signature"), [])
        self.assertTrue(message.data.startswith(FIELD.encode() + b":"))

    def test_a_failure_passes_and_is_told(self):
        message = self.from_outside("Forged", addr="198.51.100.66")
        found = Results(message.fields(FIELD)[0])
        self.assertEqual(found.of("dmarc"), ["fail"])
        self.assertIn("local_policy", found.text)

    def test_mail_of_ours_is_signed_and_not_checked(self):
        for subject, port in (("Ours", self.postfix.port),
                ("Ours by submission", self.submission)):
            with self.subTest(subject=subject):
                smtp.send(port, "me@" + OURS, [RECIPIENT],
                    smtp.message("me@" + OURS, RECIPIENT, subject))
                message = self.sink.wait(subject)
                self.assertEqual(len(message.fields("DKIM-Signature")), 1)
                self.assertEqual(message.fields(FIELD), [])

    def test_submission_checks_nothing(self):
        message = self.from_outside("A user abroad", self.submission)
        self.assertEqual(message.fields(FIELD), [])

    def test_what_a_program_sends_is_signed(self):
        self.postfix.sendmail("me@" + OURS, [RECIPIENT], smtp.message(
            "me@" + OURS, RECIPIENT, "By sendmail"))
        message = self.sink.wait("By sendmail")
        self.assertEqual(len(message.fields("DKIM-Signature")), 1)
        self.assertEqual(message.fields(FIELD), [])


if __name__ == "__main__":
    unittest.main()
