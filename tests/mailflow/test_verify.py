"""Mail through a real Postfix with postern-verify in it: what the sink gets
says the truth about who sent it, what is forged is refused in words that people
understand, and DNS that is dead invents nothing."""
import concurrent.futures
import os
import re
import shutil
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
import smtp
from postfix import Postfix
from sasl import Sasl
from scene import Scene, own, wait_until
from signer import Signer
from sink import Sink
from verifier import FIELD, Results, Verifier
from zones import GOOD, GOOD6, LIAR, OTHER, World

ID = "mail.example.org"         # Postfix's myhostname, so {j}
IGNORED = "192.0.2.50", "relay.example.org"
TEXT = "The owner of {from} says {policy}, 100%. {reason}"

# What each daemon is told beyond its name server.
VARIANTS = {
    "default": {},
    "enforce": {"RejectFailures": "yes", "HoldQuarantinedMessages": "yes",
        "TrustedSealers": "sealer.example", "RemoveARFrom": "old.example.org",
        "IgnoreHosts": "%s, 203.0.113.0/24" % IGNORED[0],
        "IgnoreMailFrom": "ignored.good.example", "ADSP": "yes"},
    "monitor": {"RejectFailures": "yes", "HoldQuarantinedMessages": "yes",
        "MonitorOnly": "yes", "SPFReject": "softfail"},
    "text": {"RejectFailures": "yes", "RejectText": TEXT,
        "AuthservID": "border.example.org", "ReceivedSPF": "yes",
        "IgnoreAuthenticatedClients": "no"},
    "spf-fail": {"SPFReject": "fail"},
    "spf-softfail": {"SPFReject": "softfail"},
    "bad-from-accept": {"OnBadFrom": "accept", "RejectFailures": "yes"},
    "dead": {"RejectFailures": "yes", "DNSTimeout": "1s"},
    "dead-accept": {"RejectFailures": "yes", "DNSTimeout": "1s",
        "OnDnsError": "accept"},
    "life": {},
}

OVERRIDES = ["# domain action until comment",
    "exempt.example accept 2099-12-31 their lists break it, ticket 42",
    "lapsed.example accept 2020-01-01 over long ago",
    "suspect.example quarantine - phished us once"]


def setUpModule():
    """One scene for all tests; each tells its messages by their subject."""
    global scene, world, sink, postfix, verifiers, ports, both
    scene = Scene("verify")
    unittest.addModuleCleanup(scene.close)
    sink = Sink(scene)
    # IPv6 clients, by name; and no From where there is none.
    postfix = Postfix(scene, sink.port, {"inet_protocols": "all",
        "mynetworks": "0.0.0.0/0 [::]/0", "local_header_rewrite_clients": ""})
    world = World(scene).start()
    verifiers = {name: start_verifier(name, settings)
        for name, settings in VARIANTS.items()}
    ports = {name: postfix.listen(smtpd_milters=verifier.postfix_socket,
        smtpd_sasl_auth_enable="yes", smtpd_helo_required="no")
        for name, verifier in verifiers.items()}
    both = postfix.listen(smtpd_milters="%s, %s" % (
        verifiers["enforce"].postfix_socket, start_signer().postfix_socket))
    postfix.start()
    Sasl(scene, postfix.queue + "/private/auth", {"user": "secret"})


def start_verifier(name, settings):
    verifier = Verifier(scene, postfix.queue, name)
    dead = name.startswith("dead")
    verifier.configure(Nameservers="127.0.0.1@%d" % scene.port() if dead
        else world.nameserver, **settings)
    if name == "enforce":
        verifier.configure(TrustAnchorFile=world.anchors,
            DMARCOverrides=verifier.table("overrides", *OVERRIDES))
    return verifier.start()


def start_signer():
    """postern-sign with good.example's key."""
    signer = Signer(scene, postfix.queue)
    key = shutil.copy(world.keys.key("rsa")[0], signer.keys)
    own(key, 0o600, signer.user)
    signer.table("KeyTable", "good good.example:s1:" + key)
    signer.table("SigningTable", "*@good.example good")
    signer.configure(InternalHosts=IGNORED[0])
    return signer.start()


def compose(subject, author="user@good.example", sign=None, extra="",
    body="A line.\r\n", **how):
    """A message, signed by a domain or a list of (domain, selector, kind)."""
    data = smtp.message(author, "friend@example.net", subject, body, extra)
    if isinstance(sign, str):
        sign = [(sign,)]
    for signature in sign or []:
        data = world.keys.sign(data, *signature, **how)
    return data


def forwarded(subject, *sealers, **how):
    """A message as a mailing list passes it on: the subject changed, and
    sealed."""
    data = compose(subject, sign="good.example", **how)
    data = data.replace(b"\r\nSubject: ", b"\r\nSubject: [list] ")
    for sealer in sealers:
        data = world.keys.seal(data, sealer)
    return data


