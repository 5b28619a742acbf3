"""The life of a daemon: how it starts, what it refuses, how it reloads, how it
ends. The filter behind it is testmilter."""
import os
import pwd
import re
import signal
import socket
import stat
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from filterd import Filter
from milter import Lost
from scene import Scene, for_anyone, own, program, tail, wait_until

USAGE, UNAVAILABLE, CANNOT_CREATE, NO_PERMISSION, CONFIG = 64, 69, 73, 77, 78


def is_root():
    return os.getuid() == 0


class Case(unittest.TestCase):
    def setUp(self):
        self.scene = Scene("daemon")
        self.addCleanup(self.scene.close)
        self.filter = Filter(self.scene)

    def run_it(self, *options, conf=True, **how):
        """It ends by itself: (status, stdout, stderr)."""
        argv = [program("tests/daemon/testmilter"), *options]
        if conf:
            argv += ["-c", self.filter.conf]
        done = self.scene.run(argv, check=False, **how)
        return done.returncode, done.stdout, done.stderr

    def refuses(self, status, *words, options=("-f",)):
        got, _, said = self.run_it(*options)
        self.assertEqual(got, status, said)
        for word in words:
            self.assertIn(word, said)

    def serves(self):
        with self.filter.mta() as mta:
            mta.greet()
            self.assertEqual(mta.send().verdict, "accept")


class Options(Case):
    def test_usage(self):
        for options in (["-x"], ["--nonsense"], ["extra"], ["-c"]):
            with self.subTest(options=options):
                status, _, said = self.run_it(*options, conf=False)
                self.assertEqual(status, USAGE)
                self.assertIn("usage: testmilter", said)

    def test_version_and_help(self):
        for option in "-V", "--version":
            self.assertRegex(self.run_it(option, conf=False)[1],
                r"^testmilter \d+\.\d+")
        for option in "-h", "--help":
            status, said, _ = self.run_it(option, conf=False)
            self.assertEqual(status, 0)
            self.assertIn("--show-config", said)

    def test_show_config(self):
        self.filter.configure(Token="here", MilterTimeout="5m")
        status, said, _ = self.run_it("--show-config")
        self.assertEqual(status, 0)
        line = list(self.filter.settings).index("Token") + 1
        self.assertRegex(said, r"(?m)^Token +here +# %s:%d$" %
            (self.filter.conf, line))
        self.assertRegex(said, r"(?m)^SocketMode +0660 +# default$")
        self.filter.configure(Tocken="x")
        self.assertEqual(self.run_it("--show-config")[0], CONFIG)

    def test_check(self):
        self.assertEqual(self.run_it("-n")[0], 0)
        self.filter.configure(AtMail="nonsense", Tocken="x",
            Socket="unix:relative", SyslogFacility="nowhere",
            SocketGroup="no-such-group")
        status, _, said = self.run_it("-n")
        self.assertEqual(status, CONFIG)
        for word in ('no verdict: "nonsense"', "Tocken", "Socket: the path",
            "SyslogFacility: unknown", "no-such-group",
            "%s:1: " % self.filter.conf):
            self.assertIn(word, said)
        # nothing is made by a check
        self.assertEqual(os.listdir(self.filter.dir), [])

    def test_no_configuration(self):
        self.filter.conf = self.scene.path("missing.conf")
        for option in "-n", "-f":
            self.refuses(CONFIG, "missing.conf", options=[option])

    def test_sockets(self):
        """What is no socket, and what to write instead."""
        for text, word in (
            ("inet:127.0.0.1:8891", "inet:8891@127.0.0.1"),
            ("inet:99999@127.0.0.1", "0 to 65535"),
            ("inet:@127.0.0.1", "0 to 65535"),
            ("unix:sock", 'starts with "/"'),
            ("/" + "x" * 200, "at most 107"),
            ("tcp:1@h", "inet:port@address"),
            ("8891", "inet:port@address"),
            (None, "Socket: not set"),
        ):
            with self.subTest(text=text):
                self.filter.configure(Socket=text)
                self.refuses(CONFIG, word, options=["-n"])
                self.refuses(CONFIG, word, options=["-f"])


