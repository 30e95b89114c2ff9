"""What became of orders, as the database says it: for so many of them that asking for each would be the load itself.

The moments are the service's own: ids of notifications tell when they were made, the sandbox when it took them.
"""

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from bench.errors import BenchError
from bench.service import Service
from varsel.model.lanes import Lane
from varsel.storage.orders import Queue

_LOOK_AGAIN_SECONDS = 0.5

# Found in small indexes, whatever the number of orders; those of a warm-up are due much later.
_UNDONE = """
SELECT EXISTS (SELECT FROM orders WHERE queue = ANY($1::smallint[]) AND due < now() + interval '1 day'),
       EXISTS (SELECT FROM chunks WHERE lane = ANY($2::smallint[]) AND due < now() + interval '1 day')
"""
_OUTCOME = """
SELECT (SELECT count(*) FROM notifications) AS generated,
       (SELECT coalesce(sum(email_succeeded + sms_succeeded), 0) FROM orders) AS handed_over,
       (SELECT uuid_extract_timestamp(id) FROM notifications ORDER BY id DESC LIMIT 1) AS last_generated,
       (SELECT max(kept) FROM sandbox_messages) AS last_handed_over
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many notifications there are and how many were handed over, and when the last one was."""

    generated: int
    handed_over: int
    last_generated: datetime | None
    last_handed_over: datetime | None


async def outcome(service: Service, lanes: Collection[Lane], seconds: float) -> Outcome:
    """Wait, at most `seconds`, until no order is left to be processed and nothing to be sent in `lanes`."""
    connection = await asyncpg.connect(service.database)
    deadline = time.monotonic() + seconds
    try:
        await connection.execute("SET enable_seqscan = off")
        while any(await connection.fetchrow(_UNDONE, list(Queue), list(lanes), timeout=seconds) or ()):
            if time.monotonic() > deadline:
                raise BenchError(f"after {seconds:.0f} s some orders were still not processed and sent")
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        await connection.execute("SET enable_seqscan = on")
        row = await connection.fetchrow(_OUTCOME, timeout=seconds)
        assert row is not None
        return Outcome(**row)
    finally:
        await connection.close()
