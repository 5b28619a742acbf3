"""Mail through a real Postfix with postern-policy in it: an account over its
limit, a new address that warms up, and daemons that count together on memcached
servers: each message once, whatever comes at the same moment."""
import concurrent.futures
import json
import os
import stat
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
import smtp
from memcached import Memcached
from policy import Policy
from postfix import Postfix
from sasl import Sasl
from scene import Scene, wait_until
from sink import Sink

SENDER, RECIPIENT = "joe@example.org", "friend@example.net"
USERS = {name: "secret" for name in ("alice", "bob")}
SUBMISSION = {"smtpd_sasl_auth_enable": "yes",
    "smtpd_client_restrictions": "permit_sasl_authenticated, reject"}
SESSIONS, SENT, SHARED_LIMIT = 50, 300, 120
RULES = {
    "RateLimit": ["users key=sasl-user limit=3/1d when=daemon=users "
        "action=tempfail alert=yes"],
    "WarmUp": ["fresh.example start=2/day growth=1 max=2 since=2020-01-01"],
}
SHARED = {
    "RateLimit": ["all key=mail-from-domain limit=%d/1d action=tempfail" %
        SHARED_LIMIT],
}


def setUpModule():
    global scene, sink, postfix, policy, shared, ports, alerts
    scene = Scene("policy-limits")
    unittest.addModuleCleanup(scene.close)
    sink = Sink(scene)
    postfix = Postfix(scene, sink.port)
    policy = Policy(scene, postfix.queue, **RULES)
    alerts = alert_command()
    policy.start()
    servers = [Memcached(scene, "memcached%d" % i).start() for i in range(3)]
    secret = os.path.join(policy.state, "cache.secret")
    shared = [Policy(scene, postfix.queue, "shared%d" % i, secret=secret,
        Cache="memcached " + ", ".join(s.spec for s in servers),
        **SHARED).start() for i in range(2)]
    ports = {name: postfix.listen(milter_macro_daemon_name=name,
        smtpd_milters=policy.postfix_socket, **SUBMISSION)
        for name in ("users", "warm")}
    for i, daemon in enumerate(shared):
        ports[i] = postfix.listen(smtpd_milters=daemon.postfix_socket)
    postfix.start()
    Sasl(scene, postfix.queue + "/private/auth", USERS)


def alert_command():
    """What it is told, a line an alert, goes to a file."""
    path = scene.path("alerts")
    scene.write("alerts", "")
    os.chmod(path, 0o666)
    command = scene.write("alert", "#!/bin/sh\n"
        "echo $POSTERN_RULE $POSTERN_KEY $POSTERN_COUNT $POSTERN_LIMIT "
        "$POSTERN_PERIOD >> %s\n" % path)
    os.chmod(command, stat.S_IRWXU | stat.S_IRGRP | stat.S_IXGRP |
        stat.S_IROTH | stat.S_IXOTH)
    policy.configure(AlertCommand=command)
    return path


def submit(listener, user, subject, recipients=(RECIPIENT,)):
    """How many of the recipients were taken, and the last refusal."""
    refusal, taken = None, 0
    with smtp.Client(ports[listener]) as client:
        if user:
            client.login(user, "secret")
        client.command("MAIL FROM:<%s>" % SENDER)
        for recipient in recipients:
            try:
                client.command("RCPT TO:<%s>" % recipient)
                taken += 1
            except smtp.Reply as reply:
                refusal = reply
        if not taken:
            return 0, refusal
        client.command("DATA", 354)
        client.socket.sendall(smtp.stuff(smtp.message(SENDER, recipients[0],
            subject)) + b".\r\n")
        try:
            client.expect(250)
        except smtp.Reply as reply:
            return 0, reply
    return taken, refusal


def use_of(daemon, *key):
    """What "postern limit show" says of a key."""
    status, output, error = daemon.ask("limit", "show", *key, "--json")
    assert status == 0, error
    return json.loads(output)


def cache_of(daemon):
    status, output, error = daemon.ask("cache", "show", "--json")
    assert status == 0, error
    return json.loads(output)


class Limits(unittest.TestCase):
    def test_account(self):
        """One account is stopped, the admin is told once and lets it go."""
        for i in range(3):
            self.assertEqual(submit("users", "alice", "a%d" % i), (1, None))
        for i in range(2):
            taken, refusal = submit("users", "alice", "over%d" % i)
            self.assertEqual((taken, refusal.code), (0, 451))
            self.assertIn("Too many messages (limit users); try again in ",
                refusal.text)
        self.assertEqual(submit("users", "bob", "bob"), (1, None))
        self.assertEqual(use_of(policy, "users", "alice")["count"], 3)
        wait_until(lambda: os.path.getsize(alerts) > 0, 10, "the alert")
        with open(alerts) as file:
            self.assertEqual(file.read(), "users alice 4 3 86400\n")
        self.assertEqual(policy.log().count("event=limit-overrun"), 1)

        self.assertEqual(policy.ask("limit", "set", "users", "ALICE", "4",
            "--for", "1h")[0], 0)
        self.assertEqual(submit("users", "alice", "more"), (1, None))
        self.assertEqual(submit("users", "alice", "over2")[0], 0)
        self.assertEqual(policy.ask("limit", "release", "users", "alice")[0],
            0)
        self.assertEqual(use_of(policy, "users", "alice")["count"], 0)
        self.assertEqual(submit("users", "alice", "free"), (1, None))

    def test_warm_up(self):
        """Over a group's allowance recipients wait, the others do not."""
        there = ["%d@fresh.example" % i for i in range(3)]
        taken, refusal = submit("warm", "bob", "warm", [RECIPIENT] + there)
        self.assertEqual((taken, refusal.code), (3, 451))
        self.assertEqual(sorted(sink.wait("warm").recipients),
            sorted([RECIPIENT] + there[:2]))
        status, output, _ = policy.ask("warmup", "show")
        self.assertEqual(status, 0)
        self.assertIn("today's allowance 2 recipients, used 2\n", output)
        self.assertIn("fresh.example\tfresh-example:\n", output)
        self.assertIn("fresh-example_destination_rate_delay = 43200s\n",
            output)

    def test_shared(self):
        """Two daemons, three servers, many sessions: as many as may, pass."""
        def one(i):
            return submit(i % 2, None, "shared%d" % i,
                ["r%d@example.net" % i])
        for daemon in shared:
            wait_until(lambda: cache_of(daemon)["servers_away"] == 0, 10,
                "all servers")
        with concurrent.futures.ThreadPoolExecutor(SESSIONS) as pool:
            results = list(pool.map(one, range(SENT)))
        self.assertEqual(sum(taken for taken, _ in results), SHARED_LIMIT,
            [cache_of(daemon) for daemon in shared])
        for _, refusal in results:
            self.assertIn(refusal and refusal.code, (None, 451))
        for daemon in shared:
            use = use_of(daemon, "all", "example.org")
            self.assertEqual((use["count"], use["known"]),
                (SHARED_LIMIT, True))


if __name__ == "__main__":
    unittest.main()
