"""What we sign is accepted by others: every key type, canonical form and
awkward message, against opendkim-testmsg, dkimpy, Mail::DKIM and our own
verifier."""
import base64
import itertools
import os
import re
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "lib")]

from messages import (BIG, DOMAIN, HEADERS_ONLY, IDN_DOMAIN,  # noqa: E402
    TWO_SUBJECTS, messages)
from scene import Scene, program, wait_until  # noqa: E402
import verifiers  # noqa: E402

KEYS = {"rsa": ["rsa"], "ed25519": ["ed25519"], "both": ["rsa", "ed25519"]}
CANONS = ["simple", "relaxed"]
COMBINATIONS = list(itertools.product(KEYS, CANONS, CANONS))
BY_DAEMON = [("both", "relaxed", "relaxed"), ("both", "simple", "simple")]
ALGORITHMS = {"rsa": "rsa-sha256", "ed25519": "ed25519-sha256"}

# Where a verifier, not the signature, is at fault.
EXCUSED = {
    ("opendkim-testmsg", TWO_SUBJECTS): "refuses two Subjects as bad syntax",
    ("opendkim-testmsg", HEADERS_ONLY): "misreads the last field (simple)",
}

CONF = """\
UserID root
Socket unix:%(dir)s/%(name)s.sock
KeyTable file:%(dir)s/KeyTable
SigningTable refile:%(dir)s/SigningTable.%(keys)s
MultipleSignatures yes
Canonicalization %(header)s/%(body)s
InternalHosts 127.0.0.1
"""


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def make_key(path, kind):
    """Makes a private key and returns the value of p=."""
    how = ["-algorithm", kind.upper()]
    if kind == "rsa":
        how += ["-pkeyopt", "rsa_keygen_bits:2048"]
    openssl("genpkey", *how, "-out", path)
    os.chmod(path, 0o600)
    der = openssl("pkey", "-in", path, "-pubout", "-outform", "DER")
    return base64.b64encode(der if kind == "rsa" else der[-32:]).decode()


def kinds(what):
    return KEYS[what[0].split("-")[-1]]


def tags(field):
    pairs = (item.split("=", 1) for item in field.decode().split(";"))
    return {name.strip(): re.sub(r"\s+", "", value) for name, value in pairs}


def file_name(keys, header, body, name):
    return ",".join((keys, header, body, name.replace(",", "").replace(" ",
        "-")))


def transmitted(data):
    """As it arrives: SMTP has no text that does not end in a CRLF. (RFC 6376
    3.4.3 adds one to the canonical form for the same reason.)"""
    return data if data.endswith(b"\r\n") else data + b"\r\n"


