"""Mail through a real Postfix with postern-sign in it: what is to be signed
arrives signed and others verify it; what is not to be signed arrives unsigned
and the log says why."""
import concurrent.futures
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
import smtp
import verify
from nsd import Nsd
from postfix import Postfix
from sasl import Sasl
from scene import Scene, wait_until
from signer import Signer, zone_txt
from sink import Sink

OUTSIDE = {"addr": "192.0.2.9", "name": "outside.example.com"}
PEER = {"addr": "192.0.2.77", "name": "peer.example.com"}
SENDER = "user@example.org"
RECIPIENT = "friend@example.net"


def setUpModule():
    """One scene for all tests; each tells its messages by their subject."""
    global scene, dns, sink, postfix, signer, submission, originating
    scene = Scene("mailflow")
    unittest.addModuleCleanup(scene.close)
    sink = Sink(scene)
    postfix = Postfix(scene, sink.port)
    signer = Signer(scene, postfix.queue)
    configure_signer()
    signer.start()
    # Postfix completes the header of its own clients' mail; not this one's.
    submission = postfix.listen(smtpd_sasl_auth_enable="yes",
        smtpd_client_restrictions="permit_sasl_authenticated, reject",
        local_header_rewrite_clients="")
    originating = postfix.listen(milter_macro_daemon_name="ORIGINATING")
    postfix.settings.update(smtpd_milters=signer.postfix_socket,
        non_smtpd_milters=signer.postfix_socket,
        cleanup_replace_stray_cr_lf="no")
    postfix.start()
    Sasl(scene, postfix.queue + "/private/auth", {"user": "secret"})


def configure_signer():
    global dns
    rsa, rsa_txt = signer.key("rsa")
    ed, ed_txt = signer.key("ed", "ed25519")
    signer.table("KeyTable", "main example.org:rsa:" + rsa,
        "both-rsa both.example:rsa:" + rsa, "both-ed both.example:ed:" + ed,
        "books xn--bcher-kva.example:rsa:" + rsa,
        "exempt exempt.example:rsa:" + rsa)
    signer.table("SigningTable", "*@example.org main",
        "*@both.example both-rsa", "*@both.example both-ed",
        "*@b\u00fccher.example books", "*@exempt.example exempt")
    signer.configure(MultipleSignatures="yes", MTA="ORIGINATING",
        ExemptDomains="exempt.example", PeerList=PEER["addr"],
        DontSignMailTo="nosign@example.net", SignHeaders="*,+X-Extra")
    rsa_row = zone_txt("rsa._domainkey", rsa_txt)
    dns = Nsd(scene, {
        "example.org": rsa_row,
        "both.example": rsa_row + "\n" + zone_txt("ed._domainkey", ed_txt),
        "xn--bcher-kva.example": rsa_row,
    }).start()


def ordinary(subject, sender=SENDER, **more):
    return smtp.message(sender, RECIPIENT, subject, **more)


def log_in(client):
    client.xclient(**OUTSIDE)
    client.login("user", "secret")


