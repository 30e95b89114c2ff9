"""What `varsel doctor` finds: one line for each thing it looked at."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether something is in order, works but wants attention, or stands in the way."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: its name, the verdict, what was found, and what to do when it is not in order."""

    subject: str
    verdict: Verdict
    found: str
    advice: str = ""
