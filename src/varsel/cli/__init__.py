"""The command `varsel`: one file for each of its words.

Exit codes: 0 done, 1 it did not succeed, 2 wrong settings or arguments, 130 interrupted from the keyboard.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from varsel.cli import contacts, demo, doctor, migrate, serve, settings, token, work
from varsel.cli.arguments import Teaching
from varsel.errors import SettingsError, VarselError

_ABOUT = """\
Varsel takes notification orders over HTTP, sends them as e-mail and SMS, and
tells what became of each message.

A first minute:
  varsel serve                        start everything, embedded database included
  TOKEN=$(varsel token --org ttd)     a token to call it with (other terminal)
  varsel demo                         send a few orders and watch them arrive

Settings are VARSEL_* variables; varsel settings explains each.
"""
_INTERRUPTED = 130
_FILE_ADVICE = "Run Varsel as a user who may read and write there, or set VARSEL_DATA_DIR to another folder."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Known failures are explained in a line, without a traceback."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        return _INTERRUPTED
    except ExceptionGroup as several:
        codes = [_explained(each) for each in several.exceptions]
        if not all(codes):
            raise
        return max(codes)
    except (VarselError, OSError) as error:
        code = _explained(error)
        if not code:
            raise
        return code


def _explained(error: Exception) -> int:
    """Print a failure whose reason the reader can act on, and return its exit code; 0 for any other, unprinted."""
    match error:
        case SettingsError():
            print(error, file=sys.stderr)
            print("varsel settings explains every setting.", file=sys.stderr)
            return 2
        case VarselError():
            print(f"varsel: {error}", file=sys.stderr)
            return 1
        case OSError(filename=str(file), strerror=reason):
            print(f"varsel: {file} cannot be used: {reason}. {_FILE_ADVICE}", file=sys.stderr)
            return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="varsel", description=_ABOUT, formatter_class=Teaching)
    parser.add_argument("--version", action="version", version=f"varsel {version('varsel')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (serve, work, migrate, doctor, settings, token, demo, contacts):
        command.add_to(commands)
    return parser
