"""What others sign we accept, and what was altered since we do not: awkward
messages signed by dkimpy, Mail::DKIM, opendkim and rspamd, each by "postern
message verify --json" against a DNS server that holds the keys."""
import base64
import itertools
import os
import shutil
import signal
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "lib")]

from dkimkeys import Keys  # noqa: E402
from messages import BIG, DOMAIN, messages  # noqa: E402
from scene import Scene, program, wait_until  # noqa: E402
import verifiers  # noqa: E402

CANONS = list(itertools.product(("simple", "relaxed"), repeat=2))
SELECTOR = "s1"
CLIENT = "192.0.2.10"
# What a milter leaves alone: other domains, and a From it misreads.
NOT_SIGNED = {
    "opendkim": ("From IDN", "From A-label"),
    "rspamd": ("From IDN", "From A-label", "From with comments"),
}

# (signer, message): what is wrong with the signature; dkimpy, Mail::DKIM and
# opendkim refuse these as well.
EXCUSED = {
    ("rspamd", "blank lines only"): "takes a body of blanks for a line",
    ("rspamd", "control characters"): "takes VT and FF for white space",
    ("rspamd", "two Subjects"): "covers the topmost field first",
}

OPENDKIM = """\
Socket local:%(socket)s
Background no
Syslog no
Mode s
Domain %(domain)s
Selector %(selector)s
KeyFile %(key)s
InternalHosts %(client)s
Canonicalization %(header)s/%(body)s
SignatureAlgorithm %(algorithm)s
OversignHeaders From
UserID root
RequireSafeKeys no
"""

RSPAMD = r"""
options {
    pidfile = "%(dir)s/pid";
    filters = "dkim";
    explicit_modules = ["dkim_signing"];
    check_all_filters = false;
    cache_file = "%(dir)s/symbols.cache";
    hs_cache_dir = "%(dir)s";
    control_socket = "%(dir)s/control mode=0600";
    tempdir = "%(dir)s";
    url_tld = "%(dir)s/tld";
    local_addrs = [%(client)s];
    dns { nameserver = ["127.0.0.1:1"]; }
}
logging { type = "console"; level = "error"; }
worker "rspamd_proxy" {
    bind_socket = "%(socket)s mode=0666";
    milter = yes;
    count = 1;
    upstream "local" { default = yes; self_scan = yes; }
}
dkim { }
dkim_signing {
    sign_local = true;
    use_domain = "header";
    allow_hdrfrom_mismatch = true;
    allow_username_mismatch = true;
    allow_envfrom_empty = true;
    try_fallback = false;
    domain { "%(domain)s" { path = "%(key)s"; selector = "%(selector)s"; } }
}
actions { reject = null; add_header = null; greylist = null; }
metric { }
modules { path = "${PLUGINSDIR}/dkim_signing.lua"; }
"""


class Work:
    """Messages to sign, and where what was signed goes."""

    def __init__(self):
        self.scene = Scene("signers")
        self.keys = Keys(self.scene)
        self.messages = messages()
        self.inputs = self.scene.mkdir("messages")
        self.signed = self.scene.mkdir("signed")
        for name, data in self.messages.items():
            self.scene.write(self.input(name), data if
                data.endswith(b"\r\n") else data + b"\r\n")

    def input(self, name):
        return os.path.join(self.inputs, name.replace(" ", "-"))

    def output(self, *what):
        return os.path.join(self.signed, ",".join(what).replace(" ", "-")
            .replace("/", "-"))

    def write(self, data, *what):
        self.scene.write(self.output(*what), data)

    def by_milter(self, command, socket, *what):
        """Each message it will sign through a milter that listens there."""
        log = socket + ".log"
        daemon = self.scene.start(command, log=log)
        wait_until(lambda: os.path.exists(socket) or not daemon.running(), 20,
            what[0])
        for name in self.messages:
            if name in NOT_SIGNED[what[0]]:
                continue
            done = subprocess.run([program("tests/bench/milterload"), "-S",
                "unix:" + socket, "-a", CLIENT, "-f", "sender@" + DOMAIN,
                "--print", "-i", self.input(name)], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE)
            self.write(done.stdout, *what, name)
        daemon.signal(signal.SIGKILL)   # opendkim takes its time over others
        daemon.stop()


