"""Messages that canonical forms, parsers and transports get wrong. All of them
are well-formed enough that a signature over them has one defined outcome."""

DOMAIN = "interop.example"
IDN_DOMAIN = "xn--bcher-kva.example"
IDN_DOMAIN_UTF8 = "b\u00fccher.example"

FROM = b"From: Sender Name <sender@interop.example>\r\n"
REST = (b"To: Recipient <rcpt@dest.example>\r\n"
        b"Subject: A message\r\n"
        b"Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n"
        b"Message-ID: <1@interop.example>\r\n")
HEAD = FROM + REST
TEXT = b"Hello,\r\n\r\nthis is a text of two lines.\r\n-- \r\nSender\r\n"
BIG = "10 MB"
TWO_SUBJECTS = "two Subjects"
HEADERS_ONLY = "headers only"


def with_fields(extra, body=TEXT):
    return HEAD + extra + b"\r\n" + body


def with_body(body):
    return HEAD + b"\r\n" + body


def with_from(field):
    return field + REST + b"\r\n" + TEXT


BODIES = {
    "empty body": b"",
    "one empty line": b"\r\n",
    "empty lines only": b"\r\n" * 7,
    "blank lines only": b"  \r\n\t\r\n \t \r\n",
    "trailing empty lines": TEXT + b"\r\n" * 5,
    "trailing blank lines": TEXT + b" \r\n\t\r\n\r\n \r\n",
    "leading empty lines": b"\r\n\r\n" + TEXT,
    "no final CRLF": TEXT + b"the end",
    "no final CRLF, trailing blanks": TEXT + b"the end \t ",
    "one octet": b"x",
    "tabs and runs of blanks": b"\ta  b\t\tc \t d\r\n  e\r\n\t\r\nf\t\r\n",
    "trailing blanks": b"one \r\ntwo\t\r\nthree \t \r\n\r\nfour  \r\n",
    "dots": b".\r\n..\r\n.a\r\na.\r\n...\r\n. \r\n",
    "long lines": b"x" * 998 + b"\r\n" + b"y " * 3000 + b"\r\n" +
        b" " * 2000 + b"z\r\n" + b"w" * 100000 + b"\r\n",
    "8-bit body": bytes(range(0xa0, 0x100)) + b"\r\n" + b"\xff\xfe \x80\r\n",
    "UTF-8 body": "Gr\u00fc\u00dfe \u2014 \U0001f600\r\n".encode(),
    "control characters": b"\x01\x07\x08\x0b\x0c\x1b\x7f\r\n\x0b \x0c\r\n",
    "lines like a header": b"From: other@other.example\r\n\tfolded\r\n",
    "runs across 8 KiB": (b"a" * 8190 + b" \t\r\n") * 3 + b"b" * 8191 +
        b"\r\n" + b"c" * 8189 + b"  d\r\n",
    "empty lines across 64 KiB": b"a\r\n" + b"\r\n" * 40000 + b"b\r\n" +
        b"\r\n" * 40000,
    BIG: b"Lorem ipsum  dolor sit amet, consectetur adipiscing elit,\t"
        b"sed do eiusmod\r\n" * 140000,
}

