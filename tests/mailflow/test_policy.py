"""Mail through a real Postfix with postern-policy in it: limits count what
passed and nothing else, whoever is new comes again, lists and tables do what
they say, what comes by no SMTP session is never refused at RCPT, and what is
known outlives a restart."""
import json
import os
import re
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
import smtp
from dnsserver import DnsServer
from policy import Policy
from postfix import Postfix
from sasl import Sasl
from scene import Scene, program, wait_until
from service import Service
from sink import Sink
from verifier import Verifier

INSIDE = "192.0.2.50"           # in InternalHosts
STRANGER = "198.51.100.66"
LISTED = "203.0.113.9"
LISTED_NAME = "mail.listed.example"
GOOD = "192.0.2.10"

ZONE = """
9.113.0.203.bl.example          A    127.0.0.2
9.113.0.203.in-addr.arpa        PTR  mail.listed.example
mail.listed.example             A    203.0.113.9
10.2.0.192.wl.example           A    127.0.10.3
spam.example.dbl.example        A    127.0.1.2
66.100.51.198.in-addr.arpa      PTR  liar.example
liar.example                    A    192.0.2.1
10.2.0.192.in-addr.arpa         PTR  mail.good.example
mail.good.example               A    192.0.2.10
good.example                    TXT  "v=spf1 ip4:192.0.2.10 -all"
_dmarc.good.example             TXT  "v=DMARC1; p=reject"
"""

VARIANTS = {
    "limits": {
        "InternalHosts": INSIDE,
        "RateLimit": [
            "users key=sasl-user limit=3/1h when=authenticated "
            "action=tempfail alert=yes",
            "net key=client-net limit=2/1h when=client=198.51.100.0/24 "
            "action=reject",
            "people key=mail-from limit=5/1h count=recipients "
            "when=sender-domain=people.example action=tempfail",
            "octets key=mail-from limit=20k/1h count=bytes "
            "when=sender-domain=octets.example action=tempfail",
            "tagged key=mail-from limit=1/1h "
            "when=sender-domain=tagged.example action=tag",
            "held key=mail-from limit=1/1h when=sender-domain=held.example "
            "action=quarantine",
            "each key=rcpt limit=1/1h when=sender-domain=each.example "
            "action=tempfail",
            "local key=mail-from limit=1/1h "
            "when=local,sender-domain=cron.example action=tempfail",
            "retry key=mail-from limit=100/1h "
            "when=sender-domain=retry.example action=tempfail",
        ],
        "WarmUp": "warm.example name=warm start=2/day growth=1 max=2 "
            "since=2026-01-01 when=sender-domain=new.example",
    },
    "greylist": {
        "Greylist": "delay=2s window=1h lifetime=1d autowhitelist=2 "
            "share=100%",
        "AccessRecipient": "{dir}/access-recipient",
    },
    "score": {
        "DnsList": ["bl.example type=client weight=4 codes=127.0.0.2-11",
            "wl.example type=client weight=-2.5",
            "dbl.example type=sender weight=3"],
        "HostCheck": ["helo-not-fqdn weight=1.5", "iprev-fail weight=1",
            "helo-own-name weight=5"],
        "ScoreReject": "4", "ScoreTag": "1", "ScoreHeader": "yes",
        "AccessRecipient": "{dir}/access-recipient",
        "InternalHosts": INSIDE,
    },
    "access": {
        "AccessClient": "{dir}/access-client",
        "AccessHelo": "pcre:{dir}/access-helo",
        "AccessSender": "{dir}/access-sender",
        "AccessRecipient": "{dir}/access-recipient",
        "AccessHeader": "regexp:{dir}/access-header",
    },
    "results": {
        "AuthResults": "trust",
        "RateLimit": "forged key=mail-from limit=1/1h when=!dmarc=pass,in "
            "action=reject",
        "Reputation": "dkim-domain weight=-3 minimum=1",
    },
    "monitor": {
        "MonitorOnly": "yes",
        "AccessClient": "{dir}/access-client",
        "RateLimit": "all key=client limit=1/1h action=reject",
        "Greylist": "delay=1m share=100%",
    },
    "json": {
        "LogTarget": "json",
        "DnsList": ["bl.example type=client weight=4",
            "bl.example type=client weight=1 codes=127.0.0.2 name=again"],
        "ScoreTag": "4",
    },
    "life": {"RateLimit": "life key=mail-from limit=2/1h action=tempfail",
        "Greylist": "delay=1s share=100% autowhitelist=1 "
            "when=sender-domain=grey.example"},
}