class Delivery:
    """What became of a message: code and text of the answer, the queue id,
    and what the sink got, if anything."""

    def __init__(self, code, text, queue_id, message=None):
        self.code, self.text, self.queue_id = code, text, queue_id
        self.message = message

    def results(self):
        """Our field, which has to be the first of all."""
        name, value = re.match(rb"([^:]+):((?:.*\r\n)(?:[ \t].*\r\n)*)",
            self.message.header()).groups()
        if name.decode() != FIELD:
            raise AssertionError("the first field is not ours:\n" +
                self.message.header().decode())
        return Results(value.decode())


class Case(unittest.TestCase):
    variant = "enforce"
    number = 0

    def verifier(self):
        return verifiers[self.variant]

    def send(self, data, sender="user@good.example", client=GOOD,
        helo="mail.good.example", login=False, parameters="", logged=True):
        """Gives a message to the variant's Postfix, in the name of client."""
        Case.number += 1
        recipient = "r%d@example.net" % Case.number
        with smtp.Client(ports[self.variant], helo) as connection:
            if client:
                address, name = client
                connection.xclient(name="[UNAVAILABLE]" if name == "unknown"
                    else name, addr="IPV6:" + address if ":" in address
                    else address)
            if login:
                connection.login("user", "secret")
            try:
                queue_id = connection.send(sender, [recipient], data,
                    parameters)
            except smtp.Reply as reply:
                return Delivery(reply.code, reply.text,
                    refused_id(recipient) if logged else "")
        return Delivery(250, "", queue_id)

    def arrive(self, data, **how):
        """The same for one that has to arrive."""
        done = self.send(data, **how)
        self.assertEqual(done.code, 250, done.text)
        found = wait_until(lambda: [m for m in list(sink.messages) if
            m.recipients == ["r%d@example.net" % Case.number]], 20,
            "the message %s in the sink" % done.queue_id)
        done.message = found[0]
        return done

    def field(self, data, **how):
        return self.arrive(data, **how).results()

    def refused(self, data, code=550, **how):
        done = self.send(data, **how)
        self.assertEqual(done.code, code, done.text)
        return done

    def held(self, data, **how):
        """A message in Postfix's hold queue; what is in its file."""
        done = self.send(data, **how)
        self.assertEqual(done.code, 250, done.text)
        postfix.wait_log(r"%s: milter-hold: " % done.queue_id)
        done.content = scene.run(["postcat", "-c", postfix.etc, "-bh", "-q",
            done.queue_id]).stdout
        return done


def refused_id(recipient):
    """The queue id of the message to that recipient that was refused."""
    found = postfix.wait_log(r"(\w+): milter-reject: END-OF-MESSAGE .*"
        r"to=<%s>" % recipient)
    return found.group(1)


# Rows: what is sent, and what is said about it. "answer" is 250, 550, 451 or
# "hold"; what a row does not name is not looked at.
NODMARC = {"author": "user@nodmarc.example"}


def spf_row(domain, result, client=GOOD, **more):
    return dict(NODMARC, sender="user@" + domain, client=client, spf=result,
        **more)


def forged(author, answer, **more):
    """Nothing of it is authentic."""
    return dict({"author": author, "sender": "x@evil.example",
        "client": OTHER, "answer": answer, "dmarc": "fail"}, **more)


def signed(domain, dkim="pass", dmarc="pass", answer=250, **more):
    """Signed, from a host that its SPF does not name."""
    return dict({"author": "user@" + domain, "sign": domain,
        "client": OTHER, "spf": "fail", "dkim": dkim, "dmarc": dmarc,
        "answer": answer}, **more)


