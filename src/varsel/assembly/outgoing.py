"""Calls to addresses that callers chose: one guard for all of them, and what asks send conditions through it."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from varsel.model.clock import Clock
from varsel.outgoing.assertion import Account, read_signing_key
from varsel.outgoing.breaker import Breakers
from varsel.outgoing.condition import ConditionClient, QuestionLimits
from varsel.outgoing.fetch import Fetcher
from varsel.outgoing.guard import Allowed, Guard
from varsel.outgoing.maskinporten import MaskinportenTokens
from varsel.outgoing.resolver import SystemResolver
from varsel.outgoing.turns import TurnLimits, Turns
from varsel.settings import Settings
from varsel.settings.choices import ConditionToken


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What reaches addresses that callers chose. Whatever else fetches from such addresses shares `fetcher`."""

    fetcher: Fetcher
    conditions: ConditionClient


@asynccontextmanager
async def open_outgoing(
    settings: Settings, clock: Clock, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Outgoing]:
    """Make the parts for the time of the block; `tls` None trusts whom the system trusts."""
    resolver = SystemResolver()
    try:
        async with open_tokens(settings, clock, tls=tls) as tokens:
            fetcher = Fetcher(_guard(settings, resolver), tls=tls)
            turns = Turns(TurnLimits(settings.condition_concurrency, settings.condition_concurrency_per_host))
            limits = QuestionLimits(settings.condition_timeout, token_over_http=settings.condition_token_over_http)
            yield Outgoing(fetcher, ConditionClient(fetcher, turns, Breakers(clock), tokens, limits))
    finally:
        resolver.close()


@asynccontextmanager
async def open_tokens(
    settings: Settings, clock: Clock, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[MaskinportenTokens | None]:
    """Give the tokens that accompany questions, None where the settings want none."""
    if settings.condition_token is not ConditionToken.MASKINPORTEN:
        yield None
        return
    tokens = MaskinportenTokens(_account(settings), clock, tls=tls)
    try:
        yield tokens
    finally:
        await tokens.aclose()


def _guard(settings: Settings, resolver: SystemResolver) -> Guard:
    allowed = Allowed.read(settings.outgoing_allowed)
    return Guard(resolver, allowed, ports=frozenset(settings.outgoing_ports or ()))


def _account(settings: Settings) -> Account:
    """Return the client of Maskinporten; the settings have made sure that it is complete."""
    key = settings.maskinporten_key.reveal() if settings.maskinporten_key else ""
    return Account(
        issuer=f"{settings.maskinporten_issuer}/",
        client_id=settings.maskinporten_client_id or "",
        scope=settings.maskinporten_scope,
        key=read_signing_key(key, settings.maskinporten_key_id),
    )
