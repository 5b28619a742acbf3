#!/usr/bin/python3
"""run.py DIRECTORY|FILE... [PATTERN...]: runs the unittest files test_*.py
there, a line a test, details of failures at the end, then "N passed, N failed,
N skipped". Patterns are unittest's -k. No test may take longer than LIMIT."""
import os
import signal
import sys
import time
import unittest

LIMIT = 240


class Result(unittest.TestResult):
    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()
        self.state = "ok"
        signal.alarm(LIMIT)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.state = "FAILED"

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.state = "skipped: " + reason

    def stopTest(self, test):
        signal.alarm(0)
        super().stopTest(test)
        bad = [t for t, _ in self.failures + self.errors if t is test]
        print("%-6s %6.1f s  %s" % ("FAILED" if bad else self.state,
            time.monotonic() - self.began, test.id()), flush=True)


def late(*_):
    raise TimeoutError("the test took more than %d s" % LIMIT)


def load(path, patterns):
    loader = unittest.TestLoader()
    loader.testNamePatterns = ["*%s*" % p for p in patterns] or None
    path = os.path.abspath(path)
    if os.path.isdir(path):
        return loader.discover(path, "test_*.py", path)
    directory, name = os.path.split(path)
    return loader.discover(directory, name, directory)


def main(arguments):
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    signal.signal(signal.SIGALRM, late)
    paths = [a for a in arguments if os.path.exists(a)]
    suite = unittest.TestSuite(load(path, [a for a in arguments
        if a not in paths]) for path in paths)
    result = Result()
    suite.run(result)
    bad = result.failures + result.errors
    for test, text in bad:
        print("\n--- %s\n%s" % (test.id(), text))
    failed = len({t.id() for t, _ in bad})
    passed = max(result.testsRun - failed - len(result.skipped), 0)
    print("%d passed, %d failed, %d skipped" % (passed, failed,
        len(result.skipped)))
    return 1 if failed or result.testsRun == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
