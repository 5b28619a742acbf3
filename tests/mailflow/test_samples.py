"""The sample files as they are installed: three daemons and a Postfix that have
no settings but these, with other directories. And what samples and manual show
besides: all of it can be taken as it stands."""
import contextlib
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
import smtp
from dnsserver import DnsServer
from policy import Policy
from postfix import Postfix
from scene import SRCDIR, Scene, program
from service import Unit
from sink import Sink
from verifier import FIELD, Results

OURS, OUTSIDE = "example.org", "partner.example"
RECIPIENT = "ann@example.net"
# As many as smtpd lets a client have refused (smtpd_hard_error_limit).
RECIPIENTS = ["user%d@example.net" % i for i in range(18)]
TABLES = ("KeyTable", "SigningTable", "DMARCOverrides", "access-client",
    "access-recipient")
ZONE = """
partner.example         TXT  "v=spf1 ip4:192.0.2.10 -all"
_dmarc.partner.example  TXT  "v=DMARC1; p=reject"
"""


def source(*place):
    with open(os.path.join(SRCDIR, *place)) as file:
        return file.read()


def sample(name):
    return source("etc", name)


def matches(name, pattern):
    """What the pattern finds in that file of the sources."""
    found = re.findall(pattern, source(name))
    assert found, pattern
    return found


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
        cls.policy = cls.unit("policy")
        for name in TABLES:
            cls.install(name)
        cls.scene.run([program("admin/postern"), "key",
            "generate", OURS, "-c", cls.signer.conf])
        cls.scene.run(["chown", "-R", cls.signer.user,
            cls.scene.path("etc/keys")])
        cls.submission = cls.postfix.listen(
            smtpd_milters="$submission_milters")
        cls.signer.start()
        cls.verifier.start()
        cls.policy.start()
        cls.postfix.start()

    @classmethod
    def unit(cls, what):
        """The daemon with its sample, told where things are in the scene."""
        unit = Unit(cls.scene, what, cls.postfix.queue)
        unit.conf = cls.install(what + ".conf", {
            "/var/spool/postfix": cls.postfix.queue,
            "/var/lib/postern-" + what: cls.scene.mkdir(what + "/state",
                0o700, unit.user),
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

    def from_outside(self, subject, port=None, to=RECIPIENT, **attributes):
        data = smtp.message("joe@" + OUTSIDE, to, subject)
        with smtp.Client(port or self.postfix.port) as mta:
            mta.xclient(**{"addr": "192.0.2.10", "name": "mx." + OUTSIDE,
                **attributes})
            mta.send("joe@" + OUTSIDE, [to], data)
        return self.sink.wait(subject)

    def test_everything_is_used(self):
        """What the samples set is what the daemons have."""
        for unit in self.signer, self.verifier, self.policy:
            self.assertEqual(unit.check(), (0, unit.conf + ": no errors\n"))
        self.assertEqual(re.findall(r"unix:postern-(\w+)/socket",
            main_cf()["smtpd_milters"]), ["policy", "verify", "sign"])
        self.assertEqual(re.findall(r"unix:postern-(\w+)/socket",
            main_cf()["submission_milters"]), ["policy", "sign"])

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

    def test_policy_is_asked_about_all(self):
        """Of each way in, and it limits nobody."""
        self.from_outside("Asked from outside")
        smtp.send(self.submission, "me@" + OURS, [RECIPIENT],
            smtp.message("me@" + OURS, RECIPIENT, "Asked by submission"))
        self.sink.wait("Asked by submission")
        self.postfix.sendmail("cron@" + OURS, [RECIPIENT], smtp.message(
            "cron@" + OURS, RECIPIENT, "Asked by sendmail"))
        self.sink.wait("Asked by sendmail")
        for sender, direction in (("joe@" + OUTSIDE, "in"),
                ("me@" + OURS, "out"), ("cron@" + OURS, "out")):
            self.policy.wait_log("action=accept direction=%s .*sender=%s "
                "rcpt=%s score=0\n" % (direction, sender, RECIPIENT))
        self.assertNotIn("action=tempfail", self.policy.log())

    def test_the_first_two_lines(self):
        """Those that README.md begins with, and a row for the table that is
        there; the sample's own rows hold."""
        with self.more(self.policy.conf, *matches("README.md",
                r"(?m)^    ((?:RateLimit|Greylist) .*)$")), \
            self.more(self.etc + "/access-client",
                "192.0.2.10 REJECT 5.7.1 not today"):
            self.policy.reload()
            self.refused(550, "not today", addr="192.0.2.10")
            self.refused(450, "Greylisted", addr="198.51.100.77",
                share=RECIPIENTS)
            self.from_outside("To the postmaster", to="postmaster@example.net")
        self.policy.reload()
        self.from_outside("As before")

    @contextlib.contextmanager
    def more(self, path, *lines):
        """The file with these lines behind it."""
        with open(path) as file:
            before = file.read()
        try:
            with open(path, "a") as file:
                file.write("".join(line + "\n" for line in lines))
            yield
        finally:
            with open(path, "w") as file:
                file.write(before)

    def refused(self, code, text, share=(RECIPIENT,), **attributes):
        """One of these recipients is; what is greylisted is a share at first."""
        replies = []
        with smtp.Client(self.postfix.port) as mta:
            mta.xclient(**attributes)
            mta.command("MAIL FROM:<joe@%s>" % OUTSIDE)
            for recipient in share:
                try:
                    mta.command("RCPT TO:<%s>" % recipient)
                except smtp.Reply as reply:
                    replies.append((reply.code, reply.text))
        self.assertTrue(replies)
        for said, why in replies:
            self.assertEqual(said, code)
            self.assertIn(text, why)

    def test_what_a_program_sends_is_signed(self):
        self.postfix.sendmail("me@" + OURS, [RECIPIENT], smtp.message(
            "me@" + OURS, RECIPIENT, "By sendmail"))
        message = self.sink.wait("By sendmail")
        self.assertEqual(len(message.fields("DKIM-Signature")), 1)
        self.assertEqual(message.fields(FIELD), [])


def recipes():
    """{title: lines} of policy.conf(5)'s recipes: settings, and commands that
    begin in lower case."""
    text = re.search(r"(?s)\n\.Sh RECIPES\n(.*?)\n\.Sh ", source("man",
        "policy.conf.5")).group(1)
    return {part.split("\n", 1)[0]: [line.replace("\\e", "\\")
        for block in re.findall(r"(?s)\n\.Bd -literal.*?\n(.*?)\n\.Ed", part)
        for line in block.split("\n")] for part in text.split(".Ss ")[1:]}


class Shown(unittest.TestCase):
    """What is shown of policy.conf is accepted as it stands."""

    def setUp(self):
        self.scene = Scene("shown")
        self.addCleanup(self.scene.close)
        self.policy = Policy(self.scene)
        self.etc = self.scene.mkdir("etc", 0o755, self.policy.user)
        for name in "access-client", "access-recipient":
            self.scene.write("etc/" + name, sample(name))

    def accepts(self, lines, warnings=()):
        """-n says no more than these warnings, each a pattern: in vain what
        else is wrong."""
        text = "".join(line + "\n" for line in lines).replace(
            "/etc/postern", self.etc)
        self.policy.configure()
        with open(self.policy.conf, "a") as file:
            file.write(text)
        status, said = self.policy.check()
        self.assertEqual(status, 0, said)
        left = [line for line in said.splitlines()
            if not line.endswith(": no errors") and
            not re.search(": warning: CacheSecretFile: is not there yet",
            line)]
        for pattern in warnings:
            hits = [line for line in left if re.search(pattern, line)]
            self.assertEqual(len(hits), 1, (pattern, said))
            left.remove(hits[0])
        self.assertEqual(left, [])

    def test_recipes(self):
        warnings = {
            "Outgoing limits for one server": ["AlertCommand: /usr/local/"
                "sbin/mail-alert is no program that can be run"],
            "Several MX with one memcached cluster": [
                "Cache: .*10.0.0.21"],
        }
        self.assertEqual(len(recipes()), 6)
        for title, lines in recipes().items():
            with self.subTest(recipe=title):
                if "memcached" in title:
                    self.policy.settings["CacheFile"] = None
                    self.policy.settings["CacheSecretFile"] = None
                settings = [line for line in lines if line[0].isupper()]
                self.assertTrue(settings)
                self.accepts(settings, warnings.pop(title, ()))
        self.assertEqual(warnings, {})

    def test_secret_of_the_recipe(self):
        """Its commands make what its settings need."""
        title = "Several MX with one memcached cluster"
        for line in recipes()[title]:
            words = line.split("\t")[0].replace("/etc/postern", self.etc)
            words = words.replace("postern-policy ", self.policy.user + " ")
            if line.startswith("postern "):
                self.scene.run([program("admin/postern"),
                    *words.split()[1:]])
            elif line.startswith("chown "):
                self.scene.run(words.split())
        self.policy.settings["CacheFile"] = None
        self.policy.settings["CacheSecretFile"] = self.etc + "/cache.secret"
        self.accepts([line for line in recipes()[title]
            if line.startswith(("Cache ", "RateLimit"))],
            ["Cache: .*10.0.0.21"])

    def test_packages(self):
        """README.md has what ./quickstart and ./check install for a build."""
        told = re.search(r"apt-get install ((?:[^\n]*\\\n)*[^\n]*)", source(
            "README.md")).group(1).replace("\\\n", " ").split()
        built = re.search(r'(?s)BUILD_PACKAGES="(.*?)"', source("tests",
            "lib", "packages.sh")).group(1).split()
        # What build-essential brings along.
        self.assertEqual(set(told), (set(built) - {"gcc", "make",
            "libc6-dev"}) | {"build-essential"})

    def test_every_example(self):
        """Each line of the sample that is not in effect, taken as it is."""
        lines = [re.sub(r"^#", "", line) for line in sample(
            "policy.conf").splitlines() if re.match(r"#[A-Z]\w+\t", line)]
        missing = {"AccessHelo": "access-helo.pcre", "AccessSender":
            "access-sender", "AccessHeader": "access-header.regexp"}
        for name in missing.values():
            self.scene.write("etc/" + name, "")
        names = [line.split("\t")[0] for line in lines]
        self.assertGreater(len(set(names)), 40)
        for name in sorted(set(names)):
            with self.subTest(setting=name):
                self.policy.settings.pop(name, None)
                self.accepts_each([line for line in lines
                    if line.split("\t")[0] == name])

    def accepts_each(self, lines):
        warnings = {
            "AlertCommand": ["AlertCommand: .* no program"],
            "AuthservID": ["AuthservID: no effect without AuthResults"],
            "Cache\t+memcached": ["Cache: .*192.0.2.21",
                "CacheFile: no effect"],
            "Reputation\t+dkim-domain": ["no dkim-domain is known"],
        }
        for line in lines:
            self.accepts([line], next((said for pattern, said in
                warnings.items() if re.match(pattern, line)), ()))


if __name__ == "__main__":
    unittest.main()
