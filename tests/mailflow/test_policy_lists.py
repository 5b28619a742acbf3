"""Mail through a real Postfix with postern-policy in it: DNS lists and hosts'
names weigh, good lists against bad ones; lists that do not answer delay a few
messages and no more."""
import os
import re
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
import lists
import smtp
from dnsserver import DnsServer
from lists import (BOTH, DBL, DIALUP, GOOD, GOOD6, LIAR, ODD, PARKED, PLAIN,
    SPAMMER, SPAMMER6, SPAM_DOMAIN, TEST_POINT)
from policy import Policy
from postfix import Postfix
from scene import Scene
from sink import Sink

RULES = {
    "DnsList": [
        "bl.test weight=5 codes=127.0.0.2-9",
        "bl.test weight=1.5 codes=127.0.0.10-11 name=dial-up",
        "wl.test weight=-3 codes=127.0.10.2-3",
        "%s type=sender weight=5" % DBL,
        "%s type=helo weight=5" % DBL,
        "%s type=from weight=5" % DBL,
        "%s weight=9" % ODD,
        "%s weight=9" % PARKED,
    ],
    "HostCheck": [
        "helo-not-fqdn weight=2",
        "helo-invalid weight=2",
        "helo-literal weight=1",
        "helo-wrong-literal weight=2",
        "helo-own-name weight=5",
        "helo-no-address weight=1",
        "ptr-none weight=1",
        "iprev-fail weight=2",
    ],
    "ScoreReject": "5",
    "ScoreHeader": "yes",
    "InternalHosts": "192.0.2.200",
}
SILENT = ["silent%d.test" % i for i in range(3)]


def setUpModule():
    global scene, sink, postfix, policy, ports, slow, dead
    scene = Scene("policy-lists")
    unittest.addModuleCleanup(scene.close)
    sink = Sink(scene)
    postfix = Postfix(scene, sink.port, {"inet_protocols": "all",
        "mynetworks": "0.0.0.0/0 [::]/0"})
    world = lists.Lists(scene).start()
    policy = Policy(scene, postfix.queue, Nameservers=world.nameserver,
        **RULES).start()
    dead = DnsServer(lists.zone_text() + "".join(
        "*.%s !silent\n" % zone for zone in SILENT))
    dead.start()
    unittest.addModuleCleanup(dead.stop)
    slow = Policy(scene, postfix.queue, "slow", DNSTimeout="1s",
        Nameservers="127.0.0.1@%d" % dead.port, ScoreHeader="yes",
        DnsList=["%s weight=5" % zone for zone in SILENT] +
        ["wl.test weight=-3 codes=127.0.10.0/24"]).start()
    ports = {unit: postfix.listen(smtpd_milters=unit.postfix_socket)
        for unit in (policy, slow)}
    postfix.start()


def send(subject, client=PLAIN, helo=None, sender="joe@plain.test",
    author="joe@plain.test", unit=None):
    """The queue id; or Reply is raised."""
    with smtp.Client(ports[unit or policy],
            client[1] if helo is None else helo) as connection:
        address = client[0]
        connection.xclient(name="[UNAVAILABLE]" if client[1] == "unknown"
            else client[1], addr="IPV6:" + address if ":" in address
            else address)
        return connection.send(sender, ["friend@example.net"],
            smtp.message(author, "friend@example.net", subject))


