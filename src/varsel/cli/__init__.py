"""The command `varsel`: one file for each of its words.

Exit codes: 0 done, 1 it did not succeed, 2 wrong settings or arguments, 130 interrupted from the keyboard.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from varsel.cli import contacts, demo, doctor, migrate, serve, token, work
from varsel.cli.arguments import Teaching
from varsel.errors import SettingsError, VarselError

_ABOUT = """\
Varsel takes notification orders over HTTP, sends them as e-mail and SMS, and
tells what became of each message.

A first minute:
  varsel serve                        start everything, embedded database included
  TOKEN=$(varsel token --org ttd)     a token to call it with (other terminal)
  varsel demo                         send a few orders and watch them arrive

Settings are VARSEL_* variables; docs/settings.md explains each.
"""
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Known failures are told in plain words, without a traceback."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except SettingsError as error:
        print(error, file=sys.stderr)
        print("docs/settings.md explains every setting.", file=sys.stderr)
        return 2
    except VarselError as error:
        print(f"varsel: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="varsel", description=_ABOUT, formatter_class=Teaching)
    parser.add_argument("--version", action="version", version=f"varsel {version('varsel')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (serve, work, migrate, doctor, token, demo, contacts):
        command.add_to(commands)
    return parser
