#!/usr/bin/python3
"""What ./quickstart shows once everything is built; see there."""
import os
import signal
import sys

import smtp
import verify
from nsd import Nsd
from postfix import Postfix
from scene import Scene, program
from signer import Signer
from sink import Sink

DONE = -1       # the command waits at the other end of this pipe
DOMAIN = "example.org"
SENDER = "you@" + DOMAIN
RECIPIENT = "friend@example.net"


def say(text):
    print("    " + text, flush=True)


class Demo:
    def __init__(self, scene):
        self.scene = scene
        self.sink = Sink(scene)
        self.postfix = Postfix(scene, self.sink.port)
        self.signer = Signer(scene, self.postfix.queue)

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
        self.dns = Nsd(self.scene, {DOMAIN: record}).start()
        say("nsd publishes the record at 127.0.0.1 port %d" % self.dns.port)
        self.signer.start()
        say("postern-sign listens at " + self.signer.socket)
        self.postfix.settings.update(
            smtpd_milters=self.signer.postfix_socket,
            non_smtpd_milters=self.signer.postfix_socket)
        self.postfix.start()
        say("a private Postfix listens at 127.0.0.1 port %d" %
            self.postfix.port)

    def test_key(self):
        done = self.scene.run([program("admin/postern"), "key", "test",
            DOMAIN, "-c", self.signer.conf, "--nameserver",
            "127.0.0.1@%d" % self.dns.port], check=False)
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

    def addresses(self):
        print(KEPT % {"dir": self.scene.dir, "port": self.postfix.port,
            "sink": self.sink.port, "dns": self.dns.port,
            "domain": DOMAIN, "conf": self.signer.conf,
            "postfix": self.postfix.etc, "mail_log": self.postfix.log_path,
            "sign_log": self.signer.log_path, "pid": os.getpid(),
            "postern": program("admin/postern"),
            "sudo": "sudo " if "SUDO_USER" in os.environ else ""},
            flush=True)


NEXT = """
Both messages were signed by postern-sign and verified by dkimpy, another
implementation. On a real mail server:

    cd build/quickstart && make install && cd ../..
    systemd-sysusers && systemd-tmpfiles --create
    postern key generate your.domain     # publish the record it prints
    postern key test your.domain         # once it is published
    systemctl enable --now postern-sign

and in /etc/postfix/main.cf, then "postfix reload":

    smtpd_milters = { unix:postern-sign/socket, default_action=tempfail }
    non_smtpd_milters = { unix:postern-sign/socket, default_action=tempfail }
    internal_mail_filter_classes = bounce

README.md has the rest: several domains, coming from OpenDKIM, what to look at
when mail is not signed.
"""

KEPT = """
The scene goes on, in %(dir)s:

    SMTP        127.0.0.1 port %(port)d; mail from anybody@%(domain)s is signed
                (all mail ends in a sink, nothing leaves this machine)
    sendmail    %(sudo)ssendmail -C %(postfix)s -f me@%(domain)s you@example.net
    delivered   %(dir)s/delivered/
    DNS         dig @127.0.0.1 -p %(dns)d demo._domainkey.%(domain)s TXT
    settings    %(conf)s
    logs        %(sign_log)s
                %(mail_log)s
    explain     %(postern)s message sign -c %(conf)s --explain FILE

Stop it, and remove the directory:  %(sudo)skill %(pid)d
"""


def run(keep):
    with Scene("quickstart") as scene:
        demo = Demo(scene)
        demo.start()
        good = [demo.test_key()]
        good += [demo.show(*sent) for sent in demo.send()]
        if not all(good):
            print("\nThe signer's log:\n" + demo.signer.log())
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
