"""What tables of a thousand to a million rows cost postern-sign, and OpenDKIM
where that ends in reasonable time: loading, memory, a look-up, and a reload
while mail flows."""

import os
import signal
import subprocess
import threading
import time

from daemons import Keys, OpenDkim, Postern, Setup, unsigned
from report import Figure, Targets, print_table, write_json
from scene import Scene, program

KEY_ROWS_MAX = 100000
OPENDKIM_ROWS_MAX = 100000     # beyond, it needs gigabytes and minutes

# rows: seconds to load, MB in use then
LOAD = {100000: (0.3, 40), 1000000: (4, 300)}
LOOKUP_MS = 0.01
WAIT_MS = 50    # more than the slowest message without a reload


def options(parser):
    parser.add_argument("--quick", action="store_true",
        help="up to 100,000 rows, fewer rounds")
    parser.add_argument("--rounds", type=int, help="(5; quick: 3)")


def make_tables(scene, keys, rows):
    """The domains milterload sends from, one row each; every hundredth row of
    another pattern class."""
    directory = scene.mkdir("tables-%d" % rows)
    key_rows = min(rows, KEY_ROWS_MAX)
    with open(os.path.join(directory, "KeyTable"), "w") as file:
        for i in range(key_rows):
            file.write("key%d %%:s:%s\n" % (i, keys.ed25519))
    with open(os.path.join(directory, "SigningTable"), "w") as file:
        for i in range(rows):
            pattern = ("sender@d%07d.example" if i % 100 == 99 else
                "*@d%07d.example") % i
            file.write("%s key%d\n" % (pattern, i % key_rows))
    return file.name.replace("SigningTable", "KeyTable"), file.name


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(kind, scene, setup):
    """The daemon, and what its start cost."""
    daemon = kind(scene, setup)
    began = time.monotonic()
    daemon.start(600)
    return daemon, {"start_s": time.monotonic() - began,
        "start_cpu_s": cpu_seconds(daemon.pid),
        "rss_mb": daemon.status("VmRSS") / 1024,
        "peak_mb": daemon.status("VmHWM") / 1024}


def cost_of_lookup(large, small, rows, rounds, seconds):
    """CPU ms a message with the large tables and with one row, in turn."""
    found = {"large": [], "small": []}
    for _ in range(rounds):
        for name, daemon, domains in (("large", large, rows),
                ("small", small, 1)):
            result = daemon.load("-c", 10, "-t", seconds, "--domains",
                domains)
            if unsigned(result):
                raise RuntimeError("not all signed: %s" % result)
            found[name].append(result["cpu_ms"])
    return found


def reload_under_load(daemon, rows, number, seconds):
    """Mail at a modest rate with a reload in its midst: milterload's result
    and how long the daemon was at it (seconds of CPU beyond the mail's)."""
    timer = threading.Timer(seconds / 4, daemon.process.signal, [number])
    timer.start()
    result = daemon.load("-c", 10, "-t", seconds, "--rate", 100, "--domains",
        rows)
    timer.join()
    return result


def measure(scene, keys, small, rows, arguments):
    rounds = arguments.rounds or (3 if arguments.quick else 5)
    found = {}
    tables = make_tables(scene, keys, rows)
    for kind, number in ((Postern, signal.SIGHUP), (OpenDkim,
            signal.SIGUSR1)):
        if not kind.available or kind is OpenDkim and rows > OPENDKIM_ROWS_MAX:
            continue
        daemon, figures = start(kind, scene, Setup(keys, "ed25519",
            tables=tables))
        figures["cost"] = cost_of_lookup(daemon, small[kind], rows, rounds, 1)
        quiet = daemon.load("-c", 10, "-t", 3, "--rate", 100, "--domains",
            rows)
        busy = reload_under_load(daemon, rows, number, 3 + rows / 1e5)
        figures["quiet_ms"], figures["reload_ms"] = (
            quiet["latency_ms"], busy["latency_ms"])
        figures["lost"] = unsigned(busy)
        figures["reload_peak_mb"] = daemon.status("VmHWM") / 1024
        daemon.stop()
        found[daemon.name] = figures
    return found


