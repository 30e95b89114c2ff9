"""What the commands share: their help, and the settings they start from."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import TypeAlias, TypeVar

from varsel.settings import Settings

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""Where commands are added; argparse gives it no public name."""

T = TypeVar("T")


class Teaching(argparse.RawDescriptionHelpFormatter):
    """Help that keeps the line breaks of its examples."""


def add_command(
    commands: Commands, name: str, summary: str, lesson: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """Add a command whose `--help` shows `summary` and then `lesson` as written."""
    parser = commands.add_parser(name, help=summary, description=f"{summary}.", epilog=lesson, formatter_class=Teaching)
    parser.set_defaults(run=run)
    return parser


def settings_with(**given: str | None) -> Settings:
    """Read the settings of this process; an argument that was given stands for its `VARSEL_*` variable."""
    overrides = {f"VARSEL_{name.upper()}": value for name, value in given.items() if value is not None}
    return Settings.read({**os.environ, **overrides})


def run_to_end(work: Coroutine[None, None, T]) -> T:
    """Run `work` on the fastest event loop this machine has."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(work)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not installed on Windows

    return uvloop.new_event_loop
