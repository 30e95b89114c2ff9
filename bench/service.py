"""Varsel as its users start it: `varsel serve` in processes of its own, with a temporary data directory."""

import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.processes import child, free_port, output_of

HOST = "127.0.0.1"
READY_SECONDS = 60.0
TOKEN_SECONDS = 30.0
EVERYTHING = "api,worker"


@dataclass(frozen=True, slots=True)
class Service:
    """A running Varsel: its API's port, a bearer token, its database's address, and its root processes by roles.

    Of several processes with the same roles the later ones are numbered: `api`, `api 2`.
    """

    port: int
    token: str
    database: str
    pids: Mapping[str, int]


@asynccontextmanager
async def serving(
    directory: Path,
    database: str,
    roles: Sequence[str] = (EVERYTHING,),
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Service]:
    """Run one process per element of `roles`; the first must hold the role `api`. `directory` must exist.

    All that hold it share one port.
    """
    program, pids, port = _program(), dict[str, int](), free_port()
    shared = {"VARSEL_SHARE_PORT": "yes"} if sum("api" in role for role in roles) > 1 else {}
    environment = _environment(directory, database) | shared | dict(settings or {})
    async with AsyncExitStack() as stack:
        for number, role in enumerate(roles, start=1):
            name = role if role not in pids else f"{role} {number}"
            log = directory / f"{name.replace(',', '-').replace(' ', '_')}.log"
            own = environment | {"VARSEL_PORT": str(port)}
            process = await stack.enter_async_context(child(program, "serve", "--roles", role, log=log, env=own))
            await process.says("varsel ready", READY_SECONDS)
            pids[name] = process.pid
        yield Service(port, await _token(program, environment), database, pids)


def _program() -> Path:
    program = Path(sys.executable).with_name("varsel")
    if not program.exists():
        raise BenchError("the program varsel is not installed beside this Python; start with `make bench`")
    return program


def _environment(directory: Path, database: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VARSEL_")}
    return inherited | {"VARSEL_DATA_DIR": str(directory), "VARSEL_DATABASE_URL": database, "VARSEL_HOST": HOST}


async def _token(program: Path, environment: Mapping[str, str]) -> str:
    command = (program, "token", "--org", "ttd", "--org-number", "991825827", "--expires-in", "86400")
    printed = (await output_of(*command, env=environment, seconds=TOKEN_SECONDS)).split()
    if not printed:
        raise BenchError("`varsel token` printed nothing")
    return printed[-1]