class Sockets(Case):
    def test_stale(self):
        """kill -9 leaves a socket file; the next start takes it over."""
        self.filter.start()
        self.filter.process.signal(signal.SIGKILL)
        self.filter.process.wait()
        self.assertTrue(os.path.exists(self.filter.socket))
        began = time.monotonic()
        self.filter.start()
        self.assertLess(time.monotonic() - began, 1)
        self.serves()

    def test_second_instance(self):
        self.filter.start()
        self.refuses(UNAVAILABLE, self.filter.socket, "another program")
        self.serves()

    def test_race(self):
        """Of many that start at once over a stale socket one serves, the
        others say so."""
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.filter.socket)
        argv = [program("tests/daemon/testmilter"), "-f", "-c",
            self.filter.conf]
        all_of_them = [self.scene.start(argv, log="race%d" % i)
            for i in range(8)]
        wait_until(lambda: sum(not p.running() for p in all_of_them) == 7)
        self.assertEqual([p.wait() for p in all_of_them if not p.running()],
            [UNAVAILABLE] * 7)
        self.serves()

    def test_not_a_socket(self):
        with open(self.filter.socket, "w") as file:
            file.write("precious")
        self.refuses(CANNOT_CREATE, self.filter.socket, "not a socket")
        with open(self.filter.socket) as file:
            self.assertEqual(file.read(), "precious")

    def test_no_directory(self):
        missing = self.scene.path("missing")
        self.filter.configure(Socket="unix:" + missing + "/sock")
        self.refuses(CANNOT_CREATE, missing, "install -d")
        status, _, said = self.run_it("-n")
        self.assertEqual(status, 0)
        self.assertIn("%s:1: warning: Socket: %s" % (self.filter.conf,
            missing), said)

    def test_mode(self):
        for mode in "0600", "0660", "0666":
            self.filter.configure(SocketMode=mode, UMask="0777",
                CountersFile=None)
            self.filter.start()
            self.assertEqual(stat.S_IMODE(os.stat(self.filter.socket).st_mode),
                int(mode, 8))
            self.filter.stop()
            self.assertFalse(os.path.exists(self.filter.socket))

    def test_tcp(self):
        for text in "inet:%d@127.0.0.1", "inet:%d@localhost":
            with self.subTest(text=text):
                port = self.scene.port()
                self.filter.configure(Socket=text % port)
                self.filter.start()
                self.serves()
                self.refuses(UNAVAILABLE, str(port))
                self.assertEqual(self.filter.stop(), 0)

    def test_tcp6(self):
        port = self.scene.port()
        self.filter.configure(Socket="inet6:%d@::1" % port)
        self.filter.start()
        self.serves()

    def test_another_ones_socket(self):
        """What came in our place is not removed at the end."""
        self.filter.start()
        os.unlink(self.filter.socket)
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.filter.socket)
            self.assertEqual(self.filter.stop(), 0)
            self.assertTrue(os.path.exists(self.filter.socket))

    @unittest.skipUnless(is_root(), "needs root")
    def test_unreachable(self):
        own(self.filter.dir, 0o700, "nobody")
        self.filter.configure(SocketGroup="daemon", UserID="nobody")
        self.filter.start()
        self.filter.wait_log(self.filter.dir + ".*cannot enter")


