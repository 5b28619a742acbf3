"""The cache when its servers lie, sleep, die or lose what they had."""
import json
import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
import fakememcached
from cacheload import CacheLoad, load
from memcached import Memcached
from scene import Scene

HERE = os.path.dirname(os.path.abspath(__file__))
FAKE = os.path.join(HERE, "..", "lib", "fakememcached.py")
MS = 1000               # microseconds


def spec(servers):
    return "memcached " + ", ".join(s.spec for s in servers)


def kill(server):
    server.signal(signal.SIGKILL)
    server.process.wait()


def stall(server):
    server.signal(signal.SIGSTOP)


def go_on(server):
    server.signal(signal.SIGCONT)


class Case(unittest.TestCase):
    def setUp(self):
        self.scene = Scene("cache")
        self.addCleanup(self.scene.close)
        self.made = 0

    def server(self):
        """Not started yet."""
        self.made += 1
        return Memcached(self.scene, "memcached-%d" % self.made, threads=1)

    def servers(self, count=3):
        servers = [self.server().start() for _ in range(count)]
        for server in servers:
            self.scene.on_close(lambda server=server: kill(server))
        return servers

    def sum(self, servers, keys):
        return load(self.scene, spec(servers), "--sum", "--keys", keys)


class Liars(Case):
    """A server that answers what it should not."""

    def fake(self):
        port = self.scene.port()
        process = self.scene.start([sys.executable, FAKE, str(port)],
            log="fake-%d.log" % port)
        return process, "127.0.0.1:%d" % port

    def counts(self, process):
        process.signal(signal.SIGTERM)
        process.wait()
        with open(process.log, encoding="utf-8") as file:
            text = file.read()
        self.assertNotIn("Traceback", text)
        return json.loads(text)

    def test_no_wrong_value(self):
        """100,000 operations without trouble, each value checked (half of
        them change a counter): none is wrong, though every way to lie was
        tried often."""
        fake, address = self.fake()
        report = load(self.scene, "memcached " + address, "--work", "check",
            "--threads", 6, "--count", 50000, "--keys", 300, "--batch", 3)
        self.assertGreaterEqual(report["operations"], 50000)
        self.assertEqual(report["wrong"], 0, report)
        self.assertLess(report["max_us"], 500 * MS)
        self.assertLess(report["misses"], report["items"] / 10)
        counts = self.counts(fake)
        self.assertEqual(sorted(counts), fakememcached.NAMES)
        self.assertGreater(min(counts.values()), 30, counts)
        self.assertGreater(report["failures"], 500)


class Truth(Case):
    """Real servers that do what they should."""

    def test_exact(self):
        """Two processes of 25 threads count the same things: every addition
        is there, none twice. On a machine that is busy enough for a server to
        be late, what it was late with may be there or not."""
        servers = self.servers()
        loads = [CacheLoad(self.scene, spec(servers), "--threads", 25,
            "--pause", 2 * MS, "--count", 5000, "--keys", 40, "--batch", 3)
            for _ in range(2)]
        reports = [l.report() for l in loads]
        for report in reports:
            self.assertEqual(report["wrong"], 0)
            self.assertEqual(report["added"] + report["troubles"],
                report["items"])
        added = sum(r["added"] for r in reports)
        late = sum(r["troubles"] for r in reports)
        self.assertGreaterEqual(added, 30000)
        self.assertLess(late, added / 100)
        found = self.sum(servers, 40)
        self.assertEqual((found["there"], found["troubles"]), (40, 0))
        self.assertGreaterEqual(found["sum"], added)
        self.assertLessEqual(found["sum"], added + late)

    def test_share(self):
        """A server that is gone takes its share, and comes back without it;
        the others keep what they have."""
        servers, keys = self.servers(), 3000
        load(self.scene, spec(servers), "--threads", 4, "--count", 2000,
            "--keys", keys, "--batch", 20)
        before = self.sum(servers, keys)
        self.assertEqual(before["there"], keys)
        kill(servers[1])
        away = self.sum(servers, keys)
        self.assertGreater(away["troubles"], keys / 5)
        self.assertLess(away["troubles"], keys / 2)
        self.assertEqual(away["there"], keys - away["troubles"])
        servers[1].start()
        after = self.sum(servers, keys)
        self.assertEqual(after, {"sum": away["sum"], "troubles": 0,
            "there": away["there"]})


