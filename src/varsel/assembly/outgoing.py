"""Calls to addresses that callers chose: one guard for all of them, and what asks send conditions through it."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass

from varsel.assembly.tokens import made_of, maskinporten_tokens, oauth_tokens
from varsel.intake import send_condition
from varsel.model.clock import Clock
from varsel.outgoing.authentication import Authentication, Bearer, FixedField, Introduction
from varsel.outgoing.breaker import Breakers
from varsel.outgoing.condition import ConditionClient, QuestionLimits
from varsel.outgoing.fetch import Fetcher
from varsel.outgoing.guard import Allowed, Guard, OwnEndpoint
from varsel.outgoing.resolver import LookUpLimits, SystemResolver
from varsel.outgoing.signature import Signature, read_webhook_keys
from varsel.outgoing.turns import TurnLimits, Turns
from varsel.settings import Settings
from varsel.settings.choices import ConditionAuthentication as Choice
from varsel.settings.choices import Environment

_LOOK_UPS_OF_FILES = LookUpLimits(total=32, per_domain=32)
"""Files lie at few domains, which the operator named; most of them share one of a cloud's."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What reaches addresses that callers chose: `conditions`, and `fetcher` for whatever else fetches from such ones.

    Each has threads of its own for look-ups, so that slow name servers of condition endpoints hold up nothing else.
    """

    fetcher: Fetcher
    conditions: ConditionClient


@asynccontextmanager
async def open_outgoing(
    settings: Settings, clock: Clock, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Outgoing]:
    """Make the parts for the time of the block; `tls` None trusts whom the system trusts."""
    with closing(SystemResolver()) as resolver, closing(SystemResolver(_LOOK_UPS_OF_FILES)) as resolver_of_files:
        async with open_introduction(settings, clock, tls=tls) as introduction:
            fetcher = Fetcher(_guard(settings, resolver, _own_endpoint(settings)), tls=tls)
            fetcher_of_files = Fetcher(_guard(settings, resolver_of_files), tls=tls)
            turns = Turns(TurnLimits(settings.condition_concurrency, settings.condition_concurrency_per_host))
            limits = QuestionLimits(settings.condition_timeout)
            conditions = ConditionClient(fetcher, turns, Breakers(clock), introduction, limits, clock)
            yield Outgoing(fetcher_of_files, conditions)


@asynccontextmanager
async def open_introduction(
    settings: Settings, clock: Clock, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Introduction | None]:
    """Give what shows endpoints who is asking, None where the settings want nothing of that sort."""
    authentication = _authentication(settings, clock, tls)
    if authentication is None:
        yield None
        return
    hosts = tuple(name.removeprefix("*") for name in settings.condition_trusted_hosts)
    try:
        yield Introduction(authentication, hosts, over_http=settings.condition_token_over_http)
    finally:
        await authentication.aclose()


def _authentication(settings: Settings, clock: Clock, tls: ssl.SSLContext | None) -> Authentication | None:
    """Make what is chosen; the settings have made sure that it is complete."""
    match settings.condition_authentication:
        case Choice.NONE:
            return None
        case Choice.MASKINPORTEN:
            return Bearer(maskinporten_tokens(settings, clock, scope=settings.maskinporten_scope, tls=tls))
        case Choice.OAUTH:
            return Bearer(oauth_tokens(settings, clock, tls=tls))
        case Choice.HEADER:
            secret = settings.condition_header_value
            return FixedField(settings.condition_header_name or "", secret.reveal if secret else str)
        case Choice.SIGNATURE:
            secret = settings.condition_signing_keys
            return Signature(made_of(secret, "VARSEL_CONDITION_SIGNING_KEYS", read_webhook_keys), clock)


def _guard(settings: Settings, resolver: SystemResolver, own: OwnEndpoint | None = None) -> Guard:
    allowed = Allowed.read(settings.outgoing_allowed)
    return Guard(resolver, allowed, ports=frozenset(settings.outgoing_ports or ()), own=own)


def _own_endpoint(settings: Settings) -> OwnEndpoint | None:
    """Return the test aid that may be the send condition of an order in development (api.md 3.18)."""
    if settings.environment is not Environment.DEVELOPMENT:
        return None
    return OwnEndpoint(settings.port, send_condition.ENDPOINT.path)