@unittest.skipUnless(is_root(), "needs root")
class Privileges(Case):
    def status(self):
        with open("/proc/%d/status" % self.filter.process.pid) as file:
            rows = [line.split() for line in file]
        return {row[0]: row[1:] for row in rows}

    def test_drop(self):
        own(self.filter.dir, 0o755, "nobody")
        pid_dir = self.scene.mkdir("pids", 0o755)
        self.filter.configure(UserID="nobody:daemon", SocketGroup="mail",
            PidFile=pid_dir + "/pid")
        self.filter.start()
        nobody = str(pwd.getpwnam("nobody").pw_uid)
        self.assertEqual(self.status()["Uid:"], [nobody] * 4)
        self.assertEqual(self.status()["Gid:"], ["1"] * 4)
        self.assertEqual(self.status()["CapEff:"], ["0" * 16])
        self.assertEqual(self.status()["CapPrm:"], ["0" * 16])
        st = os.stat(self.filter.socket)
        self.assertEqual((st.st_uid, st.st_gid), (int(nobody), 8))
        with open(pid_dir + "/pid") as file:
            self.assertEqual(int(file.read()), self.filter.process.pid)
        # a reload sees what the start saw
        self.filter.reload()
        self.assertNotIn("refused", self.filter.log())
        self.assertEqual(self.filter.stop(), 0)
        self.assertFalse(os.path.exists(self.filter.socket))

    def test_configuration_only_root_can_read(self):
        own(self.filter.conf, 0o600, "root")
        self.filter.configure(UserID="nobody")
        own(self.filter.conf, 0o600, "root")
        for option in "-n", "-f":
            self.refuses(CONFIG, self.filter.conf, "denied", "must be able",
                options=[option])

    def test_refused_users(self):
        for user, status, word in ((None, NO_PERMISSION, "UserID: not set"),
            ("no-such-user", NO_PERMISSION, "no-such-user"),
            ("nobody:no-such-group", NO_PERMISSION, "no-such-group")):
            with self.subTest(user=user):
                self.filter.configure(UserID=user)
                self.refuses(status, word)
                self.refuses(CONFIG, word, options=["-n"])

    def test_root_insisted(self):
        self.filter.configure(UserID="root")
        self.filter.start()
        self.filter.wait_log("runs as root")

    def test_cannot_become(self):
        self.filter.configure(UserID="mail")
        done = self.scene.run([for_anyone(program("tests/daemon/testmilter")),
            "-f", "-c", self.filter.conf], check=False, user="nobody")
        status, said = done.returncode, done.stderr
        self.assertEqual(status, NO_PERMISSION, said)
        self.assertIn("only root can become another user", said)

    def test_without_root(self):
        own(self.filter.dir, 0o755, "nobody")
        for user in None, "nobody":
            self.filter.configure(UserID=user)
            self.filter.start(user="nobody")
            self.serves()
            self.assertEqual(self.filter.stop(), 0)


class Background(Case):
    def setUp(self):
        super().setUp()
        self.pid_file = os.path.join(self.filter.dir, "pid")
        self.filter.configure(PidFile=self.pid_file, LogTarget="stderr")

    def test_start(self):
        """The command returns when the daemon serves, its pid in the file."""
        status, _, said = self.run_it()
        self.assertEqual(status, 0, said)
        with open(self.pid_file) as file:
            pid = int(file.read())
        self.scene.on_close(lambda: os.path.exists("/proc/%d" % pid) and
            os.kill(pid, signal.SIGKILL))
        self.serves()
        self.assertEqual(os.readlink("/proc/%d/cwd" % pid), "/")
        self.assertEqual(os.readlink("/proc/%d/fd/2" % pid), "/dev/null")
        self.assertEqual(os.getsid(pid), pid)
        self.assertIn("serves", said)
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not os.path.exists(self.pid_file))
        wait_until(lambda: not os.path.exists("/proc/%d" % pid))

    def test_failure(self):
        """What is wrong is on the terminal, and the status says so."""
        self.filter.configure(AtMail="nonsense")
        self.refuses(CONFIG, "nonsense", options=[])
        self.filter.configure(AtMail=None,
            PidFile=self.scene.path("missing/pid"))
        self.refuses(CANNOT_CREATE, "missing/pid", options=[])
        self.assertFalse(os.path.exists(self.filter.socket))


