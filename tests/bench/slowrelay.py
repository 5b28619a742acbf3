"""A server that takes its time: a relay before a Unix socket that passes what
clients say on at once, and what the server says after a delay. A client's delay
then tells how many round trips it has waited for."""
import collections
import os
import selectors
import socket
import threading
import time

SIZE = 1 << 16


class SlowRelay:
    """At path, before another Unix socket."""

    def __init__(self, path, to, delay):
        self.path, self.to, self.delay = path, to, delay
        self.other = {}         # socket: the one it is tied to
        self.late = collections.deque()         # (when, client, data)
        self.selector = selectors.DefaultSelector()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1024)
        os.chmod(path, 0o666)
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping = True
        self.thread.join()
        for each in [self.listener, *self.other]:
            each.close()

    def run(self):
        while not self.stopping:
            wait = 0.2
            if self.late:
                wait = max(0, self.late[0][0] - time.monotonic())
            for key, _ in self.selector.select(wait):
                if key.fileobj is self.listener:
                    self.accept()
                elif key.fileobj in self.other:
                    self.take(key.fileobj, key.data)
            while self.late and self.late[0][0] <= time.monotonic():
                _, client, data = self.late.popleft()
                self.give(client, data)

    def accept(self):
        client, _ = self.listener.accept()
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.to)
        self.other[client], self.other[server] = server, client
        self.selector.register(client, selectors.EVENT_READ, False)
        self.selector.register(server, selectors.EVENT_READ, True)

    def take(self, end, is_server):
        try:
            data = end.recv(SIZE)
        except OSError:
            data = b""
        if not data:
            self.close(end)
        elif is_server:
            self.late.append((time.monotonic() + self.delay, self.other[end],
                data))
        else:
            self.give(self.other[end], data)

    def give(self, end, data):
        if end in self.other:
            try:
                end.sendall(data)
            except OSError:
                self.close(end)

    def close(self, end):
        for each in end, self.other[end]:
            self.selector.unregister(each)
            del self.other[each]
            each.close()
