"""Medians, tables and targets."""
import json
import statistics


class Figure:
    """The median of what several rounds gave, with its spread."""

    def __init__(self, values):
        self.values = list(values)
        self.median = statistics.median(self.values)

    def __format__(self, spec):
        spec = spec or ".2f"
        text = format(self.median, spec)
        if len(self.values) > 1:
            text += " (%s-%s)" % (format(min(self.values), spec),
                format(max(self.values), spec))
        return text


class Targets:
    """What is to be reached, told as it is."""

    def __init__(self):
        self.rows = []

    def at_most(self, name, value, limit, unit="", spec=".2f"):
        self._add(name, value, value <= limit, "at most", limit, unit, spec)

    def at_least(self, name, value, limit, unit="", spec=".2f"):
        self._add(name, value, value >= limit, "at least", limit, unit, spec)

    def _add(self, name, value, reached, how, limit, unit, spec):
        self.rows.append({"name": name, "value": value, "how": how,
            "limit": limit, "reached": bool(reached), "text":
            "%-12s %s: %s%s, wanted %s %s%s" % ("reached" if reached else
            "NOT REACHED", name, format(value, spec), unit, how,
            format(limit, spec), unit)})
        print(self.rows[-1]["text"], flush=True)

    def summary(self):
        reached = sum(row["reached"] for row in self.rows)
        print("\n%d of %d targets reached" % (reached, len(self.rows)))


def print_table(head, rows):
    widths = [max(len(str(row[i])) for row in [head] + rows)
        for i in range(len(head))]
    for row in [head] + rows:
        print("  ".join(str(cell).ljust(width)
            for cell, width in zip(row, widths)).rstrip(), flush=True)
    print()


def write_json(path, value):
    if path:
        with open(path, "w") as file:
            json.dump(value, file, indent=1)
            file.write("\n")


def size_name(octets):
    for unit, factor in (("MB", 1 << 20), ("KB", 1 << 10)):
        if octets >= factor:
            return "%d %s" % (octets // factor, unit)
    return "%d" % octets