class Systemd(Case):
    def test_states(self):
        self.filter.start()
        self.filter.reload()
        self.assertEqual(self.filter.told(b"RELOADING=1"), 1)
        stamp = [s for s in self.filter.states
            if s.startswith(b"MONOTONIC_USEC=")]
        now = time.clock_gettime(time.CLOCK_MONOTONIC)
        self.assertLess(abs(now - int(stamp[0].split(b"=")[1]) / 1e6), 10)
        self.filter.stop()
        wait_until(lambda: self.filter.told(b"STOPPING=1") == 1)

    def test_refused_reload(self):
        self.filter.start()
        self.filter.configure(AtMail="nonsense")
        self.filter.reload()
        self.assertTrue(any(s.startswith(b"STATUS=Serving with the old")
            for s in self.filter.states))

    def test_nobody_reads(self):
        """What systemd does not read delays us a moment, no more."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as unread:
            unread.bind(self.scene.path("unread"))
            self.filter.start(False,
                env={"NOTIFY_SOCKET": self.scene.path("unread")})
            self.filter.wait_log("serves")
            for _ in range(20):
                self.filter.process.signal(signal.SIGHUP)
                time.sleep(0.02)
            self.serves()
            self.assertEqual(self.filter.stop(10), 0)

    def test_watchdog(self):
        self.filter.start(env={"WATCHDOG_USEC": "200000"})
        time.sleep(1)
        self.assertGreaterEqual(self.filter.told(b"WATCHDOG=1"), 5)
        self.assertLessEqual(self.filter.told(b"WATCHDOG=1"), 20)

    def test_watchdog_during_reload(self):
        """A reload that takes longer than the watchdog waits does no harm."""
        self.filter.start(env={"WATCHDOG_USEC": "200000"})
        self.filter.configure(LoadPause="2")
        before = self.filter.told(b"WATCHDOG=1")
        self.filter.reload()
        self.assertGreaterEqual(self.filter.told(b"WATCHDOG=1") - before, 10)


class Reload(Case):
    def test_broken(self):
        """All or nothing, with file and line; nothing is lost meanwhile."""
        self.filter.configure(Token="good", Echo="yes")
        self.filter.start()
        self.filter.configure(Token="bad", Tocken="x")
        self.filter.reload()
        self.assertIn("%s:%d: error" % (self.filter.conf,
            list(self.filter.settings).index("Tocken") + 1),
            self.filter.log())
        self.assertIn("reload refused", self.filter.log())
        with self.filter.mta() as mta:
            mta.greet()
            self.assertIn(b"token=good", mta.send().inserted()[b"X-Echo"])
        self.filter.configure(Tocken=None)
        self.filter.reload()
        with self.filter.mta() as mta:
            mta.greet()
            self.assertIn(b"token=bad", mta.send().inserted()[b"X-Echo"])
        self.filter.stop()
        self.assertEqual(self.filter.count('reloads_total{result="ok"}'), 1)
        self.assertEqual(self.filter.count('reloads_total{result="failed"}'),
            1)
        self.assertEqual(self.filter.count("last_reload_successful"), 1)

    def test_needs_restart(self):
        self.filter.start()
        first = self.filter.settings["Socket"]
        self.filter.configure(Socket="unix:/tmp/elsewhere", SocketMode="0600")
        for _ in range(2):
            self.filter.reload()
        log = self.filter.log()
        self.assertEqual(log.count("Socket: the new value counts after a "
            "restart only"), 2, log)
        self.assertEqual(log.count("SocketMode: the new value"), 2)
        self.filter.configure(Socket=first, SocketMode=None)
        self.filter.reload()
        self.assertEqual(self.filter.log(), log + self.filter.log()[len(log):])
        self.assertNotIn("the new value", self.filter.log()[len(log):])

    def test_symbolic_link(self):
        """A configuration that is a link may lead elsewhere at the reload."""
        real, link = self.filter.conf, self.scene.path("link.conf")
        os.symlink(real, link)
        self.filter.conf = os.path.relpath(link, "/")     # it starts in /
        self.filter.start()
        with open(real) as file:
            self.scene.write("other.conf", file.read() + "Token other\n")
        os.unlink(link)
        os.symlink(self.scene.path("other.conf"), link)
        self.filter.reload()
        self.filter.reload()
        self.filter.wait_log("unloads other")

    def test_log_settings(self):
        self.filter.start()
        self.filter.configure(LogTarget="json")
        self.filter.reload()
        self.assertIn('"message": "configuration reloaded in',
            self.filter.log())
        self.filter.configure(LogLevel="error")
        self.filter.reload()
        size = len(self.filter.log())
        self.filter.reload()
        self.assertEqual(len(self.filter.log()), size)

    def test_counters_file(self):
        self.filter.start()
        old = self.filter.settings["CountersFile"]
        self.filter.configure(CountersFile=old + "2")
        self.filter.reload()
        self.filter.stop()
        self.assertTrue(os.path.exists(old + "2"))

    def test_under_load(self):
        """Signals without end while messages pass: none is lost."""
        self.filter.configure(Rows="20000")
        self.filter.start()
        load = self.scene.start([program("tests/bench/milterload"), "-S",
            self.filter.settings["Socket"], "-c", "8", "-t", "3"],
            log="load", env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        while load.running():
            self.filter.process.signal(signal.SIGHUP)
            time.sleep(0.01)
        self.assertEqual(load.wait(), 0, tail(load.log))
        self.filter.stop()
        self.assertGreater(self.filter.count('reloads_total{result="ok"}'),
            20)
        self.assertEqual(self.filter.count("messages_begun_total"),
            self.filter.count("messages_done_total"))

    def test_other_signals(self):
        self.filter.start()
        for number in signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE:
            self.filter.process.signal(number)
        self.serves()


class Counters(Case):
    def test_disk(self):
        """A file that cannot be written is told once, mail goes on."""
        self.filter.configure(CountersFile=self.scene.path("missing/counters"))
        self.filter.start()
        self.filter.wait_log("CountersFile: .*missing/counters.*; make the "
            "directory " + self.scene.path("missing"))
        self.serves()
        self.scene.mkdir("missing", 0o777)
        self.filter.reload()
        self.filter.stop()
        log = self.filter.log()
        self.assertEqual(log.count("cannot be written"), 1)
        self.assertEqual(log.count("is written again"), 1)
        self.assertEqual(self.filter.count("sessions_total"), 1)


class Stop(Case):
    def sessions(self):
        """One in each state: idle, in a header, in a body, between messages."""
        idle, header, body, between = [self.filter.mta() for _ in range(4)]
        for mta in idle, header, body, between:
            mta.greet()
        for mta in header, body:
            mta.mail()
            mta.rcpt()
            mta.header("From", " a@b.c")
        body.eoh()
        body.body(b"x" * 100000)
        self.assertEqual(between.send().verdict, "accept")
        return idle, header, body, between

    def end(self):
        self.filter.process.signal(signal.SIGTERM)
        self.filter.wait_log("stopping: ")
        wait_until(lambda: not os.path.exists(self.filter.socket))

    def test_open_sessions(self):
        """None is cut, none comes in, the next instance may start."""
        self.filter.start()
        idle, header, body, between = self.sessions()
        self.end()
        with self.assertRaises(OSError):
            self.filter.connection()
        other = Filter(self.scene, "other")
        other.configure(Socket=self.filter.settings["Socket"])
        other.start()
        body.body(b"y" * 1000)
        self.assertEqual(body.eom().verdict, "accept")
        header.header("Subject", " late")
        self.assertEqual(header.eoh().verdict, "continue")
        self.assertEqual(header.eom().verdict, "accept")
        self.assertEqual(idle.send().verdict, "accept")
        self.assertEqual(between.send().verdict, "accept")
        self.assertTrue(self.filter.process.running())
        for mta in idle, header, body, between:
            mta.quit()
            mta.close()
        self.assertEqual(self.filter.process.wait(2), 0)
        self.assertEqual(self.filter.count("handled_total"), 5)
        with other.mta() as mta:        # its socket is still there
            mta.greet()
            self.assertEqual(mta.send().verdict, "accept")

    def test_second_signal(self):
        self.filter.start()
        idle = self.sessions()[0]
        self.end()
        self.assertTrue(self.filter.process.running())
        self.filter.process.signal(signal.SIGTERM)
        self.assertEqual(self.filter.process.wait(1), 0)
        self.assertIn("4 sessions were cut", self.filter.log())
        with self.assertRaises((Lost, OSError)):
            idle.send()
        self.assertEqual(self.filter.count("handled_total"), 1)

    def test_patience_ends(self):
        self.filter.start()
        self.sessions()
        began = time.monotonic()
        self.end()
        self.assertEqual(self.filter.process.wait(40), 0)
        self.assertAlmostEqual(time.monotonic() - began, 30, delta=3)

    def test_under_load(self):
        """Who got through at all gets an answer: no session is cut."""
        for address in "unix:" + self.filter.socket, "inet:%d@127.0.0.1" % \
                self.scene.port():
            with self.subTest(address=address):
                self.filter.configure(Socket=address)
                self.filter.start()
                lost, answered = [], []
                threads = [threading.Thread(target=self.hammer,
                    args=(lost, answered)) for _ in range(8)]
                for thread in threads:
                    thread.start()
                wait_until(lambda: len(answered) > 100)
                self.filter.process.signal(signal.SIGTERM)
                for thread in threads:
                    thread.join()
                self.assertEqual(self.filter.process.wait(10), 0)
                self.assertEqual(lost, [])

    def hammer(self, lost, answered):
        while True:
            try:
                mta = self.filter.connection()
            except OSError:
                return      # it has stopped
            try:
                mta.negotiate()
                mta.greet()
                self.assertEqual(mta.send(body=b"x" * 100000).verdict,
                    "accept")
                answered.append(1)
            except (Lost, OSError) as e:
                lost.append(repr(e))
            finally:
                mta.close()

    def test_reload_and_stop_together(self):
        """Signals that come at the same moment are each obeyed."""
        for _ in range(20):
            self.filter.start()
            with self.filter.mta() as mta:
                mta.greet()
                mta.mail()
                self.filter.process.signal(signal.SIGHUP)
                self.filter.process.signal(signal.SIGTERM)
                mta.rcpt()
                mta.header("From", " a@b.c")
                self.assertEqual(mta.eoh().verdict, "continue")
                self.assertEqual(mta.eom().verdict, "accept")
            self.assertEqual(self.filter.process.wait(5), 0)

    def test_interrupt(self):
        self.filter.start()
        self.filter.process.signal(signal.SIGINT)
        self.assertEqual(self.filter.process.wait(5), 0)


class Hooks(Case):
    """What a filter does beside its messages: serve, tick, stop."""

    def setUp(self):
        super().setUp()
        self.filter.configure(Token="one", LogLevel="debug")

    def said(self, pattern=r"serve|stop|unloads|tick"):
        """The hooks' lines in order, ticks once where they follow."""
        found = re.findall(r"(?m)^(?:<\d>)?((?:%s) \S+)$" % pattern,
            self.filter.log())
        return [line for i, line in enumerate(found)
            if i == 0 or line != found[i - 1] or "tick" not in line]

    def test_life(self):
        self.filter.start()
        self.assertLess(self.filter.log().index("serve one"),
            self.filter.log().index("serves unix:"))
        self.filter.wait_log("tick one")
        self.filter.configure(Token="two")
        self.filter.reload()
        self.filter.wait_log("tick two")
        self.assertEqual(self.filter.stop(), 0)
        self.assertEqual(self.said(), ["serve one", "tick one", "serve two",
            "unloads one", "tick two", "stop two"])

    def test_ticks(self):
        """About one a second, counted among the filter's own."""
        self.filter.start()
        began = time.monotonic()
        time.sleep(3.2)
        self.filter.stop()
        took = time.monotonic() - began
        self.assertGreaterEqual(self.filter.count("ticks_total"), 3)
        self.assertLessEqual(self.filter.count("ticks_total"), took + 2)

    def test_before_the_first_session(self):
        """Who connects early waits until the filter is ready."""
        self.filter.configure(ServePause="2")
        self.filter.start(wait=False)
        wait_until(lambda: os.path.exists(self.filter.socket))
        with self.filter.mta():
            self.assertIn("serve one", self.filter.log())

    def test_refused_reload(self):
        self.filter.start()
        self.filter.configure(Token="two", AtMail="nonsense")
        self.filter.reload()
        self.filter.stop()
        self.assertEqual(self.said("serve|stop"), ["serve one", "stop one"])

    def test_stop_after_the_last_session(self):
        self.filter.start()
        with self.filter.mta() as mta:
            mta.greet()
            self.filter.process.signal(signal.SIGTERM)
            self.filter.wait_log("stopping: ")
            self.assertEqual(mta.send().verdict, "accept")
            self.assertEqual(self.said("stop"), [])
        self.assertEqual(self.filter.process.wait(5), 0)
        self.assertEqual(self.said("stop"), ["stop one"])

    def test_cut(self):
        self.filter.start()
        with self.filter.mta() as mta:
            mta.greet()
            self.filter.process.signal(signal.SIGTERM)
            self.filter.wait_log("stopping: ")
            self.filter.process.signal(signal.SIGTERM)
            self.assertEqual(self.filter.process.wait(5), 0)
        self.assertIn("1 sessions were cut", self.filter.log())
        self.assertEqual(self.said("stop"), ["stop one"])

    def test_slow_reload(self):
        """Ticks do not meet a serve that takes its time, and a stop waits for
        it; the watchdog is fed meanwhile."""
        self.filter.start(env={"WATCHDOG_USEC": "200000"})
        self.filter.configure(Token="two", ServePause="3")
        self.filter.process.signal(signal.SIGHUP)
        wait_until(lambda: self.filter.told(b"RELOADING=1") == 1)
        before = self.filter.told(b"WATCHDOG=1")
        time.sleep(2)
        self.assertGreaterEqual(self.filter.told(b"WATCHDOG=1") - before, 10)
        self.assertEqual(self.filter.stop(), 0)
        self.assertEqual(self.said("serve|stop"), ["serve one", "serve two",
            "stop two"])

    def test_not_without_a_daemon(self):
        for option in "-n", "--show-config":
            status, out, said = self.run_it(option)
            self.assertEqual(status, 0, said)
            self.assertNotRegex(out + said, r"(?m)^(<\d>)?(serve|tick|stop) ")


