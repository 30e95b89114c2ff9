"""Differences grouped by kind, each kind with its smallest example."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.compare.cases import Case
from bench.compare.normal import Difference

_NUMBER = re.compile(r"(?<=/)\d+(?=/|$)|(?<=\[)\d+(?=\])")
_LONGEST_SHOWN = 2_000

Kind = tuple[str, str, tuple[str, ...]]
"""Endpoint, the request of the case that was answered differently, and the places, without positions in lists."""


@dataclass(slots=True)
class Group:
    """One kind of difference: how often it was met, and its smallest case."""

    case: Case
    step: int
    found: Sequence[Difference]
    times: int = 1


@dataclass(slots=True)
class Report:
    """What a run found."""

    cases: int = 0
    answers: int = 0
    groups: dict[Kind, Group] = field(default_factory=dict)

    def add(self, case: Case, step: int, found: Sequence[Difference]) -> None:
        """Take in the differences between two answers to request number `step` of `case`."""
        kind = _kind(case, step, found)
        known = self.groups.get(kind)
        if known is None:
            self.groups[kind] = Group(case, step, found)
            return
        known.times += 1
        if case.size < known.case.size:
            known.case, known.step, known.found = case, step, found

    def text(self) -> str:
        """Return the report for people: the most frequent kinds first."""
        head = f"{self.cases} cases, {self.answers} pairs of answers, {len(self.groups)} kinds of difference"
        groups = sorted(self.groups.values(), key=lambda group: -group.times)
        return "\n\n".join([head, *map(_shown, groups)])

    def document(self) -> dict[str, Any]:
        """Return the report for programs."""
        groups = [
            {
                "endpoint": group.case.endpoint,
                "change": group.case.change,
                "times": group.times,
                "request": _request(group),
                "differences": [difference._asdict() for difference in group.found],
            }
            for group in self.groups.values()
        ]
        return {"cases": self.cases, "answers": self.answers, "kinds": groups}


def _kind(case: Case, step: int, found: Sequence[Difference]) -> Kind:
    places = tuple(sorted({_NUMBER.sub("n", _place(difference)) for difference in found}))
    return case.endpoint, f"{step} {case.requests[step].method}", places


def _place(difference: Difference) -> str:
    if difference.where == "/status":
        return f"status {difference.left} and {difference.right}"
    return difference.where


def _shown(group: Group) -> str:
    request = _request(group)
    lines = [f"{group.times} times, {group.case.endpoint}: {group.case.change}"]
    lines.append(f"  {request['method']} {request['path']}")
    lines += [f"  {name}: {value}" for name, value in request["headers"]]
    if request["body"] is not None:
        lines.append(f"  {_shortened(request['body'])}")
    for where, left, right in group.found:
        lines += [f"    {where}", f"      left:  {_value(left)}", f"      right: {_value(right)}"]
    return "\n".join(lines)


def _request(group: Group) -> dict[str, Any]:
    """Return the first request of the case, and which later one was answered differently."""
    first, differing = group.case.requests[0], group.case.requests[group.step]
    body = first.body.decode("utf-8", errors="backslashreplace") if first.body is not None else None
    path = differing.path if group.step == 0 else f"{first.path}, then {differing.method} {differing.path}"
    return {"method": first.method, "path": path, "headers": first.headers, "body": body}


def _value(value: Any) -> str:
    return _shortened(json.dumps(value, ensure_ascii=False))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}… ({len(text)} characters)"