ROWS = {
    # ---- the whole ----
    "all pass": {"sign": "good.example", "spf": "pass", "dkim": ["pass"],
        "dmarc": "pass", "iprev": "pass", "arc": "none"},
    "all pass by IPv6": {"sign": "good.example", "client": GOOD6,
        "spf": "pass", "dkim": ["pass"], "dmarc": "pass", "iprev": "pass"},
    "SPF alone": {"spf": "pass", "dkim": ["none"], "dmarc": "pass"},
    "DKIM alone": signed("good.example"),
    "nothing published": {"author": "user@nothing.example",
        "sender": "user@nothing.example", "spf": "none", "dkim": ["none"],
        "dmarc": "none"},
    "no reverse name": dict(NODMARC, client=OTHER, iprev="permerror"),
    "lying reverse name": dict(NODMARC, client=LIAR, iprev="fail"),
    # ---- forged ----
    "forged, reject": forged("boss@good.example", 550),
    "forged, quarantine": forged("boss@quarantine.example", "hold"),
    "forged, none": forged("boss@none.example", 250, policy="none"),
    "forged, no policy": forged("boss@nodmarc.example", 250, dmarc="none"),
    "forged, signed by another": forged("boss@good.example", 550,
        sign="evil.example", dkim=["pass"]),
    "forged below the domain": forged("boss@mail.good.example", 550),
    # ---- SPF ----
    "SPF fail": spf_row("good.example", "fail", OTHER),
    "SPF softfail": spf_row("softfail.example", "softfail", OTHER),
    "SPF neutral": spf_row("neutral.example", "neutral", OTHER),
    "SPF permerror": spf_row("permerror.example", "permerror"),
    "SPF two records": spf_row("twice.example", "permerror"),
    "SPF include": spf_row("include.example", "pass"),
    "SPF redirect": spf_row("redirect.example", "pass"),
    "SPF exists and macros": spf_row("exists.example", "pass"),
    "SPF mx": spf_row("hosts.example", "pass"),
    "SPF void look-ups": spf_row("void.example", "permerror"),
    "SPF loop": spf_row("loop.example", "permerror"),
    "SPF record in strings": spf_row("strings.example", "pass"),
    "SPF of HELO": dict(NODMARC, helo="good.example", spf_helo="pass"),
    "SPF of HELO fails": dict(NODMARC, helo="good.example", client=OTHER,
        spf_helo="fail"),
    "SPF of the null sender": dict(NODMARC, sender="", helo="good.example",
        spf_helo="pass"),
    # ---- DKIM ----
    "DKIM Ed25519": signed("ed.example", sign=[("ed.example", "s1",
        "ed25519")]),
    "DKIM 1024 bits": signed("small.example", sign=[("small.example", "s1",
        "rsa1024")]),
    "DKIM key in strings": signed("good.example", sign=[("good.example",
        "split")]),
    "DKIM key by CNAME": signed("cname.example"),
    "DKIM test key": signed("good.example", sign=[("good.example", "test")]),
    "DKIM revoked key": signed("good.example", "permerror", "fail", 550,
        sign=[("good.example", "revoked")]),
    "DKIM no key": signed("good.example", "permerror", "fail", 550,
        sign=[("good.example", "nowhere")]),
    "DKIM two signatures": signed("good.example", sign=[("good.example",),
        ("evil.example",)], dkim=["pass", "pass"]),
    # ---- DMARC ----
    "DMARC relaxed": dict(signed("good.example"),
        author="user@news.good.example"),
    "DMARC strict": dict(signed("mail.strict.example", dmarc="fail",
        answer=550), author="user@strict.example"),
    "DMARC strict, same": signed("strict.example"),
    "DMARC np": forged("x@gone.np.example", 550),
    "DMARC np, the name exists": forged("x@there.np.example", 250,
        policy="none"),
    "DMARC np, empty non-terminal": forged("x@ent.np.example", 250,
        policy="none"),
    "DMARC sp": forged("x@below.sp.example", "hold"),
    "DMARC sp is not for the domain": forged("x@sp.example", 250,
        policy="none"),
    "DMARC t=y": forged("x@testing.example", "hold"),
    "DMARC psd=y": forged("x@first.bank.example", 550),
    "DMARC psd=y, neighbours": dict(signed("second.bank.example",
        dmarc="fail", answer=550), author="x@first.bank.example"),
    "DMARC psd=y, below": dict(signed("first.bank.example"),
        author="x@news.first.bank.example"),
    "DMARC psd=n": dict(signed("uni.example", dmarc="fail", answer=550),
        author="x@dept.uni.example"),
    "DMARC no psd=n": dict(signed("uni.example"), author="x@lab.uni.example"),
    "DMARC two records": forged("x@twodmarc.example", 250, dmarc="none"),
    "DMARC by CNAME and in strings": forged("x@strings.example", 550),
    "DMARC overridden": forged("x@exempt.example", 250),
    "DMARC override that lapsed": forged("x@lapsed.example", 550),
    "DMARC override that holds": forged("x@suspect.example", "hold"),
    "DMARC ignored domain": forged("x@ignored.good.example", 250),
    # ---- DNSSEC ----
    "DNSSEC": {"author": "user@secure.example",
        "sender": "user@secure.example", "sign": "secure.example",
        "spf": "pass", "dkim": ["pass"], "dmarc": "pass"},
    "DNSSEC, absent": forged("x@secure.example", 550, sign=[("secure.example",
        "nowhere")], dkim=["permerror"]),
    "DNSSEC bogus, and forged": forged("x@bogus.example", 451),
    "DNSSEC bogus, but signed": signed("bogus.example", dmarc="temperror"),
}


class Rows(Case):
    """ROWS, a test each."""

    def check(self, name, row):
        if ":" in row.get("client", GOOD)[0] and not os.path.exists(
            "/proc/net/if_inet6"):
            self.skipTest("no IPv6 here")
        data = compose(name, row.get("author", "user@good.example"),
            row.get("sign"))
        how = {key: row[key] for key in ("sender", "client", "helo")
            if key in row}
        answer = row.get("answer", 250)
        if answer == "hold":
            value = re.search(r"(?m)^%s:(.*(?:\n[ \t].*)*)" % FIELD,
                self.held(data, **how).content).group(1)
            self.compare(row, Results(value))
        elif answer == 250:
            self.compare(row, self.field(data, **how))
        else:
            self.refused(data, answer, **how)

    def compare(self, row, results):
        self.assertEqual(results.authserv_id, ID)
        found = {
            "iprev": results.of("iprev"),
            "spf": results.of("spf", smtp_mailfrom=None),
            "spf_helo": results.of("spf", smtp_helo=None),
            "dkim": results.of("dkim"),
            "arc": results.of("arc"),
            "dmarc": results.of("dmarc"),
            "policy": results.property("dmarc", "policy.dmarc"),
        }
        for name in found.keys() & row.keys():
            wanted = row[name] if isinstance(row[name], list) else [row[name]]
            self.assertEqual(found[name], wanted, "%s: %s" % (name, results))


