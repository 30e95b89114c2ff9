"""A client for send conditions whose every name leads to this machine, where the scripted endpoints are."""

import ssl
from datetime import timedelta

from tests.support.resolvers import FixedResolver
from varsel.model.clock import Clock
from varsel.outgoing.authentication import Introduction
from varsel.outgoing.breaker import Breakers
from varsel.outgoing.condition import ConditionClient, QuestionLimits
from varsel.outgoing.fetch import Fetcher
from varsel.outgoing.guard import Allowed, Guard
from varsel.outgoing.turns import TurnLimits, Turns

TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For endpoints without TLS: loading certificates nobody needs would double a test's time."""


def condition_client(
    clock: Clock,
    *,
    introduction: Introduction | None = None,
    tls: ssl.SSLContext = TRUSTS_NOBODY,
    turns: TurnLimits | None = None,
    within: timedelta = timedelta(seconds=10),
) -> ConditionClient:
    """Make the client; it asks endpoints on loopback addresses only."""
    guard = Guard(FixedResolver(["127.0.0.1"]), Allowed.read(["127.0.0.0/8"]))
    limits = QuestionLimits(within=within)
    turns_of_all = Turns(turns or TurnLimits())
    return ConditionClient(Fetcher(guard, tls=tls), turns_of_all, Breakers(clock), introduction, limits, clock)
