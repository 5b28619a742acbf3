"""The commands that ask postern-policy: what they send, what they print, and how
they end. The daemon's end of the socket is played here."""
import os
import re
import socket
import stat
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
from scene import SRCDIR, Scene, program

OK, USAGE, UNAVAILABLE, CANNOT_CREATE, TEMPFAIL, CONFIG = 0, 64, 69, 73, 75, 78
COMMANDS = [("limit", "show"), ("limit", "release"), ("limit", "set"),
    ("warmup", "show"), ("greylist", "why"), ("greylist", "release"),
    ("reputation", "show"), ("reputation", "learn"), ("reputation", "forget"),
    ("cache", "show"), ("cache", "save"), ("cache", "secret")]
COMMON = {"config", "socket", "json", "help"}


class Daemon:
    """Answers every request with the same, and keeps the words."""

    def __init__(self, path):
        self.requests = []
        self.answer = b"0 0 0\n"
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def serve(self):
        try:
            while True:
                connection = self.socket.accept()[0]
                with connection, connection.makefile("rb") as file:
                    self.requests.append(read_words(file))
                    connection.sendall(self.answer)
        except OSError:
            pass

    def says(self, status, output="", error=""):
        out, err = output.encode(), error.encode()
        self.answer = b"%d %d %d\n%s%s" % (status, len(out), len(err), out,
            err)


def read_words(file):
    assert file.readline() == b"postern-control 1\n"
    words = []
    for _ in range(int(file.readline())):
        words.append(file.read(int(file.readline())).decode())
        assert file.read(1) == b"\n"
    return words


class Case(unittest.TestCase):
    def setUp(self):
        self.scene = Scene("cli-policy")
        self.addCleanup(self.scene.close)
        self.socket = self.scene.path("control")

    def postern(self, *arguments, status=OK):
        argv = [program("admin/postern"), *arguments]
        done = self.scene.run(argv, check=False, cwd=self.scene.dir)
        self.assertEqual(done.returncode, status, "%s\n%s%s" %
            (" ".join(argv), done.stdout, done.stderr))
        return done

    def ask(self, *arguments, status=OK):
        return self.postern(*arguments, "--socket", self.socket,
            status=status)


class Asking(Case):
    def setUp(self):
        super().setUp()
        self.daemon = Daemon(self.socket)
        self.addCleanup(self.daemon.close)

    def test_words(self):
        """They are sent as they are, options last; a lesson behind its name."""
        for line, words in (
            ("limit show", None),
            ("limit show users", None),
            ("limit show users joe", None),
            ("limit show pairs 192.0.2.1 a@b.example --json", None),
            ("limit show --json pairs x", "limit show pairs x --json"),
            ("limit release users joe", None),
            ("limit set users joe 100", None),
            ("limit set --for 1d users joe 100",
                "limit set users joe 100 --for=86400"),
            ("limit set users joe default --json --for=90m",
                "limit set users joe default --for=5400 --json"),
            ("warmup show", None),
            ("warmup show gmail --json", None),
            ("warmup show gmail 192.0.2.1", None),
            ("greylist why 192.0.2.1 <> b@c.example", None),
            ("greylist release h[192.0.2.1] a@b.example b@c.example", None),
            ("reputation show dkim-domain a.example", None),
            ("reputation learn bad dkim-domain a.example",
                "reputation learn dkim-domain a.example bad 1"),
            ("reputation learn good sasl-user joe --count 5 --json",
                "reputation learn sasl-user joe good 5 --json"),
            ("reputation forget client-net 192.0.2.1", None),
            ("cache show --json", None),
            ("cache save", None),
        ):
            with self.subTest(line=line):
                self.ask(*line.split())
                self.assertEqual(self.daemon.requests.pop(),
                    (words or line).split())

    def test_odd_words(self):
        self.ask("greylist", "why", "192.0.2.1", "", "a\nb\x01@c.example")
        self.assertEqual(self.daemon.requests.pop(), ["greylist", "why",
            "192.0.2.1", "", "a\nb\x01@c.example"])

    def test_answers(self):
        self.daemon.says(OK, "one\ntwo\n")
        done = self.ask("limit", "show")
        self.assertEqual((done.stdout, done.stderr), ("one\ntwo\n", ""))
        self.daemon.says(TEMPFAIL, "", "the cache is \x1b away")
        done = self.ask("limit", "show", status=TEMPFAIL)
        self.assertEqual((done.stdout, done.stderr),
            ("", "postern: the cache is \\x1b away\n"))
        self.daemon.says(1, "some\n", "not all")
        done = self.ask("limit", "show", status=1)
        self.assertEqual((done.stdout, done.stderr),
            ("some\n", "postern: not all\n"))

    def test_senseless_answers(self):
        for answer in b"", b"0 5 0\nx", b"220 smtp ESMTP\r\n", b"0 0 0\nx":
            with self.subTest(answer=answer):
                self.daemon.answer = answer
                done = self.ask("limit", "show", status=UNAVAILABLE)
                self.assertEqual(done.stdout, "")
                self.assertRegex(done.stderr, r"\Apostern: %s: [^\n]+\n\Z" %
                    self.socket)

    def test_wrong_usage(self):
        """Is found before anybody is asked."""
        for line, says in (
            ("limit", "usage:"),
            ("limit release users", "is missing"),
            ("limit set users joe", "is missing"),
            ("limit set users joe 5 --for soon", "--for"),
            ("limit set users joe 5 --for 401d", "must be 1 to"),
            ("limit shwo", "did you mean show?"),
            ("greylist why 192.0.2.1 a@b.example", "is missing"),
            ("reputation learn ugly dkim-domain a.example", "good or bad"),
            ("reputation learn good dkim-domain a --count 0", "must be 1 to"),
            ("cache save now", "unexpected argument"),
            ("cache secret", "is missing"),
        ):
            with self.subTest(line=line):
                done = self.postern(*line.split(), status=USAGE)
                self.assertIn(says, done.stderr)
        self.assertEqual(self.daemon.requests, [])

    def test_configuration(self):
        """ControlSocket counts, whatever else is wrong there."""
        conf = self.scene.write("policy.conf", "Nonsense x\n"
            "ControlSocket control\nRateLimit a\n")
        self.postern("limit", "show", "-c", conf)
        self.assertEqual(self.daemon.requests, [["limit", "show"]])
        self.scene.write("policy.conf", "ControlSocket /nowhere/control\n")
        done = self.postern("limit", "show", "-c", conf, status=UNAVAILABLE)
        self.assertIn("/nowhere/control", done.stderr)
        self.ask("limit", "show", "-c", conf)
        done = self.postern("limit", "show", "-c", "missing.conf",
            status=CONFIG)
        self.assertIn("missing.conf: No such file", done.stderr)