def add_rows():
    for name, row in ROWS.items():
        def method(self, name=name, row=row):
            self.check(name, row)
        setattr(Rows, "test_" + re.sub(r"\W+", "_", name.lower()), method)


add_rows()


class Answers(Case):
    """What the sender reads."""

    def test_forged(self):
        done = self.refused(compose("answer", "boss@good.example"),
            sender="x@evil.example", client=OTHER)
        self.assertTrue(done.text.startswith("5.7.1 "), done.text)
        self.assertIn("good.example", done.text)
        self.assertIn("DMARC", done.text)
        # In words: no key=value, nothing that is cut.
        self.assertGreater(len(done.text.split()), 6)
        self.assertNotIn("=", done.text.replace("p=reject", ""))

    def test_dns_trouble_is_temporary(self):
        done = self.refused(compose("bogus", "x@bogus.example"), 451,
            client=OTHER)
        self.assertTrue(done.text.startswith("4.7."), done.text)

    def test_template(self):
        self.variant = "text"
        done = self.refused(compose("template", "boss@good.example"),
            sender="x@evil.example", client=OTHER)
        self.assertIn("The owner of good.example says reject, 100%. ",
            done.text)
        self.assertNotIn("{", done.text)

    def test_spf_fail(self):
        self.variant = "spf-fail"
        done = self.refused(compose("explained", "x@nodmarc.example"),
            sender="x@explain.example", client=OTHER)
        # RFC 7372, and the domain owner's own words.
        self.assertTrue(done.text.startswith("5.7.23 "), done.text)
        self.assertIn("198.51.100.66 is no host of explain.example",
            done.text)

    def test_spf_softfail_is_no_fail(self):
        self.variant = "spf-fail"
        self.arrive(compose("soft", "x@nodmarc.example"),
            sender="x@softfail.example", client=OTHER)

    def test_spf_softfail(self):
        self.variant = "spf-softfail"
        self.refused(compose("soft", "x@nodmarc.example"),
            sender="x@softfail.example", client=OTHER)
        self.arrive(compose("neutral", "x@nodmarc.example"),
            sender="x@neutral.example", client=OTHER)
        self.arrive(compose("permerror", "x@nodmarc.example"),
            sender="x@permerror.example", client=OTHER)


class Defaults(Case):
    """Nothing but the name server is set: all is told, nothing enforced."""
    variant = "default"

    def test_forged_passes_with_its_result(self):
        results = self.field(compose("default", "boss@good.example"),
            sender="x@evil.example", client=OTHER)
        self.assertEqual(results.of("dmarc"), ["fail"])
        self.assertEqual(results.property("dmarc", "header.from"),
            ["good.example"])

    def test_quarantine_is_not_held(self):
        results = self.field(compose("default", "boss@quarantine.example"),
            sender="x@evil.example", client=OTHER)
        self.assertEqual(results.of("dmarc"), ["fail"])

    def test_no_validation_without_anchors(self):
        results = self.field(compose("unvalidated", "x@bogus.example"),
            client=OTHER)
        self.assertEqual(results.of("dmarc"), ["fail"])

    def test_no_adsp(self):
        results = self.field(compose("no ADSP", "x@adsp.example"))
        self.assertEqual(results.of("dkim-adsp"), [])


