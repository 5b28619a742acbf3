"""A network and a resolv.conf of one's own, for programs that ask the system's
name server at port 53 and cannot be told another.

    netns.enter()                       # as root; begins this program anew
    conf = netns.ResolvConf(scene.path("resolv.conf"))
    conf.set("127.0.0.2")               # for programs started from now on

In the namespace there is the loopback interface and nothing else; sockets that
are files work across. Nothing of the system's is changed.
"""
import fcntl
import os
import socket
import struct
import subprocess
import sys

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
INSIDE = "POSTERN_TEST_NAMESPACE"


def available():
    """Whether enter() can do it: whether we are root and the kernel lets us."""
    return os.environ.get(INSIDE) == "yes" or os.geteuid() == 0 and \
        subprocess.run(["unshare", "--mount", "--net", "true"],
            stderr=subprocess.DEVNULL).returncode == 0


def enter():
    """Returns in the namespace; until then the program is executed again."""
    if os.environ.get(INSIDE) != "yes":
        os.environ[INSIDE] = "yes"
        os.execvp("unshare", ["unshare", "--mount", "--net", "--",
            sys.executable, *sys.argv])
    raise_loopback()


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


class ResolvConf:
    """Makes a file the /etc/resolv.conf of this namespace."""

    def __init__(self, path):
        self.path = path
        self.set("127.0.0.1")
        os.chmod(path, 0o644)
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        subprocess.run(["mount", "--bind", path,
            os.path.realpath("/etc/resolv.conf")], check=True)

    def set(self, address):
        with open(self.path, "w") as file:      # the mount is of this inode
            file.write("nameserver %s\n" % address)