class Alone(Case):
    """Without a daemon."""

    def test_nobody_answers(self):
        for line in ("limit show", "limit release a b", "limit set a b 1",
                "warmup show", "greylist why a b c", "greylist release a b c",
                "reputation show a b", "reputation learn bad a b",
                "reputation forget a b", "cache show", "cache save"):
            with self.subTest(line=line):
                done = self.ask(*line.split(), status=UNAVAILABLE)
                self.assertEqual(done.stdout, "")
                self.assertEqual(done.stderr, "postern: %s: no daemon answers "
                    "there; is it running?\n" % self.socket)

    def test_secret(self):
        path = self.scene.path("secret")
        self.assertIn("a new secret", self.postern("cache", "secret",
            path).stdout)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        with open(path) as file:
            made = file.read()
        self.assertGreaterEqual(len(made.strip()), 43)
        self.assertIn("there is one already", self.postern("cache", "secret",
            path).stdout)
        with open(path) as file:
            self.assertEqual(file.read(), made)
        other = self.scene.path("other")
        self.postern("cache", "secret", other)
        with open(other) as file:
            self.assertNotEqual(file.read(), made)

    def test_secret_that_is_none(self):
        path = self.scene.write("secret", "too short\n")
        os.chmod(path, 0o600)
        done = self.postern("cache", "secret", path, status=CANNOT_CREATE)
        self.assertIn(path, done.stderr)
        with open(path) as file:
            self.assertEqual(file.read(), "too short\n")
        self.postern("cache", "secret", self.scene.path("missing/secret"),
            status=CANNOT_CREATE)

    def test_every_command_has_help_with_examples(self):
        overview = self.postern("help").stdout
        for group, command in COMMANDS:
            with self.subTest(command=command):
                text = self.postern(group, command, "--help").stdout
                self.assertIn("\nexamples:\n  postern %s %s" %
                    (group, command), text)
                self.assertEqual(text, self.postern("help", group,
                    command).stdout)
                self.assertRegex(overview, r"(?m)^  %s +%s " %
                    (group, command))
                self.assertLessEqual(max(map(len, text.splitlines())), 90)

    def test_the_manual_has_every_option(self):
        with open(os.path.join(SRCDIR, "man", "postern.8")) as file:
            page = file.read()
        for group, command in COMMANDS:
            text = self.postern(group, command, "--help").stdout
            part = re.search(r"(?s)^\.Ss %s %s\n(.*?)(?=^\.S[sh] )" %
                (group, command), page, re.M)
            self.assertTrue(part, "%s %s" % (group, command))
            for option in re.findall(r"(?m)^  (?:-., )?--([a-z-]+)", text):
                self.assertTrue(option in COMMON or re.search(r"Fl -%s\b" %
                    option, part.group(1)), "postern.8: %s %s: --%s" %
                    (group, command, option))
        for option in COMMON - {"help"}:
            self.assertRegex(page, r"Fl (c , )?-%s\b" % option)


if __name__ == "__main__":
    unittest.main()
