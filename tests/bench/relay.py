"""Name servers at port 53 of loopback addresses, in a namespace of their own
(netns.py): a fast one, one that takes its time, one that is silent, and one
that is not there."""
import collections
import select
import socket
import threading
import time

from nsd import Nsd

FAST, SLOW, SILENT, REFUSED = "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"


class NameServers:
    def __init__(self, scene, zones, delay=0.05):
        """delay: of SLOW, in seconds."""
        nsd = Nsd(scene, zones)
        nsd.port = 53
        nsd.start()
        self.relay = Relay(SLOW, FAST, delay)
        scene.on_close(self.relay.stop)
        self.silent = udp(SILENT)
        scene.on_close(self.silent.close)

    def slow_questions(self):
        """How many SLOW has been asked so far."""
        return self.relay.questions


class Relay:
    """Passes questions on after a delay, and the answers at once."""

    def __init__(self, at, to, delay):
        self.delay = delay
        self.questions = 0
        self.clients = udp(at)
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server.connect((to, 53))
        self.waiting = collections.deque()      # (when, client, question)
        self.asked = {}         # our id: (client, its id)
        self.stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping = True
        self.thread.join()
        self.clients.close()
        self.server.close()

    def run(self):
        while not self.stopping:
            wait = 0.2
            if self.waiting:
                wait = max(0, self.waiting[0][0] - time.monotonic())
            ready = select.select([self.clients, self.server], [], [], wait)[0]
            if self.clients in ready:
                question, client = self.clients.recvfrom(65535)
                self.waiting.append((time.monotonic() + self.delay, client,
                    question))
            if self.server in ready:
                self.give_back(self.server.recv(65535))
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                self.ask(*self.waiting.popleft()[1:])

    def ask(self, client, question):
        self.questions += 1
        ours = (self.questions & 0xffff).to_bytes(2, "big")
        self.asked[ours] = client, question[:2]
        self.server.send(ours + question[2:])

    def give_back(self, answer):
        client, theirs = self.asked.pop(answer[:2])
        self.clients.sendto(theirs + answer[2:], client)


def udp(address):
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    made.bind((address, 53))
    return made
