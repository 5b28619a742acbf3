#!/usr/bin/python3
"""What ./quickstart shows once everything is built; see there."""
import os
import signal
import smtplib
import sys
import time

import smtp
import verify
from nsd import Nsd
from policy import Policy
from postfix import Postfix
from scene import Scene, program
from service import Unit
from signer import Signer
from sink import Sink

DONE = -1       # the command waits at the other end of this pipe
DOMAIN = "example.org"
SENDER = "you@" + DOMAIN
RECIPIENT = "friend@example.net"
OURS = "192.0.2.10", "mail.example.org"         # the domain's own server
LIMIT, DELAY = 2, 2     # messages an hour; seconds until one may come again
FORGER = "198.51.100.66", "mail.forger.example"

# What the domain publishes besides its key: who sends its mail, and that all
# else is to be refused.
ZONE = """\
%(key)s
example.org. IN TXT "v=spf1 ip4:192.0.2.10 -all"
_dmarc.example.org. IN TXT "v=DMARC1; p=reject"
mail.example.org. IN A 192.0.2.10
10.2.0.192.in-addr.arpa. IN PTR mail.example.org.
forger.example. IN TXT "v=spf1 ip4:198.51.100.66 -all"
"""


def reply_of(refused):
    """(code, text) of what smtplib raised."""
    if isinstance(refused, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(refused.recipients.values()))
    else:
        code, text = refused.smtp_code, refused.smtp_error
    return code, text.decode("utf-8", "replace")


def say(text):
    print("    " + text, flush=True)


