"""The LINK gateway as a provider: messages in, one outcome for each."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from random import random

from varsel.channels.protocol import Accepted, Capabilities, Outcome, Settle, Settled, SmsMessage, Transient, Unknown
from varsel.channels.sms_link.breaker import Breaker
from varsel.channels.sms_link.gateway_http import GatewayHttp, HttpAnswer
from varsel.channels.sms_link.link_settings import LinkSettings
from varsel.channels.sms_link.session_xml import read_answer, write_session
from varsel.channels.sms_link.untrusted_xml import IllFormedXml
from varsel.channels.sms_link.verdicts import judge
from varsel.model.clock import Clock

PROVIDER = "link"
"""The name under which references of this gateway are kept; its delivery reports are matched by it."""


class LinkProvider:
    """Sends SMS through one LINK account. `chance` gives numbers from 0 to 1 that spread the breaker's pauses."""

    name = PROVIDER

    def __init__(self, settings: LinkSettings, clock: Clock, chance: Callable[[], float] = random) -> None:
        self.capabilities = Capabilities(window=settings.concurrency * settings.messages_per_request, reports=True)
        self._settings = settings
        self._http = GatewayHttp(settings, clock)
        self._in_flight = asyncio.Semaphore(settings.concurrency)
        self._breaker = Breaker(
            clock,
            settings.breaker_failures,
            settings.breaker_first_pause,
            settings.breaker_longest_pause,
            chance,
        )

    async def send(self, messages: Sequence[SmsMessage], settle: Settle) -> None:
        """Hand over `messages`, so many requests at a time as the settings allow.

        When cancelled, messages not yet handed over are settled as `Transient`; only those in flight stay open.
        """
        waiting = deque(range(0, len(messages), self._settings.messages_per_request))

        async def lane() -> None:
            while waiting:
                async with self._in_flight:
                    if waiting:
                        await self._hand_over(messages, waiting.popleft(), settle)

        try:
            async with asyncio.TaskGroup() as lanes:
                for _ in range(min(self._settings.concurrency, len(waiting))):
                    lanes.create_task(lane())
        finally:
            for first in waiting:
                left = _not_reached("sending was stopped before this message was handed over")
                self._settle(settle, first, [left] * len(self._request_from(messages, first)))

    async def check(self) -> str:
        """Ask for the gateway's page, which sends nothing. Raises `ProviderUnreachable`."""
        return await self._http.reach()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    def _request_from(self, messages: Sequence[SmsMessage], first: int) -> Sequence[SmsMessage]:
        return messages[first : first + self._settings.messages_per_request]

    async def _hand_over(self, messages: Sequence[SmsMessage], first: int, settle: Settle) -> None:
        request = self._request_from(messages, first)
        outcomes: list[Outcome]
        if (wait := self._breaker.remaining()) is not None:
            outcomes = [_not_reached("the gateway is left alone after failures", wait)] * len(request)
        else:
            outcomes = await self._guarded_exchange(request)
        self._settle(settle, first, outcomes)

    async def _guarded_exchange(self, request: Sequence[SmsMessage]) -> list[Outcome]:
        try:
            outcomes = await self._exchange(request)
        except BaseException:
            self._breaker.abandoned()
            raise
        if any(isinstance(outcome, Accepted | Settled) for outcome in outcomes):
            self._breaker.succeeded()
            return outcomes
        return self._count_failure(outcomes)

    async def _exchange(self, request: Sequence[SmsMessage]) -> list[Outcome]:
        answer = await self._http.post(write_session(request, self._settings))
        if not isinstance(answer, HttpAnswer):
            return [answer] * len(request)
        try:
            session = read_answer(answer.body, answer.content_type)
        except IllFormedXml as error:
            return [Unknown(f"the gateway's answer is not readable: {error}")] * len(request)
        return judge(session, len(request))

    def _count_failure(self, outcomes: list[Outcome]) -> list[Outcome]:
        """Tell the breaker; where it asks for a pause, messages that were not taken ask for it too."""
        first = outcomes[0]
        if not isinstance(first, Transient):
            detail = first.detail if isinstance(first, Unknown) else ""
            self._breaker.failed(detail)
            return outcomes
        pause = self._breaker.failed(first.detail, at_once=first.pause, at_least=first.retry_after)
        return [_paused(outcome, pause) for outcome in outcomes]

    @staticmethod
    def _settle(settle: Settle, first: int, outcomes: Sequence[Outcome]) -> None:
        for position, outcome in enumerate(outcomes, start=first):
            settle(position, outcome)


def _not_reached(detail: str, retry_after: timedelta | None = None) -> Transient:
    """Return the outcome of a message about which the gateway was not asked."""
    return Transient(detail, retry_after, pause=True, offered=False, reached=False)


def _paused(outcome: Outcome, pause: timedelta | None) -> Outcome:
    if pause is None or not isinstance(outcome, Transient):
        return outcome
    return replace(outcome, retry_after=pause, pause=True)