FIELDS = {
    "folded fields": b"X-Folded: one\r\n two\r\n\tthree\r\n    four\r\n"
        b"References: <1@a.example>\r\n <2@a.example>\r\n\t<3@a.example>\r\n",
    "folded at once": b"References:\r\n <1@a.example>\r\n"
        b"In-Reply-To: \r\n\t<1@a.example>\r\n",
    "folds of blanks": b"References: <1@a.example> \r\n \t <2@a.example> \r\n"
        b"\t\r\n <3@a.example>\t\r\n",
    "empty fields": b"Reply-To: a@interop.example\r\nIn-Reply-To:\r\n"
        b"References: \r\nCc:\t\r\nX-Empty:\r\n",
    "blanks in fields": b"Reply-To:a@interop.example\r\n"
        b"In-Reply-To:   <1@a.example>   \r\nReferences:\t<1@a.example>\t\r\n"
        b"Cc: a  <a@dest.example> ,\t b   <b@dest.example> \r\n",
    TWO_SUBJECTS: b"Subject: Another\r\n",
    "duplicate fields": b"Comments: one\r\nComments: two\r\n"
        b"Comments: one\r\nResent-To: a@dest.example\r\n"
        b"Resent-To: b@dest.example\r\nResent-To: a@dest.example\r\n"
        b"List-Id: <one.example>\r\nList-Id: <two.example>\r\n",
    "odd names": b"REPLY-TO: a@interop.example\r\nmime-version: 1.0\r\n"
        b"cOnTeNt-TyPe: text/plain\r\nX_y.z!#$%&'*+^`{|}~: odd\r\n",
    "colons and tags": b"In-Reply-To: :::\r\nReferences: b=; bh=; h=from; \r\n"
        b"X-Tag: v=1; a=rsa-sha256; b=\r\n",
    "8-bit fields": b"X-Latin: caf\xe9\r\nCc: caf\xe9 <a@dest.example>\r\n",
    "UTF-8 fields": "Cc: J\u00f8rgen <j\u00f8rgen@b\u00fccher.example>\r\n"
        "Reply-To: \u4f60\u597d <\u4f60\u597d@interop.example>\r\n".encode(),
    "long fields": b"References:" + b"".join(b"\r\n <%d@interop.example>" % i
        for i in range(500)) + b"\r\nX-Long: " + b"x" * 989 + b"\r\nCc: " +
        b"y" * 970 + b"@dest.example\r\n",
    "1000 fields": b"".join(b"X-Field-%d: value %d\r\n" % (i, i)
        for i in range(500)) + b"".join(b"Received: from a%d.example\r\n\tby "
        b"b.example; Sat, 21 Nov 2026 12:00:00 +0000\r\n" % i
        for i in range(250)) + b"".join(b"List-Post: <mailto:%d@a.example>\r\n"
        % i for i in range(250)),
    "MIME": b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n"
        b"\tboundary=\"=_b\"\r\nContent-Transfer-Encoding: 8bit\r\n",
    "mailing list": b"List-Id: <l.example>\r\nList-Unsubscribe: "
        b"<mailto:u@l.example>,\r\n <https://l.example/u>\r\n"
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        b"Precedence: list\r\n",
    "resent": b"Resent-From: r@interop.example\r\nResent-To: x@dest.example"
        b"\r\nResent-Date: Sat, 21 Nov 2026 13:00:00 +0000\r\n"
        b"Resent-Message-ID: <2@interop.example>\r\n",
}

FROMS = {
    "From with comments": b"From: (a \\) b) Sender (c) <sender (d) @ "
        b"interop.example>\r\n",
    "From quoted": b"From: \"Sender, the \\\"first\\\" <x@y.example>\" "
        b"<\"a b@c\"@interop.example>\r\n",
    "From bare": b"From:sender@interop.example\r\n",
    "From folded": b"From:\r\n =?utf-8?q?S=C3=A9nder?=\r\n\t"
        b"<sender@interop.example>\r\n",
    "From in capitals": b"FROM: SENDER@INTEROP.EXAMPLE\r\n",
    "From UTF-8": "From: J\u00f8 <j\u00f8@interop.example>\r\n".encode(),
    "From IDN": ("From: B <b@%s>\r\n" % IDN_DOMAIN_UTF8).encode(),
    "From A-label": ("From: B <b@%s>\r\n" % IDN_DOMAIN).encode(),
}


def messages():
    """{name: message}; the lines end in CRLF."""
    made = {"plain": with_body(TEXT), HEADERS_ONLY: HEAD}
    made.update((name, with_body(body)) for name, body in BODIES.items())
    made.update((name, with_fields(extra)) for name, extra in FIELDS.items())
    made.update((name, with_from(field)) for name, field in FROMS.items())
    return made
