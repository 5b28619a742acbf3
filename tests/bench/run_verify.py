"""CPU time a message, rates, latency and memory of postern-verify beside
OpenDKIM, OpenDKIM with OpenDMARC behind it, rspamd with only the modules spf,
dkim, arc and dmarc, and an empty libmilter filter. All get the same messages in
turn (A B C A B C ...), in which everything passes; every figure is a median
over the rounds with the smallest and largest in brackets.

The transport's cost is the empty filter's CPU time. The floor, which no
verifier can go below, is that plus SHA-256 of the message plus OpenSSL's
verification of each signature, measured in the same round.

All run with DNS of their own in a namespace (root only): nsd for the figures of
CPU time, and for latency a relay before it that answers 50 ms later; there each
message comes from a client and a domain that were not seen before.

postern-verify writes its log line for every message, the others' log is off."""

import sys

import incoming
import netns
from checkers import OpenDkimVerify, Pair, PosternDkim, PosternVerify, Rspamd
from daemons import Empty, floor
from relay import FAST, REFUSED, SILENT, SLOW, NameServers
from report import Figure, Targets, print_table, size_name, write_json
from scene import Scene

SMALL, BIG = 2 << 10, 20 << 20
DELAY = 0.05
# Questions one after the other that the slowest check of a message needs:
# SPF's record and three levels of include.
LONGEST_CHAIN = 4
# How fast the client is. One that sends all at once leaves SPF no time between
# MAIL and the end: its questions alone take more than half of what OpenDKIM and
# OpenDMARC take for theirs.
CLIENTS = (("client 20 ms away", ["--pause", "0.02"]),
    ("all sent at once", []))


def options(parser):
    parser.add_argument("--quick", action="store_true",
        help="a minute or two: 2 KB and 1 MB, three short rounds")
    parser.add_argument("--only", metavar="TEXT", default="",
        help="cells whose name has it, such as \"2 KB signed\" or \"latency\", "
        "and nothing else")
    parser.add_argument("--without", metavar="NAME", action="append",
        default=[], help="a program to leave out, such as rspamd, which needs "
        "half a minute to start (repeatable)")
    parser.add_argument("--rounds", type=int, help="(5; quick: 3)")
    parser.add_argument("--seconds", type=float,
        help="of load for each figure (1; quick: 0.5)")


class Cell:
    """One size and kind of message (incoming.KINDS)."""

    def __init__(self, size, kind, concurrency=10):
        self.size, self.kind = size, kind
        self.concurrency = min(concurrency, 2) if size == BIG else concurrency
        self.rounds = []     # {checker: result, "floor": ms}

    def name(self):
        return "%s %s c=%d" % (size_name(self.size), self.kind,
            self.concurrency)

    def ratio(self, above, below):
        return Figure(cpu(r, above) / cpu(r, below) for r in self.rounds)

    def figure(self, name, get):
        return Figure(get(r[name]) for r in self.rounds)


def cpu(found, name):
    return found[name] if name == "floor" else found[name]["cpu_ms"]


def cells(quick):
    made = [Cell(SMALL, "signed"), Cell(SMALL, "chain"), Cell(1 << 20,
        "signed")]
    if quick:
        return made
    return made + [Cell(SMALL, "twice"), Cell(SMALL, "signed", 1),
        Cell(SMALL, "signed", 100), Cell(50 << 10, "signed"),
        Cell(BIG, "signed")]


