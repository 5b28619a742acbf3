"""postern message verify: what it prints, in words and in JSON, and how it
ends."""
import json
import os
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
from dkimkeys import Keys
from dnsserver import DnsServer
from scene import Scene, program
from verifier import Results

ACCEPTED, USAGE, REFUSED, NOINPUT, DEFERRED, CONFIG = 0, 64, 65, 66, 75, 78

ZONE = """
good.example            TXT   "v=spf1 ip4:192.0.2.10 -all"
_dmarc.good.example     TXT   "v=DMARC1; p=reject"
kept.example            TXT   "v=spf1 ip4:192.0.2.10 -all"
_dmarc.kept.example     TXT   "v=DMARC1; p=quarantine"
mail.good.example       A     192.0.2.10
10.2.0.192.in-addr.arpa PTR   mail.good.example
evil.example            TXT   "v=spf1 ip4:198.51.100.66 -all"
slow.example            TXT   "v=spf1 -all"
slow.example            !delay 1500
"""
GOOD = ["--client-addr", "192.0.2.10", "--client-name", "mail.good.example",
    "--helo", "mail.good.example", "--mail-from", "joe@good.example"]
EVIL = ["--client-addr", "198.51.100.66", "--helo", "evil.example",
    "--mail-from", "joe@evil.example"]
TOP_KEYS = ["authentication_results", "verdict", "iprev", "spf", "dkim", "arc",
    "dmarc", "queries"]


def message(domain="good.example"):
    return ("From: Joe <joe@%s>\r\nTo: ann@example.net\r\nSubject: hello\r\n"
        "Date: Mon, 02 Jun 2025 10:00:00 +0000\r\nMessage-ID: <1@%s>\r\n"
        "\r\nA line.\r\n" % (domain, domain)).encode()


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = Scene("message-verify-keys")
        cls.addClassCleanup(cls.made.close)
        cls.keys = Keys(cls.made)

    def setUp(self):
        self.scene = Scene("message-verify")
        self.addCleanup(self.scene.close)
        self.dns = DnsServer(ZONE).start()
        self.addCleanup(self.dns.stop)
        text = self.keys.record("rsa").encode()
        self.dns.add("s1._domainkey.good.example", "TXT", text[:200],
            text[200:])
        self.signed = self.keys.sign(message(), "good.example")
        self.configure()

    def configure(self, **settings):
        """RejectFailures and our DNS, and what the test wants besides."""
        self.settings = {"AuthservID": "mx.example.net", "RejectFailures":
            "yes", "Nameservers": self.dns.address, **settings}
        self.conf = self.scene.write("verify.conf", "".join("%s %s\n" % item
            for item in self.settings.items() if item[1] is not None))

    def run_it(self, data, *arguments, conf=True, status=None, file=None):
        """(what it printed, what it said besides)."""
        argv = [program("admin/postern"), "message", "verify", *arguments]
        if conf:
            argv += ["-c", self.conf]
        done = subprocess.run(argv + [file or "-"], input=data,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
            cwd=self.scene.dir)
        if status is not None:
            self.assertEqual(done.returncode, status, "%s\n%s%s" %
                (" ".join(argv), done.stdout.decode(), done.stderr.decode()))
        return done.stdout.decode(), done.stderr.decode()

    def report(self, data, *arguments, status=None, **how):
        out, _ = self.run_it(data, *arguments, "--json", status=status, **how)
        report = json.loads(out)
        self.assertEqual(list(report), TOP_KEYS)
        return report

    def field(self, report):
        return Results(report["authentication_results"])


