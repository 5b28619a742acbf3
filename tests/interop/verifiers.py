"""What others say to our signatures. Each verifier takes a directory full of
messages at once and yields {file name: [result of each signature]}; "pass" is
the one good result."""
import json
import os
import re
import subprocess
import sys

import dkim

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))

from dnsserver import DnsServer  # noqa: E402
from scene import program  # noqa: E402


def paths(directory):
    return [os.path.join(directory, name)
        for name in sorted(os.listdir(directory))]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def signature_fields(data):
    """The DKIM-Signature fields' values, topmost first."""
    head = re.split(rb"(?m)^\r\n", data, maxsplit=1)[0]
    return re.findall(rb"(?ims)^DKIM-Signature:(.*?\r\n)(?![ \t])", head)


def by_postern(directory, records, wanted=lambda name: True):
    """"postern message verify", of the files that are wanted. Where it says
    no, with the reason."""
    conf = directory.rstrip("/") + ".conf"
    with open(conf, "w") as file:
        file.write("Checks dkim\n")
    with DnsServer() as server:
        for name, record in records.items():
            server.add(name, "TXT", record.encode())
        return {os.path.basename(path): postern_results(path, conf,
            server.address) for path in paths(directory)
            if wanted(os.path.basename(path))}


def postern_results(path, conf, nameserver):
    done = subprocess.run([program("admin/postern"), "message", "verify",
        "--json", "-c", conf, "--nameserver", nameserver, "--client-addr",
        "192.0.2.10", "--helo", "client.example", "--mail-from", "", path],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        results = json.loads(done.stdout)["dkim"]
    except ValueError:
        return ["exit %d: %s" % (done.returncode, done.stderr.decode())]
    return [each["result"] if each["result"] == "pass" else "%s (%s)" %
        (each["result"], each["reason"]) for each in results]


def by_dkimpy(directory, records):
    """dkimpy; records: {name: record}. RSA and Ed25519 (with PyNaCl)."""
    def txt(name, timeout=5):
        return records.get(name.decode().rstrip(".").lower(), "").encode()
    return {os.path.basename(path): dkimpy_results(read(path), txt)
        for path in paths(directory)}


def dkimpy_results(data, txt):
    results = []
    for i in range(len(signature_fields(data))):
        try:
            ok = dkim.DKIM(data).verify(idx=i, dnsfunc=txt)
            results.append("pass" if ok else "fail")
        except dkim.DKIMException as e:
            results.append(str(e))
    return results


def by_mail_dkim(directory, records):
    """Perl's Mail::DKIM; RSA and Ed25519 (with CryptX)."""
    table = directory.rstrip("/") + ".records"
    with open(table, "w") as file:
        for name, record in records.items():
            file.write("%s\t%s\n" % (name, record))
    files = paths(directory)
    done = subprocess.run(["perl", os.path.join(HERE, "mail_dkim.pl"), table],
        input="".join(path + "\n" for path in files).encode(),
        stdout=subprocess.PIPE, check=True, timeout=200)
    lines = done.stdout.decode().split("\n")[:-1]
    return {os.path.basename(path): line.split(",") if line else []
        for path, line in zip(files, lines, strict=True)}


def by_testmsg(directory, records):
    """opendkim-testmsg. It asks the system's resolver, so it runs where that
    is ours (see namespace.py). PermissionError where that cannot be had."""
    table = directory.rstrip("/") + ".json"
    with open(table, "w") as file:
        json.dump(records, file)
    done = subprocess.run(["unshare", "--mount", "--net", sys.executable,
        os.path.join(HERE, "namespace.py"), table, directory],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=200)
    if done.returncode != 0:
        kind = PermissionError if b"unshare:" in done.stderr else RuntimeError
        raise kind(done.stderr.decode().strip())
    return json.loads(done.stdout)
