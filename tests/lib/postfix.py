"""A private Postfix: its own configuration, queue, ports and log."""
import os
import re
import socket
import subprocess

from scene import tail, wait_until

DAEMONS = "/usr/lib/postfix/sbin"


class Postfix:
    """smtpd listens at self.port (chrooted, as Debian does it). Every message
    leaves for sink_port, wherever it is addressed to."""

    def __init__(self, scene, sink_port, settings=None):
        self.scene = scene
        self.port = scene.port()
        self.etc = scene.mkdir("postfix")
        self.queue = scene.mkdir("queue")
        self.log_path = scene.path("log", "mail.log")
        scene.mkdir("log")
        scene.mkdir("data", 0o750, "postfix", "postfix")
        # Where milters listen: below the queue, since smtpd is chrooted.
        self.milter_dir = scene.mkdir("queue/milter", 0o755)
        self.settings = dict(MAIN, **{
            "queue_directory": self.queue,
            "data_directory": scene.path("data"),
            "maillog_file": self.log_path,
            "maillog_file_prefixes": scene.path("log"),
            "default_transport": "smtp:[127.0.0.1]:%d" % sink_port,
            "relay_transport": "smtp:[127.0.0.1]:%d" % sink_port,
        }, **(settings or {}))
        self.listeners = [(self.port, {})]
        self.process = None

    def listen(self, **options):
        """One more smtpd, with master.cf -o options; its port."""
        port = self.scene.port()
        self.listeners.append((port, options))
        return port

    def write(self):
        self.scene.write("postfix/main.cf", "".join("%s = %s\n" % item
            for item in self.settings.items()))
        self.scene.write("postfix/master.cf", MASTER + "".join(
            "127.0.0.1:%d inet n - y - - smtpd\n%s" % (port, "".join(
            "    -o { %s = %s }\n" % item for item in options.items()))
            for port, options in self.listeners))

    def start(self):
        self.write()
        # Makes what is missing below the queue and refuses what is wrong.
        self.scene.run(["postfix", "-c", self.etc, "check"])
        self.process = self.scene.start([DAEMONS + "/master", "-s", "-c",
            self.etc], log="log/master.log", env=dict(os.environ,
            MAIL_CONFIG=self.etc, MAIL_LOGTAG="postfix"))
        wait_until(self._listens, 30, "Postfix")
        return self

    def _listens(self):
        if not self.process.running():
            raise RuntimeError("Postfix ended:\n" + self.log()[-3000:] +
                tail(self.process.log))
        return "daemon started" in self.log()

    def reload(self):
        self.write()
        self.scene.run(["postfix", "-c", self.etc, "reload"])

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8",
                errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def wait_log(self, pattern, seconds=20):
        return wait_until(lambda: re.search(pattern, self.log()), seconds,
            "%r in Postfix's log" % pattern)

    def sendmail(self, sender, recipients, data):
        """By the sendmail command, as a local program would (LF ends lines)."""
        subprocess.run(["sendmail", "-C", self.etc, "-i", "-f", sender, "--",
            *recipients], input=data.replace(b"\r\n", b"\n"), check=True,
            timeout=60)

    def flush(self):
        self.scene.run(["postqueue", "-c", self.etc, "-f"])

    def requeue(self):
        """postsuper -r ALL: everything passes cleanup and its milters anew."""
        self.scene.run(["postsuper", "-c", self.etc, "-r", "ALL"])
        # pickup finds the files when it looks again: make it look now.
        with socket.socket(socket.AF_UNIX) as pickup:
            pickup.connect(os.path.join(self.queue, "public", "pickup"))
            pickup.sendall(b"W")


MAIN = {
    "compatibility_level": "3.6",
    "mail_owner": "postfix",
    "setgid_group": "postdrop",
    "myhostname": "mail.example.org",
    "mydomain": "example.org",
    "myorigin": "example.org",
    "mydestination": "",
    "alias_maps": "",
    "alias_database": "",
    "local_recipient_maps": "",
    "local_transport": "error:no local mail here",
    "inet_interfaces": "127.0.0.1",
    "inet_protocols": "ipv4",
    # Open on purpose: it listens on loopback and delivers to the sink only.
    "mynetworks": "0.0.0.0/0",
    "smtpd_relay_restrictions": "permit_mynetworks, reject",
    "smtpd_authorized_xclient_hosts": "127.0.0.1",
    "smtpd_sasl_type": "dovecot",
    "smtpd_sasl_path": "private/auth",
    "smtpd_peername_lookup": "no",
    "smtpd_client_connection_count_limit": "0",
    "smtpd_error_sleep_time": "0",
    "smtputf8_enable": "yes",
    "smtp_dns_support_level": "disabled",
    "smtp_host_lookup": "native",
    "disable_dns_lookups": "yes",
    "message_size_limit": "67108864",
    "mailbox_size_limit": "0",
    "in_flow_delay": "0",
    "default_process_limit": "120",
    "default_destination_concurrency_limit": "50",
    "initial_destination_concurrency": "50",
    "queue_run_delay": "5s",
    "minimal_backoff_time": "5s",
    "milter_default_action": "tempfail",
    "internal_mail_filter_classes": "bounce",
    "biff": "no",
}

# chroot as in Debian's master.cf: "y" for smtpd and most others.
MASTER = """\
postlog   unix-dgram n - n - 1 postlogd
pickup    unix n - y 5 1 pickup
cleanup   unix n - y - 0 cleanup
qmgr      unix n - n 5 1 qmgr
tlsmgr    unix - - y 1000? 1 tlsmgr
rewrite   unix - - y - - trivial-rewrite
bounce    unix - - y - 0 bounce
defer     unix - - y - 0 bounce
trace     unix - - y - 0 bounce
verify    unix - - y - 1 verify
flush     unix n - y 1000? 0 flush
proxymap  unix - - n - - proxymap
smtp      unix - - y - - smtp
relay     unix - - y - - smtp
showq     unix n - y - - showq
error     unix - - y - - error
retry     unix - - y - - error
discard   unix - - y - - discard
anvil     unix - - y - 1 anvil
scache    unix - - y - 1 scache
"""
