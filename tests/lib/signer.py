"""postern-sign in a scene (service.py), with keys and tables."""
import base64
import os
import subprocess

from scene import own
from service import Unit


class Signer(Unit):
    """One daemon: its configuration, keys, tables, log and counters."""

    def __init__(self, scene, socket_root=None, name="sign"):
        super().__init__(scene, "sign", socket_root, name)
        self.keys = scene.mkdir(name + "/keys", self.modes["keys"], self.user)
        self.settings.update({
            "KeyTable": os.path.join(self.dir, "KeyTable"),
            "SigningTable": "refile:" + os.path.join(self.dir,
                "SigningTable"),
        })

    def key(self, name, kind="rsa", bits=2048):
        """A key file made by openssl; (path, DNS text of its record)."""
        path = os.path.join(self.keys, name + ".private")
        make = ["openssl", "genpkey", "-quiet", "-out", path, "-algorithm"]
        make += ["RSA", "-pkeyopt", "rsa_keygen_bits:%d" % bits] \
            if kind == "rsa" else ["ED25519"]
        if subprocess.run(make, stderr=subprocess.DEVNULL).returncode != 0:
            make.remove("-quiet")       # unknown before OpenSSL 3.1
            subprocess.run(make, check=True, stderr=subprocess.DEVNULL)
        own(path, 0o600, self.user)
        return path, record(path, kind)


def record(path, kind):
    """What is to stand in DNS for a private key, by openssl alone."""
    der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout",
        "-outform", "DER"], check=True, stdout=subprocess.PIPE).stdout
    if kind == "ed25519":
        der = der[-32:]         # RFC 8463: the bare key
    return "v=DKIM1; k=%s; p=%s" % (kind, base64.b64encode(der).decode())


def zone_txt(name, text):
    """A TXT record for a zone file, in strings of at most 255."""
    return "%s IN TXT ( %s )" % (name, " ".join('"%s"' % text[i:i + 250]
        for i in range(0, len(text), 250)))
