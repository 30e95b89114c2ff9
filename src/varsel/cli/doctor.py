"""`varsel doctor`: look at everything Varsel needs and say what to do."""

import argparse
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from varsel.cli.arguments import Commands, add_command, run_to_end, settings_with
from varsel.errors import SettingsError
from varsel.model.findings import Finding, Verdict
from varsel.settings import Settings
from varsel.settings.choices import Directory, Environment

_LESSON = """\
examples:
  varsel doctor                       one line for each thing looked at
  varsel doctor --json                the same for programs

It looks at the settings, the data folder, the clock, the database and its schema, the
sources of keys and the providers. It sends no message and changes nothing but an embedded
database that it must start to look at. Exit code 1 when something stands in the way.
"""
_NO_CLOCK_BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
_NEAR = frozenset({"localhost", "127.0.0.1", "::1"})


def add_to(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(commands, "doctor", "Check settings, database, keys and providers", _LESSON, run)
    parser.add_argument("--json", action="store_true", help="print a JSON list instead of lines")


def run(arguments: argparse.Namespace) -> int:
    """Print what was found; 1 when anything failed."""
    found = examine()
    print(json.dumps([asdict(each) for each in found], indent=2) if arguments.json else report(found))
    return 1 if any(each.verdict is Verdict.FAIL for each in found) else 0


def examine() -> list[Finding]:
    """Look at this machine first; at the database and the providers only when the settings hold."""
    try:
        settings = settings_with()
    except SettingsError as error:
        advice = "docs/settings.md explains every setting"
        return [Finding("settings", Verdict.FAIL, problem, advice) for problem in error.problems]
    found = [Finding("settings", Verdict.OK, f"they hold together for {settings.environment}")]
    found += examine_machine(settings, datetime.now(UTC))
    from varsel import assembly  # noqa: PLC0415 - the whole service loads only when it is looked at

    return found + run_to_end(assembly.doctor(settings))


def examine_machine(settings: Settings, now: datetime) -> list[Finding]:
    """Return what can be said without reaching anything outside this machine."""
    return [
        _data_dir(settings.data_dir),
        _clock(now),
        *_reachability(settings),
        *_database(settings),
        _directory(settings),
    ]


def _data_dir(folder: Path) -> Finding:
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        advice = "give this user the right to write there, or set VARSEL_DATA_DIR to another folder"
        return Finding("data folder", Verdict.FAIL, f"{nearest} cannot be written: {error.strerror}", advice)
    state = "can be written" if nearest == folder else "will be created"
    return Finding("data folder", Verdict.OK, f"{folder} {state}")


def _clock(now: datetime) -> Finding:
    said = f"it is {now:%Y-%m-%d %H:%M:%S} UTC"
    if now < _NO_CLOCK_BEFORE:
        advice = "set the clock, best by NTP: tokens and send times are judged by it"
        return Finding("clock", Verdict.FAIL, f"{said}, which cannot be", advice)
    return Finding("clock", Verdict.OK, said)


def _reachability(settings: Settings) -> Iterator[Finding]:
    """Warn of an installation open to the network but not meant for it, and of links nobody outside can follow."""
    production = settings.environment is Environment.PRODUCTION
    if not production and settings.host not in _NEAR:
        found = f"a development installation listens on {settings.host}"
        yield Finding(
            "reach", Verdict.WARN, found, "anybody there can read the inbox: set VARSEL_ENVIRONMENT=production"
        )
    if production and urlsplit(settings.base_uri).hostname in _NEAR:
        found = f"links in answers begin with {settings.base_uri}"
        yield Finding("links", Verdict.WARN, found, "set VARSEL_BASE_URI to the address callers use")


def _database(settings: Settings) -> Iterator[Finding]:
    if settings.environment is Environment.PRODUCTION and settings.database_url is None:
        found = "the embedded database is used: one machine, and backups are yours to make"
        yield Finding("database", Verdict.WARN, found, "set VARSEL_DATABASE_URL to a server that is looked after")


def _directory(settings: Settings) -> Finding:
    if settings.directory is None:
        return Finding("directory file", Verdict.OK, "none: only direct addresses are reached")
    if Directory.FIXED not in settings.directory:
        return Finding("directory file", Verdict.OK, "not used: VARSEL_DIRECTORY names other directories")
    if not settings.fixed_directory_file.exists():
        found = f"{settings.fixed_directory_file} is not there, so no person or organisation is found"
        advice = "write it, or set VARSEL_FIXED_DIRECTORY_FILE; nothing to do if all recipients have addresses"
        return Finding("directory file", Verdict.OK, found, advice)
    if not os.access(settings.fixed_directory_file, os.R_OK):
        found = f"{settings.fixed_directory_file} cannot be read"
        return Finding("directory file", Verdict.FAIL, found, "give this user the right to read it")
    return Finding("directory file", Verdict.OK, f"{settings.fixed_directory_file} is there")


def report(found: Sequence[Finding]) -> str:
    """Return one line for each finding, with its advice below, and a last line that sums up."""
    width = max(len(each.subject) for each in found)
    lines = []
    for each in found:
        lines.append(f"{each.verdict:<4}  {each.subject:<{width}}  {each.found}")
        if each.advice:
            lines.append(f"{'':<4}  {'':<{width}}  -> {each.advice}")
    failed = sum(each.verdict is Verdict.FAIL for each in found)
    warned = sum(each.verdict is Verdict.WARN for each in found)
    return "\n".join([*lines, "", _sum(failed, warned)])


def _sum(failed: int, warned: int) -> str:
    if failed:
        return f"{failed} of these must be mended before Varsel can work."
    return f"Varsel can work; {warned} of these want attention." if warned else "Varsel can work."
