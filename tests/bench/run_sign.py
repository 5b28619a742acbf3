"""CPU time a message, rates, latency and memory of postern-sign beside
OpenDKIM, dkimpy-milter and an empty libmilter filter. All get the same
messages with the same key in turn (A B C A B C ...); every figure is a median
over the rounds with the smallest and largest in brackets.

The floor is what no signer can go below: the empty filter's CPU time plus one
OpenSSL signature plus SHA-256 of the message, measured in the same round.

postern-sign writes its log line for every message, OpenDKIM's log is off."""

from daemons import (DkimpyMilter, Empty, Keys, OpenDkim, Postern, Setup,
    floor, unsigned)
from report import Figure, Targets, print_table, size_name, write_json
from scene import Scene

SIZES = [2 << 10, 50 << 10, 1 << 20, 20 << 20]
BIG = 20 << 20

# (algorithm, size): at most this many times the floor, at least this many
# times less than OpenDKIM; at concurrency 10, relaxed/relaxed.
OF_FLOOR = {("rsa", 2 << 10): 1.15, ("rsa", 50 << 10): 1.15,
    ("ed25519", 2 << 10): 1.5, ("rsa", 1 << 20): 1.3, ("rsa", BIG): 1.3}
OF_OPENDKIM = {("rsa", 2 << 10): 2.5, ("ed25519", 2 << 10): 4,
    ("rsa", 1 << 20): 3, ("rsa", BIG): 5}


def options(parser):
    parser.add_argument("--quick", action="store_true",
        help="a minute: concurrency 10, relaxed/relaxed, three short rounds")
    parser.add_argument("--only", metavar="TEXT", default="",
        help="cells whose name has it, such as \"rsa 2 KB\", and nothing else")
    parser.add_argument("--rounds", type=int, help="(5; quick: 3)")
    parser.add_argument("--seconds", type=float,
        help="of load for each figure (1; quick: 0.5)")


class Cell:
    """One size, concurrency, algorithm and pair of canonical forms."""

    def __init__(self, size, concurrency, algorithm, body):
        self.size, self.concurrency = size, concurrency
        self.algorithm, self.body = algorithm, body
        self.key = (algorithm, size)
        self.rounds = []     # {daemon: result, "floor": ms}

    def name(self):
        return "%s %s c=%d relaxed/%s" % (self.algorithm, size_name(self.size),
            self.concurrency, self.body)

    def of_floor(self, name):
        return Figure(r[name]["cpu_ms"] / r["floor"] for r in self.rounds)

    def against(self, name):
        return Figure(r[name]["cpu_ms"] / r["postern"]["cpu_ms"]
            for r in self.rounds)

    def figure(self, name, get):
        return Figure(get(r[name]) for r in self.rounds)


def cells(quick):
    if quick:
        return [Cell(size, 10, algorithm, "relaxed")
            for algorithm in ("rsa", "ed25519") for size in SIZES]
    made = [Cell(size, concurrency, algorithm, "relaxed")
        for algorithm in ("rsa", "ed25519") for size in SIZES
        for concurrency in (1, 10, 100)
        if size < BIG or concurrency < 100]
    return made + [Cell(size, 10, algorithm, "simple")
        for algorithm in ("rsa", "ed25519") for size in SIZES]


class Bench:
    def __init__(self, scene, arguments):
        self.scene = scene
        self.quick = arguments.quick
        self.rounds = arguments.rounds or (3 if self.quick else 5)
        self.seconds = arguments.seconds or (0.5 if self.quick else 1.0)
        self.keys = Keys(scene)
        self.empty = Empty(scene, None).start()
        self.started = {}
        self.targets = Targets()

    def kinds(self, cell):
        kinds = [Postern, OpenDkim]
        if not self.quick and cell.size < BIG and cell.concurrency <= 10:
            kinds.append(DkimpyMilter)
        return [kind for kind in kinds if kind.available]

    def daemon(self, kind, algorithm, body="relaxed"):
        key = (kind, algorithm, body)
        if key not in self.started:
            self.started[key] = kind(self.scene, Setup(self.keys, algorithm,
                body=body)).start()
        return self.started[key]

    def measure(self, cell):
        daemons = [self.empty] + [self.daemon(kind, cell.algorithm, cell.body)
            for kind in self.kinds(cell)]
        load = ["-c", cell.concurrency, "-s", cell.size]
        for daemon in daemons:
            warm = daemon.load(*load, "-n", max(cell.concurrency, 5))
            if daemon is not self.empty and unsigned(warm):
                raise RuntimeError("%s does not sign: %s" % (daemon.name,
                    warm))
        for _ in range(self.rounds):
            cell.rounds.append(self.measure_round(cell, daemons, load))
        return daemons

    def measure_round(self, cell, daemons, load):
        found = {daemon.name: daemon.load(*load, "-t", self.seconds)
            for daemon in daemons}
        crypto = floor(min(0.2, self.seconds), cell.algorithm, cell.size)
        found["crypto"] = crypto
        found["floor"] = found["empty"]["cpu_ms"] + sum(crypto.values())
        return found

    def check(self, cell):
        if cell.concurrency != 10 or cell.body != "relaxed":
            return
        if cell.key in OF_FLOOR:
            self.targets.at_most("%s, of the floor" % cell.name(),
                cell.of_floor("postern").median, OF_FLOOR[cell.key], " x")
        if cell.key in OF_OPENDKIM and OpenDkim.available:
            self.targets.at_least("%s, OpenDKIM's CPU / ours" % cell.name(),
                cell.against("opendkim").median, OF_OPENDKIM[cell.key], " x")


