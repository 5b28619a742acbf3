"""Where mail goes in: an SMTP server that keeps what it gets, byte for byte."""
import os
import re
import socketserver
import threading

from scene import wait_until


class Message:
    """One delivery: envelope and the bytes between DATA and the dot."""

    def __init__(self, sender, recipients, data):
        self.sender = sender
        self.recipients = recipients
        self.data = data

    def header(self):
        return self.data.split(b"\r\n\r\n", 1)[0] + b"\r\n"

    def fields(self, name):
        """The values of every field of that name, folds as they came."""
        found = re.findall(rb"(?ims)^%s[ \t]*:(.*?)\r\n(?![ \t])" %
            re.escape(name.encode()), self.header())
        return [value.strip().decode("utf-8", "replace") for value in found]

    def subject(self):
        return (self.fields("Subject") or [""])[0]


class Sink:
    """Takes mail on a free loopback port. What it answers to a recipient may be
    set: sink.replies["bad@example.net"] = "550 5.1.1 no such user"."""

    def __init__(self, scene):
        self.port = scene.port()
        self.messages = []
        self.directory = None       # where to keep copies for a human
        self.replies = {}
        self.lock = threading.Lock()
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.sink = self
        scene.on_close(self.close)
        threading.Thread(target=self.server.serve_forever, args=(0.05,),
            daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def add(self, message):
        with self.lock:
            self.messages.append(message)
            number = len(self.messages)
        if self.directory:
            name = os.path.join(self.directory, "%04d.eml" % number)
            with open(name, "wb") as file:
                file.write(message.data)

    def find(self, subject):
        with self.lock:
            return [m for m in self.messages if m.subject() == subject]

    def wait(self, subject, seconds=20, number=1):
        """The number-th message with that subject."""
        wait_until(lambda: len(self.find(subject)) >= number, seconds,
            "message %d with subject %r" % (number, subject))
        return self.find(subject)[number - 1]


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256
    block_on_close = False


class Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        try:
            self.converse()
        except OSError:     # the client went away; nothing to keep
            pass

    def converse(self):
        self.reset()
        self.say("220 sink.example.net ESMTP")
        while True:
            line = self.rfile.readline(65536)
            if not line:
                return
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            verb = text.split(" ", 1)[0].upper()
            if verb == "QUIT":
                self.say("221 2.0.0 bye")
                return
            getattr(self, "do_" + verb.lower(), self.do_other)(text)

    def say(self, *lines):
        for line in lines:
            self.wfile.write(line.encode() + b"\r\n")

    def reset(self):
        self.sender, self.recipients = None, []

    def do_ehlo(self, _):
        self.say("250-sink.example.net", "250-8BITMIME", "250-SMTPUTF8",
            "250-SIZE 0", "250-PIPELINING", "250 ENHANCEDSTATUSCODES")

    def do_mail(self, text):
        self.sender = address(text)
        self.say("250 2.1.0 ok")

    def do_rcpt(self, text):
        reply = self.server.sink.replies.get(address(text))
        if not reply:
            self.recipients.append(address(text))
        self.say(reply or "250 2.1.5 ok")

    def do_data(self, _):
        if not self.recipients:
            self.say("554 5.5.1 no recipients")
            return
        self.say("354 go on")
        lines = []
        while True:
            line = self.rfile.readline()
            if not line:
                return
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        self.server.sink.add(Message(self.sender, self.recipients,
            b"".join(lines)))
        self.reset()
        self.say("250 2.0.0 kept")

    def do_rset(self, _):
        self.reset()
        self.say("250 2.0.0 ok")

    do_noop = do_helo = lambda self, _: self.say("250 2.0.0 ok")

    def do_other(self, _):
        self.say("502 5.5.2 unknown command")


def address(text):
    return re.search(r"<(.*?)>", text).group(1)