TABLES = {
    "access-client": ["203.0.113.0/24 REJECT no mail from there",
        "198.51.100.7 450 4.7.0 come back later", "unknown DUNNO"],
    "access-helo": [r"/^dyn-/ REJECT dynamic", r"/^ok\./ OK"],
    "access-sender": ["bad@bad.example REJECT", "hold.example HOLD for me",
        "drop.example DISCARD", "pre.example PREPEND X-Seen: $0",
        "other.example REDIRECT boss@example.net"],
    "access-recipient": ["postmaster@example.net OK",
        "closed@example.net 550 5.1.1 closed",
        "nobody@example.net DISCARD"],
    "access-header": [r"/^Subject: .*viagra/ REJECT",
        r"/^X-Skip: yes/ WARN seen"],
}


def setUpModule():
    global scene, sink, postfix, policies, ports, dns, broken
    scene = Scene("policy")
    unittest.addModuleCleanup(scene.close)
    sink = Sink(scene)
    postfix = Postfix(scene, sink.port)
    dns = DnsServer(ZONE).start()
    scene.on_close(dns.stop)
    policies = {name: start_policy(name, settings)
        for name, settings in VARIANTS.items()}
    ports = {name: postfix.listen(smtpd_milters=policy.postfix_socket,
        smtpd_sasl_auth_enable="yes", smtpd_helo_required="no")
        for name, policy in policies.items() if name != "results"}
    ports["results"] = postfix.listen(smtpd_milters="%s, %s" % (
        start_verifier().postfix_socket, policies["results"].postfix_socket))
    broken = start_broken()
    ports["broken"] = postfix.listen(smtpd_milters="%s, unix:%s" % (
        policies["limits"].postfix_socket, broken.socket))
    postfix.settings["non_smtpd_milters"] = policies["limits"].postfix_socket
    postfix.start()
    Sasl(scene, postfix.queue + "/private/auth", {"user": "secret",
        "other": "secret"})


def start_policy(name, settings):
    policy = Policy(scene, postfix.queue, name)
    for table, rows in TABLES.items():
        policy.table(table, *rows)
    policy.configure(Nameservers="127.0.0.1@%d" % dns.port, **{key:
        value.format(dir=policy.dir) if isinstance(value, str) else value
        for key, value in settings.items()})
    return policy.start()


def start_verifier():
    return Verifier(scene, postfix.queue, IgnoreHosts=None,
        Nameservers="127.0.0.1@%d" % dns.port).start()


class Broken(Service):
    """A filter behind ours that defers every message, until it is told to let
    them pass."""

    def __init__(self):
        super().__init__(scene, "broken", "tests/daemon/testmilter",
            "broken.conf")
        directory = os.path.join(postfix.queue, "broken")
        os.makedirs(directory)
        os.chmod(directory, 0o755)
        self.path = os.path.join(directory, "socket")
        self.socket = "broken/socket"
        self.configure(Socket="unix:" + self.path, UserID="root",
            SocketMode="0666", AtEnd="tempfail")


def start_broken():
    return Broken().start()


class Case(unittest.TestCase):
    variant = ""
    number = 0

    def policy(self):
        return policies[self.variant]

    def talk(self, client, helo="client.example.org", login=None, name=None,
        port=None):
        connection = smtp.Client(port or ports[self.variant], helo)
        self.addCleanup(connection.close)
        connection.xclient(addr=client, name=name or "[UNAVAILABLE]")
        if login:
            connection.login(login, "secret")
        return connection

    def send(self, sender, recipients=None, client=STRANGER, data=None,
        subject=None, **how):
        """(code, text, subject) of what the message is answered; of the first
        recipient that is refused where one is."""
        Case.number += 1
        subject = subject or "number %d" % Case.number
        recipients = recipients or ["r%d@example.net" % Case.number]
        data = data or smtp.message(sender or "x@example.org", recipients[0],
            subject)
        connection = self.talk(client, **how)
        try:
            queue_id = connection.send(sender, recipients, data)
        except smtp.Reply as reply:
            return reply.code, reply.text, subject
        finally:
            connection.close()
        return 250, queue_id, subject

    def passes(self, *args, **how):
        """The message as it is delivered."""
        code, text, subject = self.send(*args, **how)
        self.assertEqual(code, 250, text)
        return sink.wait(subject)

    def refused(self, code, *args, **how):
        """What it is answered."""
        got, text, _ = self.send(*args, **how)
        self.assertEqual(got, code, text)
        return text