def sign_by_dkimpy(work):
    for kind, canon in itertools.product(("rsa", "ed25519"), CANONS):
        for name in work.messages:
            if name == BIG and (kind, canon[1]) != ("ed25519", "relaxed"):
                continue
            with open(work.input(name), "rb") as file:
                data = file.read()
            work.write(work.keys.sign(data, DOMAIN, SELECTOR, kind,
                canonicalize=tuple(each.encode() for each in canon)),
                "dkimpy", kind, *canon, name)


def sign_by_mail_dkim(work):
    lines = ["%s\t%s\t%s\n" % ("/".join(canon), work.input(name),
        work.output("Mail::DKIM", "rsa", *canon, name))
        for canon, name in itertools.product(CANONS, work.messages)]
    subprocess.run(["perl", os.path.join(HERE, "mail_dkim_sign.pl"),
        work.keys.key("rsa")[0], DOMAIN, SELECTOR], check=True,
        input="".join(lines).encode())


def sign_by_opendkim(work):
    for kind, canon in [("rsa", each) for each in CANONS] + [
            ("ed25519", ("relaxed", "relaxed"))]:
        name = "-".join(("opendkim", kind) + canon)
        socket = work.scene.path(name + ".sock")
        conf = work.scene.write(name + ".conf", OPENDKIM % {"socket": socket,
            "domain": DOMAIN, "selector": SELECTOR, "client": CLIENT,
            "key": work.keys.key(kind)[0], "header": canon[0],
            "body": canon[1], "algorithm": kind + "-sha256"})
        work.by_milter(["opendkim", "-f", "-x", conf], socket, "opendkim",
            kind, *canon)


def rspamd_key(work, kind):
    """Of Ed25519 it wants the seed and the public key, together in base64."""
    if kind == "rsa":
        return work.keys.key(kind)[0]
    public = work.keys.record(kind).split("p=")[1]
    return work.scene.write("rspamd-ed25519.key", base64.b64encode(
        base64.b64decode(work.keys.secret(kind)) + base64.b64decode(public)))


def sign_by_rspamd(work):
    for kind in ("rsa", "ed25519"):
        directory = work.scene.mkdir("rspamd-" + kind)
        # It compiles the packaged list of ten thousand for half a minute.
        work.scene.write(os.path.join(directory, "tld"), "example\n")
        socket = os.path.join(directory, "sock")
        conf = work.scene.write(os.path.join(directory, "conf"), RSPAMD % {
            "dir": directory, "socket": socket, "client": CLIENT,
            "domain": DOMAIN, "selector": SELECTOR,
            "key": rspamd_key(work, kind)})
        work.by_milter(["rspamd", "-f", "--insecure", "-c", conf], socket,
            "rspamd", kind, "relaxed", "relaxed")


class Signers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = Work()
        cls.addClassCleanup(cls.work.scene.close)

    def hold(self, sign, expected):
        """Everything that sign made is good; expected is how much at least."""
        sign(self.work)
        problems, count = [], 0
        directory = self.work.signed
        records = {"%s._domainkey.%s" % (SELECTOR, DOMAIN): None}
        for kind in ("rsa", "ed25519"):
            records["%s._domainkey.%s" % (SELECTOR, DOMAIN)] = \
                self.work.keys.record(kind)
            mine = lambda name: ",%s," % kind in name  # noqa: E731
            for name, got in verifiers.by_postern(directory, records,
                    mine).items():
                count += 1
                excused = name.split(",")[0], name.split(",")[-1].replace("-",
                    " ")
                if got != ["pass"] and excused not in EXCUSED:
                    problems.append("%s: %s" % (name, got))
        for name in os.listdir(directory):
            os.unlink(os.path.join(directory, name))
        if problems:
            self.fail("%d of %d:\n%s" % (len(problems), count,
                "\n".join(problems[:40])))
        self.assertGreaterEqual(count, expected)

    def test_dkimpy(self):
        self.hold(sign_by_dkimpy, 300)

    def test_mail_dkim(self):
        self.hold(sign_by_mail_dkim, 150)

    @unittest.skipUnless(shutil.which("opendkim"), "no opendkim")
    def test_opendkim(self):
        self.hold(sign_by_opendkim, 200)

    @unittest.skipUnless(shutil.which("rspamd"), "no rspamd")
    def test_rspamd(self):
        self.hold(sign_by_rspamd, 80)


if __name__ == "__main__":
    unittest.main()