class Descriptors(Case):
    def cpu(self):
        with open("/proc/%d/stat" % self.filter.process.pid) as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def limited(self, limit):
        argv = ["prlimit", "--nofile=%d:%d" % (limit, limit), program(
            "tests/daemon/testmilter"), "-f", "-c", self.filter.conf]
        self.filter.process = self.scene.start(argv,
            log=os.path.basename(self.filter.log_path))
        self.filter.wait_log("serves")

    def test_limit(self):
        """More connections than files: they wait, and nobody spins."""
        self.limited(96)        # 48 sessions
        some = []
        for _ in range(60):
            mta = self.filter.connection()
            some.append(mta)
        self.filter.wait_log("new connections wait")
        before = self.cpu()
        time.sleep(2)
        self.assertLess(self.cpu() - before, 0.3)
        self.assertEqual(self.filter.log().count("new connections wait"), 1)
        for mta in some[:30]:
            mta.close()
        some[-1].negotiate()
        some[-1].greet()
        self.assertEqual(some[-1].send().verdict, "accept")

    def test_exhausted(self):
        """The same where the descriptors end before the limit is reached."""
        self.limited(40)        # 20 sessions, and files besides
        some = [self.filter.connection() for _ in range(60)]
        self.filter.wait_log("new connections wait")
        before = self.cpu()
        time.sleep(1)
        self.assertLess(self.cpu() - before, 0.2)
        for mta in some[:-1]:
            mta.close()
        some[-1].negotiate()
        some[-1].greet()
        self.assertEqual(some[-1].send().verdict, "accept")

    def test_none_leak(self):
        self.filter.start()
        self.serves()
        before = self.filter.files_open()
        for i in range(200):
            mta = self.filter.mta()
            mta.greet()
            if i % 2:
                mta.mail()
            mta.close()
        self.filter.reload()
        wait_until(lambda: self.filter.files_open() <= before)


if __name__ == "__main__":
    unittest.main()
