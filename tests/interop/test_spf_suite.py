"""The openspf test suites of RFC 7208, where they lie beside the tree: each row
by "postern spf --json" against a DNS server that holds the scenario's zone."""
import concurrent.futures
import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))

from dnsserver import DnsServer, mx_data, name_data, txt_data  # noqa: E402
from scene import SRCDIR, program  # noqa: E402

SUITES = os.path.join(SRCDIR, "..", "shared", "suites", "spf-rfc7208.json")
AT_ONCE = 8


def octets(text):
    """The suite's strings are bytes that were read as Latin-1; what that
    cannot hold is UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8")


def data_of(record):
    kind = record["type"]
    if kind == "TXT":
        return txt_data(*([octets(s) for s in record["strings"]] or [b""]))
    if kind == "MX":
        return mx_data(record["preference"], record["exchange"])
    return name_data(record["target"])


def fill(server, zone):
    for name, records in zone.items():
        server.note(tuple(octets(name.lower()).rstrip(b".").split(b".")))
        seen = set()
        for record in records:
            kind = record.get("type")
            if record.get("timeout"):
                silence(server, name, kind, seen)
                continue
            seen.add(kind)
            if kind in ("A", "AAAA"):
                server.add(octets(name), kind, record["address"])
            elif kind != "SPF":
                server.add_raw(octets(name), kind, data_of(record))
    # As in pyspf's driver.
    server.flaw("*.error", "silent")


def silence(server, name, kind, seen):
    """A time-out without a type is for all types that no earlier record of
    the list has answered."""
    for each in [kind] if kind else ["A", "AAAA", "MX", "TXT", "PTR"]:
        if each not in seen and each != "SPF":
            server.flaw(octets(name), "silent", kind=each)


def scenarios():
    with open(SUITES, encoding="utf-8") as file:
        for suite in json.load(file)["suites"]:
            yield from suite["scenarios"]


def check(server, test):
    """What the command says to a row."""
    done = subprocess.run([program("admin/postern"), "spf", "--json",
        "--client-addr", test["host"], "--helo", octets(test["helo"]),
        "--mail-from", octets(test["mailfrom"]), "--nameserver",
        server.address, "--timeout", "1"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    try:
        return json.loads(done.stdout)
    except ValueError:
        return {"result": "exit %d" % done.returncode, "explanation":
            done.stderr.decode(errors="replace"), "reason": ""}


def problem(test, got):
    """Why an outcome is not the row's; None where it is."""
    if got["result"] not in test["result"]:
        return "%s (%s), not %s" % (got["result"], got["reason"],
            " or ".join(test["result"]))
    want = test.get("explanation")
    if want is None or got["result"] != "fail":
        return None
    # Ours has no text of its own: it says nothing then.
    want = "" if want == "DEFAULT" else want
    return None if got["explanation"] == want else \
        "explanation %r, not %r" % (got["explanation"], want)


@unittest.skipUnless(os.path.exists(SUITES),
    "no conformance data at ../shared/suites")
class SpfSuite(unittest.TestCase):
    def test_rows(self):
        problems, rows = [], 0
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for scenario in scenarios():
                with DnsServer(ttl=0) as server:
                    fill(server, scenario["zonedata"])
                    tests = scenario["tests"]
                    outcomes = pool.map(lambda t: check(server, t), tests)
                    for test, got in zip(tests, outcomes):
                        rows += 1
                        why = problem(test, got)
                        if why:
                            problems.append("%s / %s: %s" % (
                                scenario["description"], test["name"], why))
        self.assertFalse(problems, "%d of %d rows:\n%s" % (len(problems),
            rows, "\n".join(problems)))
        self.assertGreaterEqual(rows, 203)


if __name__ == "__main__":
    unittest.main()
