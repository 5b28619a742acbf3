"""The postern command: what it prints, what it changes, how it ends."""
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
import verify
from nsd import Nsd
from scene import SRCDIR, Scene, program
from service import unit_user
from signer import record, zone_txt

OK, NO, USAGE, DATA, NOINPUT, CANTCREATE, TEMPFAIL, CONFIG = (0, 1, 64, 65,
    66, 73, 75, 78)
MESSAGE = (b"From: Alice <alice@example.com>\r\nTo: bob@example.net\r\n"
    b"Subject: a test\r\n\r\nHello.\r\n")
COMMANDS = [("key", "generate"), ("key", "list"), ("key", "show"),
    ("key", "remove"), ("key", "dns"), ("key", "test"), ("table", "check"),
    ("table", "lookup"), ("message", "policy"),
    ("message", "sign"), ("message", "verify")]


class Case(unittest.TestCase):
    """A scene with a configuration that has both tables, empty."""

    signing_type = "refile:"

    def setUp(self):
        self.scene = Scene("cli")
        self.addCleanup(self.scene.close)
        self.conf = self.scene.write("sign.conf", "KeyTable %s\n"
            "SigningTable %s%s\n" % (self.path("KeyTable"),
            self.signing_type, self.path("SigningTable")))

    def path(self, *parts):
        return self.scene.path(*parts)

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def postern(self, *arguments, conf=True, status=None, **how):
        """Runs it; the CompletedProcess, its output as text."""
        argv = [program("admin/postern")] + list(arguments)
        if conf:
            argv += ["-c", self.conf]
        done = self.scene.run(argv, check=False, cwd=self.scene.dir, **how)
        if status is not None:
            self.assertEqual(done.returncode, status, "%s\n%s%s" %
                (" ".join(argv), done.stdout, done.stderr))
        return done

    def generate(self, domain, *more, status=OK):
        return self.postern("key", "generate", domain, "--selector", "s1",
            *more, status=status)

    def files(self):
        return sorted(os.path.relpath(os.path.join(root, name),
            self.scene.dir) for root, _, names in os.walk(self.scene.dir)
            for name in names)


def strings_of(text):
    return re.findall(r'"([^"]*)"', text)


