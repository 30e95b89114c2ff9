"""The same parts as the service's, looked at instead of run."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import asyncpg

from varsel.assembly.database import open_database
from varsel.assembly.directories import single_directories
from varsel.assembly.leftovers import leftovers
from varsel.assembly.outgoing import open_introduction
from varsel.assembly.providers import local_issuer, open_gatekeeper, open_outside
from varsel.errors import VarselError
from varsel.model.clock import Clock, SystemClock
from varsel.model.findings import Finding, Verdict
from varsel.outgoing.authentication import Introduction
from varsel.settings import Settings
from varsel.storage import probe
from varsel.storage.embedded import EmbeddedPostgres
from varsel.storage.embedded.programs import installations
from varsel.storage.migrate import missing as missing_migrations
from varsel.storage.pool import Pool
from varsel.workers.hints import Hints

_TOLERABLE_SKEW = timedelta(seconds=2)


async def doctor(settings: Settings) -> list[Finding]:
    """Look at the database, its schema and clock, the sources of keys and tokens, the channels and the directories."""
    taken_over = [Finding("development", Verdict.FAIL, found) for found in leftovers(settings)]
    return taken_over + await _examine(settings)


async def _examine(settings: Settings) -> list[Finding]:
    async with AsyncExitStack() as stack:
        try:
            pool = await _existing_database(settings, stack)
        except VarselError as error:
            return [Finding("database", Verdict.FAIL, str(error))]
        if pool is None:
            return [
                await _examined("database", lambda: _to_be_created(settings)),
                Finding("the rest", Verdict.OK, "is looked at once the database exists, after the first varsel serve"),
            ]
        return [*await _examine_database(pool), *await _outside(settings, pool)]


async def _to_be_created(settings: Settings) -> str:
    programs = await asyncio.to_thread(installations)
    return f"an embedded one, PostgreSQL {programs[0].version}, will be created in {settings.data_dir}"


async def _existing_database(settings: Settings, stack: AsyncExitStack) -> Pool | None:
    """Return a pool on the database, to be closed with `stack`; None for an embedded one that was never created."""
    if settings.database_url is None and not EmbeddedPostgres(settings.data_dir).exists():
        return None
    return await stack.enter_async_context(open_database(settings, connections=2, name="varsel doctor"))


async def _examine_database(pool: Pool) -> list[Finding]:
    return [
        Finding("database", Verdict.OK, await _version(pool)),
        await _writing(pool),
        await _schema(pool),
        await _clock(pool),
    ]


async def _examined(subject: str, look: Callable[[], Awaitable[str]]) -> Finding:
    """Turn what a look says, or the error it ends in, into a finding; errors name what to do themselves."""
    try:
        return Finding(subject, Verdict.OK, await look())
    except VarselError as error:
        return Finding(subject, Verdict.FAIL, str(error))


async def _version(pool: Pool) -> str:
    return f"PostgreSQL {await pool.fetchval('SHOW server_version')} answers"


async def _writing(pool: Pool) -> Finding:
    """Write as Varsel would: a full disk and a server that only answers reads show only then."""
    try:
        await probe.write(pool)
    except asyncpg.UndefinedTableError:
        return Finding("database writes", Verdict.OK, "not tried: the schema is not there yet")
    except (VarselError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as failure:
        advice = "free disk space, or connect to the server that takes writes; what VARSEL_DATABASE_URL names does not"
        return Finding("database writes", Verdict.FAIL, f"a write failed ({type(failure).__name__})", advice)
    return Finding("database writes", Verdict.OK, "a write was committed")


async def _schema(pool: Pool) -> Finding:
    """Judge the schema; missing migrations are no fault, because `varsel serve` applies them when it starts."""
    try:
        missing = await missing_migrations(pool)
    except VarselError as error:
        return Finding("schema", Verdict.FAIL, str(error))
    if missing:
        found = f"{len(missing)} migrations are not applied yet, from {missing[0]} on"
        return Finding(
            "schema", Verdict.WARN, found, "varsel serve applies them when it starts; varsel migrate does now"
        )
    return Finding("schema", Verdict.OK, "the schema is the one this version wants")


async def _clock(pool: Pool) -> Finding:
    skew = abs(await pool.fetchval("SELECT clock_timestamp()") - datetime.now(UTC))
    if skew > _TOLERABLE_SKEW:
        advice = "set all clocks by NTP: work goes by the database's, tokens are judged by this machine's"
        return Finding("database clock", Verdict.WARN, f"it differs from ours by {skew.total_seconds():.1f} s", advice)
    return Finding("database clock", Verdict.OK, "it agrees with ours")


async def _outside(settings: Settings, pool: Pool) -> list[Finding]:
    clock = SystemClock()
    return [
        await _examined("token keys", lambda: _token_keys(settings, clock)),
        *await _examine_providers(settings, pool, clock),
        *await examine_directories(settings, pool, clock),
        *await examine_conditions(settings, clock),
    ]


async def _token_keys(settings: Settings, clock: Clock) -> str:
    async with open_gatekeeper(settings, clock, local_issuer(settings)) as gatekeeper:
        return await gatekeeper.check()


async def _examine_providers(settings: Settings, pool: Pool, clock: Clock) -> list[Finding]:
    try:
        async with open_outside(settings, pool, clock, Hints()) as outside:
            return [await _examined("e-mail", outside.email.check), await _examined("SMS", outside.sms.check)]
    except VarselError as error:
        return [Finding("providers", Verdict.FAIL, str(error))]


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
