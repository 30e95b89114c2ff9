"""What `varsel contacts import` says: how far it is, which lines are bad, and in the end what it did."""

from collections.abc import Callable
from typing import TextIO

from varsel.assembly.contacts import ImportReport, Removal
from varsel.model.register import RefusedLine

_CLEAR_LINE = "\r\x1b[K"  # ECMA-48: erase to the end of the line
_SECONDS_BETWEEN_SIGHTS = 0.1
_SECONDS_BETWEEN_LINES = 5.0
_COLUMNS = ("added", "updated", "unchanged", "removed")


class ImportScreen:
    """Tells on `out` how an import goes: in one line that is rewritten on a terminal, now and then elsewhere.

    The first `shown` bad lines are told there too; all of them are given to `keep`.
    """

    def __init__(self, out: TextIO, keep: Callable[[RefusedLine], None], *, shown: int) -> None:
        self._out = out
        self._keep = keep
        self._shown = shown
        self._live = out.isatty()
        self._pause = _SECONDS_BETWEEN_SIGHTS if self._live else _SECONDS_BETWEEN_LINES
        self._next = self._pause
        self._refused = 0

    def refused(self, line: RefusedLine) -> None:
        """Take notice of a line that was not used."""
        self._keep(line)
        self._refused += 1
        if self._refused <= self._shown:
            self.say(f"line {line.number}: {line.reason}\n")
        elif self._refused == self._shown + 1:
            self.say("Further bad lines are only counted; --errors FILE writes all of them.\n")

    def progress(self, report: ImportReport) -> None:
        """Show how far the import is, if it is time to."""
        if report.seconds >= self._next:
            self._next = report.seconds + self._pause
            self.say(f"{pace(report)}, {report.refused:,} bad{'' if self._live else chr(10)}")

    def say(self, text: str) -> None:
        """Write `text` in the place of what a terminal's line shows."""
        self._out.write(_CLEAR_LINE + text if self._live else text)
        self._out.flush()

    def clear(self) -> None:
        """Leave a terminal's line empty for what follows."""
        self.say("")


def pace(report: ImportReport) -> str:
    """Return how many lines were read and how fast."""
    rate = round(report.lines / report.seconds) if report.seconds else 0
    return f"{report.lines:,} lines in {report.seconds:,.1f} s ({rate:,} lines/s)"


def summary(report: ImportReport) -> str:
    """Return what the import did, for people."""
    lines = [f"{pace(report)}; {report.refused:,} bad lines were not used", *_table(report)]
    if not any(tally.added + tally.updated + tally.removed for tally in report.tallies.values()):
        lines.append("Nothing had to be changed.")
    if report.removal is Removal.WITHHELD:
        lines.append(
            f"Nothing was removed: of {report.unidentified:,} bad lines nobody can tell whom they are about. "
            "Mend them and run the import again."
        )
    return "\n".join(lines)


def _table(report: ImportReport) -> list[str]:
    rows = [(kind.value, *(f"{count:,}" for count in tally)) for kind, tally in report.tallies.items() if any(tally)]
    if not rows:
        return []
    table = [("", *_COLUMNS), *rows]
    first, *others = (max(map(len, column)) for column in zip(*table, strict=True))
    return [
        "  ".join([f"{name:<{first}}", *(f"{cell:>{width}}" for cell, width in zip(cells, others, strict=True))])
        for name, *cells in table
    ]
