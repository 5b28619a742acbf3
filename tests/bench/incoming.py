"""Incoming mail that passes everything, and the DNS that says so.

Every message has an author domain of its own, dNNNNNNN.example, numbered as
milterload's --domains numbers its senders, and a client address of its own:
DKIM with d= of the author (RSA-2048, relaxed/relaxed), optionally a second
signature of a mailing service mNNNNNNN.example, SPF with three levels of
include, DMARC with p=reject, optionally an ARC chain of two sets. All signed by
dkimpy with one key."""
import base64
import os
import subprocess

try:
    import dkim
except ImportError:
    dkim = None

CLIENT = "192.0.2.10"
CLIENTS_MAX = 240       # of 192.0.2.0/24, from CLIENT on
AUTHSERV_ID = "mx.example"      # milterload's macro j

KINDS = {       # signatures, ARC sets
    "signed": (1, 0),
    "twice": (2, 0),
    "chain": (2, 2),
}


def author(i, count):
    """The sender's domain of message i, milterload's with --domains count."""
    return "d%07d.example" % (i * 2654435761 % count)


class Mail:
    def __init__(self, scene):
        self.scene = scene
        key = scene.path("dkim.key")
        scene.run(["openssl", "genrsa", "-traditional", "-out", key, "2048"])
        with open(key, "rb") as file:
            self.key = file.read()
        public = subprocess.run(["openssl", "rsa", "-in", key, "-pubout",
            "-outform", "DER"], check=True, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL).stdout
        self.record = "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()

    def directory(self, kind, size, count=1):
        """Messages of that kind in files, which milterload sends with
        --domains count."""
        name = "mail/%s-%d-%d" % (kind, size, count)
        path = self.scene.path(name)
        if not os.path.isdir(path):
            for i in range(count):
                self.scene.write("%s/%05d" % (name, i), self.message(kind,
                    size, author(i, count)))
        return path

    def message(self, kind, size, domain):
        signatures, sets = KINDS[kind]
        data = (HEADER % domain).replace("\n", "\r\n").encode() + body(size)
        for signer in (domain, "m" + domain[1:])[:signatures]:
            data = dkim.sign(data, b"s", signer.encode(), self.key,
                canonicalize=(b"relaxed", b"relaxed"),
                include_headers=SIGNED) + data
        for n in range(sets):
            data = self.forwarded(data, domain, n)
        return data

    def forwarded(self, data, domain, n):
        """As a mailing list leaves it, which changed nothing."""
        host = "list%d.example" % n
        data = (RESULTS % (host, domain, domain, domain)).replace("\n",
            "\r\n").encode() + data
        return b"".join(dkim.arc_sign(data, b"s", host.encode(), self.key,
            host.encode(), include_headers=SIGNED)) + data

    def zones(self):
        """For nsd.Nsd: what is true of each message, whatever --domains."""
        lines = ["client A " + CLIENT,
            "client TXT \"v=spf1 ip4:192.0.2.0/24 -all\""]
        for n in range(2):
            lines += self.signer("list%d" % n)
        for n in range(CLIENTS_MAX):
            lines += self.signer("d%07d" % n) + self.signer("m%07d" % n)
            lines += [line % {"n": "d%07d" % n} for line in SENDER]
            lines.append("h%d A 192.0.2.%d" % (n, 10 + n))
        return {"example": "\n".join(lines), "in-addr.arpa": "\n".join(
            "%d.2.0.192 PTR h%d.example." % (10 + n, n)
            for n in range(CLIENTS_MAX))}

    def signer(self, name):
        half = len(self.record) // 2
        return ["s._domainkey.%s TXT \"%s\" \"%s\"" % (name,
            self.record[:half], self.record[half:])]


def body(size):
    """As milterload makes it."""
    line = b"Lorem ipsum  dolor sit amet, consectetur adipiscing elit, " \
        b"sed do eiusmod t\r\n"
    text = line * (size // len(line))
    return text + b"x" * max(size - 2 - len(text), 0) + b"\r\n"


SIGNED = [b"from", b"to", b"subject", b"date", b"message-id",
    b"mime-version", b"content-type", b"content-transfer-encoding"]

HEADER = """\
Received: from client.example (client.example [192.0.2.10])
	by mx.example with ESMTPS id 4X0000;
	Sat, 21 Nov 2026 12:00:00 +0000 (UTC)
From: Sender Name <sender@%s>
To: Recipient Name <rcpt@dest.example>
Subject: A generated message of an ordinary length
Date: Sat, 21 Nov 2026 12:00:00 +0000
Message-ID: <1@client.example>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

"""

RESULTS = """\
Authentication-Results: %s; spf=pass smtp.mailfrom=sender@%s;
	dkim=pass header.d=%s; dmarc=pass header.from=%s
"""

SENDER = [
    "%(n)s A 192.0.2.1",
    "%(n)s MX 10 %(n)s",
    "%(n)s TXT \"v=spf1 include:_spf.%(n)s.example -all\"",
    "_spf.%(n)s TXT \"v=spf1 ip4:198.51.100.0/24 include:_a.%(n)s.example "
    "~all\"",
    "_a.%(n)s TXT \"v=spf1 ip4:203.0.113.0/24 include:_b.%(n)s.example ~all\"",
    "_b.%(n)s TXT \"v=spf1 ip4:192.0.2.0/24 ~all\"",
    "_dmarc.%(n)s TXT \"v=DMARC1; p=reject; sp=quarantine; adkim=r; aspf=r; "
    "rua=mailto:dmarc@%(n)s.example\"",
]
