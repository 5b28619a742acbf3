"""The DNS that incoming mail is checked against: some dozens of domains with
all kinds of policies, reverse names, and two zones signed for DNSSEC of which
one was tampered with since. All that is not signed lies in one root zone, so
that a walk up the tree finds its end.

    world = World(scene)
    world.start()
    world.nameserver, world.anchors     # for Nameservers, TrustAnchorFile
    world.keys.sign(data, "good.example")
"""
import os

from dkimkeys import Keys
from nsd import Nsd
from signer import zone_txt

# Clients: (address, what the MTA calls it). Only the first two have a name
# that leads back.
GOOD = "192.0.2.10", "mail.good.example"
GOOD6 = "2001:db8::10", "mail.good.example"
OTHER = "198.51.100.66", "unknown"
LIAR = "198.51.100.67", "unknown"

SENDS = "v=spf1 ip4:192.0.2.10 ip6:2001:db8::10 -all"
DMARC = "v=DMARC1; "

# (domain, SPF, DMARC, selector and kind of its key). None: no such record.
S1 = ("s1", "rsa")
DOMAINS = [
    ("good.example", SENDS, "p=reject; rua=mailto:d@good.example", S1),
    ("strict.example", SENDS, "p=reject; adkim=s; aspf=s", S1),
    ("mail.strict.example", SENDS, None, S1),
    ("quarantine.example", SENDS, "p=quarantine", S1),
    ("none.example", SENDS, "p=none", S1),
    ("nodmarc.example", SENDS, None, S1),
    ("nothing.example", None, None, None),
    ("evil.example", "v=spf1 ip4:198.51.100.66 -all", None, S1),
    # SPF's other results
    ("softfail.example", "v=spf1 ip4:192.0.2.10 ~all", "p=reject", None),
    ("neutral.example", "v=spf1 ?all", None, None),
    ("permerror.example", "v=spf1 ip4:192.0.2.0/33 -all", "p=reject", S1),
    ("explain.example", "v=spf1 -all exp=why.explain.example", None, None),
    ("include.example", "v=spf1 include:l1.include.example -all", None, None),
    ("l1.include.example", "v=spf1 include:l2.include.example -all", None,
        None),
    ("l2.include.example", "v=spf1 include:good.example -all", None, None),
    ("redirect.example", "v=spf1 redirect=good.example", None, None),
    ("exists.example", "v=spf1 exists:%{ir}.%{v}.ok.exists.example -all", None,
        None),
    ("hosts.example", "v=spf1 mx -all", None, None),
    ("void.example", "v=spf1 a:a.void.example a:b.void.example "
        "a:c.void.example ip4:192.0.2.10 -all", None, None),
    ("loop.example", "v=spf1 include:loop.example -all", None, None),
    # DMARC's other tags
    ("np.example", SENDS, "p=none; sp=none; np=reject", S1),
    ("there.np.example", None, None, None),
    ("sp.example", SENDS, "p=none; sp=quarantine", S1),
    ("below.sp.example", None, None, None),
    ("testing.example", SENDS, "p=reject; t=y", S1),
    ("bank.example", None, "p=none; sp=reject; np=reject; psd=y", S1),
    ("first.bank.example", SENDS, None, S1),
    ("second.bank.example", SENDS, None, S1),
    ("uni.example", SENDS, "p=none", S1),
    ("dept.uni.example", SENDS, "p=reject; psd=n", S1),
    ("twodmarc.example", SENDS, "p=reject", S1),
    ("baddmarc.example", SENDS, "p=perhaps", S1),
    # keys
    ("ed.example", SENDS, "p=reject", ("s1", "ed25519")),
    ("weak.example", SENDS, "p=reject", ("s1", "rsa768")),
    ("small.example", SENDS, "p=reject", ("s1", "rsa1024")),
    # those who forward, and those who let us know what they think of that
    ("sealer.example", SENDS, None, S1),
    ("other-sealer.example", SENDS, None, S1),
    ("exempt.example", SENDS, "p=reject", S1),
    ("lapsed.example", SENDS, "p=reject", S1),
    ("suspect.example", SENDS, "p=none", S1),
    ("adsp.example", None, None, S1),
    ("xn--bcher-kva.example", SENDS, "p=reject", S1),
]

