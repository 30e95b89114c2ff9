"""What a run found, as a table for people and as JSON for comparing runs."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.figures import FigureName, Goal, Row

_DERIVED: Final[tuple[FigureName, ...]] = ("ratio", "sum_ms", "bares")


def _figure(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


_COLUMNS: tuple[tuple[str, Callable[[Row], str]], ...] = (
    ("measured", lambda row: row.name),
    ("items/s", lambda row: _figure(row.medians.rate, "{:,.0f}")),
    ("baseline/s", lambda row: _figure(row.medians.baseline, "{:,.0f}")),
    ("ratio", lambda row: _figure(row.value("ratio"), "{:.2f}")),
    ("p50 ms", lambda row: _figure(row.medians.p50_ms, "{:.1f}")),
    ("p99 ms", lambda row: _figure(row.medians.p99_ms, "{:.1f}")),
    ("Varsel ms", lambda row: _figure(row.medians.varsel_ms, "{:.4f}")),
    ("PostgreSQL ms", lambda row: _figure(row.medians.postgres_ms, "{:.4f}")),
    ("sum ms", lambda row: _figure(row.value("sum_ms"), "{:.4f}")),
    ("driver ms", lambda row: _figure(row.medians.driver_ms, "{:.4f}")),
    ("memory MB", lambda row: _figure(row.medians.memory_mb, "{:,.0f}")),
    ("calls", lambda row: _figure(row.medians.calls, "{:,.0f}")),
    ("goal", lambda row: row.verdict),
)

LEGEND = (
    "Medians of the runs; a baseline is taken right before each run on the same PostgreSQL server. Milliseconds of\n"
    "processor time are per item, over all processes of Varsel and of PostgreSQL; driver is what sends or receives\n"
    "(load generator, SMTP sink) and is no part of the sum."
)


def table(rows: Sequence[Row]) -> str:
    """Return the rows in aligned columns, names to the left, figures to the right."""
    cells = [[heading for heading, _ in _COLUMNS], *([show(row) for _, show in _COLUMNS] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_COLUMNS))]
    return "\n".join(_line(line, widths) for line in cells)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *figures = (
        cell.rjust(width) if column else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([name, *figures]).rstrip()


def verdicts(rows: Sequence[Row]) -> str:
    """Return one line per goal, and the notes."""
    lines = [_verdict(row, goal) for row in rows for goal in row.goals]
    return "\n".join([*lines, *(f"note    {row.name}: {row.note}" for row in rows if row.note)])


def _verdict(row: Row, goal: Goal) -> str:
    word = "met   " if goal.met(row) else "MISSED"
    return f"{word}  {row.name}: {goal.text()}; measured {goal.shown(row.value(goal.figure))}"


def write_json(file: Path, machine: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Write machine, rows, their single runs and verdicts to `file`."""
    document: dict[str, Any] = {"machine": dict(machine), "rows": [_document(row) for row in rows]}
    file.write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")


def _document(row: Row) -> dict[str, Any]:
    goals = [{"goal": goal.text(), "measured": row.value(goal.figure), "met": goal.met(row)} for goal in row.goals]
    medians = msgspec.to_builtins(row.medians) | {name: row.value(name) for name in _DERIVED}
    return {"name": row.name, "medians": medians, "runs": row.runs, "goals": goals, "note": row.note}
