"""Directories as the tests want them: quick to give up, and joined to their scripted counterparts."""

from datetime import UTC, datetime, timedelta

from tests.support.altinn import Altinn
from varsel.contacts.altinn import AltinnDirectory, AltinnOptions, CallOptions, Credentials, FixedHeaders, Service
from varsel.contacts.limits import Limits
from varsel.contacts.sparing import Gathering
from varsel.model.clock import Clock, HandTurnedClock

START = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)
AT_ONCE = Gathering(quiet=timedelta(0))
USUAL = Limits()
PROMPT = CallOptions(retry_pause=timedelta(milliseconds=1))


def altinn_directory(
    server: Altinn,
    clock: Clock | None = None,
    *,
    credentials: Credentials | None = None,
    call: CallOptions = PROMPT,
    limits: Limits = USUAL,
    per_call: int = 500,
) -> AltinnDirectory:
    """Return a directory whose components are all `server`."""
    sent = credentials or FixedHeaders(dict)
    options = AltinnOptions(
        profile=Service(server.url("/profile/"), sent),
        register=Service(server.url("/register/"), sent),
        authorization=Service(server.url("/authorization/"), sent),
        identifiers_per_call=per_call,
        names_per_call=per_call,
        pairs_per_call=per_call,
        limits=limits,
        call=call,
    )
    return AltinnDirectory(options, clock or HandTurnedClock(START))
