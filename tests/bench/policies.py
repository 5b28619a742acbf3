"""What decides who may send how much, side by side: postern-policy, the policy
services postgrey and policyd-weight, and rspamd's ratelimit; and the memcached
servers that postern-policy shares its state through. Everything lives in the
scene; no log of the others is written, postern-policy writes its lines."""
import base64
import os
import shutil
import signal
import socket
import struct
import time

from checkers import RSPAMD_MILTER, Rspamd
from daemons import Daemon, Empty, load, status
from scene import program, wait_until

WHITELIST = "/etc/postgrey/whitelist_clients"


def cpu_of(pids):
    """Seconds of CPU time these processes have had."""
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


class SameSteps(Empty):
    """The empty filter with the steps and macros another has negotiated."""

    def __init__(self, scene, other):
        super().__init__(scene, None)
        self.steps, self.macros = negotiated(other.socket)

    def command(self):
        return super().command() + [hex(self.steps), *self.macros]


def negotiated(path):
    """(SMFIP_* mask, ["STAGE=MACROS"]): what a milter asks for of an MTA that
    offers everything."""
    with connect(path) as s, s.makefile("rb") as file:
        s.sendall(struct.pack(">IcIII", 13, b"O", 6, 0x1ff, 0x1fffff))
        size, = struct.unpack(">I", file.read(4))
        packet = file.read(size)
    steps, = struct.unpack(">I", packet[9:13])
    lists, macros = packet[13:], []
    while len(lists) > 4:
        stage, = struct.unpack(">I", lists[:4])
        names, _, lists = lists[4:].partition(b"\0")
        macros.append("%d=%s" % (stage, names.decode()))
    return steps, macros


class Postern(Daemon):
    """rules: lines of policy.conf. It may make a line's tables first: a rule
    that is a function gets this daemon and returns the line."""

    def __init__(self, scene, name, rules, cache="local"):
        self.name = name.replace(" ", "-")      # of its directory
        super().__init__(scene, None)
        self.name, self.rules, self.cache = name, rules, cache

    def command(self):
        secret = self.write("secret", base64.b64encode(os.urandom(
            32)).decode() + "\n")
        lines = [rule(self) if callable(rule) else rule
            for rule in self.rules]
        if self.cache == "local":
            lines.append("CacheFile " + os.path.join(self.dir, "state"))
        conf = self.write("policy.conf", POSTERN % {"socket": self.socket,
            "cache": self.cache, "secret": secret, "dir": self.dir} +
            "".join(line + "\n" for line in lines))
        return [program("milters/policy/postern-policy"), "-f", "-c", conf]


    def said(self, text):
        """How often, in its log."""
        with open(self.log, errors="replace") as file:
            return file.read().count(text)


class Service(Daemon):
    """A policy service of Postfix."""

    def load(self, *arguments):
        named = [each for pid in self.pids() for each in ("-p", pid)]
        return load(self.sockets(), "--policy", "-m", 1 << 30, *named,
            *arguments)

    def _answers(self):
        if not self.process.running():
            raise RuntimeError("%s ended" % self.name)
        return accepts(self.place())

    def place(self):
        """A path or a port of loopback."""
        return self.socket


class Postgrey(Service):
    name = "postgrey"
    available = shutil.which("postgrey") is not None

    def __init__(self, scene, delay, whitelist=None):
        super().__init__(scene, None)
        self.delay, self.whitelist = delay, whitelist

    def command(self):
        nothing = self.write("nothing", "")
        return ["postgrey", "--unix=" + self.socket, "--dbdir=" +
            self.scene.mkdir(os.path.join(self.dir, "db")), "--user=root",
            "--group=root", "--quiet", "--delay=%d" % self.delay,
            "--auto-whitelist-clients=0",
            "--whitelist-clients=" + (self.whitelist or nothing),
            "--whitelist-recipients=" + nothing]


class PolicydWeight(Service):
    """lists: [(zone, weight)]. names: what HELO, sender and reverse name say
    is looked at too, as it does by default. results: it remembers the result
    for a client and sender, as it does by default; else each message is looked
    at."""

    name = "policyd-weight"
    available = shutil.which("policyd-weight") is not None

    def __init__(self, scene, lists, names=False, results=False):
        self.name += " remembering" if results else ""
        super().__init__(scene, None)
        self.lists, self.names, self.results = lists, names, results
        self.port = scene.port()

    def command(self):
        rows = ", ".join("'%s', %s, 0, 'L%d'" % (zone, weight, i)
            for i, (zone, weight) in enumerate(self.lists))
        conf = self.write("conf", POLICYD_WEIGHT % {"dir": self.dir,
            "port": self.port, "lists": rows, "only": int(not self.names),
            "size": 100000 if self.results else 0})
        os.chmod(conf, 0o644)
        return ["policyd-weight", "-f", conf, "-D", "start"]

    def place(self):
        return self.port

    def sockets(self):
        return ["inet:%d@127.0.0.1" % self.port]

    def stop(self):
        pids = self.pids()
        super().stop()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def pids(self):
        """Its children and its cache, which is a session of its own."""
        return [self.pid] + children(self.pid)


