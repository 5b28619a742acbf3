#!/usr/bin/python3
"""fakememcached.py PORT [SHARE]: a memcached on loopback that answers SHARE of
all gets in a way that it should not, each way as often as the others, and the
rest like a real one. On SIGTERM it prints how often it did what, as JSON."""
import asyncio
import json
import random
import signal
import sys

LATE = 0.12             # later than anybody waits


def value(key, entry):
    flags, data, version = entry
    return b"VALUE %s %d %d %d\r\n%s\r\n" % (key, flags, len(data), version,
        data)


def answer(pairs):
    return b"".join(value(*p) for p in pairs) + b"END\r\n"


class Faults:
    """Each gets the right answer's (key, entry) pairs and returns octets."""

    def __init__(self, client):
        self.client = client

    def late(self, pairs):
        """The right answer, when nobody waits any more."""
        asyncio.get_running_loop().call_later(LATE, self.client.say,
            answer(pairs))
        return b""

    def previous_value(self, pairs):
        """The asked keys with the values of other ones."""
        return answer([(k, self.client.other_entry(k)) for k, _ in pairs])

    def previous_answer(self, pairs):
        """The answer to the question before on this connection."""
        keys = {k for k, _ in pairs}
        return answer(p for p in self.client.before if p[0] not in keys)

    def twice(self, pairs):
        """The right answer and then the same again."""
        return answer(pairs) * 2

    def swapped(self, pairs):
        """Every key with its neighbour's value."""
        if len({k for k, _ in pairs}) < 2:
            return self.previous_value(pairs)
        entries = [e for _, e in pairs]
        return answer((k, e) for (k, _), e, own in zip(pairs,
            entries[1:] + entries[:1], entries) if e is not own)

    def garbage(self, pairs):
        return random.randbytes(random.randrange(1, 300))

    def altered(self, pairs):
        """One bit of a record is another. (In a counter, nobody could tell.)"""
        broken = []
        for key, (flags, data, version) in pairs:
            if data.isdigit():
                continue
            at = random.randrange(len(data))
            data = bytearray(data)
            data[at] ^= 1 << random.randrange(8)
            broken.append((key, (flags, bytes(data), version)))
        return answer(broken)

    def wrong_length(self, pairs):
        """Each value is said to be longer or shorter than it is."""
        out = b""
        for key, (flags, data, version) in pairs:
            said = max(0, len(data) + random.choice((-9, -1, 1, 2, 90)))
            out += b"VALUE %s %d %d %d\r\n%s\r\n" % (key, flags, said,
                version, data)
        return out + b"END\r\n"

    def cut_value(self, pairs):
        """Values that are too short, with their length right."""
        return answer((k, (f, d[:random.randrange(len(d))], v))
            for k, (f, d, v) in pairs)

    def midway(self, pairs):
        """Some of the answer, and the connection is closed."""
        whole = answer(pairs)
        self.client.say(whole[:random.randrange(len(whole))])
        self.client.transport.close()
        return b""

    def half(self, pairs):
        """Some of the answer, and nothing more."""
        whole = answer(pairs)
        return whole[:random.randrange(len(whole))]

    def long_key(self, pairs):
        return b"VALUE %s 0 3 1\r\nabc\r\nEND\r\n" % (b"k" * 400)

    def error(self, pairs):
        return b"SERVER_ERROR out of memory writing get response\r\n"


NAMES = sorted(n for n in vars(Faults) if not n.startswith("_"))


class Client(asyncio.Protocol):
    store = {}
    version = 0
    counts = {}
    share = 0.01
    shown = (0, b"0", 1)        # an entry that was given out lately

    def connection_made(self, transport):
        self.transport = transport
        self.rest = b""
        self.before = []
        self.faults = Faults(self)

    def say(self, text):
        if text and not self.transport.is_closing():
            self.transport.write(text)

    def other_entry(self, key):
        entry = Client.store.get(key)
        return Client.shown if Client.shown is not entry else (0, b"", 1)

    def data_received(self, data):
        self.rest += data
        while b"\r\n" in self.rest and not self.transport.is_closing():
            line, rest = self.rest.split(b"\r\n", 1)
            words = line.split(b" ")
            if words[0] in (b"add", b"set", b"cas"):
                size = int(words[4])
                if len(rest) < size + 2:
                    return
                self.put(words, rest[:size])
                rest = rest[size + 2:]
            elif words[0] == b"gets":
                self.gets(words[1:])
            elif words[0] in (b"incr", b"decr"):
                self.change(words)
            elif words[0] == b"delete":
                Client.store.pop(words[1], None)
            else:
                raise ValueError("not expected: %r" % line)
            self.rest = rest

    def keep(self, key, flags, data):
        Client.version += 1
        Client.store[key] = (flags, data, Client.version)

    def put(self, words, data):
        old = Client.store.get(words[1])
        if words[0] == b"add" and old:
            word = b"NOT_STORED"
        elif words[0] == b"cas" and not old:
            word = b"NOT_FOUND"
        elif words[0] == b"cas" and old[2] != int(words[5]):
            word = b"EXISTS"
        else:
            word = b"STORED"
            self.keep(words[1], int(words[2]), data)
        if words[-1] != b"noreply":
            self.say(word + b"\r\n")

    def change(self, words):
        old = Client.store.get(words[1])
        if old:
            step = int(words[2]) * (1 if words[0] == b"incr" else -1)
            self.keep(words[1], old[0], b"%d" % (int(old[1]) + step))

    def gets(self, keys):
        pairs = [(k, Client.store[k]) for k in keys if k in Client.store]
        if pairs and random.random() < Client.share:
            name = random.choice(NAMES)
            Client.counts[name] = Client.counts.get(name, 0) + 1
            self.say(getattr(self.faults, name)(pairs))
        else:
            self.say(answer(pairs))
        self.before = pairs
        if pairs:
            Client.shown = random.choice(pairs)[1]


async def main():
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    if len(sys.argv) > 2:
        Client.share = float(sys.argv[2])
    await loop.create_server(Client, "127.0.0.1", int(sys.argv[1]))
    await ended.wait()
    print(json.dumps(Client.counts), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