class Field(Case):
    """What stands in our field."""

    def test_all_of_it(self):
        results = self.field(compose("all of it", sign="good.example"))
        self.assertEqual({name: results.property("dkim", "header." + name)
            for name in "dias"}, {"d": ["good.example"],
            "i": ["@good.example"], "a": ["rsa-sha256"], "s": ["s1"]})
        self.assertEqual(len(results.property("dkim", "header.b")[0]), 8)
        self.assertIn("2048", results.part("dkim"))
        self.assertEqual(results.property("spf", "smtp.mailfrom"),
            ["user@good.example"])
        self.assertEqual(results.property("spf", "smtp.helo"),
            ["mail.good.example"])
        self.assertEqual(results.property("iprev", "policy.iprev"), [GOOD[0]])
        self.assertEqual(results.property("dmarc", "header.from"),
            ["good.example"])
        self.assertRegex(results.part("dmarc"), r"\(.*p=reject.*\)")

    def test_np_and_sp_are_told(self):
        for author, source in ("x@there.np.example", "sp"), \
            ("x@sp.example", "p"):
            with self.subTest(author):
                results = self.field(compose("source", author),
                    sender="x@evil.example", client=OTHER)
                self.assertRegex(results.part("dmarc"),
                    r"\(.*\b%s=none.*\)" % source)

    def test_override_is_told(self):
        results = self.field(compose("told", "x@exempt.example"),
            sender="x@evil.example", client=OTHER)
        self.assertIn("ticket 42", results.part("dmarc"))

    def test_lines_are_short(self):
        done = self.arrive(compose("short lines", sign=[("good.example",),
            ("evil.example",), ("good.example", "split")]))
        self.assertLess(max(map(len, done.message.header().splitlines())),
            999)
        ours = done.message.fields(FIELD)[0].split("\r\n")
        self.assertLess(max(map(len, ours)), 90, ours)

    def test_partial_body(self):
        data = compose("partial", sign="good.example", length=True)
        results = self.field(data + b"One more line.\r\n")
        self.assertEqual(results.of("dkim"), ["policy"])

    def test_body_changed(self):
        data = compose("changed", sign="good.example")
        results = self.field(data.replace(b"A line.", b"Another."))
        self.assertEqual(results.of("dkim"), ["fail"])
        self.assertIn("body", results.part("dkim"))

    def test_header_changed(self):
        data = compose("genuine", sign="good.example")
        results = self.field(data.replace(b"genuine", b"changed"))
        self.assertEqual(results.of("dkim"), ["fail"])

    def test_many_signatures(self):
        """The aligned one counts though it is the last; what is too much is
        listed as not looked at."""
        data = compose("many", sign="good.example")
        for _ in range(11):
            data = world.keys.sign(data, "evil.example")
        results = self.field(data, client=OTHER)
        self.assertEqual(results.of("dmarc"), ["pass"])
        self.assertEqual(results.property("dkim", "header.d")[0],
            "good.example")
        self.assertEqual(results.of("dkim").count("pass"), 8)

    def test_adsp(self):
        results = self.field(compose("ADSP", "x@adsp.example"))
        self.assertEqual(results.of("dkim-adsp"), ["discard"])
        results = self.field(compose("ADSP", "x@adsp.example",
            sign="adsp.example"))
        self.assertEqual(results.of("dkim-adsp"), ["pass"])

    def test_internationalized_author(self):
        data = compose("IDN", "user@b\u00fccher.example",
            sign="xn--bcher-kva.example")
        results = self.field(data, client=OTHER,
            parameters="SMTPUTF8 BODY=8BITMIME")
        self.assertEqual(results.of("dmarc"), ["pass"])
        self.assertEqual(results.property("dmarc", "header.from"),
            ["xn--bcher-kva.example"])

    def test_received_spf(self):
        self.variant = "text"
        message = self.arrive(compose("Received-SPF")).message
        self.assertRegex(message.header().decode(),
            r"(?s)\AAuthentication-Results:.*\r\nReceived-SPF: pass .*"
            r"\r\nReceived:")

    def test_authserv_id(self):
        self.variant = "text"
        self.assertEqual(self.field(compose("own id")).authserv_id,
            "border.example.org")

    def test_session_of_several_messages(self):
        """Nothing of one message is left for the next."""
        wanted = [("good.example", "pass"), (None, "fail"),
            ("good.example", "pass")]
        with smtp.Client(ports["default"], "x.example") as connection:
            connection.xclient(addr=OTHER[0], name="[UNAVAILABLE]")
            for number, (sign, _) in enumerate(wanted):
                connection.send("x@evil.example", ["session@example.net"],
                    compose("session %d" % number, sign=sign))
        for number, (_, result) in enumerate(wanted):
            message = sink.wait("session %d" % number)
            self.assertEqual(Results(message.fields(FIELD)[0]).of("dmarc"),
                [result])


# Values of A-R fields that a reader might take for ours.
FORGED = [
    "mail.example.org; dmarc=pass header.from=good.example",
    "MAIL.Example.Org; spf=pass",
    "mail.example.org 1; dkim=pass",
    "\"mail.example.org\"; dkim=pass",
    "\"mail\\.example.org\"; dkim=pass",
    "(a (nested) comment) mail.example.org (another); dkim=pass",
    "\r\n\tmail.example.org;\r\n\tdkim=pass",
    "mail.example.org",
    "mail.example.org; none",
    "mail.example.org ; = ((( \" unreadable",
    "mail.example.org; x-unknown=pass",
    "old.example.org; dkim=pass",
]
FOREIGN = [
    "mx.other.example; dkim=pass header.d=good.example",
    "mail.example.org.evil.example; dkim=pass",
    "xmail.example.org; dkim=pass",
    "example.org; dkim=pass",
]


class Forged(Case):
    """Authentication-Results fields that came with the message."""

    def test_all(self):
        """Forged fields go, foreign ones stay in their order."""
        values = FORGED + FOREIGN
        values = values[::2] + values[1::2]
        done = self.arrive(compose("A-R fields", extra="".join(
            "%s: %s\r\n" % (FIELD, value) for value in values)))
        left = [value for value in done.message.fields(FIELD)[1:]]
        self.assertEqual(left, [value for value in values
            if value in FOREIGN])
        self.assertEqual(done.results().of("dmarc"), ["pass"])

    def test_any_case_of_its_name(self):
        done = self.arrive(compose("case", extra="AUTHENTICATION-results: "
            "mail.example.org; dkim=pass\r\nauthentication-results : "
            "mail.example.org; dkim=pass\r\n"))
        self.assertEqual(len(done.message.fields(FIELD)), 1)

    def test_500(self):
        done = self.arrive(compose("500 fields", extra="%s: mail.example.org; "
            "dkim=pass\r\n" % FIELD * 500))
        self.assertEqual(len(done.message.fields(FIELD)), 1)

    def test_envelope_gets_nothing_in(self):
        """HELO and MAIL FROM are what the client likes."""
        for helo, sender in (
            ("x.example;spf=pass\tsmtp.mailfrom=good.example", "a@x.example"),
            ("\"(\\", "a@x.example"),
            ("x", "\"a; dmarc=pass header.from=good.example\"@x.example"),
            ("x", "\"(\"@x.example"),
            ("[192.0.2.1]", "\"a\\\"b\"@x.example"),
        ):
            with self.subTest((helo, sender)):
                results = self.field(compose("envelope", "x@nodmarc.example"),
                    helo=helo, sender=sender, client=OTHER)
                self.assertEqual(results.of("dmarc"), ["none"])
                self.assertEqual(len(results.of("spf")), 2, results)
                self.assertNotIn("pass", results.of("spf"))