class Demo:
    def __init__(self, scene):
        self.scene = scene
        self.sink = Sink(scene)
        self.postfix = Postfix(scene, self.sink.port)
        self.signer = Signer(scene, self.postfix.queue)
        self.verifier = Unit(scene, "verify", self.postfix.queue)
        self.policy = Policy(scene, self.postfix.queue)

    def make_key(self):
        """As an admin would: one command makes key, rows and DNS record."""
        signer = self.signer
        signer.table("KeyTable")
        signer.table("SigningTable")
        signer.configure()
        done = self.scene.run([program("admin/postern"), "key", "generate",
            DOMAIN, "-c", signer.conf, "--selector", "demo", "--directory",
            signer.keys, "--user", signer.user])
        say("postern key generate " + DOMAIN)
        return done.stdout

    def start(self):
        record = self.make_key()
        self.dns = Nsd(self.scene, {"": ZONE % {"key": record}}).start()
        say("nsd publishes it, an SPF record and p=reject at 127.0.0.1 port "
            "%d" % self.dns.port)
        self.signer.start()
        say("postern-sign listens at " + self.signer.socket)
        self.start_policy()
        ours = "%s, %s" % (self.policy.postfix_socket,
            self.signer.postfix_socket)
        self.postfix.settings.update(smtpd_milters=ours,
            non_smtpd_milters=ours)
        self.start_verifier()
        self.postfix.start()
        say("a private Postfix listens at 127.0.0.1 port %d, for mail from "
            "outside at port %d" % (self.postfix.port, self.outside))

    def start_policy(self):
        """Few messages for each sender of ours, and whoever comes for the
        first time has to come again."""
        self.policy.configure(
            RateLimit="senders key=mail-from limit=%d/1h when=out "
            "action=tempfail" % LIMIT,
            Greylist="delay=%ds when=in share=100%%" % DELAY)
        self.policy.start()
        say("postern-policy listens at " + self.policy.socket)

    def start_verifier(self):
        """A second smtpd is the server of those who get the mail."""
        self.verifier.configure(AuthservID="mx.example.net",
            Nameservers=self.nameserver(), IgnoreHosts="127.0.0.1, ::1",
            RejectFailures="yes")
        self.verifier.start()
        say("postern-verify listens at " + self.verifier.socket)
        self.outside = self.postfix.listen(smtpd_milters="%s, %s" % (
            self.policy.postfix_socket, self.verifier.postfix_socket))

    def nameserver(self):
        return "127.0.0.1@%d" % self.dns.port

    def test_key(self):
        done = self.scene.run([program("admin/postern"), "key", "test",
            DOMAIN, "-c", self.signer.conf, "--nameserver",
            self.nameserver()], check=False)
        say("postern key test " + DOMAIN)
        for line in (done.stdout + done.stderr).splitlines():
            say("    " + line)
        return done.returncode == 0

    def send(self):
        ways = {"by SMTP": lambda data: smtp.send(self.postfix.port, SENDER,
            [RECIPIENT], data), "by the sendmail command": lambda data:
            self.postfix.sendmail(SENDER, [RECIPIENT], data)}
        for way, send in ways.items():
            subject = "A message " + way
            send(smtp.message(SENDER, RECIPIENT, subject,
                body="Hello from Postern.\r\n"))
            yield subject, self.sink.wait(subject)

    def show(self, subject, message):
        print("\n%s arrived like this:\n" % subject)
        print(message.header().decode().replace("\r\n", "\n"))
        verdicts = verify.by_dkimpy(message.data, self.dns)
        for verdict in verdicts:
            print("=> %s (it asked the DNS server for the key)" % verdict)
        return bool(verdicts) and all(v.ok for v in verdicts)

    def arrive(self, client, sender, data):
        """A message comes from outside: what the server answers."""
        address, helo = client
        with smtp.Client(self.outside, helo) as mta:
            mta.xclient(addr=address, name="[UNAVAILABLE]" if
                client == FORGER else helo)
            try:
                queue_id = mta.send(sender, [RECIPIENT], data)
            except smtp.Reply as refused:
                return refused.code, refused.text
        return 250, "2.0.0 Ok: queued as " + queue_id

    def show_limit(self):
        """One message more than the sender may send in an hour."""
        subject = "One too many"
        data = smtp.message(SENDER, RECIPIENT, subject)
        try:
            smtp.send(self.postfix.port, SENDER, [RECIPIENT], data)
        except smtplib.SMTPException as refused:
            answer = reply_of(refused)
        else:
            answer = 250, "taken"
        print("\n%s, the sender's number %d within an hour, is answered:\n\n"
            "    %d %s\n" % (subject, LIMIT + 1, *answer))
        _, shown, _ = self.policy.ask("limit", "show", "senders", SENDER)
        print("=> postern limit show senders " + SENDER)
        for line in shown.splitlines():
            say(line)
        return 400 <= answer[0] < 500

    def show_greylisted(self, subject, message):
        """The signed message comes for the first time."""
        answer = self.arrive(OURS, SENDER, message.data)
        print("\n%s, from %s (%s), whom nobody knows there, is answered:\n\n"
            "    %d %s\n" % (subject, OURS[1], OURS[0], *answer))
        print("It comes again %d seconds later." % (DELAY + 1))
        time.sleep(DELAY + 1)
        return answer[0] == 450

    def show_passed(self, subject, message):
        """The signed message reaches the server of the one it is for."""
        answer = self.arrive(OURS, SENDER, message.data)
        arrived = self.sink.wait(subject, number=2)
        print("\n%s, from %s (%s), is answered:\n\n    %d %s\n" % (subject,
            OURS[1], OURS[0], *answer))
        field = (arrived.fields("Authentication-Results") or ["missing"])[0]
        print("and delivered with\n\nAuthentication-Results: " +
            field.replace("\r\n", "\n"))
        return answer[0] == 250 and "dmarc=pass" in field and \
            "dkim=pass" in field

    def show_refused(self):
        """Somebody else's message in the domain's name."""
        data = smtp.message(SENDER, RECIPIENT, "Please pay at once",
            body="To my new account.\r\n", extra="Authentication-Results: "
            "mx.example.net; dmarc=pass header.from=%s\r\n" % DOMAIN)
        print("\nA forged one, from %s (%s):\n" % (FORGER[1], FORGER[0]))
        print(data.decode().replace("\r\n", "\n"))
        if self.arrive(FORGER, "you@forger.example", data)[0] == 450:
            time.sleep(DELAY + 1)       # greylisted, as all that is new
        answer = self.arrive(FORGER, "you@forger.example", data)
        print("is answered:\n\n    %d %s" % answer)
        return answer[0] == 550

    def addresses(self):
        print(KEPT % {"dir": self.scene.dir, "port": self.postfix.port,
            "sink": self.sink.port, "dns": self.dns.port,
            "outside": self.outside, "verify": self.verifier.conf,
            "policy": self.policy.conf, "policy_log": self.policy.log_path,
            "control": self.policy.settings["ControlSocket"],
            "verify_log": self.verifier.log_path,
            "domain": DOMAIN, "conf": self.signer.conf,
            "postfix": self.postfix.etc, "mail_log": self.postfix.log_path,
            "sign_log": self.signer.log_path, "pid": os.getpid(),
            "postern": program("admin/postern"),
            "sudo": "sudo " if "SUDO_USER" in os.environ else ""},
            flush=True)


