"""A worker that is killed after its n-th statement: `kill -9` between any two things it makes durable.

Nothing a worker does outlives it but its statements, so dying after each of them is dying at every place that can be
told apart afterwards. Run as `python -m tests.support.dying_worker`: one process loads everything once and then forks
a worker for every line it reads; `DyingWorkers` is the handle tests hold on it.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import traceback
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import asyncpg

from tests.support.chains import instant
from tests.support.orders import emails
from tests.support.rig import Rig, crew_options, instant_options, send_options
from varsel.contacts.fixed import FixedDirectory
from varsel.model.results import Channel
from varsel.workers.instant import DispatchInstant

if TYPE_CHECKING:
    _Connection = asyncpg.Connection[asyncpg.Record]
else:  # generic only in its type stubs
    _Connection = asyncpg.Connection

NAME = "varsel-dying"
"""What the workers' connections are called, to tell when the server has let go of a dead one's."""

_REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Life:
    """Where and when a worker works, and after how many statements it dies."""

    url: str
    now: str
    dies_after: int
    window: int
    resend: bool
    dispatches: bool
    """Whether it dispatches an instant e-mail instead of working."""


class DyingWorkers:
    """Starts workers that die, one after the other."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.dying_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_REPOSITORY,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=30)

    def survives(
        self,
        url: str,
        now: datetime,
        *,
        dies_after: int,
        window: int = 500,
        resend: bool = True,
        dispatches: bool = False,
    ) -> bool:
        """Let a worker do everything that is due `now`, or dispatch; False when it died on the way."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        life = Life(url, now.isoformat(), dies_after, window, resend, dispatches)
        self._process.stdin.write(json.dumps(asdict(life)) + "\n")
        self._process.stdin.flush()
        exit_code = int(self._process.stdout.readline())
        assert exit_code in (0, -signal.SIGKILL)
        return exit_code == 0


class _Fate:
    """Counts statements that mattered, and ends this process after the given one."""

    def __init__(self, dies_after: int) -> None:
        self._dies_after = dies_after
        self._statements = count(1)

    def strike(self) -> None:
        if next(self._statements) == self._dies_after:
            os.kill(os.getpid(), signal.SIGKILL)


class _MortalConnection(_Connection):
    """A connection whose process may die after any statement that found or changed something, COMMIT included.

    After a look for work that found none everything is as before it, so one death stands for both.
    """

    fate: _Fate
    _is_changing = False

    async def execute(self, *args: Any, **options: Any) -> str:
        status = await super().execute(*args, **options)
        if status == "COMMIT":
            self._matter(self._is_changing)
        elif status == "BEGIN":
            self._is_changing = False
        else:
            self._matter(not status.endswith(" 0"))
        return status

    async def fetch(self, *args: Any, **options: Any) -> list[Any]:
        rows: list[Any] = await super().fetch(*args, **options)
        self._matter(bool(rows))
        return rows

    async def copy_records_to_table(self, *args: Any, **options: Any) -> str:
        status = await super().copy_records_to_table(*args, **options)
        self._matter(not status.endswith(" 0"))
        return status

    def _matter(self, mattered: bool) -> None:
        if mattered:
            self._is_changing = True
            self.fate.strike()


async def _leave_as_it_is(_connection: _Connection) -> None:
    """Hand a connection back without a statement, as `open_pool` does."""


async def _live(life: Life) -> None:
    _MortalConnection.fate = _Fate(life.dies_after)
    pool = await asyncpg.create_pool(
        life.url,
        min_size=1,
        max_size=5,
        connection_class=_MortalConnection,
        reset=_leave_as_it_is,
        server_settings={"application_name": NAME, "enable_seqscan": "off", "enable_hashjoin": "off"},
    )
    send = {channel: send_options(resend=life.resend) for channel in Channel}
    now = datetime.fromisoformat(life.now)
    rig = Rig(pool, FixedDirectory(None), options=crew_options(send), now=now, window=life.window)
    if life.dispatches:
        options = instant_options()
        dispatch = DispatchInstant(pool, rig.clock, rig.email, rig.sms, options)
        await dispatch(instant(emails("kari")[0], now, idempotency_id="otp"))
    else:
        await rig.crew.run_until_idle()
    await pool.close()


def _exit_code(life: Life) -> int:
    """Live and die in a process of its own; nothing here has begun yet that a fork could tear apart."""
    process = os.fork()
    if process == 0:
        try:
            asyncio.run(_live(life))
        except BaseException:  # noqa: BLE001 - whatever it was, this copy of the process must not read on
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def main() -> None:
    """Start a worker for every line of standard input and say how each ended."""
    for line in sys.stdin:
        print(_exit_code(Life(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
