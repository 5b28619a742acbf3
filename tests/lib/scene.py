"""A scratch directory with real programs in it, all of which end with it.

    with Scene() as scene:
        scene.start(["nsd", "-d", ...])

Everything a test starts belongs to a scene: it lives below one mkdtemp
directory, listens on loopback ports nobody else has, and is stopped by its
process id when the scene is left, whatever the reason: return, exception,
SIGTERM, SIGINT or (by the kernel's parent-death signal) the test's SIGKILL.
"""
import atexit
import grp
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SRCDIR = os.environ.get("POSTERN_SRCDIR") or os.path.dirname(
    os.path.dirname(HERE))


def builddir():
    """Where the programs were built: said by make check and ./check; else the
    first place that has them."""
    named = os.environ.get("POSTERN_BUILDDIR")
    if named:
        return named
    places = [os.path.join(SRCDIR, "build", "check"), SRCDIR]
    for place in places:
        if os.access(os.path.join(place, "admin", "postern"), os.X_OK):
            return place
    raise RuntimeError("no built postern in " + ", ".join(places) +
        "; build first, or set POSTERN_BUILDDIR")


def program(name):
    """The path of a program of ours, by its place in the build tree."""
    path = os.path.join(builddir(), name)
    if not os.access(path, os.X_OK):
        raise RuntimeError(path + " is not built")
    return path


def is_sanitized(name):
    """Whether it was built to watch itself, which takes memory and time."""
    with open(program(name), "rb") as file:
        text = file.read()
    return b"__asan_init" in text or b"__tsan_init" in text


_copies = None


def for_anyone(path):
    """That program, or a copy of it where only root can get at it, as in a
    checkout that lies in root's home: for who runs it as another user."""
    global _copies
    parent = os.path.abspath(path)
    while parent != "/":
        parent = os.path.dirname(parent)
        if not os.stat(parent).st_mode & 0o001:
            break
    else:
        return path
    if _copies is None:
        _copies = tempfile.mkdtemp(prefix="postern-programs-")
        os.chmod(_copies, 0o755)
        atexit.register(shutil.rmtree, _copies, ignore_errors=True)
    copy = os.path.join(_copies, os.path.basename(path))
    if not os.path.exists(copy):
        shutil.copy(path, copy)
    return copy


def wait_until(condition, seconds=10, what="a condition", pause=0.02):
    """The first true value of condition(); TimeoutError says what for."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError("waited %g s for %s" % (seconds, what))
        time.sleep(pause)


def user_ids(user, group=None):
    """(uid, gid); the gid is the user's own where no group is named."""
    entry = pwd.getpwnam(user)
    return entry.pw_uid, grp.getgrnam(group).gr_gid if group else entry.pw_gid


def tail(path, lines=40):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:])
    except OSError as e:
        return str(e)


class Process:
    """One program in a process group of its own, its output in a file."""

    def __init__(self, argv, log, env=None, user=None, groups=(), cwd=None,
        umask=-1):
        self.name = os.path.basename(argv[0])
        self.log = log
        # The kernel tells the program when this process dies by SIGKILL.
        wrap = ["setpriv", "--pdeathsig", "TERM"]
        if user:
            uid, gid = user_ids(user)
            gids = [gid] + [grp.getgrnam(name).gr_gid for name in groups]
            wrap += ["--reuid", str(uid), "--regid", str(gid), "--groups",
                ",".join(str(g) for g in gids)]
            argv = [for_anyone(argv[0]), *argv[1:]]
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(wrap + ["--"] + list(argv), env=env,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd,
                umask=umask, start_new_session=True)
        self.pid = self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def signal(self, number):
        if self.running():
            os.kill(self.pid, number)

    def wait(self, seconds=10):
        """The exit status; TimeoutError with the log's end otherwise."""
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError("%s did not end within %g s:\n%s" %
                (self.name, seconds, tail(self.log))) from None

    def stop(self, seconds=10):
        """Ends it: SIGTERM, then SIGKILL to its whole group."""
        self.signal(signal.SIGTERM)
        try:
            self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return self.popen.wait()

    def report(self):
        """What a sanitizer it was built with had to say, or ""."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            text = log.read()
        found = re.search(r"(?m)^.*(: runtime error: "
            r"|(ERROR|WARNING): \w+Sanitizer: )", text)
        return text[found.start():][:8000] if found else ""


class Scene:
    """See the top of this file."""

    def __init__(self, name="scene"):
        self.dir = tempfile.mkdtemp(prefix="postern-%s-" % name)
        os.chmod(self.dir, 0o755)
        self.keep = bool(os.environ.get("POSTERN_KEEP_SCENES"))
        self._undo = []
        self._ports = set()
        self._closed = False
        self._reports = []
        self.on_close(self._remove)
        catch_signals()
        atexit.register(self.close)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Undoes everything in reverse order. May be called twice. Raises what
        a sanitizer found in a program."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        for undo in reversed(self._undo):
            try:
                undo()
            except Exception as e:  # the rest has to be undone all the same
                print("scene: %s" % e, file=sys.stderr)
        if self._reports:
            raise RuntimeError("\n".join(self._reports))

    def on_close(self, undo):
        self._undo.append(undo)

    def _remove(self):
        if self.keep:
            print("kept: " + self.dir, file=sys.stderr)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def mkdir(self, name, mode=0o755, user=None, group=None):
        path = self.path(name)
        os.makedirs(path, exist_ok=True)
        own(path, mode, user, group)
        return path

    def write(self, name, text, mode=0o644, user=None, group=None):
        """Puts a file in place at once, as an admin's editor would."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        data = text if isinstance(text, bytes) else text.encode()
        temporary = path + ".new"
        with open(temporary, "wb") as file:
            file.write(data)
        own(temporary, mode, user, group)
        os.rename(temporary, path)
        return path

    def port(self):
        """A loopback port free for TCP and UDP, never handed out twice. It is
        below the range the kernel takes ports of outgoing connections from."""
        while True:
            port = random.randrange(20000, 32000)
            if port not in self._ports and is_free(port):
                self._ports.add(port)
                return port

    def start(self, argv, log=None, **how):
        process = Process(argv,
            self.path(log or os.path.basename(argv[0]) + ".log"), **how)
        self.on_close(lambda: self._end(process))
        return process

    def _end(self, process):
        process.stop()
        report = process.report()
        if report and report not in self._reports:
            self._reports.append(report)

    def run(self, argv, check=True, seconds=60, **how):
        """A short command; its CompletedProcess, output as text."""
        done = subprocess.run(argv, stdin=how.pop("stdin", subprocess.DEVNULL)
            if "input" not in how else None, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=seconds, **how)
        done.stdout = done.stdout.decode("utf-8", "replace")
        done.stderr = done.stderr.decode("utf-8", "replace")
        if check and done.returncode != 0:
            raise RuntimeError("%s: exit status %d\n%s%s" % (" ".join(argv),
                done.returncode, done.stdout, done.stderr))
        return done


def own(path, mode, user=None, group=None):
    if user or group:
        uid, gid = user_ids(user, group) if user else (-1,
            grp.getgrnam(group).gr_gid)
        os.chown(path, uid, gid)
    os.chmod(path, mode)


def is_free(port):
    for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
        with socket.socket(socket.AF_INET, kind) as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def catch_signals():
    """A signal that would end us has to pass atexit."""
    for number in signal.SIGTERM, signal.SIGHUP:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, lambda n, _: sys.exit(128 + n))
