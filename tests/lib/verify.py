"""Whether others accept a signature: dkimpy and Mail::DKIM, not our own code."""
import re
import subprocess

import dkim


class Verdict:
    def __init__(self, name, ok, text):
        self.name, self.ok, self.text = name, ok, text

    def __str__(self):
        return "%s: %s" % (self.name, self.text)


def signatures(data):
    """The DKIM-Signature fields of a message, each as {tag: value}."""
    header = data.split(b"\r\n\r\n", 1)[0] + b"\r\n"
    found = re.findall(rb"(?ims)^DKIM-Signature[ \t]*:(.*?)\r\n(?![ \t])",
        header)
    return [tags(value.decode()) for value in found]


def tags(value):
    pairs = (item.split("=", 1) for item in value.split(";") if "=" in item)
    return {name.strip(): re.sub(r"\s+", "", text) for name, text in pairs}


def by_dkimpy(data, dns):
    """One Verdict for each signature, by dkimpy; dns is a nsd.Nsd."""
    def txt(name, timeout=5):
        found = dns.txt(name.decode() if isinstance(name, bytes) else name)
        return found[0] if found else None
    verdicts = []
    for i in range(len(signatures(data))):
        try:
            # Ed25519 too: dkimpy knows it where PyNaCl is installed.
            ok = dkim.DKIM(data).verify(idx=i, dnsfunc=txt)
            verdicts.append(Verdict("dkimpy", ok, "pass" if ok else "fail"))
        except dkim.DKIMException as e:
            verdicts.append(Verdict("dkimpy", False, str(e)))
    return verdicts


PERL = r"""
use Mail::DKIM::Verifier;
use Mail::DKIM::DNS;
use Net::DNS::Resolver;
Mail::DKIM::DNS::resolver(Net::DNS::Resolver->new(
    nameservers => ["127.0.0.1"], port => shift));
my $dkim = Mail::DKIM::Verifier->new;
binmode STDIN;
my $block;
$dkim->PRINT($block) while read STDIN, $block, 65536;
$dkim->CLOSE;
print $_->result_detail, "\n" for $dkim->signatures;
"""


def by_mail_dkim(data, dns):
    """One Verdict for each signature, by Perl's Mail::DKIM."""
    done = subprocess.run(["perl", "-e", PERL, str(dns.port)], input=data,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    if done.returncode != 0:
        raise RuntimeError("Mail::DKIM: " + done.stderr.decode())
    return [Verdict("Mail::DKIM", line == "pass", line)
        for line in done.stdout.decode().splitlines()]


def check(data, dns, count=1):
    """AssertionError unless the message has count signatures, all of which
    both others accept; Ed25519 dkimpy alone where Mail::DKIM is too old to
    know it, as Debian 12's is."""
    verdicts = by_dkimpy(data, dns) + by_mail_dkim(data, dns)
    bad = [str(v) for v in verdicts if not v.ok and
        "unsupported algorithm ed25519" not in v.text]
    if bad or len(verdicts) != 2 * count:
        raise AssertionError("%d verdicts for %d signatures wanted; %s\n%s" %
            (len(verdicts), count, "; ".join(bad) or "none bad",
            data.split(b"\r\n\r\n", 1)[0].decode("utf-8", "replace")))