class Good(Case):
    def test_what_is_printed(self):
        out, err = self.run_it(self.signed, *GOOD, status=ACCEPTED)
        self.assertEqual(err, "")
        field, verdict = out.rstrip("\n").rsplit("\n", 1)
        self.assertEqual(verdict, "verdict: accept")
        self.assertTrue(field.startswith("Authentication-Results: "
            "mx.example.net;"))
        results = Results(field.split(":", 1)[1].replace("\n", "\r\n"))
        self.assertEqual(results.of("spf", smtp_helo=None), ["none"])
        self.assertEqual(results.of("spf", smtp_mailfrom=None), ["pass"])
        self.assertEqual(results.of("dkim", header_d="good.example"),
            ["pass"])
        self.assertEqual(results.of("dmarc", header_from="good.example"),
            ["pass"])
        self.assertEqual(results.of("iprev"), ["pass"])

    def test_the_object(self):
        report = self.report(self.signed, *GOOD, status=ACCEPTED)
        self.assertEqual(report["verdict"], {"action": "accept", "code": 250,
            "text": ""})
        self.assertEqual(report["iprev"], "pass")
        self.assertEqual([(s["scope"], s["result"], s["domain"])
            for s in report["spf"]], [("helo", "none", "mail.good.example"),
            ("mailfrom", "pass", "good.example")])
        self.assertEqual(report["spf"][1]["term"], "ip4:192.0.2.10")
        self.assertEqual(report["dkim"], [{"domain": "good.example",
            "selector": "s1", "algorithm": "rsa-sha256", "result": "pass",
            "reason": ""}])
        self.assertEqual(report["arc"], {"result": "none", "sealers": []})
        self.assertEqual(report["dmarc"], {"result": "pass",
            "from": "good.example", "policy": "reject",
            "disposition": "none", "override": None})
        asked = {(q["name"], q["type"]) for q in report["queries"]}
        for question in (("good.example", "TXT"),
                ("s1._domainkey.good.example", "TXT"),
                ("_dmarc.good.example", "TXT"),
                ("10.2.0.192.in-addr.arpa", "PTR")):
            self.assertIn(question, asked)
        self.assertNotIn("\r", report["authentication_results"])
        self.assertNotIn("\n", report["authentication_results"])

    def test_a_file_with_bare_line_feeds(self):
        self.scene.write("message", self.signed.replace(b"\r\n", b"\n"))
        report = self.report(None, *GOOD, file="message", status=ACCEPTED)
        self.assertEqual(report["dkim"][0]["result"], "pass")

    def test_the_time_counts(self):
        """A signature that is good for a day, on that day and later."""
        conf = self.scene.write("sign.conf", "Domain good.example\n"
            "Selector s1\nKeyFile %s\nSignatureTTL 1d\n" %
            self.keys.key("rsa")[0])
        data = subprocess.run([program("admin/postern"), "message", "sign",
            "-c", conf, "--at", "2026-03-01T12:00:00Z", "-"],
            input=message(), stdout=subprocess.PIPE, check=True).stdout
        found = [self.report(data, *GOOD, "--at", at)["dkim"][0]["result"] ==
            "pass" for at in ("2026-03-01T13:00:00Z", "2026-03-03T12:00:00Z")]
        self.assertEqual(found, [True, False])

    def test_what_overrides_end(self):
        self.scene.write("overrides", "good.example accept 2026-12-31 x\n")
        self.configure(DMARCOverrides=self.scene.path("overrides"))
        before, after = (self.report(message(), *EVIL, "--at", at)
            for at in ("2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"))
        self.assertEqual((before["verdict"]["action"],
            before["dmarc"]["override"]), ("accept", "local_policy"))
        self.assertEqual((after["verdict"]["action"],
            after["dmarc"]["override"]), ("reject", None))


