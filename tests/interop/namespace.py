"""namespace.py RECORDS DIRECTORY: runs opendkim-testmsg over the messages of a
directory with the key records of a JSON file as its DNS, and prints JSON:
{file name: [result]}.

opendkim-testmsg asks the name server in /etc/resolv.conf at port 53. Run by
"unshare --mount --net" this process has a loopback interface and a
resolv.conf of its own, so both can be had without touching the system's."""
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "lib"))

import netns  # noqa: E402

TXT = 16


def answer(query, records):
    """The DNS message that answers a TXT query from records."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    question = query[12:at + 5]
    record = records.get(".".join(labels).lower())
    flags = 0x8580 if record else 0x8583
    head = query[:2] + struct.pack(">HHHHH", flags, 1, 1 if record else 0, 0, 0)
    if not record:
        return head + question
    text = record.encode()
    parts = [text[i:i + 255] for i in range(0, len(text), 255)]
    data = b"".join(bytes([len(part)]) + part for part in parts)
    return head + question + struct.pack(">HHHIH", 0xc00c, TXT, 1, 60,
        len(data)) + data


def serve(sock, records):
    while True:
        query, peer = sock.recvfrom(4096)
        sock.sendto(answer(query, records), peer)


def testmsg(path):
    """opendkim-testmsg says nothing when all is well."""
    with open(path, "rb") as file:
        done = subprocess.run(["opendkim-testmsg", "-C"], stdin=file,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = done.stdout.decode("utf-8", "replace").strip()
    return "pass" if done.returncode == 0 and not text else text or str(
        done.returncode)


def main(table, directory):
    with open(table) as file:
        records = json.load(file)
    netns.raise_loopback()
    with tempfile.NamedTemporaryFile() as file:
        netns.ResolvConf(file.name)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 53))
    threading.Thread(target=serve, args=(sock, records), daemon=True).start()
    print(json.dumps({name: [testmsg(os.path.join(directory, name))]
        for name in sorted(os.listdir(directory))}))


if __name__ == "__main__":
    main(*sys.argv[1:])
