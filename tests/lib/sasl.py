"""The server Postfix's smtpd asks about log-ins (smtpd_sasl_type = dovecot):
the part of Dovecot's auth protocol 1.1 that PLAIN needs."""
import base64
import os
import socketserver
import threading

from scene import own


class Sasl:
    """Listens at path, a socket Postfix may use; users is {name: password}."""

    def __init__(self, scene, path, users):
        self.server = Server(path, Handler)
        self.server.users = users
        own(path, 0o660, "postfix", "postfix")
        scene.on_close(self.close)
        threading.Thread(target=self.server.serve_forever, args=(0.05,),
            daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.say("VERSION", "1", "1")
        self.say("MECH", "PLAIN", "plaintext")
        self.say("SPID", str(os.getpid()))
        self.say("CUID", "1")
        self.say("COOKIE", "0" * 32)
        self.say("DONE")
        for line in self.rfile:
            parts = line.decode().rstrip("\n").split("\t")
            if parts[0] == "AUTH":
                self.answer(parts[1], parts[2:])

    def say(self, *parts):
        self.wfile.write("\t".join(parts).encode() + b"\n")

    def answer(self, number, parts):
        given = [p[5:] for p in parts if p.startswith("resp=")]
        name, password = b"", b""
        if given:
            _, name, password = base64.b64decode(given[0]).split(b"\0")
        name = name.decode()
        if self.server.users.get(name) == password.decode():
            self.say("OK", number, "user=" + name)
        else:
            self.say("FAIL", number, "user=" + name)
