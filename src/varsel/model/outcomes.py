"""What is known after one message was given to a provider."""

from dataclasses import dataclass
from datetime import timedelta

from varsel.model.results import Result


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took the message over; `reference` is what its reports will name it by, if it has one."""

    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """The final result is known at once: a refusal, or a provider that delivers while we wait.

    `detail` is for operators (provider's code and words, no personal data).
    """

    result: Result
    detail: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Transient:
    """The message was certainly *not* taken and may be tried again.

    `retry_after` is the provider's own wish. `pause` asks for the whole channel to rest, because the fault is not
    this message's (rate limit, wrong credentials, provider down).

    `offered` is False where the provider was not asked about this message at all, so that it counts as no attempt.
    Together with `pause` the message stays in its chunk while the channel rests; without, it alone is put off.
    `reached` is False where nobody could be asked: there was no connection, or the breaker let none be made. `slower`
    tells that the provider wants fewer messages per second.
    """

    detail: str
    retry_after: timedelta | None = None
    pause: bool = False
    offered: bool = True
    reached: bool = True
    slower: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """The message may or may not have been taken: the answer was lost. A setting decides what follows."""

    detail: str


Outcome = Accepted | Settled | Transient | Unknown
