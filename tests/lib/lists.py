"""DNS lists of hosts and domains, and clients that are on them, or whose names
are right or wrong: what postern-policy asks for.

    lists = Lists(scene).start()        # served by nsd
    lists.nameserver                    # for Nameservers
    DnsServer(zone_text())              # the same, from dnsserver.py
"""
import ipaddress

from nsd import Nsd

BL = "bl.test"          # hosts; 127.0.0.2 spam, .4 broken into, .10 dial-up
WL = "wl.test"          # good hosts: 127.0.10.0 to .3, the better the higher
DBL = "dbl.test"        # domains; 127.0.1.2
ODD = "odd.test"        # answers 127.255.255.254, whatever it is asked
PARKED = "parked.test"  # its domain was sold: a web server's address

# (address, name as the MTA has it)
GOOD = "192.0.2.10", "mail.good.test"           # on WL; its names are right
GOOD6 = "2001:db8::10", "mail.good.test"        # the same
PLAIN = "192.0.2.20", "mail.plain.test"         # on no list
SPAMMER = "192.0.2.66", "unknown"               # on BL, and has no name
SPAMMER6 = "2001:db8::66", "unknown"
DIALUP = "192.0.2.67", "unknown"                # on BL as 127.0.0.10
BOTH = "192.0.2.68", "mail.both.test"           # on BL and WL
LIAR = "192.0.2.69", "unknown"          # says that it is mail.good.test
TEST_POINT = "127.0.0.2", "unknown"             # on BL, RFC 5782 5

SPAM_DOMAIN = "spam.test"                       # on DBL

HOSTS = [
    (GOOD, [(WL, "127.0.10.3")]),
    (GOOD6, [(WL, "127.0.10.3")]),
    (PLAIN, []),
    (SPAMMER, [(BL, "127.0.0.2"), (BL, "127.0.0.4")]),
    (SPAMMER6, [(BL, "127.0.0.2")]),
    (DIALUP, [(BL, "127.0.0.10")]),
    (BOTH, [(BL, "127.0.0.2"), (WL, "127.0.10.2")]),
    (TEST_POINT, [(BL, "127.0.0.2")]),
]


def reverse(address):
    """Its name below in-addr.arpa or ip6.arpa, and that below a list."""
    name = ipaddress.ip_address(address).reverse_pointer
    return name, name.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")


def records():
    """(name, type, data), all names complete, without a last dot."""
    rows = []
    for (address, name), answers in HOSTS:
        pointer, listed = reverse(address)
        rows += [("%s.%s" % (listed, zone), "A", code)
            for zone, code in answers]
        if name != "unknown":
            rows += [(pointer, "PTR", name),
                (name, "AAAA" if ":" in address else "A", address)]
    rows += [
        (reverse(LIAR[0])[0], "PTR", GOOD[1]),
        ("%s.%s" % (SPAM_DOMAIN, DBL), "A", "127.0.1.2"),
        ("mail.%s.%s" % (SPAM_DOMAIN, DBL), "A", "127.0.1.2"),
        ("*." + ODD, "A", "127.255.255.254"),
        ("*." + PARKED, "A", "198.51.100.80"),
        ("elsewhere.test", "A", "198.51.100.1"),
        ("only-mx.test", "MX", "10 mail.good.test"),
    ]
    return rows


def zone_text():
    """For dnsserver.py."""
    return "".join("%s %s %s\n" % row for row in records())


def zone_file():
    """For nsd, in one root zone."""
    return "".join("%s. IN %s %s%s\n" % (name, kind, data,
        "." if kind in ("PTR", "MX") else "")
        for name, kind, data in records())


class Lists:
    def __init__(self, scene):
        self.dns = Nsd(scene, {"": zone_file()})
        self.nameserver = "127.0.0.1@%d" % self.dns.port

    def start(self):
        self.dns.start()
        return self
