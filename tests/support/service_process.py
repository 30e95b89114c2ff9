"""`varsel serve` as a process of its own, for what only a whole process can show: signals, memory, sudden death."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

import httpx

from tests.support.service import write_key
from varsel.intake.credentials import LocalIssuer

_VARSEL = Path(sys.executable).with_name("varsel")
_PATIENCE = 60.0


class Log(Enum):
    """What becomes of a process's log."""

    SHOWN = auto()
    KEPT = auto()


@dataclass(kw_only=True)
class ServiceProcess:
    """A running `varsel serve`, called through `client` with a token of `ttd`."""

    process: asyncio.subprocess.Process
    announcement: str
    client: httpx.AsyncClient

    async def ended(self, by: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(by)
        async with asyncio.timeout(_PATIENCE):
            return await self.process.wait()

    async def logs(self, words: str) -> None:
        """Return when the log says these words; fails when the process ends without them. Needs `Log.KEPT`."""
        assert self.process.stderr is not None
        async with asyncio.timeout(_PATIENCE):
            while words not in (line := (await self.process.stderr.readline()).decode()):
                assert line, f"the log never said {words!r}"

    def peak_memory(self) -> int:
        """Return the most memory the process ever had, in bytes (Linux)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024


@contextlib.asynccontextmanager
async def varsel_serve(data_dir: Path, log: Log = Log.SHOWN, /, **settings: str) -> AsyncIterator[ServiceProcess]:
    """Run `varsel serve` until the end of the block, on a free port; `settings` are `VARSEL_*` without the prefix.

    A log that is `Log.KEPT` can be waited for with `logs`; only where it says little.
    """
    write_key(data_dir)
    process = await asyncio.create_subprocess_exec(
        _VARSEL,
        "serve",
        env=_environ(data_dir, {"port": "0", "http_linger": "0s"} | settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE if log is Log.KEPT else None,
    )
    try:
        announcement = await _announcement(process)
        token = LocalIssuer(data_dir / "issuer", service="http://localhost:5090").token("ttd")
        async with httpx.AsyncClient(
            base_url=announcement.split()[-1],
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=_PATIENCE,
        ) as client:
            yield ServiceProcess(process=process, announcement=announcement, client=client)
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(_PATIENCE):
            await process.communicate()


async def serve_in_vain(data_dir: Path, **settings: str) -> tuple[int, str]:
    """Run `varsel serve` where it cannot start, and return its exit code and what it told."""
    process = await asyncio.create_subprocess_exec(
        _VARSEL, "serve", env=_environ(data_dir, settings), stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(_PATIENCE):
        _, told = await process.communicate()
    assert process.returncode is not None
    return process.returncode, told.decode()


def _environ(data_dir: Path, settings: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VARSEL_")}
    named = {f"VARSEL_{name.upper()}": value for name, value in settings.items()}
    return inherited | {"VARSEL_DATA_DIR": str(data_dir)} | named


async def _announcement(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(_PATIENCE):
        line = (await process.stdout.readline()).decode().strip()
    assert line.startswith("varsel ready at http://"), line
    return line
