"""postern-verify in a scene (service.py), and its Authentication-Results field
as others read it."""
import re

import authres

from service import Unit

FIELD = "Authentication-Results"


class Verifier(Unit):
    """One daemon: its configuration, log and counters."""

    def __init__(self, scene, socket_root=None, name="verify", **settings):
        super().__init__(scene, "verify", socket_root, name)
        self.configure(**settings)

    def count(self, row):
        """What a row of the counters file says; 0 where it is not there."""
        return self.counters().get(row, 0)


class Results:
    """An A-R field's value, read by python3-authres; text is as it came,
    without folds."""

    def __init__(self, value):
        self.text = re.sub(r"\r?\n(?=[ \t])", "", value).strip()
        parsed = authres.AuthenticationResultsHeader.parse(
            "%s: %s" % (FIELD, self.text))
        self.authserv_id = parsed.authserv_id
        self.methods = parsed.results

    def of(self, method, **properties):
        """The results of a method, as words; properties, such as
        smtp_helo=None, have to be there, with that value unless it is None."""
        return [found.result for found in self.methods
            if found.method == method and all(
            value in self.properties(found, name.replace("_", ".", 1))
            if value is not None else
            self.properties(found, name.replace("_", ".", 1))
            for name, value in properties.items())]

    @staticmethod
    def properties(found, name):
        return [p.value for p in found.properties
            if "%s.%s" % (p.type, p.name) == name]

    def property(self, method, name):
        """The values of "header.d" and its like, over all its results."""
        return [value for found in self.methods if found.method == method
            for value in self.properties(found, name)]

    def part(self, method, number=0):
        """The text about a method, comments too."""
        return pieces(self.text, method)[number]

    def __str__(self):
        return self.text


def pieces(text, method):
    """The parts of a field that are about a method; semicolons in quotes or
    comments end none."""
    parts, depth, quoted, begin = [], 0, False, 0
    i = 0
    while i < len(text):
        c = text[i]
        if c == "\\" and (quoted or depth):
            i += 1
        elif c == '"' and not depth:
            quoted = not quoted
        elif c == "(" and not quoted:
            depth += 1
        elif c == ")" and not quoted:
            depth -= 1
        elif c == ";" and not quoted and not depth:
            parts.append(text[begin:i].strip())
            begin = i + 1
        i += 1
    parts.append(text[begin:].strip())
    return [part for part in parts if part.startswith(method + "=")]
