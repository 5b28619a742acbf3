"""Many messages and many reloads: does postern-sign grow? Between reloads a
slice of the messages is sent at concurrency 10, SIGHUP in its midst; memory and
descriptors are looked at after each slice. Every message must be signed."""

import json
import signal
import statistics
import subprocess
import time

from daemons import CLIENT, Keys, Postern, Setup, unsigned
from report import Targets, print_table, write_json
from scene import Scene, program, wait_until


def options(parser):
    parser.add_argument("--messages", type=int, default=1000000)
    parser.add_argument("--reloads", type=int, default=1000)
    parser.add_argument("--algorithm", default="ed25519",
        choices=["rsa", "ed25519"], help="(ed25519: it is faster)")


def start_load(daemon, messages):
    return subprocess.Popen([program("tests/bench/milterload"), "-S", "unix:" +
        daemon.socket, "-a", CLIENT, "--json", "-c", "10", "-n",
        str(messages)], stdout=subprocess.PIPE)


def one_slice(daemon, messages):
    """Sends them, reloads on the way; how many were not signed."""
    load = start_load(daemon, messages)
    time.sleep(min(0.02, messages * 1e-5))
    daemon.process.signal(signal.SIGHUP)
    out, _ = load.communicate()
    return unsigned(json.loads(out))


class Reloads:
    """Counts the daemon's word for a reload in its log."""

    def __init__(self, daemon):
        self.file = open(daemon.log, errors="replace")
        self.count = 0

    def seen(self):
        self.count += sum("reloaded" in line for line in self.file)
        return self.count

    def wait_for(self, count):
        """The count, when it is that high or has not grown for long."""
        try:
            wait_until(lambda: self.seen() >= count, 10)
        except TimeoutError:
            pass
        return self.count


def look(daemon):
    return {"rss_kb": daemon.status("VmRSS"), "threads": daemon.status(
        "Threads"), "descriptors": daemon.descriptors()}


def settled(looks, field):
    """(median early, median late): the first tenth is left out, memory
    allocators settle in it."""
    values = [each[field] for each in looks]
    tenth = max(len(values) // 10, 1)
    return (statistics.median(values[tenth:3 * tenth] or values),
        statistics.median(values[-2 * tenth:]))


def soak(daemon, arguments):
    """(looks, messages not signed, reloads seen)."""
    looks, lost, reloads = [], 0, Reloads(daemon)
    messages = max(arguments.messages // arguments.reloads, 1)
    step = max(arguments.reloads // 10, 1)
    for i in range(arguments.reloads):
        lost += one_slice(daemon, messages)
        looks.append(look(daemon))
        if (i + 1) % step == 0:
            print("%8d messages, %5d reloads: %s" % ((i + 1) * messages,
                reloads.seen(), looks[-1]), flush=True)
    return looks, lost, reloads.wait_for(arguments.reloads)


def judge(looks, lost, reloads, arguments):
    targets = Targets()
    rows = []
    for field in "rss_kb", "descriptors", "threads":
        early, late = settled(looks, field)
        rows.append([field, "%.0f" % early, "%.0f" % late])
    print()
    print_table(["", "early", "late"], rows)
    early, late = settled(looks, "rss_kb")
    targets.at_most("growth of memory", late - early, 512, " KB", ".0f")
    early, late = settled(looks, "descriptors")
    # libmilter's idle workers come and go, with a descriptor each.
    targets.at_most("growth of descriptors", late - early, 2, "", ".1f")
    targets.at_most("messages lost or not signed", lost, 0, "", "d")
    # A signal that comes while one is being handled is the same reload.
    targets.at_least("reloads carried out", reloads, arguments.reloads * 0.9,
        "", ".0f")
    targets.summary()
    return targets


def run(arguments):
    with Scene("soak") as scene:
        daemon = Postern(scene, Setup(Keys(scene),
            arguments.algorithm)).start()
        began = time.monotonic()
        looks, lost, reloads = soak(daemon, arguments)
        print("%.0f s" % (time.monotonic() - began))
        targets = judge(looks, lost, reloads, arguments)
        write_json(arguments.json, {"looks": looks, "lost": lost,
            "reloads": reloads, "targets": targets.rows})
    return 0