class Forged(Case):
    def test_refused(self):
        out, _ = self.run_it(message(), *EVIL, status=REFUSED)
        verdict = out.splitlines()[-1]
        self.assertTrue(verdict.startswith("verdict: reject 550 5.7.1 "))
        self.assertIn("good.example", verdict)
        self.assertIn("dmarc=fail", out)
        report = self.report(message(), *EVIL, status=REFUSED)
        self.assertEqual((report["verdict"]["action"],
            report["verdict"]["code"]), ("reject", 550))
        self.assertIn("SPF pass for evil.example", report["verdict"]["text"])
        self.assertEqual(report["dmarc"], {"result": "fail",
            "from": "good.example", "policy": "reject",
            "disposition": "reject", "override": None})
        self.assertEqual(self.field(report).of("dmarc"), ["fail"])

    def test_what_settings_do(self):
        for settings, action, override, status in (
                ({"RejectFailures": "no"}, "accept", "local_policy",
                    ACCEPTED),
                ({"MonitorOnly": "yes"}, "accept", "local_policy",
                    ACCEPTED),
                ({"IgnoreMailFrom": "good.example"}, "accept",
                    "local_policy", ACCEPTED)):
            with self.subTest(settings=settings):
                self.configure(**settings)
                report = self.report(message(), *EVIL, status=status)
                self.assertEqual((report["verdict"]["action"],
                    report["dmarc"]["disposition"],
                    report["dmarc"]["override"]),
                    (action, "reject", override))

    def test_what_is_only_watched(self):
        self.configure(MonitorOnly="yes")
        out, _ = self.run_it(message(), *EVIL, status=ACCEPTED)
        self.assertIn("\nverdict: accept\nwithout MonitorOnly: reject 550 "
            "5.7.1 ", out)

    def test_held(self):
        self.configure(HoldQuarantinedMessages="yes")
        report = self.report(message("kept.example"), *EVIL, status=ACCEPTED)
        self.assertEqual((report["verdict"]["action"],
            report["verdict"]["code"]), ("quarantine", 250))
        self.assertIn("kept.example", report["verdict"]["text"])
        out, _ = self.run_it(message("kept.example"), *EVIL, status=ACCEPTED)
        self.assertIn("\nverdict: quarantine (DMARC fail for kept.example",
            out)

    def test_a_changed_body(self):
        report = self.report(self.signed + b"More.\r\n", *EVIL,
            status=REFUSED)
        self.assertEqual((report["dkim"][0]["domain"],
            report["dkim"][0]["result"]), ("good.example", "fail"))
        self.assertTrue(report["dkim"][0]["reason"])

    def test_explained(self):
        data = b"Authentication-Results: mx.example.net; dmarc=pass\r\n" + \
            self.signed + b"More.\r\n"
        out, _ = self.run_it(data, *EVIL, "--explain", status=REFUSED)
        for text in ("v=spf1 ip4:198.51.100.66 -all",   # DNS's answers
                "_dmarc.good.example", "v=DMARC1; p=reject",
                "ip4:198.51.100.66",                    # SPF's terms
                "dkim d=good.example s=s1 a=rsa-sha256: fail",
                "body hash",                            # what was hashed
                "policy of good.example applies: p=reject", # the walk
                "spf evil.example: not aligned",        # alignment
                "1 forged Authentication-Results",
                "action: reject", "\nverdict: reject 550"):
            self.assertIn(text, out)

    def test_an_mta_that_gives_its_name(self):
        self.configure(AuthservID=None)
        out, _ = self.run_it(message(), *EVIL, "--macro", "j=mx.example.org")
        self.assertIn("Authentication-Results: mx.example.org;", out)


class NotChecked(Case):
    def test_exempt(self):
        self.configure(IgnoreHosts="198.51.100.66")
        for arguments in EVIL, [*GOOD, "--auth"], [*GOOD, "--auth=joe"]:
            with self.subTest(arguments=arguments):
                report = self.report(message(), *arguments, status=ACCEPTED)
                self.assertEqual(report, {"authentication_results": None,
                    "verdict": {"action": "accept", "code": 250, "text": ""},
                    "iprev": None, "spf": [], "dkim": [], "arc": None,
                    "dmarc": None, "queries": []})
        out, _ = self.run_it(message(), *EVIL, status=ACCEPTED)
        self.assertEqual(out, "verdict: accept\n")

    def test_fewer_checks(self):
        self.configure(Checks="spf", RejectFailures="no")
        report = self.report(message(), *EVIL, status=ACCEPTED)
        self.assertEqual((report["iprev"], report["dkim"], report["arc"],
            report["dmarc"]), (None, [], None, None))
        self.assertEqual(len(report["spf"]), 2)


