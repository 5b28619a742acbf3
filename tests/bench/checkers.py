"""The milters that check incoming mail, side by side. They ask the name server
of /etc/resolv.conf (netns.py), or the one a World names.

Each must say in its Authentication-Results field that everything passes before
it is measured."""
import os
import re
import shutil

from daemons import Daemon, milterload
from incoming import AUTHSERV_ID
from scene import program

SUFFIXES = "/usr/share/publicsuffix/public_suffix_list.dat"


class Checker(Daemon):
    """says: what its field has to say about every message."""

    says = ()

    def __init__(self, scene, nameserver, extra=""):
        """extra: lines for its configuration."""
        super().__init__(scene, None)
        self.nameserver, self.extra = nameserver, extra

    def silent_about(self, messages, wanted, *arguments):
        """The patterns that its Authentication-Results of the first of these
        messages does not match."""
        done = milterload(self.sockets(), "-i", messages, "--print",
            *arguments)
        header = done.stdout.decode("utf-8", "replace").split("\r\n\r\n")[0]
        fields = " ".join(re.findall(
            r"(?ims)^Authentication-Results: *%s *;(.*?)\r?\n(?![ \t])" %
            re.escape(AUTHSERV_ID), header + "\n"))
        return [each for each in wanted if not re.search(each, fields)]


class OpenDkimVerify(Checker):
    name = "opendkim"
    available = shutil.which("opendkim") is not None
    says = (r"dkim=pass",)

    def command(self):
        conf = self.write("opendkim.conf", OPENDKIM % {"socket": self.socket,
            "nameserver": self.nameserver})
        return ["opendkim", "-f", "-x", conf]


class OpenDmarc(Checker):
    name = "opendmarc"
    available = shutil.which("opendmarc") is not None
    says = (r"dmarc=pass", r"spf=pass")

    def command(self):
        conf = self.write("opendmarc.conf", OPENDMARC % {
            "socket": self.socket, "id": AUTHSERV_ID,
            "suffixes": SUFFIXES if os.path.exists(SUFFIXES) else
            "/dev/null", "hosts": self.write("ignore", "127.0.0.1\n")})
        return ["opendmarc", "-f", "-c", conf]


class Pair(Checker):
    """OpenDKIM, and OpenDMARC behind it."""

    name = "opendkim+opendmarc"
    available = OpenDkimVerify.available and OpenDmarc.available
    says = OpenDkimVerify.says + OpenDmarc.says

    def __init__(self, scene, nameserver):
        self.both = OpenDkimVerify(scene, nameserver), OpenDmarc(scene,
            nameserver)

    def start(self, seconds=60):
        for each in self.both:
            each.start(seconds)
        return self

    def stop(self):
        for each in self.both:
            each.stop()

    def sockets(self):
        return [each.socket for each in self.both]

    def pids(self):
        return [each.pid for each in self.both]


class Rspamd(Checker):
    """Its proxy worker in milter mode checks by itself, with the modules spf,
    dkim, arc and dmarc and the one that writes the field."""

    name = "rspamd"
    available = shutil.which("rspamd") is not None
    says = (r"dkim=pass", r"spf=pass", r"dmarc=pass")

    def command(self):
        conf = self.write("rspamd.conf", RSPAMD % {"dir": self.dir,
            "socket": self.socket, "nameserver": self.nameserver,
            "cache": self.scene.mkdir("rspamd-cache")})
        return ["rspamd", "-f", "--insecure", "-c", conf]

    def start(self, seconds=300):
        """The first one compiles the list of suffixes for a minute."""
        return super().start(seconds)

    def pids(self):
        """The main process does nothing; the workers do it."""
        return [self.pid] + self.children()

    def children(self):
        with open("/proc/%d/task/%d/children" % (self.pid, self.pid)) as file:
            return [int(each) for each in file.read().split()]


class PosternVerify(Checker):
    name = "postern"
    checks = "iprev, spf, dkim, arc, dmarc"
    available = True
    says = (r"dkim=pass", r"spf=pass", r"dmarc=pass", r"iprev=pass")

    def command(self):
        conf = self.write("verify.conf", POSTERN % {"socket": self.socket,
            "checks": self.checks} + self.extra)
        return [program("milters/verify/postern-verify"), "-f", "-c", conf]


class PosternDkim(PosternVerify):
    name = "postern-dkim"
    checks = "dkim"
    says = (r"dkim=pass",)


POSTERN = """\
Socket unix:%(socket)s
UserID root
LogTarget stderr
Checks %(checks)s
"""

OPENDKIM = """\
Socket local:%(socket)s
Background no
Syslog no
Mode v
Nameservers %(nameserver)s
UserID root
"""

OPENDMARC = """\
Socket local:%(socket)s
Background no
Syslog no
AuthservID %(id)s
TrustedAuthservIDs %(id)s
IgnoreHosts %(hosts)s
PublicSuffixList %(suffixes)s
SPFIgnoreResults yes
SPFSelfValidate yes
RejectFailures no
UserID root
"""

# One process that checks by itself, and says little.
RSPAMD_MILTER = """\
logging {
    type = "console";
    level = "error";
}
worker "rspamd_proxy" {
    bind_socket = "%(socket)s mode=0666";
    milter = yes;
    timeout = 120s;
    count = 1;
    upstream "local" {
        default = yes;
        self_scan = yes;
    }
}
"""

RSPAMD = r"""
options {
    pidfile = "%(dir)s/pid";
    filters = "dkim";
    explicit_modules = [];
    check_all_filters = false;
    cache_file = "%(dir)s/symbols.cache";
    hs_cache_dir = "%(cache)s";
    control_socket = "%(dir)s/control mode=0600";
    tempdir = "%(dir)s";
    url_tld = "${SHAREDIR}/effective_tld_names.dat";
    local_addrs = [];
    dns {
        nameserver = ["%(nameserver)s:53"];
        timeout = 5s;
        retransmits = 2;
        sockets = 16;
    }
}
""" + RSPAMD_MILTER + r"""
spf { }
dkim { }
arc { }
dmarc { }
milter_headers {
    use = ["authentication-results"];
    authenticated_headers = ["authentication-results"];
    extended_spam_headers = false;
    routines {
        authentication-results {
            add_smtp_user = false;
        }
    }
}
actions {
    reject = null;
    add_header = null;
    greylist = null;
}
metric { }
modules {
    path = "${PLUGINSDIR}/spf.lua";
    path = "${PLUGINSDIR}/arc.lua";
    path = "${PLUGINSDIR}/dmarc.lua";
    path = "${PLUGINSDIR}/milter_headers.lua";
}
"""
