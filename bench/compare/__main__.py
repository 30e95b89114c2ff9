"""`python -m bench.compare`: compare two services, or this one with itself."""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bench import postgres
from bench.compare.exchange import Side
from bench.compare.run import compare
from bench.errors import BenchError
from bench.service import HOST, serving

_ABOUT = """\
Sends the same requests to two services and prints where their answers differ, grouped by
kind, each kind with its smallest example. Nothing that it orders is due within a month, and
what is accepted is cancelled where the interface can. A side that is not given is started
here, from this checkout, with a database of its own.

Tokens come from COMPARE_LEFT_TOKEN and COMPARE_RIGHT_TOKEN. Exit code 1 when anything differed.
"""
_STEP = 250


def main() -> int:
    """Compare, print the report, and return 1 when anything differed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.compare", description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--left", metavar="URL", default="", help="one service, such as http://127.0.0.1:5090")
    parser.add_argument("--right", metavar="URL", default="", help="the other")
    parser.add_argument("--cases", metavar="NUMBER", type=int, default=2000, help="how many cases (default 2000)")
    parser.add_argument(
        "--seed", metavar="NUMBER", type=int, default=1, help="the same seed sends the same (default 1)"
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the report there as JSON, too")
    arguments = parser.parse_args()
    try:
        return asyncio.run(_compare(arguments))
    except BenchError as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2


async def _compare(arguments: argparse.Namespace) -> int:
    async with AsyncExitStack() as stack:
        left = await stack.enter_async_context(_side("left", arguments.left))
        right = await stack.enter_async_context(_side("right", arguments.right))
        print(f"left {left.address}, right {right.address}, seed {arguments.seed}", flush=True)
        report = await compare(left, right, arguments.seed, arguments.cases, _show_progress)
    print(report.text())
    if arguments.json:
        arguments.json.write_text(json.dumps(report.document(), indent=2, ensure_ascii=False), encoding="utf-8")
    return 1 if report.groups else 0


@asynccontextmanager
async def _side(name: str, address: str) -> AsyncIterator[Side]:
    """Give the service at `address`, or start one for the time of the block."""
    if address:
        token = os.environ.get(f"COMPARE_{name.upper()}_TOKEN", "")
        if not token:
            raise BenchError(f"set COMPARE_{name.upper()}_TOKEN to a bearer token that {address} accepts")
        side = Side(address, token)
        yield side
        await side.close()
        return
    with tempfile.TemporaryDirectory(prefix=f"varsel-compare-{name}-") as folder:
        directory = Path(folder)
        directory.chmod(0o711)  # noqa: ASYNC240 - at once; as root, the database's own user must be able to pass
        async with (
            postgres.running(directory) as server,
            server.database("compare") as database,
            serving(directory, database) as service,
        ):
            side = Side(f"http://{HOST}:{service.port}", service.token)
            yield side
            await side.close()


def _show_progress(number: int) -> None:
    if number % _STEP == 0:
        print(f"{number} cases", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
