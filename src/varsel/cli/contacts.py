"""`varsel contacts`: fill Varsel's own contact register, and look at what it keeps."""

import argparse
import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from varsel.cli.arguments import Commands, Teaching, add_command, run_to_end, settings_with
from varsel.contacts.import_file import FileFormat, lines_of, read_lines
from varsel.errors import VarselError
from varsel.model.external_identities import canonical_identity
from varsel.model.register import RefusedLine, RegisterEntry

_LESSON = """\
examples:
  varsel contacts import contacts.csv            fill the register from a file
  varsel contacts show 16069412345 310123456     what it keeps about these

The register is one of the directories addresses come from; VARSEL_DIRECTORY names them.
docs/contact-register.md describes the files.
"""
_IMPORT_LESSON = """\
examples:
  varsel contacts import contacts.csv             add what is new, update what has changed
  varsel contacts import all.jsonl --replace      and remove who is not in the file
  varsel contacts import contacts.csv --errors bad-lines.csv
  jq -c '.persons[], .organizations[]' directory.json | varsel contacts import - --format jsonl

The same file may be imported again at any time: what is so already is left alone, so an
import that was broken off is simply run again. A bad line is told with its number and not
used; all others are. Exit code 1 when there were bad lines.

--replace removes, once the whole file is stored, entries that it does not list, but only
of the kinds it does list (persons, organisations, user contacts, external identities), and
nothing while there are bad lines of which nobody can tell whom they are about.
"""
_SHOW_LESSON = """\
examples:
  varsel contacts show 16069412345                a person, by national identity number
  varsel contacts show 310123456                  an organisation and its users
  varsel contacts show urn:altinn:person:idporten-email:kari@example.com

Entries are printed as JSON lines such as "varsel contacts import" reads. Exit code 1 when
one of the identifiers is not in the register.
"""
_FORMATS = {".csv": FileFormat.CSV, ".jsonl": FileFormat.JSON_LINES, ".ndjson": FileFormat.JSON_LINES}
_STANDARD_INPUT = "-"
_SHOWN_BAD_LINES = 20


def add_to(commands: Commands) -> None:
    """Add the command and its own commands."""
    summary = "Fill and look at Varsel's own contact register"
    parser = commands.add_parser(
        "contacts", help=summary, description=f"{summary}.", epilog=_LESSON, formatter_class=Teaching
    )
    inner = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_import(inner)
    show = add_command(inner, "show", "Print what the register keeps about somebody", _SHOW_LESSON, run_show)
    show.add_argument("identifiers", metavar="IDENTIFIER", nargs="+", help="identity or organisation number, or URN")


def _add_import(commands: Commands) -> None:
    parser = add_command(commands, "import", "Import contacts from CSV or JSON lines", _IMPORT_LESSON, run_import)
    parser.add_argument("file", metavar="FILE", help="the file; - reads standard input")
    parser.add_argument("--format", choices=[each.value for each in FileFormat], help="default: by the file's ending")
    parser.add_argument("--replace", action="store_true", help="remove entries the file does not list")
    parser.add_argument("--errors", metavar="FILE", type=Path, help="write all bad lines' numbers and reasons there")
    parser.add_argument(
        "--show",
        metavar="N",
        type=int,
        default=_SHOWN_BAD_LINES,
        help=f"how many bad lines to show (default {_SHOWN_BAD_LINES})",
    )
    parser.set_defaults(complain=parser.error)


def run_import(arguments: argparse.Namespace) -> int:
    """Import the file; 1 when there were bad lines."""
    file_format = _format_of(arguments)
    if arguments.errors and arguments.errors.resolve() == Path(arguments.file).resolve():
        arguments.complain("--errors would overwrite the file itself")
    settings = settings_with()
    from varsel.assembly.contacts import import_contacts  # noqa: PLC0415 - the whole service loads only when it starts
    from varsel.cli.import_report import ImportScreen, summary  # noqa: PLC0415 - it knows what assembly reports

    with _opened(arguments.file) as file, _errors_kept(arguments.errors) as keep:
        screen = ImportScreen(sys.stderr, keep, shown=arguments.show)
        lines = read_lines(lines_of(file), file_format)
        try:
            report = run_to_end(import_contacts(settings, lines, screen, replace=arguments.replace))
        except KeyboardInterrupt:
            screen.say("Broken off. What was stored so far stays; run the import again.\n")
            raise
        finally:
            screen.clear()
    print(summary(report))
    return 1 if report.refused else 0


def _format_of(arguments: argparse.Namespace) -> FileFormat:
    if arguments.format:
        return FileFormat(arguments.format)
    ending = Path(arguments.file).suffix.lower()
    if ending not in _FORMATS:
        arguments.complain(f"the file's name does not tell how it is written; say --format {' or '.join(FileFormat)}")
    return _FORMATS[ending]


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == _STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(Path(name).open("rb"))
        except OSError as error:
            raise VarselError(f"{name} cannot be read: {error.strerror}") from None
        yield file


@contextmanager
def _errors_kept(path: Path | None) -> Iterator[Callable[[RefusedLine], None]]:
    """Give what takes a bad line, writing it to `path` where there is one."""
    if path is None:
        yield lambda _line: None
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
        except OSError as error:
            raise VarselError(f"{path} cannot be written: {error.strerror}") from None
        rows = csv.writer(file)
        rows.writerow(["line", "reason"])
        yield lambda line: rows.writerow([line.number, line.reason])


def run_show(arguments: argparse.Namespace) -> int:
    """Print what is kept; 1 when one of the identifiers is unknown."""
    settings = settings_with()
    from varsel.assembly.contacts import kept_contacts  # noqa: PLC0415 - the whole service loads only when it starts

    asked = [canonical_identity(identifier) for identifier in arguments.identifiers]
    entries = run_to_end(kept_contacts(settings, asked))
    for entry in entries:
        print(as_json_line(entry))
    unknown = set(asked) - {entry.key.partition("/")[0] for entry in entries}
    if unknown:
        print(f"varsel: {len(unknown)} of {len(asked)} identifiers are not in the register", file=sys.stderr)
    return 1 if unknown else 0


def as_json_line(entry: RegisterEntry) -> str:
    """Return an entry as an import file would list it, without what may be left out."""
    members = {
        _camel(field.name): value
        for field in msgspec.structs.fields(entry)
        if (value := getattr(entry, field.name)) != field.default
    }
    return msgspec.json.encode(members).decode()


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
