"""SMTP clients for tests: smtplib for ordinary mail, raw bytes for odd mail."""
import base64
import re
import smtplib
import socket

HOST = "127.0.0.1"


class Reply(Exception):
    """A reply that was not expected."""

    def __init__(self, code, text):
        super().__init__("%d %s" % (code, text))
        self.code = code
        self.text = text


class Client:
    """A conversation in which the message goes out exactly as given."""

    def __init__(self, port, helo="client.example.org", seconds=60):
        self.socket = socket.create_connection((HOST, port), seconds)
        self.file = self.socket.makefile("rb")
        self.helo = helo
        self.expect(220)
        self.command("EHLO " + helo)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def reply(self):
        lines = []
        while True:
            line = self.file.readline(65536).decode("utf-8", "replace")
            if not line:
                raise ConnectionError("the server closed the connection")
            lines.append(line[4:].rstrip("\r\n"))
            if line[3:4] != "-":
                return int(line[:3]), "\n".join(lines)

    def expect(self, *codes):
        code, text = self.reply()
        if code not in codes:
            raise Reply(code, text)
        return text

    def command(self, line, *codes):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.expect(*(codes or (250,)))

    def xclient(self, **attributes):
        """Speaks as another client (smtpd_authorized_xclient_hosts)."""
        self.command("XCLIENT " + " ".join("%s=%s" % (name.upper(), value)
            for name, value in attributes.items()), 220)
        self.command("EHLO " + self.helo)

    def login(self, user, password):
        secret = base64.b64encode(("\0%s\0%s" % (user, password)).encode())
        self.command("AUTH PLAIN " + secret.decode(), 235)

    def envelope(self, sender, recipients, parameters=""):
        self.command("MAIL FROM:<%s>%s" % (sender,
            " " + parameters if parameters else ""))
        for recipient in recipients:
            self.command("RCPT TO:<%s>" % recipient)
        self.command("DATA", 354)

    def send(self, sender, recipients, data, parameters=""):
        """The message's queue id."""
        self.envelope(sender, recipients, parameters)
        self.socket.sendall(stuff(data) + b".\r\n")
        return queue_id(self.expect(250))


def stuff(data):
    data = re.sub(rb"(?m)^\.", b"..", data)
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def queue_id(text):
    found = re.search(r"queued as (\S+)", text)
    return found.group(1) if found else ""


def message(sender, recipient, subject, body="A line.\r\n", extra=""):
    """An ordinary message, as bytes with CRLF."""
    return ("From: Sender <%s>\r\nTo: <%s>\r\nSubject: %s\r\n"
        "Date: Mon, 02 Jun 2025 10:00:00 +0000\r\n"
        "Message-ID: <%s@example.org>\r\n%s\r\n%s" % (sender, recipient,
        subject, re.sub(r"[^A-Za-z0-9]", "-", subject), extra, body)).encode()


def send(port, sender, recipients, data):
    """One message by the standard library's client, as most software would."""
    with smtplib.SMTP(HOST, port, "client.example.org", timeout=8) as client:
        client.sendmail(sender, recipients, data)
