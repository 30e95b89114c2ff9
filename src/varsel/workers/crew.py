"""Everybody who works on orders in one process: built together, run together, stopped together."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from varsel.channels.protocol import EmailMessage, Provider, SmsMessage
from varsel.contacts.protocol import Directory
from varsel.model.clock import Clock
from varsel.model.lanes import Lane
from varsel.model.results import Channel
from varsel.schedule import DaytimeWindow
from varsel.storage.orders import Queue
from varsel.storage.pool import Pool
from varsel.workers import compose
from varsel.workers.apply_reports import ApplyReports, ReportOptions
from varsel.workers.conditional_orders import AskCondition, ConditionalOrders, ConditionOptions
from varsel.workers.contact import TIME_TO_RECORD, DatabaseContact
from varsel.workers.expand_orders import ExpandOrders, ProcessOptions
from varsel.workers.hints import Hints
from varsel.workers.housekeeping import Housekeeping, RetentionOptions
from varsel.workers.lookout import Lookout
from varsel.workers.loop import Hint, repeat
from varsel.workers.number_feed import NumberFeed
from varsel.workers.process_orders import ProcessOrders
from varsel.workers.send import SendLane, SendOptions, always
from varsel.workers.sweep import Sweep, SweepOptions

_LOOKS_MISSED = 25
"""Looks of the lookout after which a worker whom nobody has woken looks for itself: for what nobody foresaw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewOptions:
    """What an operator may set about the workers."""

    process: ProcessOptions
    condition: ConditionOptions
    send: Mapping[Channel, SendOptions]
    reports: ReportOptions
    retention: RetentionOptions
    window: DaytimeWindow
    poll: timedelta
    housekeeping_every: timedelta
    time_to_record: timedelta = TIME_TO_RECORD
    """How long lapsed leases are left alone after an outage of the database, and after a start."""


class Crew:
    """The workers of one process. `composed` sends e-mails that have attachments to fetch, `email` all others."""

    def __init__(
        self,
        *,
        pool: Pool,
        clock: Clock,
        directory: Directory,
        ask_condition: AskCondition,
        email: Provider[EmailMessage],
        composed: Provider[EmailMessage],
        sms: Provider[SmsMessage],
        hints: Hints,
        options: CrewOptions,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._hints = hints
        self._options = options
        expand = ExpandOrders(pool, directory, clock, hints, options.process)
        self._conditional = ConditionalOrders(
            pool, ask_condition, expand, clock, hints, options.process, options.condition
        )
        self._processors: list[tuple[ProcessOrders | ConditionalOrders, Hint]] = [
            (ProcessOrders(Queue.Small, pool, expand, clock, hints.orders, options.process), hints.orders),
            (ProcessOrders(Queue.Large, pool, expand, clock, hints.large_orders, options.process), hints.large_orders),
            (self._conditional, hints.conditional_orders),
        ]
        self._contact = _contact(clock, options)
        may_take_over = self._contact.may_take_over
        by_email, by_sms = options.send[Channel.Email], options.send[Channel.Sms]
        # Fetching takes its time: no process takes more of it than it can begin with, so that others find work too.
        one_by_one = replace(by_email, bundle_size=min(by_email.bundle_size, composed.capabilities.window))
        daytime = options.window.is_open
        self._lanes: dict[Lane, SendLane[EmailMessage] | SendLane[SmsMessage]] = {
            Lane.Email: SendLane(Lane.Email, email, compose.email, pool, clock, hints, by_email, always, may_take_over),
            Lane.SmsAnytime: SendLane(
                Lane.SmsAnytime, sms, compose.sms, pool, clock, hints, by_sms, always, may_take_over
            ),
            Lane.SmsDaytime: SendLane(
                Lane.SmsDaytime, sms, compose.sms, pool, clock, hints, by_sms, daytime, may_take_over
            ),
            Lane.Composed: SendLane(
                Lane.Composed, composed, compose.email, pool, clock, hints, one_by_one, always, may_take_over
            ),
        }
        self._reports = ApplyReports(pool, clock, options.reports)
        self._feed = NumberFeed(pool)
        self.housekeeping = Housekeeping(
            pool, clock, Sweep(pool, clock, _sweep_options(options), may_take_over), options.retention
        )

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping` is set, then finish what is under way."""
        hints, unasked = self._hints, self._options.poll * _LOOKS_MISSED
        self._contact.begin()
        async with asyncio.TaskGroup() as group:
            for processor, hint in self._processors:
                group.create_task(repeat("processing orders", processor.run_once, hint, unasked, stopping))
            for lane, sender in self._lanes.items():
                name = f"sending in lane {lane.name}"
                group.create_task(repeat(name, sender.run_once, hints.lanes[lane], unasked, stopping))
            group.create_task(repeat("applying reports", self._reports.run_once, hints.reports, unasked, stopping))
            group.create_task(repeat("numbering the feed", self._feed.run_once, hints.feed, unasked, stopping))
            lookout = Lookout(self._pool, self._clock, hints, self._options.process.look_ahead, self._contact)
            group.create_task(
                repeat("looking out for work", lookout.run_once, hints.lookout, self._options.poll, stopping)
            )
            every = self._options.housekeeping_every
            group.create_task(repeat("housekeeping", self.housekeeping.run_once, hints.housekeeping, every, stopping))
            group.create_task(self._ring_at(stopping))
        await self.stop()

    async def stop(self) -> None:
        """Take nothing new, and return when what is under way has ended or was given back."""
        await asyncio.gather(
            *(processor.stop() for processor, _ in self._processors),
            *(sender.stop() for sender in self._lanes.values()),
        )

    async def process_due(self) -> None:
        """Take every order that is due through its processing, for somebody who waits for it.

        Needs no `run`; while there is one, both take orders and neither takes the other's. Broken off, it leaves
        what it holds to others when the leases have run out.
        """
        await asyncio.gather(*(_to_the_end(processor) for processor, _ in self._processors))

    async def _ring_at(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._hints.everything()

    async def run_until_idle(self) -> None:
        """Do everything that can be done at this instant; the form for tests and rehearsals on a hand-turned clock."""
        working = True
        while working:
            working = False
            for processor, _ in self._processors:
                while await processor.run_once():
                    working = True
            for processor, _ in self._processors:
                await processor.settle_down()
            for sender in self._lanes.values():
                while await sender.run_once():
                    working = True
                await sender.settle_down()
            while await self._reports.run_once():
                working = True
        await self.housekeeping.run_once()
        while await self._feed.run_once():
            continue


async def _to_the_end(processor: ProcessOrders | ConditionalOrders) -> None:
    """Let a processor look for orders until there are none; where it had no room it has not looked."""
    while await processor.run_once() or processor.is_full:
        await processor.settle_down()


def _contact(clock: Clock, options: CrewOptions) -> DatabaseContact:
    """A lease is renewed at each third of its length, so no shorter outage lets it lapse; two looks fit in between."""
    gap = max(options.process.lease / 3, 2 * options.poll)
    return DatabaseContact(clock, longest_gap=gap, time_to_record=options.time_to_record)


def _sweep_options(options: CrewOptions) -> SweepOptions:
    return SweepOptions(
        lease=options.process.lease,
        chunks_at_once=20,
        grace=options.process.grace,
        assume_delivered_after={channel: send.assume_delivered_after for channel, send in options.send.items()},
    )
