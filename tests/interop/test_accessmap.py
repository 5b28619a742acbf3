"""Access tables against Postfix's own reading of them: postmap -q, key by key
in access(5)'s order, over the same generated tables."""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))

from scene import program  # noqa: E402

POSTMAP = shutil.which("postmap", path=os.environ.get("PATH", "") +
    ":/usr/sbin")


class Directory:
    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="postern-access-")
        self.write("main.cf", "compatibility_level = 3.6\n"
            "myhostname = host.example\n")

    def __enter__(self):
        return self

    def __exit__(self, *why):
        shutil.rmtree(self.path)

    def write(self, name, text):
        path = os.path.join(self.path, name)
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        # Postfix waits until nobody can be writing a text table any more.
        os.utime(path, (10 ** 9, 10 ** 9))
        return path

    def postfix(self, kind, path, keys):
        """What Postfix has for each of the keys; None where nothing."""
        done = subprocess.run([POSTMAP, "-c", self.path, "-q", "-",
            "%s:%s" % (kind, path)], input="\n".join(keys) + "\n",
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        found = dict(line.split("\t", 1)
            for line in done.stdout.splitlines())
        return {key: found.get(key) for key in keys}

    def ours(self, subject, kind, path, keys):
        done = subprocess.run([program("tests/daemon/accessask"), subject,
            "%s:%s" % (kind, path)], input="\n".join(keys) + "\n", text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise AssertionError("%s\n%s" % (done.stderr, open(path).read()))
        return done.stdout.splitlines()


def text_of(answer):
    """The text of a row's action; None where no row was found."""
    if answer == "none":
        return None
    return "REJECT " + answer.split(" ", 4)[4]


def parents(name):
    """A name and its parents, as smtpd_access_maps has them by default."""
    while name:
        yield name
        name = name.partition(".")[2]


def client_keys(name, address):
    mark = ":" if ":" in address else "."
    yield from parents(name)
    while address:
        yield address
        address = address.rpartition(mark)[0]


def mail_keys(address):
    local, _, domain = address.lower().rpartition("@")
    bare = local.partition("+")[0] if "+" in local[1:] else None
    yield "%s@%s" % (local, domain)
    if bare:
        yield "%s@%s" % (bare, domain)
    yield from parents(domain)
    yield local + "@"
    if bare:
        yield bare + "@"


def first(found, keys):
    return next((found[k] for k in keys if found[k] is not None), None)


WORDS = ["a", "b", "mx1", "mail", "Example", "net"]


def some_name(rand):
    return ".".join(rand.choice(WORDS) for _ in range(rand.randint(1, 4)))


def some_address(rand):
    if rand.random() < 0.3:
        return "2001:db8:%x:%x:%x:%x:%x:%x" % tuple(rand.choice([1, 2, 0xa])
            for _ in range(6))
    return "10.%d.%d.%d" % tuple(rand.choice([0, 1, 2]) for _ in range(3))


def some_mail(rand):
    return "%s%s@%s" % (rand.choice(["user", "Joe", "x.y"]),
        rand.choice(["", "", "+a", "+a+b"]), some_name(rand))


def layout(rand, rows):
    """A table of the rows as somebody may write them."""
    lines = []
    for number, key in enumerate(rows):
        blank = rand.choice([" ", "\t", "   "])
        if rand.random() < 0.2:
            lines.append("# %s REJECT not this" % key)
        if rand.random() < 0.2:
            lines += [key, rand.choice(["  # none", "", "#"]),
                "%sREJECT r%d" % (blank, number)]
        else:
            lines.append("%s%sREJECT%sr%d%s" % (key, blank, " ", number,
                rand.choice(["", " "])))
    return "\n".join(lines) + "\n"


@unittest.skipUnless(POSTMAP, "no postmap")
class Tables(unittest.TestCase):
    def compare(self, directory, subject, kind, table, queries, keys_of,
            case=False):
        """Every query by accessask and, key by key, by postmap."""
        path = directory.write("table", table)
        lists = [[k if case else k.lower() for k in keys_of(q)]
            for q in queries]
        found = directory.postfix(kind, path, sorted({k for keys in lists
            for k in keys}))
        hits = 0
        for query, keys, got in zip(queries, lists, directory.ours(subject,
                kind, path, queries)):
            want = first(found, keys)
            want = want and re.sub(r"\s+", " ", want)
            hits += want is not None
            self.assertEqual(text_of(got), want, "%s %r in\n%s" % (subject,
                query, table))
        return hits

    def test_text(self):
        rand, hits = random.Random(4), 0
        with Directory() as directory:
            for _ in range(40):
                rows = list(dict.fromkeys(rand.choice([some_name(rand),
                    ".".join(some_address(rand).split(".")[:rand.randint(1,
                    4)]), "2001:db8:%d" % rand.randint(1, 3)])
                    for _ in range(30)))
                queries = ["%s %s" % (some_name(rand), some_address(rand))
                    for _ in range(60)]
                hits += self.compare(directory, "client", "texthash",
                    layout(rand, rows), queries,
                    lambda q: client_keys(*q.split()))
                rows = list(dict.fromkeys(rand.choice([some_mail(rand),
                    some_name(rand), some_mail(rand).split("@")[0] + "@"])
                    for _ in range(30)))
                queries = [some_mail(rand) for _ in range(60)]
                hits += self.compare(directory, rand.choice(["sender",
                    "recipient"]), "texthash", layout(rand, rows), queries,
                    mail_keys)
        self.assertGreater(hits, 1000)

    def test_cidr(self):
        rand, hits = random.Random(5), 0
        with Directory() as directory:
            for _ in range(60):
                queries = [some_address(rand) for _ in range(60)]
                hits += self.compare(directory, "client", "cidr",
                    self.blocks(rand, self.network), ["- " + q
                    for q in queries], lambda q: [q[2:]])
        self.assertGreater(hits, 1000)

    def blocks(self, rand, pattern):
        """Rows in any order, some of them in if and endif."""
        lines, depth = [], 0
        for number in range(30):
            mark = rand.choice(["", "", "", "!"])
            if rand.random() < 0.15:
                lines.append("if %s%s" % (mark, pattern(rand)))
                depth += 1
            elif rand.random() < 0.15 and depth:
                lines.append("endif")
                depth -= 1
            elif mark == "" or rand.random() < 0.2:
                lines.append("%s%s REJECT r%d" % (mark, pattern(rand),
                    number))
        return "\n".join(lines + ["endif"] * depth) + "\n"

    def network(self, rand):
        if rand.random() < 0.3:
            return rand.choice(["2001:db8:1::/48", "2001:db8::/32",
                "2001:db8:2:1::/64", "::/0", "2001:db8:1:1:1:1:1:1"])
        return rand.choice(["10.%d.0.0/16" % rand.randint(0, 2),
            "10.1.%d.0/24" % rand.randint(0, 2), "10.0.0.0/8",
            "10.2.%d.1" % rand.randint(0, 2), "10.1.1.0/31"])

    def test_patterns(self):
        hits = 0
        with Directory() as directory:
            for kind in ("regexp", "pcre"):
                rand = random.Random(6)
                if kind == "pcre" and not self.has_pcre(directory):
                    continue
                for _ in range(60):
                    hits += self.compare(directory, "recipient", kind,
                        self.blocks(rand, self.expression),
                        [some_mail(rand).partition("@")[0] + "@" +
                        some_name(rand).lower() for _ in range(60)],
                        lambda q: [q], case=True)
        self.assertGreater(hits, 1000)

    def has_pcre(self, directory):
        done = subprocess.run(["postconf", "-c", directory.path, "-m"],
            stdout=subprocess.PIPE, text=True, env=dict(os.environ,
            PATH=os.environ["PATH"] + ":/usr/sbin"))
        return "pcre" in done.stdout.split()

    def expression(self, rand):
        parts = ["user", "joe", "@", "a", "[ab]", "[^x]", "(mx1|mail)",
            "net$", "^u", ".*", "(a|b)+", "x\\.y", "m{1,2}", "[[:alpha:]]+@",
            "\\+a", "e?", "(b\\.)*", "(net|example)\\.", "J", "[m-x]1"]
        return "/%s/%s" % ("".join(rand.choice(parts)
            for _ in range(rand.randint(1, 3))), rand.choice(["", "", "i",
            "m"]))

    # Without "\\d" and its like: glibc has them match nothing at all where case
    # does not count.
    POSIX = ["^a+?b$", "^(ab)+?c", "a**", "^a?+$", "[\\d]z",
        "[]a]+z", "[^]a]b", "^[a\\]b]", "q{,2}$", "^a{2}{2}$", "a)b",
        "(a)\\10", "\\<a", "b\\>", "\\`a", "a\\'", "a.b", "~", "[[]x",
        "[a-]", "[%--]", "a||b", "\\w\\W\\w", "\\bab\\B", "a\\{1\\}",
        "(^a)|(b$)", "[[:digit:][:punct:]]", "()", "(|a)b", "[.[:]",
        "^*a", "a|*b", "(*b)", "(?:a)", "{1}", "x$*y", "a{1", "a{b}",
        "a{3,2}", "[a", "[[:alpha]", "(a", "\\1", "[z-a]", "+", "a|{2}"]
    SUBJECTS = ["b", "aab", "abc", "aa", "aaaa", "a{1}", "xdy", "x1y", "\\z",
        "1z", "dz", "]z", "\\b]", "qq", "aqqq", "a)b", "aa0", " a", "b c",
        "~", "[x", "-", "*", "a b", "ab", "zab", "a1", "%", ":", "a", "xy"]

    def test_posix_expressions(self):
        """What is special to PCRE2, or to POSIX, only."""
        with Directory() as directory:
            for expression in self.POSIX:
                path = directory.write("table", "/%s/ REJECT r\n" %
                    expression)
                found = directory.postfix("regexp", path, self.SUBJECTS)
                if not any(found.values()):
                    self.assertRaises(AssertionError, directory.ours, "helo",
                        "regexp", path, ["x"])
                    continue
                got = directory.ours("helo", "regexp", path, self.SUBJECTS)
                for subject, answer in zip(self.SUBJECTS, got):
                    self.assertEqual(text_of(answer), found[subject],
                        "/%s/ and %r" % (expression, subject))

    def test_groups(self):
        table = "/(.)(x)?(.)/ REJECT $1-${2}-$(3) $$1$3.\n"
        with Directory() as directory:
            path = directory.write("table", table)
            keys = ["ab", "axb", "+x-", "  x"]
            found = directory.postfix("regexp", path, keys)
            got = directory.ours("helo", "regexp", path, keys)
            self.assertEqual([text_of(g) for g in got],
                [found[k].rstrip() for k in keys])


if __name__ == "__main__":
    unittest.main()