class Limits(Case):
    variant = "limits"

    def shown(self, rule, key):
        status, out, err = self.policy().ask("limit", "show", rule, key,
            "--json")
        self.assertEqual(status, 0, err)
        return json.loads(out)

    def test_user(self):
        """Three messages of a user, then none, whatever the address; another
        user is another; release makes room again."""
        for client in "192.0.2.76", "192.0.2.77", "203.0.113.1":
            self.passes("joe@example.org", client=client, login="user")
        text = self.refused(451, "new@example.org", client="192.0.2.78",
            login="user")
        self.assertIn("4.7.1", text)
        self.passes("joe@example.org", client="192.0.2.78", login="other")
        self.policy().wait_log(r"limit-overrun.*users")
        self.assertEqual(len(re.findall("limit-overrun", self.policy().log())),
            1)
        status, out, err = self.policy().ask("limit", "show", "users", "user")
        self.assertEqual(status, 0, err)
        self.assertIn("3", out)
        status, _, err = self.policy().ask("limit", "release", "users",
            "user")
        self.assertEqual(status, 0, err)
        self.passes("joe@example.org", client="192.0.2.79", login="user")
        status, _, err = self.policy().ask("limit", "set", "users", "user",
            "1", "--for", "1h")
        self.assertEqual(status, 0, err)
        self.refused(451, "joe@example.org", client="192.0.2.79",
            login="user")

    def test_refused_at_rcpt(self):
        """What is known at RCPT is refused there, one recipient after the
        other, before any data."""
        for _ in range(2):
            self.passes("a@where.example")
        connection = self.talk("198.51.100.67")
        connection.command("MAIL FROM:<b@where.example>")
        with self.assertRaises(smtp.Reply) as caught:
            connection.command("RCPT TO:<x@example.net>")
        self.assertEqual(caught.exception.code, 550)
        with self.assertRaises(smtp.Reply):
            connection.command("RCPT TO:<y@example.net>")
        with self.assertRaises(smtp.Reply):
            connection.command("DATA", 354)

    def test_recipients_count(self):
        self.passes("joe@people.example", ["p%d@example.net" % i
            for i in range(4)], client=GOOD)
        self.refused(451, "joe@people.example", ["q1@example.net",
            "q2@example.net"], client=GOOD)
        self.passes("joe@people.example", ["q3@example.net"], client=GOOD)
        self.refused(451, "joe@people.example", client=GOOD)

    def test_bytes_count(self):
        big = smtp.message("joe@octets.example", "x@example.net", "big one",
            "A line of some length, and another.\r\n" * 400)
        self.passes("joe@octets.example", client=GOOD, data=big,
            subject="big one")
        self.refused(451, "joe@octets.example", client=GOOD, data=big)
        self.passes("joe@octets.example", client=GOOD)

    def test_once_a_message(self):
        """A message to many counts once; a refused one not at all."""
        self.passes("once@retry.example", ["o%d@example.net" % i
            for i in range(20)], client=GOOD)
        self.assertEqual(self.shown("retry", "once@retry.example")["count"],
            1)

    def test_retry_is_not_counted(self):
        """A filter behind ours defers it: the client tries again."""
        data = smtp.message("again@retry.example", "ag@example.net",
            "try again")
        for _ in range(3):
            self.refused(451, "again@retry.example", ["ag@example.net"],
                client=GOOD, data=data, port=ports["broken"])
        self.assertEqual(self.shown("retry", "again@retry.example")["count"],
            1)
        self.passes("again@retry.example", ["ag@example.net"], client=GOOD,
            data=data, subject="try again")
        self.assertEqual(self.shown("retry", "again@retry.example")["count"],
            1)
        other = data.replace(b"try-again@", b"another@")
        self.passes("again@retry.example", ["ag@example.net"], client=GOOD,
            data=other.replace(b"try again", b"try another"),
            subject="try another")
        self.assertEqual(self.shown("retry", "again@retry.example")["count"],
            2)

    def test_tag(self):
        first = self.passes("joe@tagged.example", client=GOOD)
        self.assertEqual(first.fields("X-Postern-Tag"), [])
        second = self.passes("joe@tagged.example", client=GOOD)
        self.assertRegex(second.fields("X-Postern-Tag")[0],
            r"^rate/tagged; ")

    def test_quarantine(self):
        self.passes("joe@held.example", client=GOOD)
        code, queue_id, _ = self.send("joe@held.example", client=GOOD)
        self.assertEqual(code, 250)
        postfix.wait_log(r"%s: milter-hold: " % queue_id)

    def test_each_recipient(self):
        self.passes("a@each.example", ["e1@example.net"], client=GOOD)
        connection = self.talk(GOOD)
        connection.command("MAIL FROM:<b@each.example>")
        with self.assertRaises(smtp.Reply) as caught:
            connection.command("RCPT TO:<e1@example.net>")
        self.assertEqual(caught.exception.code, 451)
        connection.command("RCPT TO:<e2@example.net>")

    def test_sendmail_command(self):
        """Not by SMTP: the message waits in the queue, RCPT was not refused,
        and it goes out once there is room."""
        postfix.sendmail("job@cron.example", ["c1@example.net"],
            smtp.message("job@cron.example", "c1@example.net", "cron one"))
        sink.wait("cron one")
        postfix.sendmail("job@cron.example", ["c2@example.net"],
            smtp.message("job@cron.example", "c2@example.net", "cron two"))
        wait_until(lambda: [line for line in self.policy().lines()
            if line.get("sender") == ["job@cron.example"] and
            line["action"] == ["tempfail"]], 20, "the deferral")
        self.assertNotRegex(postfix.log(), "milter-reject: RCPT from "
            r"localhost\[127.0.0.1\]: 4\d\d .*cron")
        self.assertNotIn("milter configuration", postfix.log())
        self.policy().ask("limit", "release", "local", "job@cron.example")
        sink.wait("cron two", 90)

    def test_put_into_the_queue_anew(self):
        """postsuper -r may run cleanup's milters with the client of then: one
        who would be refused at RCPT by now is not, there."""
        sink.replies["later@example.net"] = "450 4.2.0 not now"
        code, queue_id, subject = self.send("r@each.example",
            ["later@example.net"], client="198.51.101.5")
        self.assertEqual(code, 250)
        postfix.wait_log(r"%s: to=<later@example.net>.*status=deferred" %
            queue_id)
        self.refused(451, "r2@each.example", ["later@example.net"],
            client="198.51.101.5")
        postfix.requeue()
        postfix.wait_log(r"orig_id=%s" % queue_id)
        del sink.replies["later@example.net"]
        postfix.flush()
        sink.wait(subject)
        self.assertNotRegex(postfix.log(), r"cleanup.*milter-reject: RCPT ")

    def test_warmup(self):
        for _ in range(2):
            self.passes("news@new.example", ["w@warm.example"], client=INSIDE)
        self.refused(451, "news@new.example", ["w@warm.example"],
            client=INSIDE)
        self.passes("news@new.example", ["w@cold.example"], client=INSIDE)
        status, out, err = self.policy().ask("warmup", "show")
        self.assertEqual(status, 0, err)
        self.assertRegex(out, r"warm\b")
        self.assertIn("_destination_rate_delay", out)

    def test_wrong_questions(self):
        for words in (["limit", "show", "nonesuch"], ["limit", "release",
            "users"], ["limit", "set", "users", "x", "many"]):
            status, out, err = self.policy().ask(*words)
            self.assertNotEqual(status, 0, words)
            self.assertRegex(err, r"^postern: ")