class Signed(unittest.TestCase):
    def arrives_signed(self, subject, count=1, number=1):
        message = sink.wait(subject, number=number)
        verify.check(message.data, dns, count)
        return message

    def test_smtpd(self):
        smtp.send(postfix.port, SENDER, [RECIPIENT], ordinary("smtpd"))
        message = self.arrives_signed("smtpd")
        tags = verify.signatures(message.data)[0]
        self.assertEqual((tags["d"], tags["s"], tags["a"], tags["c"]),
            ("example.org", "rsa", "rsa-sha256", "relaxed/relaxed"))
        self.assertNotIn("l", tags)
        # Ours is the topmost field but Postfix's own trace.
        header = message.header().decode()
        self.assertTrue(re.match(r"(Received:.*\r\n([ \t].*\r\n)*)?"
            r"DKIM-Signature:|DKIM-Signature:", header), header)
        self.assertLess(max(map(len, header.splitlines())), 79)

    def test_log_line(self):
        with smtp.Client(postfix.port) as client:
            queue_id = client.send(SENDER, [RECIPIENT], ordinary("log line"))
        self.arrives_signed("log line")
        line = signer.decision(queue_id)
        self.assertEqual((line["result"], line["d"], line["s"], line["client"],
            line["from"]), ("signed", "example.org", "rsa", "127.0.0.1",
            SENDER))

    def test_submission(self):
        with smtp.Client(submission) as client:
            log_in(client)
            client.send(SENDER, [RECIPIENT], ordinary("submission"))
        self.arrives_signed("submission")

    def test_submission_refuses_wrong_password(self):
        with smtp.Client(submission) as client:
            client.xclient(**OUTSIDE)
            with self.assertRaises(smtp.Reply) as caught:
                client.login("user", "wrong")
            self.assertEqual(caught.exception.code, 535)

    def test_daemon_name(self):
        with smtp.Client(originating) as client:
            client.xclient(**OUTSIDE)
            client.send(SENDER, [RECIPIENT], ordinary("daemon name"))
        self.arrives_signed("daemon name")

    def test_sendmail(self):
        postfix.sendmail(SENDER, [RECIPIENT], ordinary("sendmail"))
        self.arrives_signed("sendmail")

    def test_sendmail_completes_header(self):
        # cleanup adds From, Date and Message-ID before it asks milters.
        postfix.sendmail(SENDER, [RECIPIENT],
            b"Subject: short\r\n\r\nNo more header than that.\r\n")
        message = self.arrives_signed("short")
        self.assertEqual(len(message.fields("From")), 1)

    def test_bounce(self):
        sink.replies["gone@example.net"] = "550 5.1.1 no such user"
        smtp.send(postfix.port, "bounced@example.org", ["gone@example.net"],
            ordinary("bounce me"))
        message = self.arrives_signed("Undelivered Mail Returned to Sender")
        self.assertEqual((message.sender, message.recipients),
            ("", ["bounced@example.org"]))
        self.assertEqual(verify.signatures(message.data)[0]["d"],
            "example.org")

    def test_smtputf8(self):
        sender = "j\u00fcrgen@b\u00fccher.example"
        with smtp.Client(postfix.port) as client:
            client.send(sender, ["\u00e4rger@example.net"], ordinary(
                "utf-8", sender, extra="X-Extra: gr\u00fc\u00dfe\r\n"),
                "SMTPUTF8 BODY=8BITMIME")
        message = self.arrives_signed("utf-8")
        tags = verify.signatures(message.data)[0]
        # RFC 8616: A-labels in d=.
        self.assertEqual(tags["d"], "xn--bcher-kva.example")
        self.assertIn(sender.encode(), message.data)

    def test_two_algorithms(self):
        smtp.send(postfix.port, "user@both.example", [RECIPIENT],
            ordinary("two algorithms", "user@both.example"))
        message = self.arrives_signed("two algorithms", 2)
        self.assertEqual(sorted((tags["a"], tags["s"]) for tags in
            verify.signatures(message.data)),
            [("ed25519-sha256", "ed"), ("rsa-sha256", "rsa")])

    def test_requeued(self):
        """postsuper -r: the message goes through cleanup again."""
        sink.replies["later@example.net"] = "450 4.2.0 come again"
        smtp.send(postfix.port, SENDER, ["later@example.net"],
            ordinary("requeued"))
        postfix.wait_log(r"to=<later@example.net>.*status=deferred")
        for count in range(2):
            postfix.requeue()
            wait_until(lambda: len(re.findall(r"uid=\d+ from=<%s> orig_id=" %
                SENDER, postfix.log())) > count, 20, "the message's new file")
        del sink.replies["later@example.net"]
        postfix.flush()
        message = self.arrives_signed("requeued")
        self.assertEqual(len(message.fields("DKIM-Signature")), 1)

    def test_injected_again(self):
        """What bears our signature, as mail from a content filter does, is
        not signed twice, as long as the signature holds."""
        smtp.send(postfix.port, SENDER, [RECIPIENT], ordinary("first pass"))
        data = self.arrives_signed("first pass").data.replace(
            b"\r\nMessage-ID: <", b"\r\nX-Pass: 2\r\nMessage-ID: <")
        with smtp.Client(postfix.port) as client:
            queue_id = client.send(SENDER, [RECIPIENT], data)
        message = self.arrives_signed("first pass", number=2)
        self.assertEqual(message.fields("X-Pass"), ["2"])
        self.assertEqual(signer.decision(queue_id)["reason"],
            "already-signed")

    def test_injected_again_changed(self):
        smtp.send(postfix.port, SENDER, [RECIPIENT], ordinary("footer"))
        data = self.arrives_signed("footer").data + b"-- \r\nA footer.\r\n"
        smtp.send(postfix.port, SENDER, [RECIPIENT], data)
        verdicts = verify.by_dkimpy(sink.wait("footer", number=2).data, dns)
        self.assertEqual([v.ok for v in verdicts], [True, False])

    def test_several_recipients(self):
        people = ["p%d@example.net" % i for i in range(60)]
        smtp.send(postfix.port, SENDER, people, ordinary("several"))
        self.arrives_signed("several")
        wait_until(lambda: sum(len(m.recipients) for m in
            sink.find("several")) == len(people), 20, "all recipients")
        self.assertEqual(len({m.data.split(b"DKIM-Signature:")[1].split(
            b"From:")[0] for m in sink.find("several")}), 1)

    def test_20_mb(self):
        line = b"0123456789 abcdefghijklmnopqrstuvwxyz \t" * 24 + b"\r\n"
        body = (line * (20 * 2**20 // len(line))).decode()
        smtp.send(postfix.port, SENDER, [RECIPIENT], ordinary("20 MB",
            body=body))
        message = self.arrives_signed("20 MB")
        self.assertGreater(len(message.data), 20 * 2**20 - 1000)

    def test_50_sessions(self):
        def session(number):
            with smtp.Client(postfix.port) as client:
                for i in range(4):
                    client.send(SENDER, [RECIPIENT], ordinary(
                        "session %d.%d" % (number, i), body="%d\r\n" % i *
                        (number * 50)))
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            list(pool.map(session, range(50)))
        for number in range(50):
            for i in range(4):
                subject = "session %d.%d" % (number, i)
                data = sink.wait(subject).data
                verdict = verify.by_dkimpy(data, dns)
                self.assertEqual([str(v) for v in verdict], ["dkimpy: pass"],
                    subject)

    def test_reset_starts_afresh(self):
        with smtp.Client(postfix.port) as client:
            client.envelope("other@example.com", [RECIPIENT])
            client.socket.sendall(b"Subject: x\r\n\r\n.\r\n")
            client.expect(250)
            client.command("MAIL FROM:<other@example.com>")
            client.command("RSET")
            client.send(SENDER, [RECIPIENT], ordinary("after RSET"))
        self.arrives_signed("after RSET")

    def test_dots_and_long_lines(self):
        smtp.send(postfix.port, SENDER, [RECIPIENT], ordinary("dots",
            body=".\r\n..\r\n.x\r\n\r\n \t\r\n\r\n" + "y" * 900 + "\r\n\r\n"))
        self.arrives_signed("dots")

    def test_drops_privileges(self):
        """Started as root with UserID, as without systemd."""
        other = Signer(scene, postfix.queue, name="dropping")
        user, other.user = other.user, None
        other.configure(UserID=user, SocketGroup="postfix",
            KeyTable=signer.settings["KeyTable"],
            SigningTable=signer.settings["SigningTable"])
        other.start()
        self.addCleanup(other.process.stop)
        with open("/proc/%d/status" % other.process.pid) as file:
            status = file.read()
        self.assertNotRegex(status, r"(?m)^(Uid|Gid):.*\t0\b")
        self.assertRegex(status, r"(?m)^CapEff:\s*0+$")
        mode = os.stat(other.socket)
        self.assertEqual(mode.st_mode & 0o777, 0o660)
        port = postfix.listen(smtpd_milters=other.postfix_socket)
        postfix.reload()
        wait_until(lambda: connects(port), 20, "the new listener")
        smtp.send(port, SENDER, [RECIPIENT], ordinary("dropped"))
        self.arrives_signed("dropped")


def connects(port):
    try:
        smtp.Client(port).close()
        return True
    except OSError:
        return False


class Unsigned(unittest.TestCase):
    def arrives_unsigned(self, subject, queue_id, reason):
        """The line of the log about it."""
        message = sink.wait(subject)
        self.assertEqual(message.fields("DKIM-Signature"), [])
        line = signer.decision(queue_id)
        self.assertEqual((line["result"], line["reason"], line["action"]),
            ("unsigned", reason, "accept"))
        return line

    def send(self, data, client=None, sender=SENDER, recipient=RECIPIENT):
        with smtp.Client(postfix.port) as connection:
            if client:
                connection.xclient(**client)
            return connection.send(sender, [recipient], data)

    def submit(self, data):
        """Logged in, so that Postfix leaves the header as it is."""
        with smtp.Client(submission) as connection:
            log_in(connection)
            return connection.send(SENDER, [RECIPIENT], data)

    def test_external_client(self):
        queue_id = self.send(ordinary("external"), OUTSIDE)
        line = self.arrives_unsigned("external", queue_id, "external")
        self.assertIn(OUTSIDE["addr"], line["detail"])
        # It uses a domain of ours: worth a notice.
        self.assertIn("note", line)
        self.assertIn("<5>%s: " % queue_id, signer.log())

    def test_external_client_other_domain(self):
        queue_id = self.send(ordinary("foreign", "x@example.com"), OUTSIDE,
            "x@example.com")
        line = self.arrives_unsigned("foreign", queue_id, "external")
        self.assertNotIn("note", line)

    def test_no_from(self):
        queue_id = self.submit(b"Subject: no From\r\nTo: x@example.net\r\n"
            b"\r\nbody\r\n")
        self.arrives_unsigned("no From", queue_id, "no-from")

    def test_two_from(self):
        queue_id = self.submit(b"From: other@example.com\r\n" +
            ordinary("two From"))
        self.arrives_unsigned("two From", queue_id, "several-from")

    def test_bad_from(self):
        queue_id = self.submit(b"From: no address at all\r\n"
            b"Subject: bad From\r\n\r\nbody\r\n")
        self.arrives_unsigned("bad From", queue_id, "bad-from")

    def test_bare_cr(self):
        queue_id = self.submit(ordinary("bare CR",
            extra="X-Odd: a\rBcc: b@example.net\r\n"))
        self.arrives_unsigned("bare CR", queue_id, "malformed-header")

    def test_exempt_domain(self):
        queue_id = self.send(ordinary("exempt", "u@exempt.example"),
            sender="u@exempt.example")
        self.arrives_unsigned("exempt", queue_id, "exempt")

    def test_peer(self):
        queue_id = self.send(ordinary("peer"), PEER)
        self.arrives_unsigned("peer", queue_id, "peer")

    def test_recipient(self):
        queue_id = self.send(ordinary("recipient"),
            recipient="nosign@example.net")
        self.arrives_unsigned("recipient", queue_id, "recipient")

    def test_no_row(self):
        queue_id = self.send(ordinary("no row", "u@example.com"),
            sender="u@example.com")
        self.arrives_unsigned("no row", queue_id, "no-row")

    def test_look_alike_domains(self):
        for domain in "sub.example.org", "example.org.example.com", \
            "xexample.org":
            with self.subTest(domain):
                sender = "u@" + domain
                queue_id = self.send(ordinary("like " + domain, sender),
                    sender=sender)
                self.arrives_unsigned("like " + domain, queue_id, "no-row")

    def test_body_is_not_asked_for(self):
        """Mail that is not signed ends at its header for us: no body byte of
        five large messages goes over the socket."""
        before = bytes_read(signer.process.pid)
        body = ("x" * 76 + "\r\n") * 26000          # 2 MB
        for i in range(5):
            self.send(ordinary("large %d" % i, "u@example.com", body=body),
                sender="u@example.com")
            sink.wait("large %d" % i)
        self.assertLess(bytes_read(signer.process.pid) - before, 100000)


def bytes_read(pid):
    with open("/proc/%d/io" % pid) as file:
        return int(re.search(r"rchar: (\d+)", file.read()).group(1))


if __name__ == "__main__":
    unittest.main()
