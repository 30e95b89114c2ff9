"""Answers that processes leave for each other, so that no two ask the same about the same within its age."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Protocol

import msgspec

from varsel.errors import StorageError
from varsel.model.clock import Clock
from varsel.model.contacts import LeftAnswer

_log = logging.getLogger(__name__)

_FORM: Final = 1
"""Rises when what is left would be misread by processes of an earlier version, or theirs by this one."""

_encode = msgspec.msgpack.Encoder().encode


class SharedAnswers(Protocol):
    """Where answers are left; `storage.directory_answers.DirectoryAnswers` is. Raises `errors.StorageError`."""

    async def look(self, digests: Sequence[bytes], *, since: datetime, now: datetime) -> Sequence[LeftAnswer | None]:
        """Return what was left under each of `digests` and asked for after `since`, until `now`."""
        ...

    async def leave(self, answers: Mapping[bytes, LeftAnswer], *, until: datetime) -> None:
        """Leave answers under their digests, of use until then."""
        ...


class Exchange:
    """One kind of question's share of them: of use for `max_age`, in `operation` of the directory of that name.

    Where the database gives no answer there is nothing to take; that nothing can be left is no reason to fail.
    """

    def __init__(
        self, answers: SharedAnswers, clock: Clock, max_age: timedelta, *, directory: str, operation: str
    ) -> None:
        self._answers = answers
        self._clock = clock
        self._max_age = max_age
        self._question = _FORM, directory, operation

    async def take(self, lane: Any, keys: Sequence[str]) -> dict[str, LeftAnswer]:
        """Return what was left about any of `keys` and is not too old."""
        now = self._clock.now()
        digests = [self._digest(lane, key) for key in keys]
        try:
            left = await self._answers.look(digests, since=now - self._max_age, now=now)
        except StorageError as failure:
            _log.warning("%s The directory is asked instead.", failure)
            return {}
        return {key: answer for key, answer in zip(keys, left, strict=True) if answer is not None}

    async def leave(self, lane: Any, answers: Mapping[str, LeftAnswer], *, asked_at: datetime) -> None:
        """Leave answers that were asked for at one moment."""
        digested = {self._digest(lane, key): answer for key, answer in answers.items()}
        try:
            await self._answers.leave(digested, until=asked_at + self._max_age)
        except StorageError as failure:
            _log.warning("%s Other processes will have to ask.", failure)

    def _digest(self, lane: Any, key: str) -> bytes:
        """Return 32 bytes that differ for whatever may be answered differently."""
        return sha256(_encode((*self._question, lane, key))).digest()
