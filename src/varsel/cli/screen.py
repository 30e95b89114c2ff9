"""A table that is redrawn in place on a terminal, and grows by the changed lines everywhere else."""

from collections.abc import Sequence
from typing import TextIO

Row = tuple[str, ...]
_UP_AND_CLEAR = "\x1b[{lines}A\x1b[J"  # ECMA-48: cursor up, erase to the end of the screen


class Screen:
    """Shows successive states of one table on `out`."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._live = out.isatty()
        self._shown: list[Row] = []

    def show(self, heading: Row, rows: Sequence[Row]) -> None:
        """Show the table as it is now; nothing is written when it has not changed."""
        if list(rows) == self._shown:
            return
        widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
        if self._live and self._shown:
            self._out.write(_UP_AND_CLEAR.format(lines=len(self._shown) + 1))
        if self._live or not self._shown:
            self._out.write(_line(heading, widths))
        self._out.writelines(_line(row, widths) for row in rows if self._live or row not in self._shown)
        self._out.flush()
        self._shown = list(rows)


def _line(row: Row, widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() + "\n"