class Trouble(Case):
    """Three servers under load, and something happens to one of them."""

    SLICE = 0.1
    AT = 1.5            # when it happens
    BACK = 3.5          # when the server is well again
    END = 7.0

    def under_load(self, happens, back):
        """The report of a load during which happens(server) is called, and
        later back(server). The machine may have too much else to do for that
        to tell anything: then it is done anew."""
        for _ in range(3):
            report = self.try_load(happens, back)
            if self.other["troubles"] == 0 and self.other["p99_us"] < 15 * MS:
                return report
        self.skipTest("this machine is too busy")

    def try_load(self, happens, back):
        """self.other is the report of the same load at the same time on three
        servers to which nothing happens."""
        self.three, others = self.servers(), self.servers()
        began = time.monotonic()
        options = ("--threads", 20, "--pause", 20 * MS, "--seconds", self.END,
            "--keys", 3000, "--batch", 4, "--slice", self.SLICE)
        other = CacheLoad(self.scene, spec(others), *options)
        self.load = CacheLoad(self.scene, spec(self.three), *options)
        time.sleep(began + self.AT - time.monotonic())
        happens(self.three[1])
        time.sleep(began + self.BACK - time.monotonic())
        back(self.three[1])
        report = self.load.report()
        self.assertEqual(report["wrong"], 0, report)
        self.other = other.report()
        return report

    def slices(self, report, begin, end):
        return report["slices"][int(begin / self.SLICE):
            int(end / self.SLICE)]

    def median(self, report, begin, end):
        """Of the slices' medians."""
        medians = sorted(s["p50_us"] for s in self.slices(report, begin, end)
            if s["operations"] > 0)
        return medians[len(medians) // 2]

    def assert_quick(self, report):
        """Nobody waited for more than 200 ms, and while the server was away,
        and after that, the median was under 1 ms, or not far from the other's
        on a machine that is busy with more than this."""
        self.assertLess(report["max_us"], 200 * MS)
        for begin, end in ((self.AT + 0.5, self.BACK - 0.2),
            (self.BACK + 0.5, self.END)):
            self.assertLess(self.median(report, begin, end),
                max(MS, 2 * self.median(self.other, begin, end)))

    def assert_in_trouble(self, report, begin, end):
        """Somebody is, and most are not: it is one server of three."""
        some = self.slices(report, begin, end)
        troubles = sum(s["troubles"] for s in some)
        items = sum(s["items"] for s in some)
        self.assertGreater(troubles, items / 6)
        self.assertLess(troubles, items / 2)

    def assert_well(self, report, begin, end):
        some = self.slices(report, begin, end)
        self.assertLess(sum(s["troubles"] for s in some),
            sum(s["items"] for s in some) / 10)

    def assert_logged(self, *texts):
        """Each once: trouble is logged once a minute."""
        for text in texts:
            self.assertEqual(self.load.log.count("%s%s" %
                (self.three[1].spec, text)), 1, self.load.log)

    def test_killed(self):
        report = self.under_load(kill, Memcached.start)
        self.assert_quick(report)
        self.assert_well(report, 0, self.AT - 0.2)
        self.assert_in_trouble(report, self.AT + 0.3, self.BACK - 0.2)
        self.assert_well(report, self.BACK + 2.5, self.END)
        self.assert_logged(" is away: ")
        self.assertEqual(self.load.log.count(self.three[1].spec +
            ": state empty since "), 2, self.load.log)  # new, and lost
        self.assertEqual(report["servers_away"], 0)
        self.assertGreaterEqual(report["age"], 0)
        self.assertLess(report["age"], self.END - self.BACK + 1)

    def test_stalled(self):
        self.END = 11.5
        report = self.under_load(stall, go_on)
        self.assert_quick(report)
        self.assert_in_trouble(report, self.AT + 0.5, self.BACK - 0.2)
        self.assert_well(report, self.BACK + 2.5, self.END)
        self.assert_logged(" is away: ", ": all is well again",
            ": state empty since ")
        self.assertIn("timed out", self.load.log)
        # its state is what it was
        self.assertGreater(report["age"], self.END - 2)

    def test_restarted(self):
        """Empty, and there again before anybody could give it up."""
        def restart(server):
            kill(server)
            server.start()
        report = self.under_load(restart, lambda server: None)
        self.assert_quick(report)
        self.assert_well(report, self.AT + 3, self.END)
        self.assertEqual(self.load.log.count(self.three[1].spec +
            ": state empty since "), 2, self.load.log)
        self.assertLess(report["age"], self.END - self.AT + 1)


class Start(Case):
    def test_down_at_start(self):
        """It starts, and the server is used soon after it is there."""
        server = self.server()
        began = time.monotonic()
        running = CacheLoad(self.scene, spec([server]), "--threads", 4,
            "--pause", 5 * MS, "--seconds", 5, "--slice", 0.5)
        time.sleep(1)
        server.start()
        report = running.report()
        self.assertLess(time.monotonic() - began, 8)
        first, last = report["slices"][0], report["slices"][-3]
        self.assertEqual(first["troubles"], first["items"])
        self.assertLess(first["p50_us"], MS)
        self.assertEqual(last["troubles"], 0)

    def test_name(self):
        """A server is found by its name, whatever address listens."""
        server = self.server().start()
        report = load(self.scene, "memcached localhost:%d" % server.port,
            "--threads", 2, "--count", 1000)
        self.assertLess(report["troubles"], 10, report)

    def test_unknown_name(self):
        """Nobody waits for a name."""
        running = CacheLoad(self.scene, "memcached nowhere.invalid",
            "--threads", 2, "--seconds", 1)
        report = running.report()
        self.assertEqual(report["troubles"], report["items"])
        self.assertLess(report["p50_us"], MS)
        self.assertIn("nowhere.invalid", running.log)


if __name__ == "__main__":
    unittest.main()