class RspamdRatelimit(Rspamd):
    """Its state is in Redis, whose CPU time is counted with it. limits: of
    selectors."""

    available = Rspamd.available and shutil.which("redis-server") is not None
    name = "rspamd-ratelimit"

    def __init__(self, scene, limits):
        super().__init__(scene, "127.0.0.1")
        self.limits = limits

    def command(self):
        redis = os.path.join(self.dir, "redis")
        self.redis = self.scene.start(["redis-server", "--port", "0",
            "--unixsocket", redis, "--save", "", "--daemonize", "no",
            "--dir", self.dir], log=redis + ".log")
        wait_until(lambda: accepts(redis), 20, "redis")
        conf = self.write("rspamd.conf", RSPAMD % {"dir": self.dir,
            "socket": self.socket, "redis": redis, "rates": "".join(
            RATE % limit for limit in enumerate(self.limits)),
            "cache": self.scene.mkdir("rspamd-cache")})
        return ["rspamd", "-f", "--insecure", "-c", conf]

    def pids(self):
        return super().pids() + [self.redis.pid]

    def stop(self):
        super().stop()
        self.redis.stop()


class Memcached:
    """One server; tcp: at a port of loopback instead of a Unix socket."""

    def __init__(self, scene, megabytes=64, threads=1, tcp=False):
        self.scene = scene
        self.place = scene.port() if tcp else scene.path("mc%d" % scene.port())
        where = ["-l", "127.0.0.1", "-p", str(self.place)] if tcp else ["-s",
            self.place]
        self.spec = "127.0.0.1:%d" % self.place if tcp else self.place
        self.process = scene.start(["memcached", "-u", "root", "-m",
            str(megabytes), "-t", str(threads), "-c", "4096", *where])
        self.pid = self.process.pid
        wait_until(lambda: accepts(self.place), 20, "memcached", 0.002)

    def stats(self):
        """Its counters, as numbers."""
        with connect(self.place) as s, s.makefile("rb") as file:
            s.sendall(b"stats\r\n")
            rows = [line.split() for line in iter(file.readline, b"END\r\n")]
        return {name.decode(): int(value) for _, name, value in rows
            if value.isdigit()}

    def commands(self):
        """How many it has carried out."""
        stats = self.stats()
        return sum(stats[name] for name in ("cmd_get", "cmd_set",
            "incr_hits", "incr_misses", "decr_hits", "cmd_touch"))

    def cpu(self):
        return cpu_of([self.pid])

    def status(self, field):
        return status(self.pid, field)

    def stop(self):
        self.process.stop()


def connect(place):
    """To a path, or a port of loopback."""
    if isinstance(place, int):
        return socket.create_connection(("127.0.0.1", place), 5)
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(5)
    try:
        made.connect(place)
    except OSError:
        made.close()
        raise
    return made


def accepts(place):
    try:
        connect(place).close()
        return True
    except OSError:
        return False


def children(pid):
    """The processes that came of it and that it still has."""
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            found = [int(each) for each in file.read().split()]
    except FileNotFoundError:
        return []
    return found + [each for child in found for each in children(child)]


POSTERN = """\
Socket unix:%(socket)s
UserID root
LogTarget stderr
Cache %(cache)s
CacheSecretFile %(secret)s
ControlSocket %(dir)s/control
"""

# Without syslog it would not start; what it says is thrown away.
POLICYD_WEIGHT = """\
$LOCKPATH = '%(dir)s/lock/';
$SPATH = '%(dir)s/lock/cache';
$PIDFILE = '%(dir)s/pid';
$USER = 'nobody';
$GROUP = 'nogroup';
$TCP_PORT = %(port)d;
$NS = '127.0.0.1';
$dnsbl_checks_only = %(only)d;
@dnsbl_score = (%(lists)s);
@rhsbl_score = ();
$CACHESIZE = %(size)d;
$CACHEMAXSIZE = %(size)d;
$POSCACHESIZE = %(size)d;
$POSCACHEMAXSIZE = %(size)d;
$PTTL = 1000000000;
$TEMP_PTIME = '0s';
no warnings;
*main::setlogsock = *main::openlog = *main::syslog = sub { 1 };
"""

RSPAMD = r"""
options {
    pidfile = "%(dir)s/pid";
    filters = "";
    explicit_modules = [];
    check_all_filters = false;
    cache_file = "%(dir)s/symbols.cache";
    hs_cache_dir = "%(cache)s";
    control_socket = "%(dir)s/control mode=0600";
    tempdir = "%(dir)s";
    url_tld = "${SHAREDIR}/effective_tld_names.dat";
    local_addrs = [];
}
""" + RSPAMD_MILTER + r"""
redis {
    servers = "%(redis)s";
}
ratelimit {
    rates {
%(rates)s    }
}
actions {
    reject = null;
    add_header = null;
    greylist = null;
}
metric { }
modules {
    path = "${PLUGINSDIR}/ratelimit.lua";
}
"""

RATE = """\
        limit%d = {
            selector = '%s';
            bucket = {
                burst = 1000000;
                rate = "1000000 / 1h";
            }
        }
"""
