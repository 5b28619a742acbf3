"""What postern-policy -n says of mistakes that are easily made in policy.conf
and its tables: all of it, for each names the place and what to write. A line of
the log must not need a manual to be understood."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
from policy import Policy
from scene import Scene

REFUSED = 78
CONDITIONS = ("in, out, authenticated, local, null-sender, daemon=, client=, "
    "helo=, sender-domain=, rcpt-domain=, from-domain=, dkim=, spf=, dmarc=, "
    "score>, reputation>")
KEYS = ("client, client-net, sasl-user, mail-from, mail-from-domain, rcpt, "
    "rcpt-domain, dkim-domain, helo, daemon")
CHECKS = ("helo-invalid, helo-not-fqdn, helo-literal, helo-wrong-literal, "
    "helo-own-name, helo-no-address, helo-not-client, helo-not-ptr, ptr-none, "
    "iprev-fail")
ACTIONS = ("OK, REJECT, DEFER, 4NN TEXT and 5NN TEXT, DUNNO, HOLD, DISCARD, "
    "PREPEND, REDIRECT, WARN and INFO; restrictions and their classes are for "
    "main.cf")

TABLES = {
    "rows": "example.com  REJEKT no\n192.0.2.300  OK\nlonely\n",
    "senders": "bad@  REDIRECT nobody\n",
    "networks": "192.0.2.1/24  OK\n2001:db8::/129 OK\n",
    "patterns": "/(open/  OK\nif /x/\n/y/ OK\n",
    "postgrey": "mx.example.com OK\n",
    "domains": "example.com\nuser@example.com\n",
    "secret": "not thirty-two octets\n",
}

# lines, and what is said of them: their first one is line 4 of policy.conf.
# DIR is where it and the tables are.
MISTAKES = [
    # names
    ("RateLimt users key=client limit=1/1h action=reject",
        'policy.conf:4: error: "RateLimt" is no known setting; do you mean '
        'RateLimit?'),
    ("RateLimit=users key=client limit=1/1h action=reject",
        'policy.conf:4: error: "RateLimit=users": a blank separates name and '
        'value; write "RateLimit VALUE"'),
    ("Greylist",
        "policy.conf:4: error: Greylist has no value; give it one or take the "
        "line out"),
    ("Whitelist 192.0.2.1",
        "policy.conf:4: error: Whitelist is not supported: write AccessClient "
        "and AccessRecipient, or GreylistClients and GreylistRecipients"),
    ("DNSTimeout 3s\nDNSTimeout 5s",
        "policy.conf:5: warning: DNSTimeout was set on line 4 already; this "
        "line replaces it"),
    # values
    ("DNSTimeout 500ms",
        'policy.conf:4: error: DNSTimeout: "500ms" must be a time (90s, 5m, '
        '2h, 1d, 1w) from 1s to 1m'),
    ("RetryMemory -5",
        'policy.conf:4: error: RetryMemory: "-5" must be a time (90s, 5m, 2h, '
        '1d, 1w) from 0 to 1w'),
    ("OnBadMessage defer",
        'policy.conf:4: error: OnBadMessage: "defer" must be one of accept, '
        'tempfail, reject, discard, quarantine'),
    ("Nameservers 127.0.0.1:5353",
        "policy.conf:4: error: Nameservers: a name server is written as an IP "
        'address, with "@port" where the port is not 53: "192.0.2.1", '
        '"127.0.0.1@5353", "2001:db8::1@53"'),
    ("InternalHosts $mynetworks",
        'policy.conf:4: error: InternalHosts: "$mynetworks" is no host name, '
        'domain, IP address or network'),
    ("ControlSocket unix:/run/postern-policy/control",
        "policy.conf:4: error: ControlSocket: write a path alone, such as "
        "/run/postern-policy/control"),
    ("AlertCommand mail-alert",
        "policy.conf:4: error: AlertCommand: write the program's full path; it "
        "gets no arguments"),
    ("AlertCommand DIR/rows",
        "policy.conf:4: warning: AlertCommand: DIR/rows is no program that can "
        "be run; only the log gets alerts"),
    ("AlertCommand /bin/true",
        "policy.conf:4: warning: AlertCommand: no effect: no RateLimit has "
        "alert=yes"),
    # the cache
    ("Cache redis localhost\nCacheSecretFile DIR/none",
        'policy.conf:5: warning: CacheSecretFile: is not there yet; the daemon '
        'makes it when it starts\n'
        'policy.conf:4: error: Cache: a cache is "local" or "memcached '
        'HOST[:PORT], ..."'),
    ("CacheSecretFile DIR/secret",
        "policy.conf:4: error: CacheSecretFile: DIR/secret: others than its "
        "owner may use it; chmod 600 it"),
    ("CacheSecretFile DIR/nowhere/secret",
        "policy.conf:4: error: CacheSecretFile: there is no directory "
        "DIR/nowhere; make it, for the daemon's user to write to\n"
        "policy.conf:4: warning: CacheSecretFile: is not there yet; the daemon "
        "makes it when it starts"),
    ("CacheSize 100",
        'policy.conf:4: error: CacheSize: "100" must be a size (512, 64k, 10M) '
        'from 1M to 64G'),
    # limits
    ("RateLimit key=client limit=1/1h action=reject",
        "policy.conf:4: error: RateLimit: the first word has to be a name that "
        "you choose, such as users; options come after it"),
    ("RateLimit a key=client limit=1/1h action=reject\n"
        "RateLimit a key=helo limit=1/1h action=reject",
        'policy.conf:5: error: RateLimit: the name "a" is taken by '
        'policy.conf:4'),
    ("RateLimit a key=ip limit=1/1h action=reject",
        'policy.conf:4: error: RateLimit: key="ip": write one or more of %s, '
        'joined by +' % KEYS),
    ("RateLimit a key=client limit=100 action=reject",
        'policy.conf:4: error: RateLimit: limit="100": write a number and a '
        'time of at most 350d, such as 100/1h'),
    ("RateLimit a key=client limit=100 / 1h action=reject",
        'policy.conf:4: error: RateLimit: "/" is no option: write name=value, '
        'lists without blanks, and text with blanks in double quotes\n'
        'policy.conf:4: error: RateLimit: "1h" is no option: write name=value, '
        'lists without blanks, and text with blanks in double quotes'),
    ("RateLimit a key=client limit=-1/1h action=reject",
        'policy.conf:4: error: RateLimit: limit="-1/1h": write a number and a '
        'time of at most 350d, such as 100/1h'),
    ("RateLimit a key=client limit=9/1h action=defer",
        'policy.conf:4: error: RateLimit: action="defer": write one of '
        'tempfail, reject, quarantine, tag'),
    ("RateLimit a key=client limit=9/1h",
        "policy.conf:4: error: RateLimit: action= is missing"),
    ("RateLimit a key=client limit=9/1h action=tag colour=red",
        'policy.conf:4: error: RateLimit: there is no option "colour"; there '
        'are key=, limit=, burst=, when=, count=, action=, on-error=, alert='),
    ("RateLimit a key=dkim-domain limit=9/1h action=tag",
        'policy.conf:4: warning: RateLimit: no effect: no dkim-domain is known '
        'without "AuthResults trust"'),
    # conditions
    ("Greylist when=outt",
        'policy.conf:4: error: Greylist: when=: "outt": no such condition; did '
        'you mean out?'),
    ("Greylist when=weekday",
        'policy.conf:4: error: Greylist: when=: "weekday": no such condition; '
        'there are ' + CONDITIONS),
    ("Greylist when=in, out",
        'policy.conf:4: error: Greylist: when=: "": one comma too many\n'
        'policy.conf:4: error: Greylist: "out" is no option: write name=value, '
        'lists without blanks, and text with blanks in double quotes'),
    ("Greylist when=",
        'policy.conf:4: error: Greylist: when="": write conditions such as in, '
        'out or client=192.0.2.1, with commas between them'),
    ("Greylist when=score=5",
        'policy.conf:4: error: Greylist: when=: "score=5": write a number, '
        'such as score>5 or score<0.5'),
    ("Greylist when=dmarc=fail",
        'policy.conf:4: warning: Greylist: when= asks for results of '
        'postern-verify, which are not looked at without "AuthResults trust"'),
    ("Greylist when=rcpt-domain=file:DIR/domains",
        'domains:2: error: Greylist: "user@example.com" is an address; this is '
        'a list of domains, write what follows the @'),
    # new addresses
    ("WarmUp example.com start=50 max=100 since=2026-12-01",
        'policy.conf:4: error: WarmUp: start="50": write a number a day, such '
        'as 50/day'),
    ("WarmUp example.com start=50/day max=100 since=01.12.2026",
        'policy.conf:4: error: WarmUp: since="01.12.2026": write a date such '
        'as 2026-11-25'),
    ("WarmUp example.com start=50/day max=100 since=2026-02-30 growth=30%",
        'policy.conf:4: error: WarmUp: since="2026-02-30": write a date such '
        'as 2026-11-25\n'
        'policy.conf:4: error: WarmUp: growth="30%": write a number such as '
        '1.3, from 1 to 10'),
    # greylisting
    ("Greylist delay=2d",
        'policy.conf:4: error: Greylist: delay="2d": write a time such as 30s, '
        '5m, 2h, 7d, from 1s to 1d'),
    ("Greylist delay=5m\nGreylist delay=9m",
        "policy.conf:5: error: Greylist: there can be but one, and "
        "DIR/policy.conf:4 is one"),
    ('Greylist text="call #5"',
        'policy.conf:4: error: Greylist: a quote (") is not closed; "#" begins '
        'a comment within quotes, too'),
    # weights
    ("DnsList http://bl.example.com weight=1",
        'policy.conf:4: error: DnsList: "http://bl.example.com" is no zone; '
        'write its name, such as bl.example.com'),
    ("DnsList bl.example.com weight=3 codes=127.0.0.[2..11]",
        'policy.conf:4: error: DnsList: codes= has "127.0.0.[2..11]"; write '
        'answers within 127/8 below 127.255.255.0, such as 127.0.0.2, '
        '127.0.0.4-7, 127.0.1.0/24'),
    ("DnsList bl.example.com weight=much",
        'policy.conf:4: error: DnsList: weight="much": write a number such as '
        '2, -1.5, from -1000 to 1000'),
    ("DnsList bl.example.com weight=1 codes=",
        'policy.conf:4: error: DnsList: codes="": write printable ASCII '
        'characters, at least one'),
    ("HostCheck helo_own_name weight=1",
        'policy.conf:4: error: HostCheck: "helo_own_name" is no check; did you '
        'mean helo-own-name?'),
    ("HostCheck dynamic weight=1",
        'policy.conf:4: error: HostCheck: "dynamic" is no check; there are ' +
        CHECKS),
    ("Reputation dkim weight=-3",
        'policy.conf:4: error: Reputation: "dkim" is no kind of names; write '
        'dkim-domain, spf-domain, client-net or sasl-user'),
    ("Reputation client-net weight=-3 half-life=14",
        'policy.conf:4: error: Reputation: half-life="14": write a time such '
        'as 30s, 5m, 2h, 7d, from 1m to 400d'),
    ("ScoreReject 8,5",
        'policy.conf:4: error: ScoreReject: "8,5": write a number such as 8 or '
        '4.5, from -1000 to 1000, or off'),
    ("ScoreReject 5\nScoreTag 8",
        "policy.conf:5: warning: ScoreTag: no effect: ScoreReject is not "
        "higher"),
    ("MonitorOnly greylisting",
        'policy.conf:4: error: MonitorOnly: "greylisting": write yes, no, or a '
        'list of access, rate, warmup, reputation, greylist, hostname, '
        'dnslist, score'),
    # tables
    ("AccessClient DIR/nowhere",
        "policy.conf:4: error: AccessClient: DIR/nowhere: No such file or "
        "directory"),
    ("AccessClient DIR/unreadable",
        "policy.conf:4: error: AccessClient: DIR/unreadable: Permission "
        "denied"),
    ("AccessClient mysql:DIR/rows",
        'policy.conf:4: error: AccessClient: "mysql:DIR/rows" is of a type '
        'that is not read; export its rows to a text file and write '
        'texthash:/path; there are texthash:, hash:, btree:, lmdb:, cidr:, '
        'regexp:, pcre: and postgrey:'),
    ("AccessHeader DIR/rows",
        'policy.conf:4: error: AccessHeader: "DIR/rows": texthash: tables are '
        'not for header fields; use a regexp: or pcre: one'),
    ("AccessClient 192.0.2.1 REJECT",
        'policy.conf:4: error: AccessClient: "192.0.2.1" is no table; write '
        'TYPE:/path, or /path\n'
        'policy.conf:4: error: AccessClient: "REJECT" is no table; write '
        'TYPE:/path, or /path'),
    ("AccessClient DIR/rows",
        'rows:1: error: AccessClient: "REJEKT" is no action; there are %s\n'
        'rows:2: error: AccessClient: "192.0.2.300" is no full IPv4 address; '
        'write a network as 192.0.2.0/24\n'
        'rows:3: error: AccessClient: the row has no action; write one behind '
        'it, such as OK or REJECT' % ACTIONS),
    ("AccessSender DIR/senders",
        'senders:1: error: AccessSender: "nobody" is no address; write '
        'REDIRECT user@domain'),
    ("AccessClient cidr:DIR/networks",
        'networks:1: error: AccessClient: "192.0.2.1/24" has bits set behind '
        'its prefix; make them 0, or write the address alone\n'
        'networks:2: error: AccessClient: "2001:db8::/129" is no address or '
        'network; write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32'),
    ("GreylistClients postgrey:DIR/postgrey",
        'postgrey:1: error: GreylistClients: "mx.example.com" is followed by '
        'something; write one entry a line'),
]


class Mistakes(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.scene = Scene("mistakes")
        cls.addClassCleanup(cls.scene.close)
        cls.policy = Policy(cls.scene, ControlSocket=None, CacheFile=None,
            CacheSecretFile=None)
        cls.dir = os.path.dirname(cls.policy.conf)
        for name, text in TABLES.items():
            cls.policy.table(name, text.rstrip("\n"))
        os.chmod(cls.policy.table("unreadable", "192.0.2.1 OK"), 0)
        with open(cls.policy.conf) as file:
            cls.base = file.read()
        assert cls.base.count("\n") == 3

    def check(self, lines):
        """(status, what is said besides "no errors")."""
        self.scene.write(os.path.relpath(self.policy.conf, self.scene.dir),
            self.base + lines.replace("DIR", self.dir) + "\n")
        status, said = self.policy.check()
        said = "".join(line.removeprefix(self.dir + "/") for line in
            said.splitlines(True) if not line.endswith(": no errors\n"))
        return status, said.replace(self.dir, "DIR").rstrip("\n")

    def test_all(self):
        for lines, want in MISTAKES:
            with self.subTest(lines=lines):
                status, said = self.check(lines)
                self.assertEqual(said, want)
                self.assertEqual(status, REFUSED if "error: " in want else 0)

    def test_pattern(self):
        """The library's words end the line; the next mistake is told too."""
        status, said = self.check("AccessHelo pcre:DIR/patterns")
        self.assertEqual(status, REFUSED)
        self.assertRegex(said, r'^patterns:1: error: AccessHelo: the pattern '
            r'"\(open": .*, at offset 5\n'
            r"patterns:2: error: AccessHelo: this if has no endif; write one "
            r"behind its last row$")


if __name__ == "__main__":
    unittest.main()
