"""The running service: everything joined, started in order, stopped in the opposite order."""

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import timedelta

from varsel import __version__
from varsel.assembly.attachments import composed_email
from varsel.assembly.database import open_database
from varsel.assembly.http_server import bound_socket, http_server
from varsel.assembly.interface import Interface, interface
from varsel.assembly.leftovers import refuse_leftovers
from varsel.assembly.logs import set_up_logs
from varsel.assembly.options import crew_options
from varsel.assembly.outgoing import Outgoing, open_outgoing
from varsel.assembly.providers import Outside, local_issuer, open_gatekeeper, open_outside
from varsel.model.clock import Clock, CorrectedClock, SteadyClock, SystemClock
from varsel.settings import Settings
from varsel.settings.advice import advice_for
from varsel.settings.choices import EmailProvider, Role, SmsProvider
from varsel.storage.migrate import migrate
from varsel.storage.pool import Pool
from varsel.storage.watch import DatabaseWatch
from varsel.workers.crew import Crew
from varsel.workers.hints import Hints

_log = logging.getLogger(__name__)

_CALM_COLLECTOR = 50_000
"""First threshold of the garbage collector; at the default its pauses made the slowest requests three times as slow."""


async def serve(settings: Settings, roles: frozenset[Role]) -> None:
    """Run the given roles until SIGTERM or Ctrl-C, then let running work finish and stop everything."""
    set_up_logs(settings.log_level, settings.log_format, settings.log_lines_alike)
    refuse_leftovers(settings)
    _log_advice(settings)
    stopping = asyncio.Event()
    machine, hints = SystemClock(), Hints()
    clock = CorrectedClock(SteadyClock())
    connections = _connections(settings, roles)
    async with AsyncExitStack() as stack:
        stack.enter_context(_stopped_by_signals(stopping))
        bound = stack.enter_context(bound_socket(settings)) if Role.API in roles else None
        if bound is not None:
            settings = settings.listening_on(bound.getsockname()[1])
        pool = await stack.enter_async_context(open_database(settings, connections=connections))
        await migrate(pool)
        watch = DatabaseWatch(pool, clock)
        await watch.look()
        outside = await stack.enter_async_context(open_outside(settings, pool, clock, hints))
        issuer = local_issuer(settings)
        # Tokens are judged by the machine's clock: their issuers know nothing of our database.
        gatekeeper = await stack.enter_async_context(open_gatekeeper(settings, machine, issuer))
        outgoing = await stack.enter_async_context(open_outgoing(settings, machine))
        # Also without the role of a worker: some triggers have its work done while their callers wait.
        crew = _crew(settings, pool, clock, hints, outside, outgoing)
        _calm_collector()
        async with asyncio.TaskGroup() as group:
            group.create_task(watch.run(stopping))
            if Role.WORKER in roles:
                group.create_task(_work(crew, stopping, settings.shutdown_wait))
            if bound is not None:
                answering = interface(settings, pool, clock, hints, outside, gatekeeper, issuer, crew, watch.history)
                group.create_task(_answer_requests(settings, answering, bound, stopping))
            else:
                print(f"varsel ready: working, {__version__}", flush=True)


def _log_advice(settings: Settings) -> None:
    for _, found, to_do in advice_for(settings):
        _log.warning("%s: %s", found, to_do)
    if settings.service_links:
        _log.info(
            "ignored %s: Kubernetes adds them for a Service whose name begins with varsel; "
            "enableServiceLinks: false in the pod's spec keeps them away",
            ", ".join(settings.service_links),
        )


def _connections(settings: Settings, roles: frozenset[Role]) -> int:
    wanted = {Role.API: settings.database_pool_api, Role.WORKER: settings.database_pool_worker}
    return sum(wanted[role] for role in roles) + 1  # the last one watches the database


def _crew(settings: Settings, pool: Pool, clock: Clock, hints: Hints, outside: Outside, outgoing: Outgoing) -> Crew:
    return Crew(
        pool=pool,
        clock=clock,
        directory=outside.directory,
        ask_condition=outgoing.conditions.ask,
        email=outside.email,
        composed=composed_email(settings, outside.email, outgoing.fetcher),
        sms=outside.sms,
        hints=hints,
        options=crew_options(settings, outside.email),
    )


async def _work(crew: Crew, stopping: asyncio.Event, patience: timedelta) -> None:
    """Let the crew work until told to stop, and then finish for as long as `patience` lasts.

    What is broken off then is taken up again by others when its lease has run out.
    """
    working = asyncio.create_task(crew.run(stopping))
    await _first_of(working, stopping)
    try:
        async with asyncio.timeout(patience.total_seconds() if not working.done() else None):
            await working
    except TimeoutError:
        _log.warning("work still under way after %s was broken off; it is taken up again", patience)


def _calm_collector() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(_CALM_COLLECTOR, 10, 10)


@contextmanager
def _stopped_by_signals(stopping: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _answer_requests(
    settings: Settings, answering: Interface, listening: socket.socket, stopping: asyncio.Event
) -> None:
    """Answer until told to stop; then let what was begun finish, requests and instant messages in one time."""
    loop = asyncio.get_running_loop()
    server = http_server(settings, answering.app)
    try:
        await server.start(listening)
        _announce(settings, listening)
        await stopping.wait()
        within = settings.shutdown_wait.total_seconds()
        deadline = loop.time() + within
        await server.stop(linger=settings.http_linger.total_seconds(), within=within)
        await answering.settle_down(within=timedelta(seconds=max(0.0, deadline - loop.time())))
    finally:
        stopping.set()  # without the interface the workers do not go on alone


async def _first_of(serving: asyncio.Task[None], stopping: asyncio.Event) -> None:
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()


def _announce(settings: Settings, listening: socket.socket) -> None:
    host, port = listening.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(f"varsel ready at http://{shown}:{port}", flush=True)
    if settings.local_issuer:
        print(f"  a token:       {sys.argv[0]} token --org ttd --org-number 991825827", flush=True)
    if settings.sandbox_inbox:
        print(f"  {_kept_by_sandbox(settings)} http://{shown}:{port}/dev/inbox", flush=True)
    if settings.swagger:
        print(f"  the interface: http://{shown}:{port}/swagger", flush=True)


def _kept_by_sandbox(settings: Settings) -> str:
    email = settings.email_provider is EmailProvider.SANDBOX
    sms = settings.sms_provider is SmsProvider.SANDBOX
    return {(True, True): "messages:     ", (True, False): "e-mails:      ", (False, True): "SMS:          "}.get(
        (email, sms), "old messages: "
    )
