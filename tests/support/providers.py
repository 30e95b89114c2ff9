"""Providers of e-mail that do as a test says."""

import asyncio
from collections.abc import Callable, Sequence

from varsel.channels.protocol import Capabilities, EmailMessage, Outcome, Settle


class ScriptedProvider:
    """Answers every e-mail at once, as `script` says."""

    name = "scripted"

    def __init__(self, script: Callable[[EmailMessage], Outcome], *, window: int = 500) -> None:
        self.capabilities = Capabilities(window, reports=True)
        self.taken: list[EmailMessage] = []
        self._script = script

    async def send(self, messages: Sequence[EmailMessage], settle: Settle) -> None:
        """Take the messages and answer them."""
        self.taken.extend(messages)
        for position, message in enumerate(messages):
            settle(position, self._script(message))

    async def check(self) -> str:
        """Say what this is."""
        return "follows its script"

    async def close(self) -> None:
        """Do nothing: there is no connection."""


class HeldProvider:
    """Takes e-mails at once and answers when `answer` is called."""

    name = "held"

    def __init__(self, *, window: int = 500) -> None:
        self.capabilities = Capabilities(window, reports=True)
        self.taken: list[EmailMessage] = []
        self._calls: list[asyncio.Future[Outcome]] = []
        self._called = asyncio.Condition()

    async def send(self, messages: Sequence[EmailMessage], settle: Settle) -> None:
        """Take the messages and wait for the word to answer all of them with."""
        self.taken.extend(messages)
        word = asyncio.get_running_loop().create_future()
        async with self._called:
            self._calls.append(word)
            self._called.notify_all()
        outcome = await word
        for position in range(len(messages)):
            settle(position, outcome)

    async def called(self, times: int = 1) -> None:
        """Wait until `send` was called so often."""
        async with self._called:
            await self._called.wait_for(lambda: len(self._calls) >= times)

    def answer(self, outcome: Outcome) -> None:
        """Let the oldest open call end with this outcome for all its messages."""
        next(word for word in self._calls if not word.done()).set_result(outcome)

    def answer_all(self, outcome: Outcome) -> None:
        """Let every open call end with this outcome."""
        for word in self._calls:
            if not word.done():
                word.set_result(outcome)

    async def check(self) -> str:
        """Say what this is."""
        return "holds everything"

    async def close(self) -> None:
        """Do nothing: there is no connection."""
