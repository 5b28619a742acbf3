"""CPU time a message, checks a second, latency and memory of postern-policy
beside an empty libmilter filter that takes and answers the same steps, and
beside what it replaces: postgrey and policyd-weight, as policy services of
Postfix, and rspamd's ratelimit where Redis is there for it. All get the same
clients, senders and recipients in turn (A B C A B C ...); every figure is a
median over the rounds with the smallest and largest in brackets.

A milter is sent a whole message in a session of its own, with a connection of
its own; a policy service is asked one question for each recipient over
connections that stay. So there are figures for messages with one recipient, and
for messages with 20, where both do little but ask and answer once a recipient.

postern-policy writes its log line for every message, the others' log is off."""

import json
import os
import subprocess
import sys
import time

import netns
from nsd import Nsd
from policies import (WHITELIST, Memcached, PolicydWeight, Postern, Postgrey,
    RspamdRatelimit, SameSteps, cpu_of)
from report import Figure, Targets, print_table, write_json
from scene import Scene, program
from slowrelay import SlowRelay

CLIENTS, TRIPLETS = 100, 1000
DELAY = 1       # seconds of greylisting
RECIPIENTS = 20
COUNTERS = 100000
ROUND_TRIP = 0.01       # seconds: of a memcached far away
LISTS = [("bl%d.example" % n, 1) for n in range(4)]

GREYLIST = "Greylist delay=%ds window=2d share=100%% autowhitelist=0" % DELAY

# Ten checks, the first of which is the one of "1 check".
CHECKS = [
    "RateLimit clients key=client limit=1000000/1h action=tempfail",
    "RateLimit senders key=mail-from limit=1000000/1d action=tempfail",
    "RateLimit domains key=mail-from-domain limit=1000000/1d "
    "count=recipients action=tempfail",
    GREYLIST,
    lambda d: "AccessClient " + d.write("access-client", "".join(
        "198.51.100.%d REJECT no\n203.0.113.%d/32 REJECT no\n" % (n, n)
        for n in range(256))),
    lambda d: "AccessSender " + d.write("access-sender", "".join(
        "u%d@blocked.example REJECT no\nb%d.example REJECT no\n" % (n, n)
        for n in range(500))),
    "HostCheck helo-not-fqdn weight=1",
    "DnsList %s type=client weight=3" % LISTS[0][0],
    "DnsList %s type=client weight=-2" % LISTS[1][0],
    "Reputation client-net half-life=14d weight=-2 bad-weight=3",
]
DNS = "Nameservers 127.0.0.1"
NAMES = ["HostCheck %s weight=1" % name for name in ("helo-not-fqdn",
    "helo-no-address", "helo-not-ptr", "iprev-fail")]


def options(parser):
    parser.add_argument("--quick", action="store_true",
        help="a minute or two: three short rounds, fewer keys")
    parser.add_argument("--only", metavar="TEXT", default="",
        help="parts whose name has it: messages, latency, trips, greylist, "
        "lists, ratelimit, keys, servers")
    parser.add_argument("--rounds", type=int, help="(5; quick: 3)")
    parser.add_argument("--seconds", type=float,
        help="of load for each figure (1; quick: 0.5)")


