"""The same parts as the service's, looked at instead of run."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from varsel.assembly.database import open_database
from varsel.assembly.directories import single_directories
from varsel.assembly.outgoing import open_introduction
from varsel.assembly.providers import local_issuer, open_gatekeeper, open_outside
from varsel.errors import VarselError
from varsel.model.clock import Clock, SystemClock
from varsel.model.findings import Finding, Verdict
from varsel.outgoing.authentication import Introduction
from varsel.settings import Settings
from varsel.storage.migrate import check as check_schema
from varsel.storage.pool import Pool
from varsel.workers.hints import Hints

_TOLERABLE_SKEW = timedelta(seconds=2)


async def doctor(settings: Settings) -> list[Finding]:
    """Look at the database, its schema and clock, the sources of keys and tokens, the channels and the directories."""
    try:
        async with open_database(settings, connections=2, name="varsel doctor") as pool:
            found = [Finding("database", Verdict.OK, await _version(pool))]
            found.append(await _examined("schema", lambda: _schema(pool)))
            found.append(await _clock(pool))
            found += await _outside(settings, pool)
    except VarselError as error:
        return [Finding("database", Verdict.FAIL, str(error))]
    return found


async def _examined(subject: str, look: Callable[[], Awaitable[str]]) -> Finding:
    """Turn what a look says, or the error it ends in, into a finding; errors name what to do themselves."""
    try:
        return Finding(subject, Verdict.OK, await look())
    except VarselError as error:
        return Finding(subject, Verdict.FAIL, str(error))


async def _version(pool: Pool) -> str:
    return f"PostgreSQL {await pool.fetchval('SHOW server_version')} answers"


async def _schema(pool: Pool) -> str:
    await check_schema(pool)
    return "the schema is the one this version wants"


async def _clock(pool: Pool) -> Finding:
    skew = abs(await pool.fetchval("SELECT clock_timestamp()") - datetime.now(UTC))
    if skew > _TOLERABLE_SKEW:
        advice = "keep all machines' clocks by NTP: leases are measured by them"
        return Finding("database clock", Verdict.WARN, f"it differs from ours by {skew.total_seconds():.1f} s", advice)
    return Finding("database clock", Verdict.OK, "it agrees with ours")


async def _outside(settings: Settings, pool: Pool) -> list[Finding]:
    clock = SystemClock()
    async with (
        open_outside(settings, pool, clock, Hints()) as outside,
        open_gatekeeper(settings, clock, local_issuer(settings)) as gatekeeper,
    ):
        return [
            await _examined("token keys", gatekeeper.check),
            await _examined("e-mail", outside.email.check),
            await _examined("SMS", outside.sms.check),
            *await examine_directories(settings, pool, clock),
            *await examine_conditions(settings, clock),
        ]


async def examine_directories(settings: Settings, pool: Pool, clock: Clock) -> list[Finding]:
    """Reach each chosen directory by itself, so that one in trouble does not hide the others."""
    async with AsyncExitStack() as stack:
        directories = single_directories(settings, pool, clock)
        for each in directories:
            stack.push_async_callback(each.close)
        return [await _examined(f"directory {each.name}", each.check) for each in directories]


async def examine_conditions(settings: Settings, clock: Clock) -> list[Finding]:
    """Make what shows condition endpoints who is asking, a token fetched for it included, where it is wanted."""
    async with open_introduction(settings, clock) as introduction:
        if introduction is None:
            return []
        found = await _examined("send conditions", partial(_introduced, settings, introduction))
        everybody = introduction.authentication.confidential and not introduction.hosts
        if found.verdict is Verdict.OK and everybody:
            advice = "name the hosts that may see it in VARSEL_CONDITION_TRUSTED_HOSTS"
            return [replace(found, verdict=Verdict.WARN, advice=advice)]
        return [found]


async def _introduced(settings: Settings, introduction: Introduction) -> str:
    await introduction.authentication.fields()
    hosts = ", ".join(settings.condition_trusted_hosts) or "all hosts that callers name"
    return f"{settings.condition_authentication} works, and is shown to {hosts}"