def added(cost):
    """By how much the large tables make a message dearer, each round."""
    return Figure(large - small for large, small in zip(cost["large"],
        cost["small"]))


def tell(rows, found):
    table = []
    for name, f in found.items():
        table.append([name, "%.2f" % f["start_s"], "%.2f" % f["start_cpu_s"],
            "%.0f" % f["rss_mb"], format(Figure(f["cost"]["small"]), ".3f"),
            format(added(f["cost"]), ".4f"), "%.1f" % f["quiet_ms"]["max"],
            "%.1f" % f["reload_ms"]["max"], str(f["lost"]),
            "%.0f" % f["reload_peak_mb"]])
    print("%d rows:" % rows)
    print_table(["", "start s", "CPU s", "RSS MB", "CPU ms/message, 1 row",
        "more with %d" % rows, "slowest ms", "slowest ms, reload", "lost",
        "peak MB"], table)


def check(targets, rows, f):
    """The cost of a look-up is judged by bench_tables: between two daemons it
    drowns in the noise of their messages."""
    if rows in LOAD:
        seconds, megabytes = LOAD[rows]
        targets.at_most("%d rows, CPU of the daemon's start" % rows,
            f["start_cpu_s"], seconds, " s")
        targets.at_most("%d rows, memory" % rows, f["rss_mb"], megabytes,
            " MB", ".0f")
    targets.at_most("%d rows, slowest message at a reload, beyond without" %
        rows, f["reload_ms"]["max"] - f["quiet_ms"]["max"], WAIT_MS, " ms",
        ".1f")
    targets.at_most("%d rows, lost or unsigned at a reload" % rows, f["lost"],
        0, "", "d")


def by_themselves(targets, sizes):
    """What bench_tables measures, without a daemon. A load's time is its CPU
    time: one thread reads and builds, on a busy machine it only waits more."""
    done = subprocess.run([program("tests/bench/bench_tables"), *map(str,
        sizes)], stdout=subprocess.PIPE, check=True)
    found = [dict(pair.split("=") for pair in line.split())
        for line in done.stdout.decode().splitlines()]
    loads, lookups = {}, {}
    for row in found:
        key = row["type"], int(row["rows"])
        if row["measure"] == "load":
            loads[key] = row
        elif row["measure"] == "lookup":
            lookups.setdefault(key, {})[row["class"]] = int(row["ns"])
    print("The tables by themselves; look-ups in ns:")
    classes = list(next(iter(lookups.values())))
    print_table(["", "rows", "load s", "CPU s", "MB"] + classes, [[kind,
        rows, row["s"], row["cpu_s"], row["mb"]] + [lookups[kind, rows][name]
        for name in classes] for (kind, rows), row in loads.items()])
    for key, row in loads.items():
        name = "%s of %d rows" % key
        if key[1] in LOAD:
            seconds, megabytes = LOAD[key[1]]
            targets.at_most(name + ", load", float(row["cpu_s"]), seconds,
                " s")
            targets.at_most(name + ", memory", float(row["mb"]), megabytes,
                " MB", ".0f")
        targets.at_most(name + ", the slowest look-up", max(
            lookups[key].values()) / 1e6, LOOKUP_MS, " ms", ".4f")
    print()
    return found


def run(arguments):
    sizes = [1000, 100000] + ([] if arguments.quick else [1000000])
    targets, found = Targets(), {}
    with Scene("tables") as scene:
        alone = by_themselves(targets, sizes)
        keys = Keys(scene)
        one = Setup(keys, "ed25519")
        small = {kind: kind(scene, one).start()
            for kind in (Postern, OpenDkim) if kind.available}
        for rows in sizes:
            found[rows] = measure(scene, keys, small, rows, arguments)
            tell(rows, found[rows])
            check(targets, rows, found[rows]["postern"])
        targets.summary()
        write_json(arguments.json, {"alone": alone, "rows": found,
            "targets": targets.rows})
    return 0
