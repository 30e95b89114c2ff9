"""What must be known to send through a LINK gateway."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal
from urllib.parse import urlsplit

from varsel.errors import SettingsError

MESSAGES_AT_MOST = 100
"""The gateway takes no more messages in one request (integrations.md 5.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """Address, account and habits of one gateway. Raises `SettingsError` naming every field that is wrong."""

    username: str = field(repr=False)
    """Account name, sent in the body of each request."""

    password: str = field(repr=False)
    """Password of the account, sent in the body of each request."""

    url: str = "https://xml.pswin.com/"
    """Where requests are posted. The second site is https://xml2.pswin.com/."""

    timeout: timedelta = timedelta(seconds=30)
    """Longest time for one exchange, from connecting to the last byte of the answer."""

    connect_timeout: timedelta = timedelta(seconds=10)
    """Longest time to open a connection, TLS included."""

    concurrency: int = 64
    """Requests in flight at once."""

    messages_per_request: int = 1
    """Messages in one request, 1 to 100, for accounts that allow more than one."""

    receiver_format: Literal["digits", "plus"] = "digits"
    """`digits`: country code and number only. `plus`: with a leading +, for an account that was used with Altinn."""

    charset: Literal["utf-8", "iso-8859-1"] = "utf-8"
    """Character set of requests. In `iso-8859-1`, other characters become numeric references."""

    unicode: Literal["never", "auto"] = "never"
    """`auto` sends a text outside the GSM alphabet as Unicode (OP 9); `never` leaves it to the gateway to replace."""

    answer_limit: int = 256 * 1024
    """Largest answer read, in bytes; a longer one counts as unreadable."""

    breaker_failures: int = 5
    """Failed exchanges in a row after which the gateway is left alone for a while."""

    breaker_first_pause: timedelta = timedelta(seconds=5)
    """First pause; each further one is twice as long."""

    breaker_longest_pause: timedelta = timedelta(minutes=5)
    """The pause grows no further than this."""

    def __post_init__(self) -> None:
        if problems := list(self._problems()):
            raise SettingsError(problems)

    def _problems(self) -> Iterator[str]:
        if not self.username or not self.password:
            yield "LINK: username and password must both be given"
        if not _is_http_address(self.url):
            yield "LINK: url must be an http or https address with a host, such as https://xml.pswin.com/"
        if not 1 <= self.messages_per_request <= MESSAGES_AT_MOST:
            yield f"LINK: messages_per_request must be 1 to {MESSAGES_AT_MOST}, not {self.messages_per_request}"
        for name in ("concurrency", "answer_limit", "breaker_failures"):
            if getattr(self, name) < 1:
                yield f"LINK: {name} must be at least 1, not {getattr(self, name)}"
        for name in ("timeout", "connect_timeout", "breaker_first_pause", "breaker_longest_pause"):
            if getattr(self, name) <= timedelta(0):
                yield f"LINK: {name} must be longer than nothing"
        for name, words in _CHOICES.items():
            if getattr(self, name) not in words:
                yield f"LINK: {name} must be one of {', '.join(words)}, not {getattr(self, name)!r}"


_CHOICES = {"receiver_format": ("digits", "plus"), "charset": ("utf-8", "iso-8859-1"), "unicode": ("never", "auto")}


def _is_http_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