class Authors(Case):
    """From fields that name no single author's domain."""

    def message(self, fields):
        return ("%sTo: friend@example.net\r\nSubject: authors\r\n"
            "Date: Mon, 02 Jun 2025 10:00:00 +0000\r\n"
            "Message-ID: <authors@example.org>\r\n\r\nA line.\r\n" %
            fields).encode()

    def test_none(self):
        results = self.field(self.message(""), client=OTHER)
        self.assertEqual(results.of("dmarc"), ["permerror"])

    def test_no_address(self):
        results = self.field(self.message("From: nobody\r\n"), client=OTHER)
        self.assertEqual(results.of("dmarc"), ["permerror"])

    def test_two_fields(self):
        fields = "From: a@nodmarc.example\r\nFrom: b@good.example\r\n"
        done = self.refused(self.message(fields), client=OTHER)
        self.assertTrue(done.text.startswith("5.7."), done.text)

    def test_two_domains(self):
        self.refused(self.message("From: a@nodmarc.example, "
            "b@quarantine.example\r\n"), client=OTHER)

    def test_two_domains_without_policy(self):
        results = self.field(self.message("From: a@nodmarc.example, "
            "b@none.example\r\n"), client=OTHER)
        self.assertEqual(results.of("dmarc"), ["permerror"])

    def test_two_authors_of_a_domain(self):
        results = self.field(self.message("From: a@good.example, "
            "b@good.example\r\n"))
        self.assertEqual(results.of("dmarc"), ["pass"])

    def test_accepted(self):
        self.variant = "bad-from-accept"
        results = self.field(self.message("From: a@nodmarc.example, "
            "b@good.example\r\n"), client=OTHER)
        self.assertEqual(results.of("dmarc"), ["permerror"])

    def test_display_names_are_no_authors(self):
        results = self.field(self.message("From: \"x@nodmarc.example\" "
            "<user@good.example> (y@evil.example)\r\n"))
        self.assertEqual(results.of("dmarc"), ["pass"])
        self.assertEqual(results.property("dmarc", "header.from"),
            ["good.example"])


class Forwarded(Case):
    """ARC, and whom we trust with it."""

    def test_trusted(self):
        results = self.field(forwarded("trusted", "sealer.example"),
            sender="x@sealer.example", client=OTHER)
        self.assertEqual((results.of("dkim"), results.of("arc"),
            results.of("dmarc")), (["fail"], ["pass"], ["fail"]))
        self.assertIn("sealer.example", results.part("arc"))
        self.assertIn("trusted", results.part("dmarc"))

    def test_not_trusted(self):
        self.refused(forwarded("untrusted", "other-sealer.example"),
            sender="x@other-sealer.example", client=OTHER)

    def test_every_sealer_counts(self):
        self.refused(forwarded("both", "other-sealer.example",
            "sealer.example"), client=OTHER)

    def test_broken_chain(self):
        data = forwarded("broken chain", "sealer.example")
        self.refused(data.replace(b"A line.", b"Another."), client=OTHER)

    def test_chain_is_told(self):
        self.variant = "default"
        results = self.field(forwarded("two seals", "other-sealer.example",
            "sealer.example"), client=OTHER)
        self.assertEqual(results.of("arc"), ["pass"])
        for sealer in "other-sealer.example", "sealer.example":
            self.assertIn(sealer, results.part("arc"))
        results = self.field(forwarded("failed seal", "sealer.example").replace(
            b"A line.", b"Another."), client=OTHER)
        self.assertEqual(results.of("arc"), ["fail"])


class Exempt(Case):
    """Mail that is not checked."""

    def test_ignored_host(self):
        forged = "%s: mail.example.org; dmarc=pass\r\n" % FIELD
        done = self.arrive(compose("ignored host", extra=forged),
            client=IGNORED, sender="x@evil.example")
        # An inner relay's word: its fields stay, and none is added.
        self.assertEqual(done.message.fields(FIELD),
            ["mail.example.org; dmarc=pass"])
        done = self.arrive(compose("ignored network"), sender="x@evil.example",
            client=("203.0.113.200", "unknown"))
        self.assertEqual(done.message.fields(FIELD), [])

    def test_authenticated(self):
        done = self.arrive(compose("authenticated", "boss@good.example"),
            sender="x@evil.example", client=OTHER, login=True)
        self.assertNotIn("dmarc=", "".join(done.message.fields(FIELD)))

    def test_authenticated_cannot_forge(self):
        forged = "%s: mail.example.org; dmarc=pass\r\n" % FIELD
        done = self.arrive(compose("authenticated forger",
            "boss@good.example", extra=forged), client=OTHER, login=True)
        self.assertNotIn("dmarc=pass", "".join(done.message.fields(FIELD)))

    def test_authenticated_but_not_exempt(self):
        self.variant = "text"
        self.refused(compose("not exempt", "boss@good.example"),
            sender="x@evil.example", client=OTHER, login=True)