class Weights(unittest.TestCase):
    def score(self, subject, *arguments, **how):
        """The field, once the message has come through; its parts in order of
        name: they come as DNS answers."""
        send(subject, *arguments, **how)
        fields = sink.wait(subject).fields("X-Postern-Score")
        self.assertEqual(len(fields), 1)
        total, _, parts = fields[0].partition("(")
        parts = " ".join(sorted(parts.rstrip(")").split()))
        return total.strip() + (" (%s)" % parts if parts else "")

    def refused(self, subject, *arguments, **how):
        with self.assertRaises(smtp.Reply) as caught:
            send(subject, *arguments, **how)
        self.assertEqual(caught.exception.code, 550)
        return caught.exception.text

    def test_listed_nowhere(self):
        self.assertEqual(self.score("nowhere"), "0")

    def test_listed(self):
        said = self.refused("listed", SPAMMER, helo="mail.good.test")
        self.assertIn("192.0.2.66 is in bl.test (127.0.0.", said)
        self.assertIn("client 192.0.2.66 has no reverse name", said)

    def test_listed_ipv6(self):
        self.assertIn("2001:db8::66 is in bl.test", self.refused("listed6",
            SPAMMER6, helo="mail.good.test"))

    def test_test_point(self):
        self.assertIn("127.0.0.2 is in bl.test", self.refused("point",
            TEST_POINT, helo="mail.good.test"))

    def test_codes(self):
        self.assertEqual(self.score("codes", DIALUP, helo="mail.good.test"),
            "2.5 (dnslist/dial-up=1.5 hostname/ptr-none=1)")

    def test_good(self):
        self.assertEqual(self.score("good", GOOD), "-3 (dnslist/wl.test=-3)")
        self.assertEqual(self.score("good6", GOOD6),
            "-3 (dnslist/wl.test=-3)")

    def test_good_outweighs_bad(self):
        self.assertEqual(self.score("both", BOTH),
            "2 (dnslist/bl.test=5 dnslist/wl.test=-3)")

    def test_domains(self):
        self.assertIn("spam.test is in dbl.test", self.refused("sender",
            sender="a@" + SPAM_DOMAIN))
        self.assertIn("mail.spam.test is in dbl.test", self.refused("helo",
            helo="mail." + SPAM_DOMAIN))
        self.assertIn("spam.test is in dbl.test", self.refused("author",
            author="a@" + SPAM_DOMAIN))

    def test_names(self):
        for name, client, helo, want in [
            ("short", PLAIN, "localhost", "2 (hostname/helo-not-fqdn=2)"),
            ("literal", PLAIN, "[192.0.2.20]",
                "1 (hostname/helo-literal=1)"),
            ("other-literal", PLAIN, "[192.0.2.21]",
                "3 (hostname/helo-literal=1 hostname/helo-wrong-literal=2)"),
            ("no-such", PLAIN, "no-such.test",
                "1 (hostname/helo-no-address=1)"),
            ("only-mx", PLAIN, "only-mx.test", "0"),
            ("liar", LIAR, "mail.good.test", "2 (hostname/iprev-fail=2)"),
        ]:
            with self.subTest(name):
                self.assertEqual(self.score("names-" + name, client,
                    helo=helo), want)

    def test_our_own_name(self):
        self.assertIn("HELO mail.example.org is this host's own name",
            self.refused("own", helo="mail.example.org"))

    def test_our_own_hosts(self):
        self.assertEqual(self.score("internal", ("192.0.2.200", "unknown"),
            helo="localhost", sender="a@" + SPAM_DOMAIN), "0")

    def test_odd_answers_are_told_once(self):
        for i in range(3):
            self.score("odd-%d" % i)
        for zone, address in (ODD, "127.255.255.254"), (PARKED,
                "198.51.100.80"):
            self.assertEqual(len(re.findall(r"DNS list %s: it says %s" %
                (zone, re.escape(address)), policy.log())), 1)


class DeadLists(unittest.TestCase):
    def test_delays_a_few(self):
        """Three lists that are silent cost one time-out together, five
        times."""
        took = []
        for i in range(9):
            begin = time.monotonic()
            send("dead-%d" % i, ("192.0.2.%d" % (100 + i), "unknown"),
                "mail.plain.test", unit=slow)
            took.append(time.monotonic() - begin)
            sink.wait("dead-%d" % i)
        self.assertTrue(all(0.9 < t < 2.5 for t in took[:5]), took)
        self.assertTrue(all(t < 0.9 for t in took[5:]), took)
        for zone in SILENT:
            self.assertEqual(len(re.findall("DNS list %s: no answer" % zone,
                slow.log())), 1)
        self.assertNotIn("DNS list wl.test", slow.log())


if __name__ == "__main__":
    unittest.main()