class DeadDns(Case):
    def dead(self, *arguments, status=DEFERRED):
        began = time.monotonic()
        report = self.report(self.signed, *GOOD, *arguments, status=status)
        self.assertEqual([s["result"] for s in report["spf"]],
            ["temperror", "temperror"])
        self.assertEqual(report["dkim"][0]["result"], "temperror")
        self.assertEqual(report["dmarc"]["result"], "temperror")
        self.assertEqual(self.field(report).of("dmarc"), ["temperror"])
        return report, time.monotonic() - began

    def test_refused(self):
        self.dns.stop()
        report, seconds = self.dead()
        self.assertEqual((report["verdict"]["action"],
            report["verdict"]["code"]), ("tempfail", 451))
        self.assertLess(seconds, 3)
        out, _ = self.run_it(self.signed, *GOOD, status=DEFERRED)
        self.assertIn("\nverdict: tempfail 451 4.7.1 ", out)

    def test_silent(self):
        self.dns.silent = True
        _, seconds = self.dead("--timeout", "1")
        self.assertLess(seconds, 4)

    def test_accepted_where_an_admin_wants_it(self):
        self.dns.stop()
        self.configure(OnDnsError="accept")
        self.dead(status=ACCEPTED)

    def test_another_server_on_the_command_line(self):
        self.configure(Nameservers="127.0.0.1@%d" % self.scene.port())
        report = self.report(self.signed, *GOOD, "--nameserver",
            self.dns.address, status=ACCEPTED)
        self.assertEqual(report["dmarc"]["result"], "pass")

    def test_a_longer_time_out_than_a_message_has(self):
        self.configure(DNSTimeout="1", MessageTimeout="1")
        slow = ["--client-addr", "192.0.2.10", "--helo", "mail.good.example",
            "--mail-from", "joe@slow.example"]
        found = {timeout: self.report(self.signed, *slow, *timeout)["spf"][1]
            ["result"] for timeout in ((), ("--timeout", "10"))}
        self.assertEqual(found, {(): "temperror",
            ("--timeout", "10"): "fail"})


class Usage(Case):
    def test_what_is_missing(self):
        for i, name in ((0, "--client-addr"), (4, "--helo"),
                (6, "--mail-from")):
            with self.subTest(name=name):
                out, err = self.run_it(message(), *GOOD[:i], *GOOD[i + 2:],
                    status=USAGE)
                self.assertEqual(out, "")
                self.assertIn(name + " is missing", err)

    def test_what_is_wrong(self):
        for arguments, says in (
                (["--client-addr", "nonsense"], "nonsense"),
                (["--at", "noon"], "--at"),
                (["--macro", "j"], "NAME=VALUE"),
                (["--timeout", "0"], "--timeout"),
                (["--timeout", "61"], "--timeout")):
            with self.subTest(arguments=arguments):
                out, err = self.run_it(message(), *GOOD, *arguments,
                    status=USAGE)
                self.assertEqual(out, "")
                self.assertIn(says, err)

    def test_a_name_server_that_is_none(self):
        out, err = self.run_it(message(), *GOOD, "--nameserver", "localhost")
        self.assertEqual(out, "")
        self.assertIn("IP address", err)

    def test_no_such_file(self):
        self.run_it(None, *GOOD, file="nowhere", status=NOINPUT)

    def test_a_faulty_configuration(self):
        self.configure(RejectFailure="yes")
        out, err = self.run_it(message(), *GOOD, status=CONFIG)
        self.assertEqual(out, "")
        self.assertRegex(err, r"verify\.conf:4: .*RejectFailures")
        self.conf = self.scene.path("nowhere.conf")
        _, err = self.run_it(message(), *GOOD, status=CONFIG)
        self.assertIn("nowhere.conf", err)

    @unittest.skipIf(any(os.path.exists(p + "/postern/verify.conf")
        for p in ("/etc", "/usr/local/etc")), "a configuration is installed")
    def test_without_a_configuration(self):
        report = self.report(message(), *EVIL, "--nameserver",
            self.dns.address, conf=False, status=ACCEPTED)
        self.assertEqual(report["dmarc"]["override"], "local_policy")
        self.assertTrue(self.field(report).authserv_id)

    def test_the_null_sender(self):
        for sender in "", "<>":
            report = self.report(message(), *GOOD[:-1], sender)
            self.assertEqual(report["spf"][1]["domain"], "mail.good.example")

    def test_hostile_bytes_are_escaped(self):
        out, err = self.run_it(message(), *GOOD[:4], "--helo",
            "\x1b[31m\r\nX: y", *GOOD[6:], "--explain", "--mail-from",
            "a\x1b@good.example", status=REFUSED)
        self.assertNotIn("\x1b", out + err)
        self.assertNotIn("\r", out)
        self.assertNotIn("\nX: y", out)

    def test_an_empty_message(self):
        report = self.report(b"", *GOOD)
        self.assertEqual(report["dmarc"]["result"], "permerror")
        self.assertIsNone(report["dmarc"]["policy"])


if __name__ == "__main__":
    unittest.main()
