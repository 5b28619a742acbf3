"""Key pairs of the domains in a scene, and dkimpy that signs and seals with
them: what others send."""
import base64
import subprocess

import dkim

from signer import record

# Made once a scene; domains share them, as their customers' domains do at a
# large provider.
KINDS = {"rsa": ("rsa", 2048), "rsa1024": ("rsa", 1024), "rsa768": ("rsa", 768),
    "ed25519": ("ed25519", 0)}


class Keys:
    def __init__(self, scene):
        self.scene = scene
        self._made = {}

    def key(self, kind):
        """(path of the private key, text of its record)."""
        if kind not in self._made:
            path = self.scene.path("keys-%s.pem" % kind)
            generate(path, *KINDS[kind])
            self._made[kind] = path, record(path, KINDS[kind][0])
        return self._made[kind]

    def record(self, kind):
        return self.key(kind)[1]

    def secret(self, kind):
        """As dkimpy takes it."""
        path = self.key(kind)[0]
        if kind != "ed25519":
            with open(path, "rb") as file:
                return file.read()
        der = subprocess.run(["openssl", "pkey", "-in", path, "-outform",
            "DER"], check=True, stdout=subprocess.PIPE).stdout
        return base64.b64encode(der[-32:])

    def sign(self, data, domain, selector="s1", kind="rsa", **how):
        """data with one more DKIM-Signature; how as of dkim.sign()."""
        algorithm = b"ed25519-sha256" if kind == "ed25519" else b"rsa-sha256"
        how.setdefault("canonicalize", (b"relaxed", b"relaxed"))
        how.setdefault("include_headers", [b"from", b"to", b"subject",
            b"date", b"message-id"])
        return dkim.sign(data, selector.encode(), domain.encode(),
            self.secret(kind), signature_algorithm=algorithm, **how) + data

    def seal(self, data, domain, selector="s1"):
        """data with one more ARC set, by a forwarder who found the chain so
        far good."""
        results = b"Authentication-Results: %s; arc=%s; dkim=pass\r\n" % (
            domain.encode(), b"pass" if b"ARC-Seal:" in data else b"none")
        fields = dkim.arc_sign(results + data, selector.encode(),
            domain.encode(), self.secret("rsa"), domain.encode(),
            include_headers=[b"from", b"to", b"subject", b"date",
            b"message-id"])
        if not fields:
            raise RuntimeError("dkimpy did not seal")
        return b"".join(fields) + data


def generate(path, kind, bits):
    options = ["RSA", "-pkeyopt", "rsa_keygen_bits:%d" % bits] \
        if kind == "rsa" else ["ED25519"]
    subprocess.run(["openssl", "genpkey", "-out", path, "-algorithm",
        *options], check=True, stderr=subprocess.DEVNULL)
