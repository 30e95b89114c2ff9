"""The figures of a run, their medians over several, and the goals they are held against."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from statistics import median
from typing import Literal


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below or at which `share` (0..1) of `values` lie, by nearest rank."""
    ordered = sorted(values)
    rank = -(-len(ordered) * share // 1)
    return ordered[max(0, int(rank) - 1)]


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run gave; None where a figure has no meaning. Times are milliseconds, processor time is per item."""

    rate: float | None = None
    baseline: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    varsel_ms: float | None = None
    postgres_ms: float | None = None
    driver_ms: float | None = None
    handed_over_rate: float | None = None
    accepting_ms: float | None = None
    memory_mb: float | None = None
    growth: float | None = None
    calls: float | None = None
    bare_ms: float | None = None
    """What the HTTP server takes for such a request with nothing behind it."""

    @property
    def ratio(self) -> float | None:
        """Rate over baseline."""
        return self.rate / self.baseline if self.rate is not None and self.baseline else None

    @property
    def sum_ms(self) -> float | None:
        """Processor time per item of Varsel and PostgreSQL together; the driver (load generator, sink) is left out."""
        if self.varsel_ms is None and self.postgres_ms is None:
            return None
        return (self.varsel_ms or 0.0) + (self.postgres_ms or 0.0)

    @property
    def bares(self) -> float | None:
        """Processor time per item in units of what the HTTP server takes with nothing behind it."""
        return self.sum_ms / self.bare_ms if self.sum_ms is not None and self.bare_ms else None


FigureName = Literal[
    "rate", "ratio", "p50_ms", "p99_ms", "sum_ms", "bares", "driver_ms", "growth", "memory_mb", "calls"
]

_GOAL_TEXT: dict[FigureName, str] = {
    "rate": "{:,.0f}/s",
    "ratio": "{:.2f} x baseline",
    "p50_ms": "{:.3g} ms at p50",
    "p99_ms": "{:.3g} ms at p99",
    "sum_ms": "{:.3g} ms processor time each",
    "bares": "{:.1f} x the processor time of an empty request",
    "driver_ms": "{:.3g} ms processor time of the driver each",
    "growth": "{:.2f} x the memory of the small order",
    "memory_mb": "{:,.0f} MB in one process",
    "calls": "{:,.0f} calls of the directory",
}


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure and the bound the issue sets for it."""

    figure: FigureName
    at_least: float | None = None
    at_most: float | None = None

    def met(self, row: "Row") -> bool:
        """Tell whether the row's median keeps the bound; a figure that was not measured keeps none."""
        value = row.value(self.figure)
        if value is None:
            return False
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    def text(self) -> str:
        """Say the bound in words."""
        bound, word = (self.at_most, "at most") if self.at_least is None else (self.at_least, "at least")
        return f"{word} {self.shown(bound)}"

    def shown(self, value: float | None) -> str:
        """Write a value of this figure with its unit."""
        return "not measured" if value is None else _GOAL_TEXT[self.figure].format(value)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: several runs of the same thing, shown by their medians."""

    name: str
    runs: tuple[Figures, ...]
    goals: tuple[Goal, ...] = ()
    note: str = ""
    medians: Figures = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "medians", medians_of(self.runs))

    def value(self, figure: FigureName) -> float | None:
        """Return the figure's median; for ratios and sums the median of the runs' own, which drift together."""
        values = [value for run in self.runs if (value := getattr(run, figure)) is not None]
        return median(values) if values else None

    @property
    def verdict(self) -> str:
        """`met`, `MISSED`, or nothing where no goal is set."""
        if not self.goals:
            return ""
        return "met" if all(goal.met(self) for goal in self.goals) else "MISSED"


def medians_of(runs: Sequence[Figures]) -> Figures:
    """Return each figure's median over those runs that have it."""
    found: dict[str, float] = {}
    for name in (part.name for part in fields(Figures)):
        values = [value for run in runs if (value := getattr(run, name)) is not None]
        if values:
            found[name] = median(values)
    return Figures(**found)