class Bench:
    def __init__(self, scene, arguments):
        self.scene = scene
        self.quick = arguments.quick
        self.only = arguments.only
        self.rounds = arguments.rounds or (3 if self.quick else 5)
        self.seconds = arguments.seconds or (0.5 if self.quick else 1.0)
        self.resolv = netns.ResolvConf(scene.path("resolv.conf"))
        self.mail = incoming.Mail(scene)
        self.dns = NameServers(scene, self.mail.zones(), DELAY)
        self.targets = Targets()
        self.kinds = []
        for kind in OpenDkimVerify, Pair, Rspamd, PosternDkim, PosternVerify:
            if not kind.available:
                print("%s is not installed: left out" % kind.name)
            elif kind.name not in arguments.without:
                self.kinds.append(kind)

    def wants(self, name):
        return self.only in name

    def start(self, kind, nameserver, **how):
        self.resolv.set(nameserver)
        return kind(self.scene, nameserver, **how).start()

    # ---- CPU time ----

    def cpu_time(self):
        """The cells measured."""
        wanted = [cell for cell in cells(self.quick)
            if self.wants(cell.name())]
        if not wanted:
            return []
        self.resolv.set(FAST)
        checkers = [Empty(self.scene, None).start()] + [self.start(kind, FAST)
            for kind in self.kinds]
        for cell in wanted:
            self.measure(cell, checkers)
            print_cell(cell, [checker.name for checker in checkers])
            self.check(cell)
        for checker in checkers:
            checker.stop()
        return wanted

    def measure(self, cell, checkers):
        messages = self.mail.directory(cell.kind, cell.size)
        load = ["-c", cell.concurrency, "-i", messages, *ENVELOPE]
        for checker in checkers:
            if checker.name != "empty":
                require(checker, messages)
            checker.load(*load, "-n", max(2 * cell.concurrency, 5))
        for _ in range(self.rounds):
            cell.rounds.append(self.measure_round(cell, checkers, load))

    def measure_round(self, cell, checkers, load):
        found = {checker.name: answered(checker, checker.load(*load, "-t",
            self.seconds)) for checker in checkers}
        crypto = floor(min(0.2, self.seconds), "rsa-verify", cell.size)
        signatures = sum(incoming.KINDS[cell.kind][i] * each
            for i, each in enumerate((1, 2)))
        found["floor"] = found["empty"]["cpu_ms"] + crypto[str(cell.size)] + \
            signatures * crypto["rsa-verify"]
        return found

    def check(self, cell):
        if cell.concurrency == 100 or cell.concurrency == 1:
            return
        if cell.size == SMALL and cell.kind == "signed":
            self.at_most(cell, "DKIM alone, of the empty filter",
                "postern-dkim", "empty", 0.30 / 0.16)
            self.at_least(cell, "OpenDKIM's CPU / ours with DKIM alone",
                "opendkim", "postern-dkim", 3)
        if cell.size == SMALL:
            self.at_least(cell, "OpenDKIM's and OpenDMARC's CPU / ours",
                "opendkim+opendmarc", "postern", 3.5)
            self.at_least(cell, "rspamd's CPU / ours", "rspamd", "postern",
                1)
        if cell.size >= 1 << 20:
            for name in "postern-dkim", "postern":
                self.at_most(cell, name + ", of the floor", name, "floor",
                    1.3)

    def at_most(self, cell, text, above, below, limit):
        self.targets.at_most("%s: %s" % (cell.name(), text),
            cell.ratio(above, below).median, limit, " x")

    def at_least(self, cell, text, above, below, limit):
        if above in cell.rounds[0]:
            self.targets.at_least("%s: %s" % (cell.name(), text),
                cell.ratio(above, below).median, limit, " x")

    # ---- latency with slow DNS ----

    def latency(self):
        """{how: {checker: [result of each round]}} with 50 ms for each answer,
        each message new to the checker."""
        return {how: self.latency_of(how, more) for how, more in CLIENTS}

    def latency_of(self, how, more):
        count = 40 if self.quick else 200
        messages = self.mail.directory("twice", SMALL, count)
        load = ["-c", 10, "-i", messages, "--domains", count, "--clients",
            count, "-n", count, *more]
        found = {kind.name: [] for kind in self.kinds}
        for _ in range(self.rounds):
            for kind in self.kinds:
                found[kind.name].append(self.latency_round(kind, load))
        rows = [[name, *(format(Figure(get(r) for r in results), spec)
            for get, spec in LATENCY_FIGURES)]
            for name, results in found.items()]
        print("2 KB twice, 50 ms for each DNS answer, nothing cached, %s:" %
            how)
        print_table(["", "p50 ms", "p99 ms", "messages/s", "questions"], rows)
        self.check_latency(how, found)
        return found

    def latency_round(self, kind, load):
        checker = self.start(kind, SLOW)
        before = self.dns.slow_questions()
        result = answered(checker, checker.load(*load))
        result["questions"] = (self.dns.slow_questions() - before) / \
            result["messages"]
        require(checker, self.mail.directory("signed", SMALL))
        checker.stop()
        return result

    def check_latency(self, how, found):
        ours = Figure(added(r) for r in found["postern"]).median
        name = "50 ms DNS, %s: p50 of added latency" % how
        self.targets.at_most(name, ours, (LONGEST_CHAIN + 5) * DELAY * 1000,
            " ms", ".0f")
        if Pair.name in found and how != CLIENTS[-1][0]:
            theirs = Figure(added(r) for r in found[Pair.name]).median
            self.targets.at_most(name + ", of OpenDKIM's and OpenDMARC's",
                ours / theirs, 0.5, " x")

    # ---- DNS that is dead ----

    def dead_dns(self):
        """{what: [ms of each round]} until ten messages that come at once all
        have an answer."""
        found = {}
        for what, nameserver, limit, rounds in (("silent", SILENT, 5500, 1),
                ("refused", REFUSED, 50, self.rounds)):
            found[what] = [self.dead_round(what, nameserver)
                for _ in range(rounds)]
            self.targets.at_most("DNS %s: answered within" % what,
                Figure(found[what]).median, limit, " ms", ".0f")
        return found

    def dead_round(self, what, nameserver):
        checker = self.start(PosternVerify, nameserver,
            extra="OnDnsError accept\n")
        messages = self.mail.directory("twice", SMALL)
        result = answered(checker, checker.load("-c", 10, "-n", 10, "-i",
            messages, *ENVELOPE))
        missing = checker.silent_about(messages, DEAD, *ENVELOPE)
        if missing:
            raise RuntimeError("DNS %s: no %s" % (what, missing))
        checker.stop()
        return result["connect_ms"]["p50"] + result["latency_ms"]["max"]

    # ---- memory ----

    def memory(self):
        rows, found = [], {}
        messages = self.mail.directory("signed", SMALL)
        for kind in self.kinds:
            checker = self.start(kind, FAST)
            idle = checker.status("VmRSS") / 1024
            checker.reset_peak()
            answered(checker, checker.load("-c", 500, "-n", 5000, "-i",
                messages, *ENVELOPE))
            busy = checker.status("VmHWM") / 1024
            checker.stop()
            found[checker.name] = {"idle": idle, "500 connections": busy}
            rows.append([checker.name, "%.1f" % idle, "%.1f" % busy])
        print("Memory in use at the most, MB:")
        print_table(["", "idle", "500 connections"], rows)
        ours = found["postern"]
        self.targets.at_most("idle", ours["idle"], 15, " MB", ".1f")
        self.targets.at_most("500 busy connections", ours["500 connections"],
            50, " MB", ".1f")
        return found


