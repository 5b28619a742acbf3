"""Load on a cache, without a daemon."""
import json
import subprocess

from scene import program


class CacheLoad:
    """cacheload at work; report() waits for its end."""

    def __init__(self, scene, cache, *options):
        self.popen = subprocess.Popen([program("tests/daemon/cacheload"),
            "--cache", cache, *(str(o) for o in options)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.log = ""
        scene.on_close(self.close)

    def close(self):
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.communicate()

    def report(self, seconds=120):
        out, err = self.popen.communicate(timeout=seconds)
        self.log = err.decode()
        if self.popen.returncode != 0:
            raise RuntimeError("cacheload: exit status %d\n%s" %
                (self.popen.returncode, self.log))
        return json.loads(out)


def load(scene, cache, *options):
    return CacheLoad(scene, cache, *options).report()