class Greylist(Case):
    variant = "greylist"

    def test_comes_again(self):
        how = {"recipients": ["g1@example.net"], "client": "192.0.2.100"}
        text = self.refused(450, "new@grey1.example", **how)
        self.assertIn("4.7.1", text)
        self.refused(450, "new@grey1.example", **how)
        status, out, err = self.policy().ask("greylist", "why",
            "192.0.2.100", "new@grey1.example", "g1@example.net")
        self.assertEqual(status, 0, err)
        time.sleep(2.1)
        # Another host of the same network will do.
        self.passes("new@grey1.example", recipients=["g1@example.net"],
            client="192.0.2.101")
        self.passes("new@grey1.example", **how)
        self.refused(450, "new@grey1.example", ["g2@example.net"],
            client="192.0.2.100")

    def test_spared(self):
        self.passes("new@grey2.example", ["postmaster@example.net"],
            client="192.0.3.100")
        self.passes("new@grey2.example", client="192.0.3.100", login="user")
        self.passes("new@grey2.example", client="127.0.0.1")

    def test_one_recipient_of_two(self):
        connection = self.talk("192.0.4.100")
        connection.command("MAIL FROM:<new@grey3.example>")
        with self.assertRaises(smtp.Reply) as caught:
            connection.command("RCPT TO:<g3@example.net>")
        self.assertEqual(caught.exception.code, 450)
        connection.command("RCPT TO:<postmaster@example.net>")

    def test_who_was_written_to(self):
        self.passes("me@ours.example", ["pal@far.example"], login="user")
        self.passes("pal@far.example", ["me@ours.example"],
            client="192.0.6.1")
        self.refused(450, "pal2@far.example", ["me@ours.example"],
            client="192.0.6.1")


