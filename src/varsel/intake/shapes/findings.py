"""What can be wrong with a body, and under which keys it is told (api.md 1.7)."""

import re

from varsel.errors import VarselError

MOST_ERRORS = 199
"""Errors that are collected for one request; one entry stands for all that are beyond (api.md 1.7)."""

TOO_MANY = "There are too many errors; the first of them are listed here. Correct these and try again."


_special = re.compile(r"[. '/\"\[\]()\t\n\r\f\x08\\\x85\u2028\u2029]")
"""Characters that the reference service writes in brackets; no name of the contract has one, unknown members may."""


class Unreadable(VarselError):
    """The body cannot be deserialized (phase A1). `path` is built from the inside out while the error travels up."""

    def __init__(self, message: str) -> None:
        self.message = message
        self.path = ""
        super().__init__(message)

    def under(self, step: str) -> "Unreadable":
        """Put `step` (`.member` or `[index]`) before the path and return the error itself."""
        self.path = step + self.path
        return self


def step_of(name: str) -> str:
    """Return the step of a JSON path to a member, its name spelled as in the body (api.md 1.7)."""
    return f"['{name}']" if _special.search(name) else "." + name


class Invalid(VarselError):
    """The request breaks the contract; `errors` maps each key of the 400 document to its messages."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        self.errors = errors
        super().__init__(f"the request has errors under {len(errors)} keys")


class Findings:
    """Collects errors, at most `MOST_ERRORS` of them."""

    def __init__(self) -> None:
        self.errors: dict[str, list[str]] = {}
        self._count = 0

    def add(self, key: str, message: str) -> bool:
        """Record one error and tell whether more are wanted."""
        if self._count == MOST_ERRORS:
            self.errors.setdefault("", []).append(TOO_MANY)
            return False
        self._count += 1
        self.errors.setdefault(key, []).append(message)
        return True


def unreadable(problem: Unreadable, parameter: str) -> Invalid:
    """Return the errors of a body that could not be deserialized."""
    return Invalid({f"${problem.path}": [problem.message], parameter: [required(parameter)]})


def bodiless(parameter: str) -> Invalid:
    """Return the errors of a body that is empty or the literal null."""
    return Invalid({"": ["A non-empty request body is required."], parameter: [required(parameter)]})


def required(name: str) -> str:
    """Return the one sentence whose wording the contract fixes."""
    return f"The {name} field is required."