class Matrix:
    """The messages, signed once for all tests: all of the matrix by "postern
    message sign", a part of it by postern-sign itself."""

    def __init__(self):
        self.scene = Scene("interop")
        self.messages = messages()
        self.directory = self.scene.mkdir("signed")
        self.records = {}
        self.wanted = {}     # {file name: (keys, header, body, name)}
        self.refused = {}    # {file name: why}
        self._configure()
        self.inputs = self.scene.mkdir("messages")
        for name, data in self.messages.items():
            self.scene.write(os.path.join(self.inputs, name), data)

    def _configure(self):
        table = ""
        for kind in ALGORITHMS:
            path = self.scene.path(kind + ".private")
            public = make_key(path, kind)
            for domain in DOMAIN, IDN_DOMAIN:
                self.records["%s._domainkey.%s" % (kind, domain)] = \
                    "v=DKIM1; k=%s; p=%s" % (kind, public)
            table += "%s %%:%s:%s\n" % (kind, kind, path)
        self.scene.write("KeyTable", table)
        for keys, kinds in KEYS.items():
            self.scene.write("SigningTable." + keys, "".join("*@%s %s\n" %
                (domain, kind) for domain in (DOMAIN, IDN_DOMAIN)
                for kind in kinds))
        for combination in COMBINATIONS:
            self.configuration(*combination)

    def configuration(self, keys, header, body):
        name = "%s-%s-%s.conf" % (keys, header, body)
        return self.scene.write(name, CONF % {"dir": self.scene.dir,
            "name": name, "keys": keys, "header": header, "body": body})

    def sign_by_command(self):
        for combination in COMBINATIONS:
            conf = self.configuration(*combination)
            for name in self.messages:
                # Ten megabytes take dkimpy a second for each signature.
                if name != BIG or combination[0] == "both":
                    self._sign(combination + (name,), [program(
                        "admin/postern"), "message", "sign", "-c", conf,
                        "--client-addr", "127.0.0.1"])

    def sign_by_daemon(self, combination):
        conf = self.configuration(*combination)
        socket = conf + ".sock"
        daemon = self.scene.start([program("milters/sign/postern-sign"), "-f",
            "-c", conf], log=conf + ".log")
        wait_until(lambda: os.path.exists(socket) or not daemon.running(), 10,
            "postern-sign")
        for name in self.messages:
            self._sign(("daemon-" + combination[0],) + combination[1:] +
                (name,), [program("tests/bench/milterload"), "-S", "unix:" +
                socket, "-a", "127.0.0.1", "--print", "-i"])
        daemon.stop()

    def _sign(self, what, command):
        done = subprocess.run(command + [os.path.join(self.inputs, what[3])],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        name = file_name(*what)
        self.wanted[name] = what
        if done.returncode != 0:
            self.refused[name] = done.stderr.decode("utf-8", "replace")
            return
        with open(os.path.join(self.directory, name), "wb") as file:
            file.write(transmitted(done.stdout))


class Interop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.signed = Matrix()
        cls.addClassCleanup(cls.signed.scene.close)
        cls.signed.sign_by_command()
        for combination in BY_DAEMON:
            cls.signed.sign_by_daemon(combination)

    def files(self):
        for name, what in self.signed.wanted.items():
            path = os.path.join(self.signed.directory, name)
            if os.path.exists(path):
                yield name, what, verifiers.read(path)

    def hold(self, problems):
        text = "\n".join(problems[:20])
        self.assertFalse(problems, "%d problems:\n%s" % (len(problems), text))

    def test_everything_is_signed(self):
        self.hold(["%s: %s" % item for item in self.signed.refused.items()])
        self.assertGreater(len(self.signed.wanted), 12 * 45)

    def test_signatures_say_what_was_asked_for(self):
        problems = []
        for name, what, data in self.files():
            _, header, body, message = what
            found = [tags(f) for f in verifiers.signature_fields(data)]
            domain = IDN_DOMAIN if "IDN" in message or "A-label" in message \
                else DOMAIN
            want = sorted((ALGORITHMS[kind], "%s/%s" % (header, body), domain,
                kind) for kind in kinds(what))
            got = sorted((t["a"], t["c"], t["d"], t["s"]) for t in found)
            if got != want or any("l" in t for t in found):
                problems.append("%s: %s" % (name, got))
        self.hold(problems)

    def test_the_rest_of_the_message_is_untouched(self):
        problems = []
        for name, what, data in self.files():
            original = transmitted(self.signed.messages[what[3]])
            if what[3] == HEADERS_ONLY and "daemon" in what[0]:
                original += b"\r\n"
            head = data[:len(data) - len(original)]
            fields = re.findall(rb"(?s)DKIM-Signature: .*?\r\n(?![ \t])", head)
            if data[len(head):] != original or b"".join(fields) != head:
                problems.append(name)
        self.hold(problems)

    def test_signature_lines_are_short(self):
        problems = []
        for name, _, data in self.files():
            for field in verifiers.signature_fields(data):
                lines = (b"DKIM-Signature:" + field).split(b"\r\n")
                longest = max(len(line) for line in lines)
                if longest >= 78:
                    problems.append("%s: %d octets" % (name, longest))
        self.hold(problems)

    def judge(self, verifier, results, expected):
        problems = []
        for name, what in self.signed.wanted.items():
            want = expected(what)
            got = results.get(name)
            if got != want and name not in self.signed.refused and \
                    (verifier, what[3]) not in EXCUSED:
                problems.append("%s: %s" % (name, got))
        self.hold(problems)

    def test_verifiers_tell_when_a_message_was_altered(self):
        directory = self.signed.scene.mkdir("altered")
        for name, what, data in self.files():
            if what[3] == "plain" and what[0] == "rsa":
                self.signed.scene.write(os.path.join(directory, name),
                    data.replace(b"two lines", b"two  lines!"))
        for verify in (verifiers.by_postern, verifiers.by_dkimpy,
                verifiers.by_mail_dkim, verifiers.by_testmsg):
            try:
                results = verify(directory, self.signed.records)
            except PermissionError:
                continue
            self.assertEqual(len(results), 4)
            self.assertNotIn(["pass"], results.values(), verify.__name__)

    def test_postern(self):
        results = verifiers.by_postern(self.signed.directory,
            self.signed.records)
        self.judge("postern", results, lambda what: ["pass"] *
            len(kinds(what)))

    def test_dkimpy(self):
        results = verifiers.by_dkimpy(self.signed.directory,
            self.signed.records)
        self.judge("dkimpy", results, lambda what: ["pass"] *
            len(kinds(what)))

    def test_mail_dkim(self):
        results = verifiers.by_mail_dkim(self.signed.directory,
            self.signed.records)
        # The packaged version knows RSA only; newer ones may know both.
        unknown = "invalid (unsupported algorithm ed25519-sha256)"
        seen = {r for found in results.values() for r in found}
        good = {"rsa": "pass", "ed25519": unknown if unknown in seen
            else "pass"}
        results = {name: sorted(found) for name, found in results.items()}
        self.judge("Mail::DKIM", results, lambda what: sorted(good[kind]
            for kind in kinds(what)))

    def test_opendkim_testmsg(self):
        try:
            results = verifiers.by_testmsg(self.signed.directory,
                self.signed.records)
        except PermissionError as e:
            self.skipTest("opendkim-testmsg needs a network namespace: %s" % e)
        self.judge("opendkim-testmsg", results, lambda what: ["pass"])


if __name__ == "__main__":
    unittest.main()