class Bench:
    def __init__(self, scene, arguments):
        self.scene = scene
        self.quick = arguments.quick
        self.rounds = arguments.rounds or (3 if self.quick else 5)
        self.seconds = arguments.seconds or (0.5 if self.quick else 1.0)
        self.targets = Targets()
        self.resolv = netns.ResolvConf(scene.path("resolv.conf"))
        nsd = Nsd(scene, ZONES)
        nsd.port = 53
        nsd.start()

    # ---- what a message costs ----

    def postern(self, count, cache="local"):
        name = "%d check%s" % (count, "" if count == 1 else "s")
        if cache == "memcached":
            self.memcached = self.memcached or Memcached(self.scene)
            name += " memcached"
            cache = "memcached " + self.memcached.spec
        return Postern(self.scene, name, [DNS] + CHECKS[:count],
            cache).start()

    memcached = None

    def competitors(self):
        """The empty filter first."""
        made = [self.postern(0), self.postern(1), self.postern(10),
            self.postern(1, "memcached"), self.postern(10, "memcached")]
        return [SameSteps(self.scene, made[2]).start()] + made

    def messages(self):
        """{name: [result of each round]}: ten connections at a time."""
        found = self.in_turn(self.competitors(), "-c", 10)
        print("A message with one recipient, ten at a time:")
        print_table(["", "CPU ms/message", "of empty", "messages/s", "p50 ms",
            "p99 ms", "memcached CPU ms"], [[name,
            format(Figure(r["cpu_ms"] for r in rows), ".3f"),
            format(ratio(found, name, "empty"), ".2f"),
            format(Figure(r["per_second"] for r in rows), ".0f"),
            format(Figure(r["latency_ms"]["p50"] for r in rows), ".2f"),
            format(Figure(r["latency_ms"]["p99"] for r in rows), ".2f"),
            format(Figure(r["cache_cpu_ms"] for r in rows), ".3f")]
            for name, rows in found.items()])
        self.targets.at_most("10 checks on warm local state, of the empty "
            "filter", ratio(found, "10 checks", "empty").median, 1.5, " x")
        return found

    def latency(self):
        """The same, one message at a time."""
        found = self.in_turn(self.competitors(), "-c", 1)
        print("One message at a time, from connecting to its end:")
        print_table(["", "p50 ms", "p99 ms", "p50 added ms"], [[name,
            format(Figure(way(r, "p50") for r in rows), ".3f"),
            format(Figure(way(r, "p99") for r in rows), ".3f"),
            format(added(found, name), ".3f")]
            for name, rows in found.items()])
        for name in "1 check memcached", "10 checks memcached":
            self.targets.at_most(name + ", p50 of added latency",
                added(found, name).median, 1, " ms", ".3f")
        return found

    def in_turn(self, filters, *how):
        """{name: [result of each round]}, with what they remember warm."""
        for each in filters:
            self.warm(each)
        found = {each.name: [] for each in filters}
        for _ in range(self.rounds):
            for each in filters:
                found[each.name].append(self.round_of(each, *how))
        for each in filters:
            each.stop()
        return found

    def warm(self, filter, recipients=1):
        """Every triplet is seen, and again once it may pass."""
        for pause in DELAY + 0.5, 0:
            filter.load("-c", 10, "-n", TRIPLETS // recipients,
                *known(recipients))
            time.sleep(pause)

    def round_of(self, filter, *how):
        servers = [self.memcached.pid] if self.memcached else []
        before = cpu_of(servers)
        result = passed(filter, filter.load("-t", self.seconds, *known(), *how))
        result["cache_cpu_ms"] = (cpu_of(servers) - before) * 1000 / \
            result["messages"]
        return result

    # ---- round trips ----

    def trips(self):
        """Round trips to memcached that a message and a recipient more wait
        for, told by how much longer they take where each takes 10 ms more."""
        server = Memcached(self.scene)
        relay = SlowRelay(server.spec + ".slow", server.spec, ROUND_TRIP)
        self.scene.on_close(relay.stop)
        filters = [Postern(self.scene, name, [DNS] + CHECKS, "memcached " +
            place).start() for name, place in (("fast", server.spec),
            ("slow", relay.path))]
        found = {}
        for kind in "known", "new":
            few, many = [self.trips_of(filters, kind, count)
                for count in (1, RECIPIENTS + 1)]
            found[kind] = {"message": few, "recipient": (many - few) /
                RECIPIENTS}
        for each in filters:
            each.stop()
        print("Round trips to memcached that are waited for, 10 checks:")
        print_table(["", "message with one recipient", "each recipient more"],
            [[kind, "%.2f" % f["message"], "%.2f" % f["recipient"]]
            for kind, f in found.items()])
        # Stages that look at the cache: RCPT, end of header, end of message;
        # a new message ends with RCPT.
        for kind, limit in ("known", 3 * 1.2), ("new", 1.2):
            self.targets.at_most("round trips, %s message" % kind,
                found[kind]["message"], limit)
            self.targets.at_most("round trips, recipient more, %s" % kind,
                found[kind]["recipient"], 1.2)
        return found

    def trips_of(self, filters, kind, recipients):
        took = []
        for n, each in enumerate(filters):
            if kind == "known":
                self.warm(each, recipients)
            for again in range(5):
                troubles = each.said("timed out")
                place = [] if kind == "known" else ["-a", "10.%d.%d.1" %
                    (recipients, 10 * n + again)]
                result = each.load("-c", 1, "-n", 40, *known(recipients),
                    *place)
                if each.said("timed out") == troubles:
                    break
                time.sleep(2)   # it tries again once a second
            took.append(way(result, "p50"))
        return (took[1] - took[0]) / 1000 / ROUND_TRIP

    # ---- against policy services ----

    def greylist(self):
        """Triplets that were seen, and such that were not."""
        if not Postgrey.available:
            print("postgrey is not installed: left out")
            return None
        found = {}
        for name, whitelist in (("", None), (" whitelists", WHITELIST)):
            if whitelist is None or os.path.exists(whitelist):
                found.update(self.greylist_with(name, whitelist))
        return found

    def greylist_with(self, name, whitelist):
        ours = Postern(self.scene, "postern", [GREYLIST] + ([
            "GreylistClients postgrey:" + whitelist] if whitelist else
            [])).start()
        theirs = Postgrey(self.scene, DELAY, whitelist).start()
        empty = SameSteps(self.scene, ours).start()
        found = {}
        for recipients in 1, RECIPIENTS:
            for each in ours, theirs:
                self.warm(each, recipients)
            for kind in "known", "new":
                cell = "greylist%s, %s, %d recipients" % (name, kind,
                    recipients)
                found[cell] = self.checks_in_turn([ours, theirs, empty],
                    recipients, kind == "new")
                self.compare(cell, found[cell], theirs.name,
                    recipients == RECIPIENTS)
        for each in ours, theirs, empty:
            each.stop()
        return found

    def checks_in_turn(self, all, recipients=1, new=False):
        """{name: [result of each round]}, with the CPU time and the number of
        checks: one for each recipient."""
        found = {each.name: [] for each in all}
        for n in range(self.rounds):
            place = ["-a", "10.%d.%d.1" % (recipients, n), "--domains",
                1000000] if new else []
            for each in all:
                result = each.load("-c", 10, "-t", self.seconds,
                    *known(recipients), *place)
                if new and each.name != "empty":
                    refused(each, result)
                else:
                    passed(each, result)
                result["check_cpu_ms"] = result["cpu_ms"] / recipients
                result["checks_per_second"] = result["per_second"] * recipients
                found[each.name].append(result)
        return found

    def compare(self, cell, found, theirs, is_target=True):
        print(cell + ":")
        print_table(["", "CPU ms/check", "checks/s", "p50 ms", "p99 ms"],
            [[name, format(Figure(r["check_cpu_ms"] for r in rows), ".4f"),
            format(Figure(r["checks_per_second"] for r in rows), ".0f"),
            format(Figure(r["latency_ms"]["p50"] for r in rows), ".2f"),
            format(Figure(r["latency_ms"]["p99"] for r in rows), ".2f")]
            for name, rows in found.items()])
        rounds = list(zip(found[theirs], found["postern"], found["empty"]))
        cpu = Figure(a["check_cpu_ms"] / b["check_cpu_ms"]
            for a, b, _ in rounds)
        beyond = Figure(a["check_cpu_ms"] / max(b["check_cpu_ms"] -
            c["check_cpu_ms"], 0.0001) for a, b, c in rounds)
        print("CPU of %s / ours: %s x; / ours beyond the empty filter: %s x" %
            (theirs, format(cpu, ".1f"), format(beyond, ".1f")))
        if is_target:
            self.targets.at_least(cell + ", %s's CPU / ours" % theirs,
                cpu.median, 5, " x", ".1f")
            self.targets.at_least(cell + ", our checks/s / %s's" % theirs,
                Figure(b["checks_per_second"] / a["checks_per_second"]
                for a, b, _ in rounds).median, 5, " x", ".1f")
        print()

    def lists(self):
        """Clients that four DNS lists say nothing of; and with the names a
        client and sender bear looked at as well."""
        if not PolicydWeight.available:
            print("policyd-weight is not installed: left out")
            return None
        rows = ["DnsList %s type=client weight=%d" % row for row in LISTS]
        return {cell: self.lists_with(cell, rules, more) for cell, rules, more
            in (("4 DNS lists", rows, {}), ("4 DNS lists and names", rows +
            NAMES, {"names": True}))}

    def lists_with(self, cell, rules, more):
        all = [Postern(self.scene, "postern", [DNS] + rules).start(),
            PolicydWeight(self.scene, LISTS, **more).start()]
        if more:
            all.append(PolicydWeight(self.scene, LISTS, results=True,
                **more).start())
        all.append(SameSteps(self.scene, all[0]).start())
        for each in all:
            self.warm(each)
        found = self.checks_in_turn(all)
        for each in all:
            each.stop()
        # It comes with the names looked at.
        self.compare(cell, found, PolicydWeight.name, "names" in more)
        return found

    def ratelimit(self):
        """Ten limits, against rspamd with Redis."""
        if not RspamdRatelimit.available:
            print("rspamd or redis-server is not installed: left out")
            return None
        keys = "client", "mail-from", "mail-from-domain", "rcpt", "helo"
        server = Memcached(self.scene)
        ours = Postern(self.scene, "postern", ["RateLimit r%d key=%s "
            "limit=1000000/%s action=tempfail" % (n, keys[n % 5], ("1h",
            "1d")[n // 5]) for n in range(10)], "memcached " + server.spec).start()
        empty = SameSteps(self.scene, ours).start()
        theirs = RspamdRatelimit(self.scene, ["ip", "from", "from:domain",
            "rcpts:addr", "helo"] * 2).start()
        found = {each.name: [] for each in (ours, theirs, empty)}
        for _ in range(self.rounds):
            for each in ours, theirs, empty:
                before = server.cpu()
                result = passed(each, each.load("-c", 10, "-t", self.seconds,
                    *known()))
                result["check_cpu_ms"] = result["cpu_ms"] + (server.cpu() -
                    before) * 1000 / result["messages"]
                result["checks_per_second"] = result["per_second"]
                found[each.name].append(result)
        for each in ours, theirs, empty:
            each.stop()
        self.compare("10 limits, with memcached and with Redis", found,
            theirs.name, False)
        return found

    # ---- the cache by itself ----

    def keys(self):
        """What keys that live cost where they live."""
        local, remote = (100000, 1000000) if self.quick else (1000000,
            10000000)
        done = subprocess.run([program("tests/bench/bench_cache"), str(
            local)], stdout=subprocess.PIPE, check=True)
        rows = [dict(pair.split("=") for pair in line.split())
            for line in done.stdout.decode().splitlines()]
        filled = next(row for row in rows if row["measure"] == "fill")
        found = {"local": {"keys": local, "bytes": float(filled[
            "resident_key"]), "rows": rows}, "memcached": self.remote_keys(
            remote)}
        print("Memory of live counters:")
        print_table(["", "keys", "octets each"], [[name, f["keys"],
            "%.1f" % f["bytes"]] for name, f in found.items()])
        print_table(["local store, of that size", "threads", "ns", "CPU ns"],
            [[row["call"], row["threads"], row["ns"], row["cpu_ns"]]
            for row in rows if row["measure"] == "call"])
        self.targets.at_most("memory of a key in the local store",
            found["local"]["bytes"], 100, " octets", ".1f")
        return found

    def remote_keys(self, count):
        server = Memcached(self.scene, megabytes=count // 5000)
        empty = server.status("VmRSS")
        began = time.monotonic()
        # On a busy machine a server is given up for a second now and then.
        for _ in range(3):
            cacheload([server], "--fill", "--keys", count)
            stats = server.stats()
            there = stats["curr_items"]
            if there >= count:
                break
        seconds = time.monotonic() - began
        found = {"keys": there, "seconds": seconds,
            "bytes": (server.status("VmRSS") - empty) * 1024 / there,
            "of_items": stats["bytes"] / there}
        server.stop()
        if stats["evictions"]:
            raise RuntimeError("memcached has thrown keys out")
        return found

    def servers(self):
        """Counter updates over one, two and four servers, one thread each."""
        found = {count: [] for count in (1, 2, 4)}
        for _ in range(self.rounds):
            for count in found:
                found[count].append(self.updates(count))
        print("Counter updates over K servers, a thread of one core each:")
        print_table(["K", "updates/s", "p50 ms", "CPU us/update, all",
            "CPU us/update, busiest", "commands, busiest / mean",
            "updates/s with the busiest's core full"], [[count] + [format(
            Figure(r[name] for r in rows), spec) for name, spec in (
            ("per_second", ".0f"), ("p50_ms", ".2f"), ("cpu_us", ".2f"),
            ("busiest_us", ".2f"), ("uneven", ".2f"), ("full", ".0f"))]
            for count, rows in found.items()])
        for count in 2, 4:
            self.targets.at_least("%d servers' room for updates, of one's" %
                count, Figure(b["full"] / a["full"] for a, b in zip(found[1],
                found[count])).median, 0.75 * count, " x")
        return {"updates": found, "loss": self.loss()}

    def updates(self, count):
        servers = [Memcached(self.scene) for _ in range(count)]
        cacheload(servers, "--fill", "--keys", COUNTERS)
        before = [(each.cpu(), each.commands()) for each in servers]
        load = cacheload(servers, "--threads", 8, "--batch", 64, "--keys",
            COUNTERS, "--seconds", self.seconds)
        cpu = [each.cpu() - b[0] for each, b in zip(servers, before)]
        commands = [each.commands() - b[1] for each, b in zip(servers,
            before)]
        for each in servers:
            each.stop()
        if load["wrong"]:
            raise RuntimeError("%d servers: %s" % (count, load))
        return {"per_second": load["added"] / load["seconds"],
            "p50_ms": load["p50_us"] / 1000,
            "cpu_us": sum(cpu) * 1e6 / load["added"],
            "busiest_us": max(cpu) * 1e6 / load["added"],
            "uneven": max(commands) * count / sum(commands),
            "full": load["added"] / max(cpu)}

    def loss(self):
        """What is still there once one server of four is gone."""
        servers = [Memcached(self.scene) for _ in range(4)]
        before = cacheload(servers, "--fill", "--keys", COUNTERS)["there"]
        share = servers[0].stats()["curr_items"]
        servers[0].stop()
        after = cacheload(servers, "--sum", "--keys", COUNTERS)["there"]
        for each in servers[1:]:
            each.stop()
        print("Of %d counters, %d were on one server of four; without it %d "
            "are there" % (before, share, after))
        self.targets.at_least("counters left, of those on other servers",
            after / (before - share), 1, "", ".4f")
        return {"before": before, "share": share, "after": after}


def cacheload(servers, *arguments):
    """What it says about its work on these servers."""
    done = subprocess.run([program("tests/daemon/cacheload"), "--cache",
        "memcached " + ", ".join(each.spec for each in servers),
        *map(str, arguments)], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    if done.returncode:
        raise RuntimeError("cacheload: " + done.stderr.decode())
    return json.loads(done.stdout)


def known(recipients=1):
    """Whom messages come from and go to while state is warm."""
    senders = TRIPLETS // recipients
    return ["--clients", min(senders, CLIENTS), "--domains", senders,
        "--rcpts", recipients]


ZONES = {
    "example": "\n".join(["* A 192.0.2.10", "* MX 10 mx", "client A 192.0.2.10"]
        + ["d%07d A 192.0.2.10\nd%07d MX 10 client" % (n, n)
        for n in range(TRIPLETS)]),
    **{zone: "" for zone, _ in LISTS},
    "in-addr.arpa": "*.2.0.192 PTR client.example.",
}


def ratio(found, above, below):
    return Figure(a["cpu_ms"] / b["cpu_ms"]
        for a, b in zip(found[above], found[below]))


def way(result, part):
    """ms of a message's way through the milter: connection and message."""
    return result["connect_ms"][part] + result["latency_ms"][part]


def added(found, name):
    return Figure(way(a, "p50") - way(b, "p50")
        for a, b in zip(found[name], found["empty"]))


def passed(filter, result):
    """result, in which every message was let through."""
    good = sum(result["verdicts"].get(verdict, 0)
        for verdict in ("accept", "continue"))
    if good != result["messages"] or result["errors"]:
        raise RuntimeError("%s: %s" % (filter.name, result))
    return result


def refused(filter, result):
    """result, in which every message was to come later."""
    later = sum(result["verdicts"].get(verdict, 0)
        for verdict in ("tempfail", "reply4xx"))
    if later != result["messages"] or result["errors"]:
        raise RuntimeError("%s: %s" % (filter.name, result))
    return result


PARTS = ("messages", "latency", "trips", "greylist", "lists", "ratelimit",
    "keys", "servers")


def run(arguments):
    if not netns.available():
        print("run policy needs root", file=sys.stderr)
        return 77
    netns.enter()
    with Scene("bench") as scene:
        bench = Bench(scene, arguments)
        found = {part: getattr(bench, part)() for part in PARTS
            if arguments.only in part}
        bench.targets.summary()
        found["targets"] = bench.targets.rows
        write_json(arguments.json, found)
    return 0