class DeadDns(Case):
    """A name server that nobody listens at: no pass, no fail, no none."""

    def assert_no_answer(self, results):
        self.assertEqual(results.of("spf"), ["temperror", "temperror"])
        self.assertEqual(results.of("iprev"), ["temperror"])
        self.assertEqual(results.of("dkim"), ["temperror"])
        self.assertEqual(results.of("dmarc"), ["temperror"])

    def test_tempfail(self):
        self.variant = "dead"
        done = self.refused(compose("dead DNS", sign="good.example"), 451)
        self.assertRegex(done.text, r"\A4\.7\.\d+ cannot check .*good\.example")

    def test_accept(self):
        self.variant = "dead-accept"
        self.assert_no_answer(self.field(compose("dead DNS",
            sign="good.example")))

    def test_forged_is_not_told_from_good(self):
        self.variant = "dead-accept"
        self.assert_no_answer(self.field(compose("dead DNS and forged",
            "boss@good.example", sign="evil.example"), client=OTHER))


class Monitor(Case):
    """MonitorOnly: all is found out and told, nothing happens."""
    variant = "monitor"

    def test_forged(self):
        done = self.arrive(compose("monitored", "boss@good.example"),
            sender="x@evil.example", client=OTHER)
        self.assertEqual(done.results().of("dmarc"), ["fail"])
        line = self.verifier().decision(done.queue_id)
        self.assertEqual((line["action"], line["monitor"], line["cause"]),
            ("reject", "yes", "dmarc-policy"))

    def test_quarantine(self):
        self.arrive(compose("monitored", "boss@quarantine.example"),
            sender="x@evil.example", client=OTHER)

    def test_spf(self):
        self.arrive(compose("monitored", "boss@nodmarc.example"),
            sender="x@good.example", client=OTHER)


class Log(Case):
    """One line a message, whatever becomes of it."""

    def test_pass(self):
        done = self.arrive(compose("logged", sign="good.example"))
        line = self.verifier().decision(done.queue_id)
        wanted = {"action": "accept", "cause": "none", "client": GOOD[0],
            "helo": "mail.good.example", "sender": "<user@good.example>",
            "iprev": "pass", "spf_helo": "none", "spf": "pass",
            "spf_domain": "good.example", "dkim": "pass",
            "d": "good.example", "s": "s1", "dmarc": "pass",
            "from": "good.example", "policy": "reject"}
        self.assertEqual({key: line.get(key) for key in wanted}, wanted)

    def test_refused(self):
        done = self.refused(compose("logged", "boss@good.example"),
            sender="x@evil.example", client=OTHER)
        line = self.verifier().decision(done.queue_id)
        wanted = {"action": "reject", "cause": "dmarc-policy", "spf": "pass",
            "spf_domain": "evil.example", "dkim": "none", "dmarc": "fail",
            "from": "good.example", "disposition": "reject"}
        self.assertEqual({key: line.get(key) for key in wanted}, wanted)

    def test_overrides(self):
        for author, how, override, by in (
            ("x@exempt.example", {}, "local_policy", "ticket 42"),
            ("x@ignored.good.example", {}, "local_policy", "IgnoreMailFrom"),
            ("x@testing.example", {}, "policy_test_mode", "t=y"),
        ):
            with self.subTest(author):
                done = self.send(compose("logged", author),
                    sender="x@evil.example", client=OTHER, **how)
                line = self.verifier().decision(done.queue_id)
                self.assertEqual(line["override"], override)
                self.assertIn(by, line["by"])
        done = self.arrive(forwarded("logged", "sealer.example"),
            client=OTHER)
        line = self.verifier().decision(done.queue_id)
        self.assertEqual((line["arc"], line["override"]), ("pass",
            "trusted_forwarder"))

    def test_forged_fields(self):
        done = self.arrive(compose("logged", extra="%s: mail.example.org; "
            "dkim=pass\r\n" % FIELD * 3))
        line = self.verifier().decision(done.queue_id)
        self.assertEqual(line["removed"], "3")

    def test_exempt(self):
        done = self.arrive(compose("logged"), client=IGNORED)
        line = self.verifier().decision(done.queue_id)
        self.assertEqual((line["action"], line["cause"]), ("accept",
            "exempt"))

    def test_what_is_odd_is_escaped(self):
        done = self.arrive(compose("logged", "x@nodmarc.example"),
            helo="a\x01b\x1b[31m", sender="\"a\\\tb c\"@x.example",
            client=OTHER)
        line = self.verifier().wait_log(r"(?m)^<\d>%s: .*$" %
            done.queue_id).group(0)
        self.assertTrue(line.isprintable(), repr(line))