class Score(Case):
    variant = "score"

    def test_listed(self):
        text = self.refused(550, "a@x.example", client=LISTED,
            name=LISTED_NAME, helo=LISTED_NAME)
        self.assertIn("bl.example", text)

    def test_sums(self):
        message = self.passes("a@spam.example", client=GOOD,
            name="mail.good.example", helo="mail.good.example")
        self.assertRegex(message.fields("X-Postern-Score")[0],
            r"^0\.5 \(.*wl\.example=-2\.5.*dbl\.example=3")
        message = self.passes("a@y.example", client=STRANGER, helo="simple")
        self.assertRegex(message.fields("X-Postern-Score")[0], r"^2\.5 ")
        self.assertRegex(message.fields("X-Postern-Tag")[0],
            r"^score/ScoreTag; score 2\.5")

    def test_forged_fields_go(self):
        data = smtp.message("a@z.example", "x@example.net", "forged score",
            extra="X-Postern-Score: -9\r\nX-postern-tag: fine\r\n")
        message = self.passes("a@z.example", client=GOOD, data=data,
            subject="forged score", helo="mail.good.example",
            name="mail.good.example")
        self.assertEqual(len(message.fields("X-Postern-Score")), 1)
        self.assertRegex(message.fields("X-Postern-Score")[0], r"^-2\.5 ")
        self.assertEqual(message.fields("X-Postern-Tag"), [])

    def test_spared_recipient(self):
        connection = self.talk(LISTED, name=LISTED_NAME, helo=LISTED_NAME)
        connection.command("MAIL FROM:<a@x.example>")
        with self.assertRaises(smtp.Reply):
            connection.command("RCPT TO:<anybody@example.net>")
        connection.command("RCPT TO:<postmaster@example.net>")

    def test_our_name(self):
        self.refused(550, "a@x.example", client="192.0.2.30",
            helo="mail.example.org")

    def test_our_hosts_are_not_weighed(self):
        message = self.passes("a@spam2.example", client=INSIDE, helo="simple")
        self.assertEqual(message.fields("X-Postern-Score"), ["0"])

    def test_dead_dns_weighs_nothing(self):
        dns.flaw("77.113.0.203.bl.example", "servfail")
        dns.flaw("77.113.0.203.in-addr.arpa", "servfail")
        message = self.passes("a@nowhere.example", client="203.0.113.77",
            name="mail.unknown.example", helo="mail.unknown.example")
        self.assertEqual(message.fields("X-Postern-Score"), ["0"])


class Access(Case):
    variant = "access"

    def test_client(self):
        text = self.refused(550, "a@x.example", client=LISTED)
        self.assertIn("no mail from there", text)
        text = self.refused(450, "a@x.example", client="198.51.100.7")
        self.assertEqual(text.strip(), "4.7.0 come back later")

    def test_helo(self):
        self.refused(550, "a@x.example", client=GOOD, helo="dyn-1.example")

    def test_sender(self):
        self.refused(550, "bad@bad.example", client=GOOD)
        code, queue_id, _ = self.send("a@hold.example", client=GOOD)
        self.assertEqual(code, 250)
        postfix.wait_log(r"%s: milter-hold: " % queue_id)
        code, _, subject = self.send("a@drop.example", client=GOOD)
        self.assertEqual(code, 250)
        message = self.passes("a@pre.example", client=GOOD)
        self.assertEqual(len(message.fields("X-Seen")), 1)
        message = self.passes("a@other.example", client=GOOD)
        self.assertEqual(message.recipients, ["boss@example.net"])
        self.assertEqual(sink.find(subject), [])

    def test_recipients(self):
        connection = self.talk(GOOD)
        connection.command("MAIL FROM:<a@x.example>")
        with self.assertRaises(smtp.Reply) as caught:
            connection.command("RCPT TO:<closed@example.net>")
        self.assertEqual(caught.exception.code, 550)
        self.assertEqual(caught.exception.text.strip(), "5.1.1 closed")
        message = self.passes("a@x.example", ["nobody@example.net",
            "some@example.net"], client=GOOD)
        self.assertEqual(message.recipients, ["some@example.net"])

    def test_header(self):
        self.refused(550, "a@x.example", client=GOOD,
            subject="cheap viagra here")


