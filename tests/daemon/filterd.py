"""testmilter in a scene."""
import os
import pwd
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "..", "lib"))
from milter import Milter
from service import Service


class Filter(Service):
    """As the user who runs the tests, which root has to insist on."""

    def __init__(self, scene, name="filter", **settings):
        super().__init__(scene, name, "tests/daemon/testmilter",
            name + ".conf")
        self.dir = scene.mkdir(name + ".d", 0o777)
        self.socket = os.path.join(self.dir, "socket")
        self.configure(Socket="unix:" + self.socket,
            CountersFile=os.path.join(self.dir, "counters"),
            UserID=pwd.getpwuid(os.getuid()).pw_name, **settings)

    def mta(self, **how):
        """An MTA that has agreed with it and said hello."""
        mta = self.connection()
        mta.negotiate(**how)
        return mta

    def connection(self):
        mta = Milter(self.settings["Socket"])
        self.scene.on_close(mta.close)
        return mta

    def count(self, name):
        return self.counters()["testmilter_" + name]