class Generate(Case):
    def test_key_rows_and_record(self):
        done = self.generate("example.com")
        path = self.path("keys/example.com/s1.private")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(self.read("KeyTable").split(), [
            "s1._domainkey.example.com", "example.com:s1:" + path])
        self.assertEqual(self.read("SigningTable").split(), [
            "*@example.com", "s1._domainkey.example.com"])
        self.assertTrue(done.stdout.startswith(
            "s1._domainkey.example.com. IN TXT ( "))
        self.assertEqual("".join(strings_of(done.stdout)),
            record(path, "rsa"))
        self.assertIn("postern key test", done.stderr)
        self.postern("table", "check", status=OK)

    def test_the_default_selector_has_the_month(self):
        self.postern("key", "generate", "example.com", status=OK)
        self.postern("key", "generate", "example.com", "--type", "ed25519",
            status=OK)
        self.assertRegex(self.read("KeyTable"),
            r"(?m)^s20\d{4}\._domainkey.*\ne20\d{4}\._domainkey")

    def test_ed25519_and_idn(self):
        done = self.generate("b\u00fccher.example", "--type", "ed25519",
            "--json")
        made = json.loads(done.stdout)
        self.assertEqual(made["domain"], "xn--bcher-kva.example")
        self.assertEqual(made["dns"]["value"], record(made["file"],
            "ed25519"))
        self.assertEqual("".join(made["dns"]["strings"]),
            made["dns"]["value"])

    def test_the_rest_of_the_tables_stays_as_it_is(self):
        self.generate("one.example")
        keys = "# my keys\n\n" + self.read("KeyTable").replace("\t", "   ")
        senders = "#  senders \n" + self.read("SigningTable").rstrip("\n")
        self.scene.write("KeyTable", keys, mode=0o640)
        self.scene.write("SigningTable", senders)
        self.generate("two.example")
        self.assertTrue(self.read("KeyTable").startswith(keys))
        self.assertTrue(self.read("SigningTable").startswith(
            senders + "\n*@two.example\t"))
        self.assertEqual(self.read("KeyTable~"), keys)
        self.assertEqual(self.read("SigningTable~"), senders)
        self.assertEqual(stat.S_IMODE(os.stat(
            self.path("KeyTable")).st_mode), 0o640)

    def test_crlf_tables_stay_so(self):
        self.scene.write("KeyTable", "# keys\r\n")
        self.scene.write("SigningTable", "# senders\r\n")
        self.generate("example.com")
        with open(self.path("KeyTable"), "rb") as file:
            self.assertEqual(file.read().count(b"\r\n"), 2)
        self.postern("table", "check", status=OK)

    def test_a_linked_table_stays_a_link(self):
        self.scene.mkdir("real")
        self.scene.write("real/KeyTable", "# keys\n")
        os.symlink("real/KeyTable", self.path("KeyTable"))
        self.generate("example.com")
        self.assertTrue(os.path.islink(self.path("KeyTable")))
        self.assertIn("example.com", self.read("real/KeyTable"))

    def test_twice_is_an_error_that_changes_nothing(self):
        self.generate("example.com")
        before = {name: self.read(name) for name in self.files()}
        done = self.generate("example.com", status=CANTCREATE)
        self.assertIn("KeyTable:1: there is a key named", done.stderr)
        self.assertEqual(before, {name: self.read(name)
            for name in self.files()})

    def test_a_key_file_is_never_overwritten(self):
        self.scene.write("keys/example.com/s1.private", "precious")
        done = self.generate("example.com", status=CANTCREATE)
        self.assertIn("never overwritten", done.stderr)
        self.assertEqual(self.read("keys/example.com/s1.private"),
            "precious")
        self.assertFalse(os.path.exists(self.path("KeyTable")))

    def test_faulty_tables_are_refused_and_left_alone(self):
        self.scene.write("SigningTable", "*@example.org nowhere\n")
        done = self.generate("example.com", status=CONFIG)
        self.assertIn("SigningTable:1: error:", done.stderr)
        self.assertIn("nowhere", done.stderr)
        self.assertEqual(self.files(), ["SigningTable", "sign.conf"])

    def test_when_the_second_table_fails_the_first_is_put_back(self):
        self.generate("one.example")
        before = self.read("KeyTable"), self.read("SigningTable")
        os.unlink(self.path("SigningTable~")) if os.path.exists(
            self.path("SigningTable~")) else None
        self.scene.mkdir("SigningTable~/full")
        done = self.generate("two.example", status=CANTCREATE)
        self.assertIn("SigningTable~", done.stderr)
        self.assertEqual(before, (self.read("KeyTable"),
            self.read("SigningTable")))
        self.assertFalse(os.path.exists(self.path("keys/two.example")))
        self.assertFalse([n for n in self.files() if n.endswith(".new")])

    def test_a_row_in_the_setting_is_refused_with_a_remedy(self):
        self.scene.write("sign.conf", "KeyTable k=a.example:s:/k\n"
            "SigningTable *@a.example=k\n")
        done = self.generate("example.com", status=CONFIG)
        self.assertIn("sign.conf:1: error: KeyTable:", done.stderr)
        self.assertIn("move them to a file", done.stderr)

    def test_a_setting_that_is_missing_is_named(self):
        self.scene.write("sign.conf", "KeyTable %s\n" % self.path("K"))
        done = self.generate("example.com", status=CONFIG)
        self.assertIn("SigningTable is not set", done.stderr)

    def test_what_the_signer_would_refuse_is_not_made(self):
        for setting, more, says in (
                ("SignatureAlgorithm rsa-sha256", ["--type", "ed25519"],
                    "SignatureAlgorithm"),
                ("MinimumKeyBits 2048", ["--bits", "1024"], "2048"),
                ("InternalHosts file:/nonexistent", [], "/nonexistent")):
            with self.subTest(setting=setting):
                text = self.read("sign.conf")
                self.scene.write("sign.conf", text + setting + "\n")
                done = self.generate("example.com", *more, status=CONFIG)
                self.assertIn(says, done.stderr)
                self.assertIn("nothing was changed", done.stderr)
                self.assertEqual(self.files(), ["sign.conf"])
                self.scene.write("sign.conf", text)

    def test_in_front_of_a_row_for_everybody(self):
        self.generate("example.net", "--pattern", "*")
        self.generate("example.com")
        self.assertRegex(self.read("SigningTable"),
            r"\A\*@example\.com\s.*\n\*\s")
        done = self.postern("table", "lookup", "a@example.com", status=OK)
        self.assertIn("d=example.com", done.stdout)

    def test_a_second_key_waits_for_its_turn(self):
        self.generate("example.com")
        done = self.postern("key", "generate", "example.com", "--selector",
            "s2", status=OK)
        self.assertIn("still decides", done.stderr)
        found = self.postern("table", "lookup", "a@example.com").stdout
        self.assertIn("s=s1", found)
        self.postern("key", "remove", "s1._domainkey.example.com", status=OK)
        found = self.postern("table", "lookup", "a@example.com").stdout
        self.assertIn("s=s2", found)

    def test_both_sign_with_multiple_signatures(self):
        with open(self.conf, "a") as file:
            file.write("MultipleSignatures yes\n")
        self.generate("example.com")
        done = self.postern("key", "generate", "example.com", "--type",
            "ed25519", "--selector", "e1", status=OK)
        self.assertNotIn("still decides", done.stderr)
        found = json.loads(self.postern("table", "lookup", "--json",
            "a@example.com", status=OK).stdout)
        self.assertEqual([m["algorithm"] for m in found["matches"]],
            ["rsa-sha256", "ed25519-sha256"])

    def test_many_at_once_lose_no_row(self):
        domains = ["d%d.example" % i for i in range(16)]
        running = [subprocess.Popen([program("admin/postern"), "key",
            "generate", d, "-c", self.conf, "--bits", "1024"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            for d in domains]
        for process in running:
            error = process.communicate(timeout=120)[1]
            self.assertEqual(process.returncode, OK, error)
        for name in "KeyTable", "SigningTable":
            found = re.findall(r"(?m)^\S*?(d\d+\.example)\s",
                self.read(name))
            self.assertEqual(sorted(found), sorted(domains))
        self.postern("table", "check", status=OK)

    def test_bad_arguments(self):
        for arguments, says in (
                (["exa mple.com"], "no valid domain name"),
                (["user@example.com"], "give the domain alone"),
                (["com"], "no valid domain name"),
                (["192.0.2.1"], "no valid domain name"),
                (["example.com", "--selector", "a_b"], "--selector"),
                (["example.com", "--bits", "512"], "1024 to 8192"),
                (["example.com", "--type", "dsa"], "rsa or ed25519"),
                (["example.com", "--type", "ed25519", "--bits", "2048"],
                    "only RSA"),
                (["example.com", "--pattern", "a b"], "blanks"),
                (["example.com", "--directory", "a#b"], "begins a comment"),
                ([], "DOMAIN is missing")):
            with self.subTest(arguments=arguments):
                done = self.postern("key", "generate", *arguments,
                    status=USAGE)
                self.assertIn(says, done.stderr)
        self.assertEqual(self.files(), ["sign.conf"])

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_the_key_is_the_signers(self):
        import pwd
        user = unit_user("postern-sign")
        self.generate("example.com", "--user", user)
        for name in "keys", "keys/example.com", "keys/example.com/s1.private":
            self.assertEqual(pwd.getpwuid(os.stat(self.path(name)).st_uid)
                .pw_name, user)
        done = self.postern("table", "check", "--user", user, status=OK)
        self.assertIn("0 errors, 0 warnings", done.stdout)
        self.scene.mkdir("closed", mode=0o700)
        done = self.generate("example.net", "--user", user, "--directory",
            self.path("closed/keys"))
        self.assertIn("cannot be read by the signer's user " + user,
            done.stderr)

    def test_what_was_made_signs(self):
        self.generate("example.com")
        self.scene.write("message", MESSAGE)
        done = self.postern("message", "sign", "message", status=OK)
        self.assertTrue(done.stdout.startswith("DKIM-Signature: "))


class FileTable(Case):
    signing_type = "file:"

    def test_the_pattern_is_the_domain(self):
        self.generate("example.com")
        self.assertEqual(self.read("SigningTable").split()[0],
            "example.com")
        self.postern("table", "lookup", "a@example.com", status=OK)
        self.postern("table", "lookup", "a@sub.example.com", status=NO)

    def test_a_glob_is_refused(self):
        done = self.generate("example.com", "--pattern", "*@example.com",
            status=CONFIG)
        self.assertIn("refile:", done.stderr)
        self.assertIn("nothing was changed", done.stderr)
        self.assertEqual(self.files(), ["sign.conf"])


class Look(Case):
    """list, show and dns."""

    def test_list_and_show(self):
        self.generate("one.example")
        self.generate("two.example", "--type", "ed25519")
        done = self.postern("key", "list", status=OK)
        self.assertRegex(done.stdout, r"(?m)^s1._domainkey.one.example +RSA")
        self.assertRegex(done.stdout, r"(?m)^s1._domainkey.two.example +Ed25")
        keys = json.loads(self.postern("key", "list", "--json").stdout)
        self.assertEqual([(k["domain"], k["bits"], k["line"]) for k in keys],
            [("one.example", 2048, 1), ("two.example", 256, 2)])
        shown = json.loads(self.postern("key", "show", "--json",
            "S1._DOMAINKEY.one.example", status=OK).stdout)
        self.assertEqual(shown["used_by"],
            [{"pattern": "*@one.example", "line": 1}])
        text = self.postern("key", "show", "s1._domainkey.one.example",
            status=OK).stdout
        self.assertIn("line 1: *@one.example", text)
        self.assertNotIn("PRIVATE", text)

    def test_a_bad_key_does_not_hide_the_others(self):
        self.generate("one.example")
        self.generate("two.example")
        self.scene.write("keys/one.example/s1.private", "garbage",
            mode=0o600)
        done = self.postern("key", "list", status=NO)
        self.assertIn("garbage" if "garbage" in done.stdout else
            "s1.private", done.stdout.splitlines()[0])
        self.assertIn("RSA, 2048", done.stdout.splitlines()[1])

    def test_an_unknown_name_is_answered_with_the_likely_one(self):
        self.generate("one.example")
        for command in "show", "dns", "remove":
            done = self.postern("key", command, "_domainkey.one.example",
                status=NOINPUT)
            self.assertIn("postern key list" if command == "remove" else
                "did you mean s1._domainkey.one.example?", done.stderr)

    def test_a_domain_stands_for_its_only_key(self):
        self.generate("one.example")
        for command in "show", "dns":
            done = self.postern("key", command, "One.Example", status=OK)
            self.assertIn("s1._domainkey.one.example", done.stdout)
        self.postern("key", "generate", "one.example", "--selector", "s2",
            status=OK)
        for command in "show", "dns":
            done = self.postern("key", command, "one.example", status=USAGE)
            self.assertIn("2 keys; say which one: s1._domainkey.one.example, "
                "s2._domainkey.one.example", done.stderr)

    def test_dns_formats(self):
        self.generate("one.example", "--bits", "4096")
        value = record(self.path("keys/one.example/s1.private"), "rsa")
        name = "s1._domainkey.one.example"
        def dns(kind):
            return self.postern("key", "dns", name, "--format", kind,
                status=OK).stdout
        self.assertEqual(dns("plain"), value + "\n")
        for kind in "bind", "split", "nsupdate":
            with self.subTest(kind=kind):
                strings = strings_of(dns(kind))
                self.assertEqual("".join(strings), value)
                self.assertLessEqual(max(map(len, strings)), 255)
                self.assertGreater(len(strings), 2)
                self.assertIn(name, dns(kind))
        made = json.loads(dns("json"))
        self.assertEqual((made["record"], made["value"]), (name, value))
        self.assertTrue(dns("nsupdate").startswith("update delete "))

    def test_one_file_for_any_domain(self):
        self.generate("one.example")
        self.scene.write("KeyTable", "each %%:s1:%s\n" %
            self.path("keys/one.example/s1.private"))
        self.scene.write("SigningTable", "*@one.example each\n")
        self.assertIn("s1.private", self.postern("key", "list",
            status=OK).stdout)
        self.postern("key", "remove", "each", "--delete-key", status=OK)
        self.assertFalse(os.path.exists(
            self.path("keys/one.example/s1.private")))

    def test_a_row_for_any_domain_needs_one(self):
        self.generate("one.example")
        self.scene.write("KeyTable", "each %%:s1:%s\n" %
            self.path("keys/%/s1.private"))
        self.scene.write("SigningTable", "*@one.example each\n")
        done = self.postern("key", "dns", "each", status=DATA)
        self.assertIn("--domain", done.stderr)
        done = self.postern("key", "dns", "each", "--domain", "one.example",
            status=OK)
        self.assertIn("s1._domainkey.one.example.", done.stdout)
        found = self.postern("table", "lookup", "a@one.example",
            status=OK).stdout
        self.assertIn("d= is the sender's domain, one.example", found)
        self.assertIn(self.path("keys/one.example/s1.private"), found)


@unittest.skipUnless(shutil.which("opendkim-genkey"), "no opendkim-genkey")
class OpenDkimDirectory(Case):
    """Keys as opendkim-genkey leaves them."""

    def setUp(self):
        super().setUp()
        self.scene.mkdir("dkimkeys")
        for more in (["-s", "mail"], ["-s", "full", "-a"], ["-s", "odd",
                "-h", "rsa-sha256", "-t"]):
            self.scene.run(["opendkim-genkey", "-D", self.path("dkimkeys"),
                "-d", "example.net"] + more)

    def test_list(self):
        keys = json.loads(self.postern("key", "list", "dkimkeys", "--json",
            conf=False, status=OK).stdout)
        self.assertEqual({(k["selector"], k["domain"]) for k in keys},
            {(s, "example.net") for s in ("mail", "full", "odd")})

    def test_dns_and_a_text_of_another_key(self):
        done = self.postern("key", "dns", "dkimkeys/mail.private",
            conf=False, status=OK)
        self.assertTrue(done.stdout.startswith(
            "mail._domainkey.example.net. "))
        text = "".join(strings_of(self.read("dkimkeys/mail.txt")))
        self.assertEqual(re.search("p=(.*)", text).group(1),
            re.search("p=(.*)", "".join(strings_of(done.stdout))).group(1))
        os.rename(self.path("dkimkeys/full.txt"),
            self.path("dkimkeys/mail.txt"))
        done = self.postern("key", "list", "dkimkeys", conf=False, status=NO)
        self.assertIn("of another key", done.stdout)

    def test_without_a_text_the_domain_must_be_named(self):
        os.unlink(self.path("dkimkeys/mail.txt"))
        done = self.postern("key", "dns", "dkimkeys/mail.private",
            conf=False, status=DATA)
        self.assertIn("--domain", done.stderr)
        done = self.postern("key", "dns", "dkimkeys/mail.private",
            "--domain", "example.net", "--selector", "other", conf=False,
            status=OK)
        self.assertTrue(done.stdout.startswith(
            "other._domainkey.example.net."))


class Remove(Case):
    def test_both_rows_go_and_nothing_else(self):
        self.generate("one.example")
        self.generate("two.example")
        with open(self.path("SigningTable"), "a") as file:
            file.write("# more\nnews@one.example s1._domainkey.ONE.example"
                ":@one.example # twice\n")
        done = self.postern("key", "remove", "s1._domainkey.one.example",
            status=OK)
        self.assertEqual(done.stdout.count("removed"), 3)
        self.assertEqual(self.read("SigningTable").split("\t")[0],
            "*@two.example")
        self.assertTrue(self.read("SigningTable").endswith("# more\n"))
        self.assertEqual(self.read("KeyTable").count("\n"), 1)
        self.assertIn("one.example", self.read("KeyTable~"))
        self.assertTrue(os.path.exists(
            self.path("keys/one.example/s1.private")))
        self.postern("table", "check", status=OK)

    def test_the_file_only_when_asked_and_unshared(self):
        self.generate("one.example")
        path = self.path("keys/one.example/s1.private")
        self.scene.write("KeyTable", self.read("KeyTable") +
            "other other.example:s1:%s\n" % path)
        self.postern("key", "remove", "s1._domainkey.one.example",
            "--delete-key", status=OK)
        self.assertTrue(os.path.exists(path))
        self.postern("key", "remove", "other", "--delete-key", status=OK)
        self.assertFalse(os.path.exists(path))

    def test_from_tables_that_are_faulty_elsewhere(self):
        self.generate("one.example")
        self.scene.write("KeyTable", self.read("KeyTable") +
            "gone gone.example:s:/nonexistent/key\n")
        self.scene.write("SigningTable", self.read("SigningTable") +
            "*@gone.example gone\n")
        self.postern("table", "check", status=CONFIG)
        self.postern("key", "remove", "gone", status=OK)
        self.postern("table", "check", status=OK)


class Slow(threading.Thread):
    """Passes questions on to a DNS server and answers so much later."""

    def __init__(self, port, seconds):
        super().__init__(daemon=True)
        self.to, self.seconds = ("127.0.0.1", port), seconds
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.at = "127.0.0.1@%d" % self.socket.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                question, client = self.socket.recvfrom(65535)
            except OSError:
                return
            threading.Timer(self.seconds, self.answer,
                (question, client)).start()

    def answer(self, question, client):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.sendto(question, self.to)
            self.socket.sendto(s.recv(65535), client)


@unittest.skipUnless(shutil.which("nsd"), "no nsd")
class Test(Case):
    """key test, against nsd."""

    @classmethod
    def setUpClass(cls):
        cls.zones = Scene("cli-dns")
        cls.addClassCleanup(cls.zones.close)
        rsa, ed = cls.zones.path("rsa"), cls.zones.path("ed")
        for argv in (["RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out",
                rsa], ["ED25519", "-out", ed]):
            subprocess.run(["openssl", "genpkey", "-algorithm"] + argv,
                check=True, stderr=subprocess.DEVNULL)
        cls.rsa = record(rsa, "rsa")
        cls.ed = record(ed, "ed25519")
        public = cls.rsa.split("p=")[1]
        row = lambda name, text: zone_txt(name + "._domainkey", text)
        cls.outcomes = {
            "good": ("ok", row("good", cls.rsa)),
            "plain": ("ok", row("plain", "p=" + public)),
            "ed": ("ok", row("ed", cls.ed)),
            "none": ("missing", ""),
            "empty": ("missing", "empty._domainkey IN A 127.0.0.1"),
            "two": ("several-records", row("two", cls.rsa) + "\n" +
                row("two", "v=DKIM1; p=")),
            "wrong": ("wrong-key", row("wrong", cls.ed)),
            "cut": ("wrong-key", row("cut", cls.rsa[:255])),
            "dead": ("revoked", row("dead", "v=DKIM1; p=")),
            "hash": ("no-sha256", row("hash", "v=DKIM1; h=rsa-sha256; k=rsa;"
                " p=" + public)),
            "email": ("no-email", row("email", "v=DKIM1; s=other; p=" +
                public)),
            "flag": ("testing", row("flag", "v=DKIM1; t=y; p=" + public)),
            "bad": ("syntax", row("bad", "hello, world")),
            "odd": ("syntax", row("odd", "v=DKIM1; k=rsa; p=@@@")),
            "alias": ("ok", "alias._domainkey IN CNAME good._domainkey"),
            "twice": ("missing", row("twice._domainkey.test", cls.rsa)
                .replace("._domainkey.test._domainkey",
                "._domainkey.example.test")),
        }
        cls.files = {"ed": ed}
        cls.default = rsa
        cls.dns = Nsd(cls.zones, {"example.test": "\n".join(text
            for _, text in cls.outcomes.values())}).start()

    def setUp(self):
        super().setUp()
        self.scene.write("KeyTable", "".join("%s example.test:%s:%s\n" %
            (name, name, self.files.get(name, self.default))
            for name in self.outcomes))
        self.scene.write("SigningTable", "")
        self.at = "127.0.0.1@%d" % self.dns.port

    def test_each_outcome(self):
        for name, (outcome, _) in self.outcomes.items():
            with self.subTest(name=name):
                done = self.postern("key", "test", name, "--nameserver",
                    self.at, status=OK if outcome == "ok" else NO)
                self.assertEqual(done.stdout.split()[:2], [outcome, name])
        done = self.postern("key", "test", "cut", "--nameserver", self.at)
        self.assertIn("in several strings", done.stdout)
        done = self.postern("key", "test", "twice", "--nameserver", self.at)
        self.assertIn("it is published at twice._domainkey.example.test."
            "example.test", done.stdout)

    def test_all_and_by_domain(self):
        done = self.postern("key", "test", "--all", "--json",
            "--nameserver", self.at, status=NO)
        found = {r["name"]: r["outcome"] for r in json.loads(done.stdout)}
        self.assertEqual(found, {name: outcome
            for name, (outcome, _) in self.outcomes.items()})
        done = self.postern("key", "test", "Example.TEST", "--nameserver",
            self.at, status=NO)
        self.assertEqual(len(re.findall(r"(?m)^\S", done.stdout)),
            len(self.outcomes))

    def test_a_file_without_tables(self):
        path = self.scene.write("good.private", open(self.default).read(),
            mode=0o600)
        done = self.postern("key", "test", path, "--domain", "example.test",
            "--nameserver", self.at, conf=False, status=OK)
        self.assertTrue(done.stdout.startswith("ok "))

    def test_a_refused_port_is_no_missing_record(self):
        port = self.scene.port()
        done = self.postern("key", "test", "good", "--nameserver",
            "127.0.0.1@%d" % port, "--timeout", "30", status=TEMPFAIL,
            seconds=20)
        self.assertTrue(done.stdout.startswith("dns-error"))
        self.assertIn("refused", done.stdout)

    def test_a_silent_server_ends_at_the_deadline(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            done = self.postern("key", "test", "--all", "--nameserver",
                "127.0.0.1@%d" % s.getsockname()[1], "--timeout", "1",
                status=TEMPFAIL, seconds=20)
        self.assertEqual(len(re.findall("(?m)^dns-error", done.stdout)),
            len(self.outcomes))

    def test_a_slow_server_is_waited_for(self):
        slow = Slow(self.dns.port, 2)
        done = self.postern("key", "test", "good", "--nameserver", slow.at,
            "--timeout", "15", status=OK, seconds=30)
        self.assertTrue(done.stdout.startswith("ok "))

    def test_a_zone_nobody_serves_is_no_missing_record(self):
        self.scene.write("KeyTable", "x example.invalid.test:s:%s\n" %
            self.default)
        done = self.postern("key", "test", "x", "--nameserver", self.at,
            status=TEMPFAIL)
        self.assertTrue(done.stdout.startswith("dns-error"))

    def test_one_known_to_be_wrong_counts_more_than_dns_trouble(self):
        with open(self.path("KeyTable"), "a") as file:
            file.write("x example.invalid.test:s:%s\n" % self.default)
        self.postern("key", "test", "x", "good", "--nameserver", self.at,
            status=TEMPFAIL)
        self.postern("key", "test", "x", "dead", "--nameserver", self.at,
            status=NO)

    def test_what_stands_in_dns_is_escaped(self):
        self.assertIn("\\x1b", self.escaped("\\027[31m"))

    def escaped(self, text):
        zones = Scene("cli-escape")
        self.addCleanup(zones.close)
        dns = Nsd(zones, {"example.test": 'good._domainkey IN TXT "%s"' %
            text}).start()
        return self.postern("key", "test", "good", "--nameserver",
            "127.0.0.1@%d" % dns.port, status=NO).stdout

    def test_usage(self):
        self.postern("key", "test", status=USAGE)
        self.postern("key", "test", "--all", "good", status=USAGE)
        done = self.postern("key", "test", "good", "--nameserver",
            "localhost", status=USAGE)
        self.assertIn("IP address", done.stderr)


class Tables(Case):
    def test_check_says_what_the_daemon_says(self):
        self.generate("example.com")
        with open(self.path("SigningTable"), "a") as file:
            file.write("*@example.org mail._domainkey.example.org\n")
        ours = self.postern("table", "check", status=CONFIG)
        daemon = self.scene.run([program("milters/sign/postern-sign"), "-n",
            "-c", self.conf], check=False, cwd=self.scene.dir)
        self.assertEqual(daemon.returncode, CONFIG)
        errors = [line for line in ours.stderr.splitlines()
            if ": error: " in line]
        self.assertEqual(len(errors), 1)
        self.assertIn(errors[0], daemon.stdout + daemon.stderr)
        found = json.loads(self.postern("table", "check", "--json",
            status=CONFIG).stdout)
        self.assertEqual((found["ok"], found["errors"],
            found["findings"][0]["line"]), (False, 1, 2))

    def test_the_order_of_a_file_table(self):
        self.generate("example.com")
        self.scene.write("SigningTable", "example.com s1._domainkey."
            "example.com\n")
        done = self.postern("table", "lookup", "a@b.example.com",
            "--signing-table", "SigningTable", "--json", status=NO)
        self.assertEqual([t["text"] for t in json.loads(done.stdout)
            ["tried"]], ["a@b.example.com", "b.example.com",
            "a@.example.com", ".example.com", "a@.com", ".com", "a@*", "*"])

    def test_no_address(self):
        self.generate("example.com")
        for text in "alice", "", "a@b@", "alice@[192.0.2.1]":
            self.postern("table", "lookup", text, status=USAGE)

    def test_where_the_percent_sign_went(self):
        self.generate("example.com")
        self.scene.write("KeyTable", "example.com %%:s1:%s\n" %
            self.path("keys/%/s1.private"))
        self.scene.write("SigningTable", "*@example.com %:@%\n"
            "*@example.org %\n")
        done = self.postern("table", "lookup", "a@example.com", status=OK)
        for says in ("the key's name is the sender's domain, example.com",
                "in the identity is example.com",
                "d= is the sender's domain, example.com",
                "/keys/%/s1.private is example.com",
                "d=example.com s=s1 i=@example.com"):
            self.assertIn(says, done.stdout)
        done = self.postern("table", "lookup", "a@example.org", status=OK)
        self.assertIn('no key named "example.org"', done.stdout)

    def test_identity(self):
        self.generate("example.com")
        self.scene.write("SigningTable",
            "*@example.com s1._domainkey.example.com:@%\n")
        done = self.postern("table", "lookup", "a@example.com", status=OK)
        self.assertIn("i=@example.com", done.stdout)


class Message(Case):
    def setUp(self):
        super().setUp()
        self.generate("example.com")
        self.scene.write("crlf", MESSAGE)
        self.scene.write("lf", MESSAGE.replace(b"\r\n", b"\n"))

    def sign(self, *arguments, **how):
        argv = [program("admin/postern"), "message", "sign", "-c", self.conf]
        done = subprocess.run(argv + list(arguments), cwd=self.scene.dir,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **how)
        return done.returncode, done.stdout

    def test_the_message_follows_byte_for_byte(self):
        for name in "crlf", "lf":
            with self.subTest(name=name):
                status, out = self.sign(name)
                with open(self.path(name), "rb") as file:
                    self.assertTrue(out.endswith(file.read()))
                self.assertEqual(status, OK)

    @unittest.skipUnless(shutil.which("nsd"), "no nsd")
    def test_others_verify_it(self):
        name = "s1._domainkey"
        dns = Nsd(self.scene, {"example.com": zone_txt(name, record(
            self.path("keys/example.com/s1.private"), "rsa"))}).start()
        verify.check(self.sign("crlf")[1], dns)

    def test_standard_input(self):
        status, out = self.sign("-", input=MESSAGE)
        self.assertEqual(status, OK)
        self.assertTrue(out.endswith(MESSAGE))

    def test_the_origin_counts(self):
        outside = ["--client-addr", "192.0.2.1"]
        self.assertEqual(self.sign(*outside, "crlf"), (NO, MESSAGE))
        self.assertEqual(self.sign(*outside, "--auth", "crlf")[0], OK)
        self.assertEqual(self.sign(*outside, "--auth=alice", "crlf")[0], OK)
        self.assertEqual(self.sign("--client-addr", "nonsense", "crlf")[0],
            USAGE)
        with open(self.conf, "a") as file:
            file.write("MTA ORIGINATING\n")
        self.assertEqual(self.sign(*outside, "--macro",
            "daemon_name=ORIGINATING", "crlf")[0], OK)
        self.assertEqual(self.sign(*outside, "--macro",
            "{daemon_name}=OTHER", "crlf")[0], NO)

    def test_recipients_count(self):
        with open(self.conf, "a") as file:
            file.write("DontSignMailTo *@lists.example\n")
        self.assertEqual(self.sign("--rcpt", "a@other.example",
            "crlf")[0], OK)
        self.assertEqual(self.sign("--rcpt", "a@other.example", "--rcpt",
            "b@lists.example", "crlf")[0], NO)

    def test_the_decision_path(self):
        status, out = self.sign("--explain", "crlf")
        self.assertEqual(status, OK)
        self.assertIn(b"tried *@example.com: line 1", out)
        self.assertTrue(out.endswith(b"signed\n"))
        status, out = self.sign("--json", "--client-addr", "192.0.2.1",
            "crlf")
        found = json.loads(out)
        self.assertEqual((status, found["signed"], found["action"]),
            (NO, False, "accept"))
        self.assertIn("external", found["path"][-1])

    def test_the_time_can_be_given(self):
        for at in "1795307666", "2026-11-22T00:34:26Z":
            self.assertIn(b"t=1795307666", self.sign("--at", at, "crlf")[1])
        self.assertEqual(self.sign("--at", "noon", "crlf")[0], USAGE)

    def test_what_would_not_pass(self):
        with open(self.conf, "a") as file:
            file.write("OnBadMessage reject\n")
        self.scene.write("bad", b"Subject: nobody\r\n\r\n")
        self.assertEqual(self.sign("bad"), (DATA, b""))
        with open(self.conf, "a") as file:
            file.write("OnBadMessage tempfail\n")
        self.assertEqual(self.sign("bad"), (TEMPFAIL, b""))

    def test_no_such_file(self):
        self.assertEqual(self.sign("nowhere")[0], NOINPUT)


class Frame(Case):
    """Help, suggestions, exit status."""

    def test_every_command_has_help_with_examples(self):
        overview = self.postern("help", conf=False, status=OK).stdout
        for group, command in COMMANDS:
            with self.subTest(command=command):
                text = self.postern(group, command, "--help", conf=False,
                    status=OK).stdout
                self.assertIn("\nexamples:\n  postern %s %s" %
                    (group, command), text)
                self.assertEqual(text, self.postern("help", group, command,
                    conf=False, status=OK).stdout)
                self.assertRegex(overview, r"(?m)^  %s +%s " %
                    (group, command))
                self.assertLessEqual(max(map(len, text.splitlines())), 90)

    def test_the_manual_has_every_option(self):
        with open(os.path.join(SRCDIR, "man", "postern.8")) as file:
            page = file.read()
        for group, command in COMMANDS:
            text = self.postern(group, command, "--help", conf=False).stdout
            part = re.search(r"(?s)^\.Ss %s %s\n(.*?)(?=^\.S[sh] )" %
                (group, command), page, re.M)
            self.assertTrue(part, "%s %s" % (group, command))
            for option in re.findall(r"(?m)^  (?:-., )?--([a-z-]+)", text):
                self.assertTrue(re.search(r"Fl -%s\b" % option,
                    part.group(1)) or option in COMMON, "postern.8: %s %s: "
                    "--%s" % (group, command, option))

    def test_mistakes_are_answered_with_what_was_meant(self):
        for arguments, says in (
                (["kye"], "did you mean key?"),
                (["key", "genrate"], "did you mean generate?"),
                (["key", "test", "--al"], "did you mean --all?"),
                (["table", "lookup", "--jsno", "x"], "--json?"),
                (["key", "test", "--timeout"], "is missing"),
                (["key", "test", "--all=yes"], "takes no value"),
                (["key", "show", "a", "b"], "unexpected argument"),
                (["key"], "usage:"), ([], "usage:")):
            with self.subTest(arguments=arguments):
                done = self.postern(*arguments, conf=False, status=USAGE)
                self.assertIn(says, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_version(self):
        done = self.postern("--version", conf=False, status=OK)
        self.assertRegex(done.stdout, r"\Apostern \d+\.\d+\.\d+\n\Z")

    def test_outside_bytes_are_escaped(self):
        self.scene.write("KeyTable", "")
        for arguments in (["\x1b[31m"], ["key", "show", "\x1b[31m"],
                ["key", "generate", "\x1b[31m.example"]):
            done = self.postern(*arguments)
            self.assertNotIn("\x1b", done.stdout + done.stderr)
            self.assertIn("\\x1b[31m", done.stderr)

    def test_no_configuration(self):
        self.conf = self.path("nowhere.conf")
        done = self.postern("key", "list", status=CONFIG)
        self.assertIn("nowhere.conf", done.stderr)

    def test_tables_without_a_configuration(self):
        done = self.postern("key", "generate", "example.com", "--key-table",
            "K", "--signing-table", "refile:S", conf=False, status=OK)
        self.assertIn("*@example.com", self.read("S"))
        self.postern("table", "check", "--key-table", "K",
            "--signing-table", "refile:S", conf=False, status=OK)

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([program("admin/postern"), "help"],
                stdout=full, stderr=subprocess.PIPE, timeout=20)
        self.assertEqual(done.returncode, 74)
        self.assertIn(b"standard output", done.stderr)


COMMON = {"config", "key-table", "signing-table", "user", "json", "help"}

if __name__ == "__main__":
    unittest.main()
