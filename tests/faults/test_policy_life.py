"""postern-policy reloaded again and again under load, while the admin's commands
are put to it: no message is lost or counted twice, no answer is another's, and
nothing is left behind."""
import itertools
import json
import os
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
from dnsserver import DnsServer
from memcached import Memcached
from policy import Policy
from scene import Scene, is_sanitized, wait_until
from service import Load

SECONDS = float(os.environ.get("POSTERN_LIFE_SECONDS", "5"))
SENDER = "bulk@example.org"
SESSIONS = 30
RELOAD_EVERY = 0.2
GROWTH_MAX_KB = 8 * 1024

ZONE = """
10.2.0.192.bl.example         A    127.0.0.2
10.2.0.192.in-addr.arpa       PTR  client.example
client.example                A    192.0.2.10
"""

SETTINGS = {
    "AccessClient": "{dir}/client",
    "AccessHeader": "pcre:{dir}/header",
    "RateLimit": ["all key=mail-from limit=1000000/1h action=tempfail",
        "each key=rcpt limit=1000000/1h action=reject"],
    "WarmUp": "warm.example name=warm start=10/day growth=1 max=10 "
        "since=2026-01-01",
    "Greylist": "delay=1s share=100% when=sender-domain=grey.example",
    "DnsList": "bl.example type=client weight=1",
    "HostCheck": ["iprev-fail weight=1", "helo-not-ptr weight=1"],
    "Reputation": ["client-net weight=-2 bad-weight=2"],
    "ScoreReject": "100",
}

COMMANDS = [
    ("limit", "show", "all", SENDER),
    ("limit", "show", "each", "a@example.net", "--json"),
    ("cache", "show"),
    ("greylist", "why", "198.51.100.1", "x@grey.example", "a@example.net"),
    ("reputation", "learn", "good", "client-net", "198.51.100.0/24"),
    ("reputation", "show", "client-net", "198.51.100.0/24"),
    ("warmup", "show"),
]


class Local(unittest.TestCase):
    connections = 0     # that are kept

    def setUp(self):
        self.scene = Scene("policy-life")
        self.addCleanup(self.scene.close)
        self.dns = DnsServer(ZONE, ttl=1).start()
        self.addCleanup(self.dns.stop)
        self.policy = Policy(self.scene)
        self.policy.table("client", "203.0.113.1 REJECT")
        self.policy.table("header", "/^X-Bad:/ REJECT")
        self.policy.configure(Nameservers=self.dns.address, **{name:
            value.format(dir=self.policy.dir) if isinstance(value, str) else
            value for name, value in {**SETTINGS, **self.cache()}.items()})
        self.policy.start()

    def cache(self):
        return {}

    def load(self, seconds):
        return Load(self.scene, self.policy, "-f", SENDER, "-r",
            "<a@example.net>", "-r", "<b@example.net>", "-a", "192.0.2.10",
            "--client-name", "client.example", concurrency=SESSIONS,
            seconds=seconds)

    def change(self, turn):
        """Tables and settings as they are at that turn."""
        self.policy.table("client", *["203.0.113.%d REJECT" % i
            for i in range(1, 2 + turn % 100)])
        self.policy.configure(ScoreHeader=("no", "yes")[turn % 2],
            DNSCacheSize=("1M", "2M")[turn // 4 % 2])

    def reload(self, end):
        """SIGHUP each while, whether the last reload is over or not: how
        many."""
        for turn in itertools.count():
            if time.monotonic() > end:
                return turn
            self.change(turn)
            self.policy.process.signal(1)
            time.sleep(RELOAD_EVERY)

    def ask(self, end, answers):
        """Commands, one after the other."""
        for words in itertools.cycle(COMMANDS):
            if time.monotonic() > end:
                return
            answers.append((words, *self.policy.ask(*words)))

    def check_answers(self, answers):
        self.assertGreater(len(answers), len(COMMANDS))
        for words, status, out, err in answers:
            self.assertEqual(status, 0, (words, out, err))
            if words[-1] == "--json":
                self.assertEqual(json.loads(out)["rule"], words[2])

    def count(self):
        status, out, err = self.policy.ask("limit", "show", "all", SENDER,
            "--json")
        self.assertEqual(status, 0, err)
        return json.loads(out)["count"]

    def test_reload_under_load(self):
        passed = self.load(1).finish()["messages"]  # all that grows once
        files, memory = self.policy.files_open(), self.policy.resident_kb()
        answers, end = [], time.monotonic() + SECONDS
        load = self.load(SECONDS)
        asker = threading.Thread(target=self.ask, args=(end, answers))
        asker.start()
        reloads = self.reload(end)
        asker.join()
        report = load.finish()
        self.assertEqual(report["errors"], {}, report)
        self.assertEqual(sum(report["verdicts"].get(word, 0) for word in
            ("accept", "continue")), report["messages"])
        self.assertGreater(report["messages"], 100)
        self.assertGreater(reloads, SECONDS)
        self.check_answers(answers)
        passed += report["messages"]
        lines = self.policy.lines("sender=" + SENDER)
        self.assertEqual(len(lines), passed)
        # What servers did not answer in time on a busy machine is counted
        # here alone.
        self.assertLessEqual(abs(self.count() - passed),
            sum("cache" in line for line in lines))
        self.assertNotIn("error:", self.policy.log())
        self.policy.reload()
        most = files + 4 + self.connections
        wait_until(lambda: self.policy.files_open() <= most, 10,
            "descriptors to be closed")
        if not is_sanitized(self.policy.program):
            self.assertLess(self.policy.resident_kb(), memory + GROWTH_MAX_KB)
        self.assertEqual(self.policy.stop(), 0)


class Shared(Local):
    """The same on memcached servers."""
    connections = 2 * SESSIONS

    def cache(self):
        servers = [Memcached(self.scene, "mc%d" % i).start()
            for i in range(2)]
        return {"CacheFile": None, "Cache": "memcached " + ", ".join(
            server.spec for server in servers)}


if __name__ == "__main__":
    unittest.main()
