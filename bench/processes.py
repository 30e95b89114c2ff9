"""Child processes of a run: started in a session of their own, listened to through a log file, ended for certain."""

import asyncio
import os
import re
import resource
import signal
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError

STOP_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Child:
    """A running child and the file that holds what it writes."""

    process: asyncio.subprocess.Process
    name: str
    log: Path

    @property
    def pid(self) -> int:
        """The root of the child's process tree."""
        return self.process.pid

    def written(self) -> str:
        """Return what the child has written so far."""
        return self.log.read_text(errors="replace")

    async def says(self, words: str, seconds: float, *, after: int = 0) -> str:
        """Wait for a line that begins with `words` and return its rest; raise `BenchError` when it does not come.

        The first `after` characters that the child has written are passed over.
        """
        line, deadline = re.compile(rf"^{re.escape(words)}(.*)\n", re.MULTILINE), time.monotonic() + seconds
        while (found := line.search(self.written(), after)) is None:
            await self._look_again(deadline)
        return found[1].strip()

    async def answers(self, words: str, seconds: float) -> str:
        """Send an empty line and return what follows `words` in the answer."""
        assert self.process.stdin is not None
        before = len(self.written())
        self.process.stdin.write(b"\n")
        return await self.says(words, seconds, after=before)

    async def listens(self, port: int, seconds: float) -> None:
        """Wait until `port` of 127.0.0.1 takes connections; raise `BenchError` as `says` does."""
        deadline = time.monotonic() + seconds
        while not _takes_connections(port):
            await self._look_again(deadline)

    async def _look_again(self, deadline: float) -> None:
        if self.process.returncode is not None:
            raise BenchError(f"{self.name} ended before it was ready:\n{self.written()[-4000:]}")
        if time.monotonic() > deadline:
            raise BenchError(f"{self.name} was not ready in time:\n{self.written()[-4000:]}")
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)


@asynccontextmanager
async def child(
    *command: str | Path,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> AsyncIterator[Child]:
    """Run `command`; at the end ask it to stop (SIGTERM), and kill its session when that takes too long."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=env,
            cwd=cwd or log.parent,
            start_new_session=True,
        )
    try:
        yield Child(process, Path(command[0]).name, log)
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        if process.returncode is None:
            process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), STOP_SECONDS)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


async def output_of(*command: str | Path, env: Mapping[str, str] | None = None, seconds: float) -> str:
    """Run `command` to its end and return what it printed; raise `BenchError` when it fails or takes too long."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=env,
    )
    try:
        printed, complaint = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        raise BenchError(f"{Path(command[0]).name} took longer than {seconds:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode != 0:
        raise BenchError(f"{Path(command[0]).name} failed:\n{complaint.decode(errors='replace')[-4000:]}")
    return printed.decode()


def allow_open_files(count: int) -> None:
    """Let this process, and those it starts from now on, have `count` files and connections open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise BenchError(f"{count:,} open files are needed and {hard:,} allowed: raise the limit (`ulimit -Hn`)")
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def _takes_connections(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