# What the table has no room for; names are complete.
MORE = """\
mail.good.example. IN A 192.0.2.10
mail.good.example. IN AAAA 2001:db8::10
10.2.0.192.in-addr.arpa. IN PTR mail.good.example.
67.100.51.198.in-addr.arpa. IN PTR mail.good.example.
0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. \
IN PTR mail.good.example.
why.explain.example. IN TXT "%{i} is no host of %{d}: see www.%{d}"
10.2.0.192.in-addr.ok.exists.example. IN A 127.0.0.2
hosts.example. IN MX 10 mail.good.example.
_dmarc.twodmarc.example. IN TXT "v=DMARC1; p=quarantine"
twice.example. IN TXT "v=spf1 -all"
twice.example. IN TXT "v=spf1 +all"
below.sp.example. IN A 192.0.2.80
there.np.example. IN A 192.0.2.80
nothing.example. IN A 192.0.2.80
a.deep.ent.np.example. IN A 192.0.2.80
s1._domainkey.cname.example. IN CNAME s1.keys.provider.example.
cname.example. IN TXT "%(sends)s"
_dmarc.cname.example. IN CNAME policy.provider.example.
policy.provider.example. IN TXT "v=DMARC1; p=reject"
revoked._domainkey.good.example. IN TXT "v=DKIM1; p="
adsp.example. IN MX 10 mail.good.example.
_adsp._domainkey.adsp.example. IN TXT "dkim=discardable"
strings.example. IN TXT "v=sp" "f1 ip4:192." "0.2.10 -al" "l"
_dmarc.strings.example. IN TXT "v=DM" "ARC1" "; p=rej" "ect"
"""

SIGNED = [
    ("secure.example", SENDS, "p=reject", S1),
    ("bogus.example", SENDS, "p=reject", S1),
]


class World:
    def __init__(self, scene):
        self.scene = scene
        self.keys = Keys(scene)
        self.signing = scene.mkdir("dnssec")
        self.anchors = os.path.join(self.signing, "anchors")
        self.dns = Nsd(scene, {"": self.root(), **{domain[0]:
            self.records(domain) for domain in SIGNED}}, {
            "secure.example": self.sign_zone, "bogus.example": self.forge})
        self.nameserver = "127.0.0.1@%d" % self.dns.port

    def start(self):
        self.dns.start()
        return self

    def records(self, domain):
        name, spf, dmarc, key = domain
        rows = []
        if spf:
            rows.append(zone_txt(name + ".", spf))
        if dmarc:
            rows.append(zone_txt("_dmarc.%s." % name, DMARC + dmarc))
        if key:
            rows.append(zone_txt("%s._domainkey.%s." % (key[0], name),
                self.keys.record(key[1])))
        return "\n".join(rows) + "\n"

    def root(self):
        rsa = self.keys.record("rsa")
        # A key for tests only, one in strings of 9 octets, one at the far end
        # of a CNAME.
        special = [
            zone_txt("test._domainkey.good.example.", "t=y; " +
                rsa.replace("v=DKIM1; ", "")),
            "split._domainkey.good.example. IN TXT ( %s )" % " ".join(
                '"%s"' % rsa[i:i + 9] for i in range(0, len(rsa), 9)),
            zone_txt("s1.keys.provider.example.", rsa),
            zone_txt("s1._domainkey.strings.example.", rsa),
        ]
        return "".join(map(self.records, DOMAINS)) + \
            MORE.replace("%(sends)s", SENDS) + "\n".join(special)

    # ---- DNSSEC ----

    def sign_zone(self, path):
        """Signs the zone file with a key of its own, which becomes a trust
        anchor."""
        name = os.path.basename(path)[:-len(".zone")]
        made = self.scene.run(["dnssec-keygen", "-q", "-K", self.signing,
            "-a", "ECDSAP256SHA256", "-f", "KSK", name]).stdout.strip()
        key = os.path.join(self.signing, made)
        with open(path, "a") as zone, open(key + ".key") as public:
            text = public.read()
            zone.write(text)
        with open(self.anchors, "a") as anchors:
            anchors.write(text)
        self.scene.run(["dnssec-signzone", "-q", "-P", "-z", "-d",
            self.signing, "-o", name, "-f", path, path, key])
        os.chmod(self.anchors, 0o644)

    def forge(self, path):
        """Signs it, and then changes the policy."""
        self.sign_zone(path)
        with open(path) as file:
            text = file.read()
        forged = text.replace("p=reject", "p=none")
        assert forged != text
        with open(path, "w") as file:
            file.write(forged)
