"""`python -m bench`: run the scenarios named, or all, and print what was found."""

import argparse
import asyncio
import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import asyncpg
import msgspec
import uvloop

from bench import accept, chains, expand, feed, generator, idle, people, smtp, status
from bench.baselines import DATABASE, Baselines
from bench.errors import BenchError
from bench.figures import Row
from bench.lab import QUICK, Lab, Plan
from bench.postgres import running
from bench.table import LEGEND, table, verdicts, write_json
from varsel.errors import VarselError

Scenario = Callable[[Lab], Awaitable[list[Row]]]

SCENARIOS: dict[str, Scenario] = {
    "generator": generator.measure,
    "accept": accept.measure,
    "status": status.measure,
    "expand": expand.measure,
    "idle": idle.measure,
    "smtp": smtp.measure,
    "chains": chains.measure,
    "feed": feed.measure,
    "people": people.measure,
}

FAILURES = (BenchError, VarselError, OSError, asyncpg.PostgresError, msgspec.MsgspecError, ExceptionGroup)
"""What ends one scenario without ending the others; anything else is a mistake in the harness itself."""

EXPLANATION = """\
Starts a PostgreSQL server and Varsel with temporary data on 127.0.0.1, measures, and stops everything again.

  generator  what the load generator and the HTTP server cost with nothing behind them
  accept     v1 e-mail orders, due in a month (only accepting) and due at once (sending alongside)
  status     status reads over many existing orders
  expand     one order of 100,000 recipients from accepted to all in the sandbox, and the worker's memory
  idle       100 orders a second: from created to handed to the provider
  smtp       e-mail to a real SMTP server over loopback, answering at once and after 100 ms
  chains     chains accepted and replayed, shipments read, instant e-mails handed over
  feed       pages of the status feed out of ten million entries
  people     500,000 persons, one or ten thousand to an order, in a directory that takes 30 ms: speed, calls and memory

The whole takes about half an hour; leave the machine alone meanwhile. Use ratios and processor milliseconds to
compare machines. A missed goal is shown, not an error; exit status 1 means that something could not be measured.
"""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=EXPLANATION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="which to run; all when none is named")
    parser.add_argument("--quick", action="store_true", help="one short run of each instead of medians of three")
    parser.add_argument("--rounds", type=int, metavar="N", help="take medians of N runs (default 3, quick 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every figure to FILE")
    parser.add_argument("--workdir", type=Path, metavar="DIR", help="work in DIR (must not exist) and keep its logs")
    options = parser.parse_args()
    unknown = [name for name in options.scenarios if name not in SCENARIOS]
    if unknown:
        parser.error(f"unknown scenario {unknown[0]!r}; choose from {', '.join(SCENARIOS)}")
    if options.workdir is not None and options.workdir.exists():
        parser.error(f"{options.workdir} exists already; name a directory to be made")
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def _plan(options: argparse.Namespace) -> Plan:
    plan = QUICK if options.quick else Plan()
    return plan if options.rounds is None else replace(plan, rounds=options.rounds)


def _directory(named: Path | None) -> Path:
    if named is not None:
        named.mkdir(parents=True)
        return named.absolute()
    made = Path(tempfile.mkdtemp(prefix="varsel-bench-"))
    made.chmod(0o755)  # started by root, PostgreSQL runs as another user and must be able to enter
    return made


def _machine() -> dict[str, str]:
    return {
        "processors": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


async def _run(names: Sequence[str], directory: Path, plan: Plan) -> tuple[list[Row], list[str]]:
    """Run the scenarios; return their rows and what went wrong. One that fails does not stop the others."""
    stop_on_sigterm()
    rows: list[Row] = []
    failures: list[str] = []
    async with running(directory) as server, server.database(DATABASE):
        baselines = Baselines(server, directory)
        await baselines.prepare()
        for name in names:
            print(f"{name}:", file=sys.stderr, flush=True)
            try:
                rows += await SCENARIOS[name](Lab(server, baselines, directory, plan))
            except FAILURES as error:
                failures.append(f"{name} could not be measured: {type(error).__name__}: {error}")
                print(f"  {failures[-1]}", file=sys.stderr, flush=True)
    return rows, failures


def stop_on_sigterm() -> None:
    """Let SIGTERM end the run as Ctrl-C does: by leaving every context, which stops every process."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def main() -> int:
    """Measure, print, and return the exit status."""
    options = _arguments()
    machine = _machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()), file=sys.stderr)
    directory = _directory(options.workdir)
    try:
        rows, failures = uvloop.run(_run(options.scenarios or list(SCENARIOS), directory, _plan(options)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("stopped; every process of the run has been ended", file=sys.stderr)
        return 130
    except FAILURES as error:
        print(f"nothing was measured: {error}", file=sys.stderr)
        return 1
    finally:
        if options.workdir is None:
            shutil.rmtree(directory, ignore_errors=True)
    print("\n\n".join([f"\n{table(rows)}", verdicts(rows), LEGEND, *failures]))
    if options.json:
        write_json(options.json, machine, rows)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
