"""How the texts and references of an order are treated at registration (processing.md 1.3 and 1.4)."""

from dataclasses import dataclass

from varsel.mechanisms.white_space import is_blank


@dataclass(frozen=True, slots=True)
class Defaults:
    """Senders used when the caller names none."""

    from_address: str
    sms_sender: str


def one_line(subject: str) -> str:
    """Replace every line break of a subject, CRLF counting as one, by a space."""
    return subject.replace("\r\n", " ").replace("\r", " ").replace("\n", " ")


def unless_blank(text: str | None) -> str | None:
    """Return `text`, or None if it says nothing."""
    return None if is_blank(text) else text