class Results(Case):
    variant = "results"

    def test_trusted_and_forged(self):
        """The verifier's own field counts, the one that came does not."""
        forged = "Authentication-Results: mail.example.org; dmarc=pass " \
            "header.from=good.example\r\n"
        data = smtp.message("a@good.example", "x@example.net", "forged one",
            extra=forged)
        self.passes("a@good.example", client=STRANGER, data=data,
            subject="forged one")
        self.refused(550, "a@good.example", client=STRANGER, data=data)
        for _ in range(3):
            self.passes("a@good.example", client=GOOD,
                name="mail.good.example", helo="mail.good.example")


class Monitor(Case):
    variant = "monitor"

    def test_nothing_is_done(self):
        for _ in range(2):
            self.passes("a@x.example", client=LISTED)
        lines = self.policy().lines("a@x.example")
        self.assertEqual([line["action"] for line in lines],
            [["accept"]] * 2)
        self.assertRegex(" ".join(lines[1]["rate"]), "monitored")


class Json(Case):
    variant = "json"

    def test_what_comes_several_times_is_an_array(self):
        self.passes("a@json.example", ["j%d@example.net" % i
            for i in range(7)], client=LISTED)
        line = self.policy().wait_log(r'(?m)^\{.*"action":.*\}$').group(0)
        pairs = json.loads(line, object_pairs_hook=list)
        fields = dict(pairs)
        self.assertEqual(len(fields), len(pairs))       # no name comes twice
        self.assertEqual(fields["action"], "tag")
        self.assertEqual(len(fields["dnslist"]), 2)
        self.assertEqual(fields["score"], "5")
        self.assertEqual(fields["rcpt"], ["j%d@example.net" % i
            for i in range(5)])
        self.assertEqual(fields["recipients"], 7)


class Life(Case):
    variant = "life"

    def test_reload_restart_and_kill(self):
        policy = self.policy()
        self.refused(450, "a@grey.example", ["l@example.net"],
            client="192.0.2.200")
        self.passes("a@life.example", client=GOOD)
        policy.configure(RateLimit="life key=mail-from limit=2/1h "
            "action=tempfail nonsense=1")
        policy.reload()
        policy.wait_log("reload refused")
        self.passes("a@life.example", client=GOOD)
        self.refused(451, "a@life.example", client=GOOD)
        policy.configure(RateLimit="life key=mail-from limit=3/1h "
            "action=tempfail")
        policy.reload()
        self.passes("a@life.example", client=GOOD)
        self.refused(451, "a@life.example", client=GOOD)
        self.assertEqual(policy.stop(), 0)
        policy.start()
        self.refused(451, "a@life.example", client=GOOD)
        time.sleep(1.1)
        self.passes("a@grey.example", ["l@example.net"], client="192.0.2.200")
        # Its network has come through by now.
        self.passes("b@grey.example", client="192.0.2.201")
        self.assertEqual(policy.ask("cache", "save")[0], 0)
        policy.process.signal(signal.SIGKILL)
        policy.process.wait()
        policy.start()
        self.refused(451, "a@life.example", client=GOOD)
        self.passes("a@grey.example", ["l@example.net"], client="192.0.2.200")
        policy.process.signal(signal.SIGTERM)
        policy.process.wait(35)
        with open(policy.settings["CacheFile"], "r+b") as file:
            file.seek(30)
            file.write(b"\xff" * 40)
        policy.start()
        self.assertTrue(os.path.exists(policy.settings["CacheFile"] +
            ".damaged"))
        policy.wait_log("damaged")
        self.passes("a@life.example", client=GOOD)


class CommandLine(Case):
    variant = "limits"

    def test_no_daemon(self):
        done = scene.run([program("admin/postern"), "limit", "show",
            "--socket", scene.path("nobody-there")], check=False)
        self.assertEqual(done.returncode, 69)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