def print_cell(cell, daemons):
    print("%s: floor %s ms a message" % (cell.name(), format(Figure(
        r["floor"] for r in cell.rounds), ".3f")))
    rows = []
    for name in [daemon.name for daemon in daemons]:
        rows.append([name,
            format(cell.figure(name, lambda r: r["cpu_ms"]), ".3f"),
            format(cell.of_floor(name), ".2f"),
            format(cell.against(name), ".2f"),
            format(cell.figure(name, lambda r: r["per_second"]), ".0f"),
            format(cell.figure(name, lambda r: r["latency_ms"]["p50"]),
                ".1f"),
            format(cell.figure(name, lambda r: r["latency_ms"]["p99"]),
                ".1f"),
            "%.1f" % (cell.rounds[-1][name]["rss_kb"] / 1024)])
    print_table(["", "CPU ms/message", "of floor", "of postern", "messages/s",
        "p50 ms", "p99 ms", "RSS MB"], rows)


def busy_latency(bench):
    """p99 at 500 connections, flat out and at a rate that leaves the machine
    time to spare."""
    daemons = [bench.empty, bench.daemon(Postern, "rsa"),
        bench.daemon(Postern, "ed25519")]
    if OpenDkim.available:
        daemons.append(bench.daemon(OpenDkim, "rsa"))
    found = {}
    for how, extra in (("flat out", []), ("200 messages/s", ["--rate",
            "200"])):
        rounds = [[d.load("-c", 500, "-t", 4 * bench.seconds, *extra)
            for d in daemons] for _ in range(bench.rounds)]
        rows = []
        for i, daemon in enumerate(daemons):
            name = daemon.name + (" " + daemon.setup.algorithm
                if daemon.setup else "")
            found[how, name] = Figure(r[i]["latency_ms"]["p99"]
                for r in rounds)
            rows.append([name, format(Figure(r[i]["latency_ms"]["p50"]
                for r in rounds), ".1f"), format(found[how, name], ".1f"),
                format(Figure(r[i]["connect_ms"]["p99"] for r in rounds),
                ".1f"), format(Figure(r[i]["per_second"] for r in rounds),
                ".0f")])
        print("2 KB, 500 connections, %s:" % how)
        print_table(["", "p50 ms", "p99 ms", "connect p99 ms", "messages/s"],
            rows)
        for algorithm in "rsa", "ed25519":
            # Flat out, a signer's messages wait for each other's signatures.
            bench.targets.at_most("p99 at 500 connections, %s, %s" % (how,
                algorithm), found[how, "postern " + algorithm].median,
                found[how, "empty"].median, " ms", ".1f")
    return {"%s, %s" % key: figure.values for key, figure in found.items()}


def peak(daemon, *arguments):
    """MB in use at the most while that load runs."""
    daemon.reset_peak()
    result = daemon.load(*arguments)
    if unsigned(result):
        raise RuntimeError("%s: not all signed: %s" % (daemon.name, result))
    return daemon.status("VmHWM") / 1024


def memory(bench):
    rows, found = [], {}
    for kind in (Postern, OpenDkim):
        if not kind.available:
            continue
        daemon = kind(bench.scene, Setup(bench.keys)).start()
        idle = daemon.status("VmRSS") / 1024
        small = peak(daemon, "-c", 4, "-n", 400)
        big = peak(daemon, "-c", 4, "-n", 8, "-s", "20m")
        busy = peak(daemon, "-c", 500, "-n", 5000)
        daemon.stop()
        found[daemon.name] = {"idle": idle, "four small": small,
            "four of 20 MB": big, "500 connections": busy}
        rows.append([daemon.name] + ["%.1f" % value
            for value in found[daemon.name].values()])
    print("Memory in use at the most, MB:")
    print_table(["", "idle", "4 x 2 KB", "4 x 20 MB", "500 connections"],
        rows)
    ours = found["postern"]
    bench.targets.at_most("idle", ours["idle"], 10, " MB", ".1f")
    bench.targets.at_most("500 busy connections", ours["500 connections"], 30,
        " MB", ".1f")
    bench.targets.at_most("four messages of 20 MB, more than of 2 KB",
        ours["four of 20 MB"] - ours["four small"], 1, " MB", ".1f")
    return found


def run(arguments):
    with Scene("bench") as scene:
        bench = Bench(scene, arguments)
        measured = [cell for cell in cells(arguments.quick)
            if arguments.only in cell.name()]
        for cell in measured:
            print_cell(cell, bench.measure(cell))
            bench.check(cell)
        latency = found = None
        if not arguments.only:
            latency, found = busy_latency(bench), memory(bench)
        bench.targets.summary()
        write_json(arguments.json, {
            "cells": [{"size": c.size, "concurrency": c.concurrency,
                "algorithm": c.algorithm, "canonicalization": "relaxed/" +
                c.body, "rounds": c.rounds} for c in measured],
            "p99_ms": latency, "memory_mb": found,
            "targets": bench.targets.rows})
    return 0