class Together(Case):
    """Much at a time, and beside the signer."""

    def test_what_we_sign_we_verify(self):
        """Mail of ours goes out signed and unchecked; what came in signed is
        checked, and forged it is refused, by the same Postfix."""
        with smtp.Client(both) as connection:
            connection.xclient(addr=IGNORED[0], name=IGNORED[1])
            connection.send("user@good.example", ["out@example.net"],
                compose("ours"))
        message = sink.wait("ours")
        self.assertEqual(message.fields(FIELD), [])
        data = message.data[message.data.index(b"DKIM-Signature:"):]
        results = self.field(data, client=OTHER)
        self.assertEqual((results.of("dkim"), results.of("dmarc")),
            (["pass"], ["pass"]))
        with smtp.Client(both) as connection:
            connection.xclient(addr=OTHER[0], name="[UNAVAILABLE]")
            with self.assertRaises(smtp.Reply) as caught:
                connection.send("user@good.example", ["in@example.org"],
                    compose("not ours"))
        self.assertEqual(caught.exception.code, 550)

    def test_50_sessions(self):
        """Good and forged mail at once: each gets its own results."""
        good = compose("sessions", sign="good.example")
        forged = compose("sessions", "boss@quarantine.example", extra=
            "X-Forged: yes\r\n")

        def session(number):
            with smtp.Client(ports["default"], "x.example") as connection:
                connection.xclient(addr=OTHER[0], name="[UNAVAILABLE]")
                for i in range(4):
                    connection.send("x%d@evil.example" % number,
                        ["s%d.%d@example.net" % (number, i)],
                        forged if (number + i) % 2 else good)
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            list(pool.map(session, range(50)))
        wait_until(lambda: len(sink.find("sessions")) == 200, 30,
            "200 messages")
        for message in sink.find("sessions"):
            results = Results(message.fields(FIELD)[0])
            self.assertEqual(results.of("dmarc"), ["fail"
                if message.fields("X-Forged") else "pass"])
            self.assertEqual(results.property("spf", "smtp.mailfrom"),
                [message.sender])

    def test_large(self):
        """10 MB take their way through us without staying in memory."""
        line = "0123456789 abcdefghijklmnopqrstuvwxyz" * 2 + "\r\n"
        data = compose("large", sign="good.example",
            body=line * (10 * 2**20 // len(line)))
        with open("/proc/%d/clear_refs" % self.verifier().process.pid,
            "w") as file:
            file.write("5")     # the peak begins anew
        before = self.verifier().resident_kb()
        results = self.field(data, client=OTHER)
        self.assertEqual(results.of("dkim"), ["pass"])
        self.assertLess(self.verifier().resident_kb("VmHWM"), before + 4096)

    def test_held_and_released(self):
        done = self.held(compose("released", "boss@quarantine.example"),
            sender="x@evil.example", client=OTHER)
        scene.run(["postsuper", "-c", postfix.etc, "-H", done.queue_id])
        postfix.flush()
        message = sink.wait("released")
        self.assertEqual(Results(message.fields(FIELD)[0]).of("dmarc"),
            ["fail"])


class Life(Case):
    """Reload, end, and what was counted."""
    variant = "life"
    FORGED = {"sender": "x@evil.example", "client": OTHER}

    def forged(self):
        return compose("life", "boss@good.example")

    def test_reload_and_count(self):
        verifier = self.verifier()
        self.arrive(self.forged(), **self.FORGED)
        # A broken file changes nothing and says where it is broken.
        verifier.configure(RejectFailures="perhaps")
        verifier.reload()
        self.assertRegex(verifier.log(), r"verify\.conf:\d+: .*RejectFailures")
        self.arrive(self.forged(), **self.FORGED)
        verifier.configure(RejectFailures="yes")
        verifier.reload()
        self.refused(self.forged(), **self.FORGED)
        # So does a broken table; a good one counts at once.
        verifier.configure(DMARCOverrides=verifier.table("overrides",
            "good.example accept 2099-02-30"))
        verifier.reload()
        self.assertRegex(verifier.log(), r"overrides:1: ")
        self.refused(self.forged(), **self.FORGED)
        verifier.table("overrides", "good.example accept -")
        verifier.reload()
        self.arrive(self.forged(), **self.FORGED)
        self.arrive(compose("life", sign="good.example"))
        self.assertEqual(verifier.stop(), 0)
        for row, number in {
            'messages_total{action="accept"}': 4,
            'messages_total{action="reject"}': 2,
            'decisions_total{cause="dmarc-policy"}': 2,
            'spf_total{result="pass"}': 6,
            'dkim_total{result="pass"}': 1,
            'dmarc_total{result="pass"}': 1,
            'dmarc_total{result="fail"}': 5,
        }.items():
            self.assertEqual(verifier.count("postern_verify_" + row), number,
                row)
        # Without a verifier mail waits; it never passes unchecked.
        self.refused(self.forged(), 451, logged=False)
        verifier.start()
        self.arrive(self.forged(), **self.FORGED)


if __name__ == "__main__":
    unittest.main()
