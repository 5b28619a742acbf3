"""The published messages with DKIM signatures, where they lie beside the tree:
each by "postern message verify --json" against a DNS server with its keys."""
import json
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))

from dnsserver import DnsServer  # noqa: E402
from scene import SRCDIR, Scene, program  # noqa: E402

SUITE = os.path.join(SRCDIR, "..", "shared", "suites", "dkim")
NOW = 1700000000

# What a message as a whole may come to, by what its row expects: "invalid" is
# what cannot be judged.
MEANINGS = {
    "pass": {"pass"},
    "fail": {"fail"},
    "invalid": {"permerror", "temperror"},
    "not-pass": {"fail", "policy", "neutral", "permerror"},
    "none": {"none"},
}


def results(scene, server, row):
    done = subprocess.run([program("admin/postern"), "message", "verify",
        "--json", "-c", scene.write("verify.conf", "Checks dkim\n"),
        "--nameserver", server.address, "--client-addr", "192.0.2.1",
        "--helo", "mx.example", "--mail-from", "", "--at",
        str(row.get("check_at", NOW)), os.path.join(SUITE, row["file"])],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        found = json.loads(done.stdout)["dkim"]
    except ValueError:
        return ["exit %d: %s" % (done.returncode, done.stderr.decode())]
    return [each["result"] for each in found] or ["none"]


def add_keys(server, row):
    for name, record in row["dns"].items():
        if isinstance(record, str):
            server.add(name, "TXT", record.encode())
        elif record is not None:
            server.flaw(name, "servfail")


def is_expected(row, got):
    """The best signature counts."""
    want = row.get("expected_now") or row["expected"]
    return ("pass" in got) == (want == "pass") and bool(
        MEANINGS[want] & set(got))


@unittest.skipUnless(os.path.exists(os.path.join(SUITE, "manifest.json")),
    "no conformance data at ../shared/suites")
class Suite(unittest.TestCase):
    def test_messages(self):
        with open(os.path.join(SUITE, "manifest.json"),
                encoding="utf-8") as file:
            rows = json.load(file)["messages"]
        problems = []
        with Scene("dkim-suite") as scene:
            for row in rows:
                with DnsServer() as server:
                    add_keys(server, row)
                    got = results(scene, server, row)
                if not is_expected(row, got):
                    problems.append("%s: %s" % (row["file"], got))
        self.assertFalse(problems, "%d of %d" % (len(problems), len(rows)))
        self.assertGreaterEqual(len(rows), 3)


if __name__ == "__main__":
    unittest.main()