NEXT = """
postern-sign signed both messages, and dkimpy, another implementation, verified
them; postern-policy took no more of that sender within an hour, and had the one
from outside come again before it was let in; postern-verify let it pass, as it
comes from whom it says, and not the other. On a real mail server:

    cd build/quickstart && make install && cd ../..
    systemd-sysusers && systemd-tmpfiles --create
    postern key generate your.domain     # publish the record it prints
    postern key test your.domain         # once it is published
    systemctl enable --now postern-sign postern-verify postern-policy

and in /etc/postfix/main.cf, then "postfix reload":

    smtpd_milters =
        { unix:postern-policy/socket, default_action=accept }
        { unix:postern-verify/socket, default_action=tempfail,
            content_timeout=60s }
        { unix:postern-sign/socket, default_action=tempfail }
    non_smtpd_milters =
        { unix:postern-policy/socket, default_action=accept }
        { unix:postern-sign/socket, default_action=tempfail }
    internal_mail_filter_classes = bounce

postern-verify refuses nothing for DMARC until /etc/postern/verify.conf says
"RejectFailures yes", and postern-policy limits nothing until a rule is taken
from /etc/postern/policy.conf. README.md has the rest: submission, several
domains, coming from OpenDKIM and OpenDMARC, what to look at when something is
amiss.
"""

KEPT = """
The scene goes on, in %(dir)s:

    SMTP        127.0.0.1 port %(port)d; mail from anybody@%(domain)s is signed
                (all mail ends in a sink, nothing leaves this machine)
    from outside
                127.0.0.1 port %(outside)d; mail is checked; say
                XCLIENT ADDR=198.51.100.66 first to come from there
    sendmail    %(sudo)ssendmail -C %(postfix)s -f me@%(domain)s you@example.net
    delivered   %(dir)s/delivered/
    DNS         dig @127.0.0.1 -p %(dns)d demo._domainkey.%(domain)s TXT
    settings    %(conf)s
                %(verify)s
                %(policy)s
    logs        %(sign_log)s
                %(verify_log)s
                %(policy_log)s
                %(mail_log)s
    explain     %(postern)s message sign -c %(conf)s --explain FILE
                %(postern)s message verify -c %(verify)s \\
                    --client-addr 198.51.100.66 --helo mail.forger.example \\
                    --mail-from you@forger.example --explain FILE
    limits      %(postern)s limit show --socket %(control)s

Stop it, and remove the directory:  %(sudo)skill %(pid)d
"""


def run(keep):
    with Scene("quickstart") as scene:
        demo = Demo(scene)
        demo.start()
        good = [demo.test_key()]
        sent = list(demo.send())
        good += [demo.show(*one) for one in sent]
        good += [demo.show_limit(), demo.show_greylisted(*sent[0]),
            demo.show_passed(*sent[0]), demo.show_refused()]
        if not all(good):
            print("\nThe logs:\n" + demo.signer.log() + demo.verifier.log() +
                demo.policy.log())
            return 1
        print(NEXT)
        if keep:
            demo.sink.directory = scene.mkdir("delivered")
            demo.addresses()
            leave_terminal(scene)
            while True:
                signal.pause()
    print("Everything that was started has ended; nothing was left behind.")
    return 0


def leave_terminal(scene):
    """From here on nobody waits for us: see keep_running()."""
    null = os.open(os.devnull, os.O_RDWR)
    log = os.open(scene.path("demo.log"), os.O_WRONLY | os.O_CREAT, 0o644)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.write(DONE, b"!")
    os.close(DONE)


def keep_running():
    """The scene lives in a child; the command ends when all is shown, and
    with the child's status where it ended before."""
    global DONE
    reader, DONE = os.pipe()
    os.set_inheritable(DONE, False)
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        os.setsid()
        return
    os.close(DONE)
    signal.signal(signal.SIGINT, lambda *_: os.kill(pid, signal.SIGTERM))
    if os.read(reader, 1):
        os._exit(0)
    os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 0xff)


if __name__ == "__main__":
    kept = "--keep" in sys.argv[1:]
    if kept:
        keep_running()
    try:
        sys.exit(run(kept))
    except KeyboardInterrupt:
        sys.exit(130)