# Who sends message 0 of incoming.Mail.
ENVELOPE = ["-f", "sender@" + incoming.author(0, 1)]
DEAD = (r"dkim=temperror", r"spf=temperror", r"dmarc=temperror")


def added(result):
    """ms of a message's way through the milter: connection and message."""
    return result["connect_ms"]["p50"] + result["latency_ms"]["p50"]


LATENCY_FIGURES = (
    (added, ".0f"),
    (lambda r: r["connect_ms"]["p99"] + r["latency_ms"]["p99"], ".0f"),
    (lambda r: r["per_second"], ".0f"),
    (lambda r: r["questions"], ".1f"),
)


def require(checker, messages):
    missing = checker.silent_about(messages, checker.says, *ENVELOPE)
    if missing:
        raise RuntimeError("%s does not say %s" % (checker.name,
            ", ".join(missing)))


def answered(checker, result):
    """result, in which every message was let through with a field."""
    passed = sum(result["verdicts"].get(verdict, 0)
        for verdict in ("accept", "continue"))
    if passed != result["messages"] or result["errors"] or (checker.name !=
            "empty" and result["actions"].get("insheader", 0) < passed):
        raise RuntimeError("%s: %s" % (checker.name, result))
    return result


def print_cell(cell, names):
    print("%s: floor %s ms a message" % (cell.name(), format(Figure(
        r["floor"] for r in cell.rounds), ".3f")))
    print_table(["", "CPU ms/message", "of floor", "of postern", "messages/s",
        "p50 ms", "p99 ms"], [[name,
        format(cell.figure(name, lambda r: r["cpu_ms"]), ".3f"),
        format(cell.ratio(name, "floor"), ".2f"),
        format(cell.ratio(name, "postern"), ".2f"),
        format(cell.figure(name, lambda r: r["per_second"]), ".0f"),
        format(cell.figure(name, lambda r: r["latency_ms"]["p50"]), ".1f"),
        format(cell.figure(name, lambda r: r["latency_ms"]["p99"]), ".1f")]
        for name in names])


def run(arguments):
    if incoming.dkim is None or not netns.available():
        print("run verify needs root, and python3-dkim to sign with",
            file=sys.stderr)
        return 77
    netns.enter()
    with Scene("bench") as scene:
        bench = Bench(scene, arguments)
        found = {"cells": [{"size": c.size, "kind": c.kind, "concurrency":
            c.concurrency, "rounds": c.rounds} for c in bench.cpu_time()]}
        for part in bench.latency, bench.dead_dns, bench.memory:
            if bench.wants(part.__name__):
                found[part.__name__] = part()
        bench.targets.summary()
        found["targets"] = bench.targets.rows
        write_json(arguments.json, found)
    return 0
