"""`varsel doctor`: look at everything Varsel needs and say what to do."""

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from varsel.cli.arguments import Commands, add_command, run_to_end, settings_with
from varsel.errors import SettingsError
from varsel.model.findings import Finding, Verdict
from varsel.settings import Settings
from varsel.settings.advice import advice_for
from varsel.settings.choices import Directory

_LESSON = """\
examples:
  varsel doctor                       one line for each thing looked at
  varsel doctor --json                the same for programs

It looks at the settings, the data folder, the clock, the database and its schema, the
sources of keys and the providers. It sends no message and creates nothing. An embedded
database that exists is started for the time of the look. Exit code 1 when something stands
in the way.
"""
_NO_CLOCK_BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
_MEBIBYTE = 1024 * 1024
_PROBE = 4 * _MEBIBYTE
"""Bytes that are written to see whether a disk takes any; less than a file system may keep in reserve goes unseen."""
_ROOM = 1024 * _MEBIBYTE
"""Below this much free space the embedded database may soon stop."""


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
        advice = "varsel settings explains every setting"
        return [Finding("settings", Verdict.FAIL, problem, advice) for problem in error.problems]
    found = [Finding("settings", Verdict.OK, f"they hold together for {settings.environment}")]
    found += examine_machine(settings, datetime.now(UTC))
    from varsel import assembly  # noqa: PLC0415 - the whole service loads only when it is looked at

    return found + run_to_end(assembly.doctor(settings))


def examine_machine(settings: Settings, now: datetime) -> list[Finding]:
    """Return what can be said without reaching anything outside this machine."""
    return [
        _data_dir(settings),
        _clock(now),
        *(Finding(subject, Verdict.WARN, found, to_do) for subject, found, to_do in advice_for(settings)),
        _directory(settings),
    ]


def _data_dir(settings: Settings) -> Finding:
    folder = settings.data_dir
    if settings.database_url is not None and not settings.local_issuer:
        return Finding("data folder", Verdict.OK, f"{folder} is not needed: database and keys are elsewhere")
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    advice = "give this user the right to write there, make room, or set VARSEL_DATA_DIR to another folder"
    try:
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(bytes(_PROBE))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return Finding("data folder", Verdict.FAIL, f"{nearest} cannot be written: {error.strerror}", advice)
    free = shutil.disk_usage(nearest).free
    if free < _ROOM:
        found = f"{nearest} has {free // _MEBIBYTE} MiB left"
        return Finding("data folder", Verdict.WARN, found, "make room: a full disk stops everything")
    state = "can be written" if nearest == folder else "will be created"
    return Finding("data folder", Verdict.OK, f"{folder} {state}")


def _clock(now: datetime) -> Finding:
    said = f"it is {now:%Y-%m-%d %H:%M:%S} UTC"
    if now < _NO_CLOCK_BEFORE:
        advice = "set the clock, best by NTP: tokens and send times are judged by it"
        return Finding("clock", Verdict.FAIL, f"{said}, which cannot be", advice)
    return Finding("clock", Verdict.OK, said)


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
        return f"{failed} of these must be put right before Varsel can work."
    return f"Varsel can work; {warned} of these want attention." if warned else "Varsel can work."
