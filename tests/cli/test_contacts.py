"""`varsel contacts`: importing, what is said meanwhile and in the end, and looking at what is kept."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.until import until
from varsel.assembly.contacts import LINES_AT_ONCE, ImportReport, Removal, run_import
from varsel.cli import main
from varsel.cli.contacts import as_json_line
from varsel.cli.import_report import ImportScreen, summary
from varsel.contacts.import_file import FileFormat, read_lines
from varsel.model.register import ListedLine, RefusedLine, RegisterKind, RegisterPerson, RegisterUser, Tally
from varsel.storage.contacts import ContactRegister
from varsel.storage.pool import Pool

KARI, OLA, STALE, ORG = "16069412345", "10987654321", "12345678901", "310123456"
GOOD = f"""\
{{"nationalIdentityNumber":"{KARI}","name":"Kari Nordmann","email":"kari@example.com","confirmed":"2026-01-31"}}
{{"nationalIdentityNumber":"{OLA}","isReserved":true}}
{{"organizationNumber":"{ORG}","emails":["post@example.com"]}}
{{"organizationNumber":"{ORG}","userId":1,"resources":["my-resource"]}}
"""
BAD = f"""\
{{"nationalIdentityNumber":"{KARI}","email":"secret at home"}}
{{"nationalIdentityNumber":"1"}}
{{"nationalIdentityNumber":"{OLA}"}}
{{"nationalIdentityNumber":"{OLA}","name":"secret"}}
"""


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands use a fresh database."""
    monkeypatch.setenv("VARSEL_DATABASE_URL", database_url)


@pytest.fixture
def contacts(database: None, tmp_path: Path) -> Path:  # noqa: ARG001 - it is to be imported
    """A good file."""
    return write(tmp_path / "contacts.jsonl", GOOD)


def write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def imported(*arguments: object) -> int:
    return main(["contacts", "import", *map(str, arguments)])


def shown(capsys: pytest.CaptureFixture[str], *identifiers: str) -> str:
    capsys.readouterr()
    main(["contacts", "show", *identifiers])
    return capsys.readouterr().out


def test_a_file_is_imported_and_shown_as_it_was(contacts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(contacts) == 0
    out = capsys.readouterr().out
    assert "4 lines in " in out
    assert "0 bad lines were not used" in out
    assert [line.split() for line in out.splitlines()[1:]] == [
        ["added", "updated", "unchanged", "removed"],
        ["persons", "2", "0", "0", "0"],
        ["organisations", "1", "0", "0", "0"],
        ["user", "contacts", "1", "0", "0", "0"],
    ]
    assert main(["contacts", "show", KARI, OLA, ORG]) == 0
    kept = capsys.readouterr().out
    assert sorted(kept.splitlines()) == sorted(GOOD.splitlines())


def test_the_same_file_again_changes_nothing_and_says_so(contacts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imported(contacts)
    capsys.readouterr()
    assert imported(contacts) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[-1] == "Nothing had to be changed."
    assert out[2].split() == ["persons", "0", "0", "2", "0"]


@pytest.mark.usefixtures("database")
def test_bad_lines_are_told_without_their_values_and_the_others_stored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = write(tmp_path / "bad.ndjson", BAD)
    assert imported(bad, "--show", 2, "--errors", tmp_path / "errors.csv") == 1
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        "line 1: email: expected an e-mail address such as kari@example.com, or leave it out",
        "line 2: nationalIdentityNumber: expected 11 digits",
        "Further bad lines are only counted; --errors FILE writes all of them.",
    ]
    assert "3 bad lines were not used" in said.out
    with (tmp_path / "errors.csv").open(encoding="utf-8", newline="") as errors:
        rows = list(csv.reader(errors))
    assert [row[0] for row in rows] == ["line", "1", "2", "4"]
    assert rows[3][1] == "line 3 is about the same already"
    assert "secret" not in said.err + said.out + str(rows)
    assert shown(capsys, OLA) == f'{{"nationalIdentityNumber":"{OLA}"}}\n'


def test_replace_removes_what_is_not_listed_of_the_kinds_that_are(
    contacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(contacts)
    persons = write(tmp_path / "persons.csv", f"nationalIdentityNumber,isReserved\n{OLA},true\n{STALE},")
    capsys.readouterr()
    assert imported(persons, "--replace") == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["persons", "1", "0", "1", "1"]
    assert len(shown(capsys, KARI, OLA, STALE, ORG).splitlines()) == 4
    assert shown(capsys, KARI) == ""


def test_replace_removes_nothing_while_somebody_is_not_known(
    contacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(contacts)
    capsys.readouterr()
    assert imported(write(tmp_path / "bad.jsonl", BAD), "--replace") == 1
    assert "Nothing was removed: of 1 bad lines nobody can tell" in capsys.readouterr().out
    assert shown(capsys, KARI) == GOOD.splitlines(keepends=True)[0]


def test_replace_keeps_whom_a_bad_line_is_about(
    contacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(contacts)
    known = write(tmp_path / "bad.csv", f"nationalIdentityNumber,email\n{KARI},x\n{STALE},")
    assert imported(known, "--replace") == 1
    assert shown(capsys, KARI) == GOOD.splitlines(keepends=True)[0]
    assert shown(capsys, OLA) == ""


def test_an_empty_file_replaces_nothing(contacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imported(contacts)
    capsys.readouterr()
    assert imported(write(tmp_path / "empty.jsonl", ""), "--replace") == 0
    assert capsys.readouterr().out.endswith("Nothing had to be changed.\n")
    assert shown(capsys, KARI) != ""


def test_who_is_not_in_the_register_is_told(contacts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    imported(contacts)
    capsys.readouterr()
    assert main(["contacts", "show", STALE, KARI]) == 1
    said = capsys.readouterr()
    assert said.out == GOOD.splitlines(keepends=True)[0]
    assert said.err == "varsel: 1 of 2 identifiers are not in the register\n"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("nowhere.csv", None, "nowhere.csv cannot be read: No such file or directory"),
        ("wrong.csv", "telephone\n1", "Column 1 of the header line is not one of"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_before_anything_is_done(
    name: str, content: str | None, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        write(tmp_path / name, content)
    assert imported(tmp_path / name) == 1
    assert says in capsys.readouterr().err


def test_errors_that_cannot_be_written_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "contacts.jsonl", GOOD)
    assert imported(file, "--errors", tmp_path / "nowhere" / "errors.csv") == 1
    assert "errors.csv cannot be written: No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["contacts"], "required: COMMAND"),
        (["contacts", "import", "contacts.xls"], "say --format csv or jsonl"),
        (["contacts", "import", "-"], "say --format csv or jsonl"),
        (["contacts", "import", "a.csv", "--errors", "./a.csv"], "would overwrite the file itself"),
        (["contacts", "show"], "required: IDENTIFIER"),
    ],
)
def test_wrong_arguments_end_with_2(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("command", ["", "import", "show"])
def test_help_gives_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["contacts", *([command] if command else []), "--help"])
    out = capsys.readouterr().out
    assert f"\n  varsel contacts {command}" in out
    assert max(map(len, out.splitlines())) <= 120


PROGRAM = """
import signal
from varsel.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # under nohup or in the background of a shell it is ignored
raise SystemExit(main())
"""


async def test_an_import_that_is_broken_off_keeps_its_sets_and_is_run_again(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own program; starting it does not take long
        [sys.executable, "-c", PROGRAM, "contacts", "import", "-", "--format", "jsonl"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "VARSEL_DATABASE_URL": database_url, "VARSEL_DATA_DIR": str(tmp_path)},
    )
    assert process.stdin is not None
    for number in range(LINES_AT_ONCE + 1):
        process.stdin.write(b'{"nationalIdentityNumber": "%011d"}\n' % number)
    process.stdin.flush()

    async def stored() -> bool:
        return (await ContactRegister(pool).sizes())[RegisterKind.PERSON] == LINES_AT_ONCE

    await until(stored)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.decode().endswith("Broken off. What was stored so far stays; run the import again.\n")
    again = [b'{"nationalIdentityNumber": "%011d"}' % number for number in range(LINES_AT_ONCE + 1)]
    report = await run_import(pool, read_lines(again, FileFormat.JSON_LINES), _Quiet(), replace=False)
    assert report.tallies[RegisterKind.PERSON] == Tally(added=1, unchanged=LINES_AT_ONCE)


class _Quiet:
    def refused(self, line: RefusedLine) -> None:
        raise AssertionError(line)

    def progress(self, report: ImportReport) -> None:
        pass


async def test_a_file_is_never_far_ahead_of_what_is_stored(pool: Pool) -> None:
    taken = 0

    def endless() -> Iterator[ListedLine]:
        nonlocal taken
        for taken in range(1, 10 * LINES_AT_ONCE + 1):
            yield ListedLine(taken, (RegisterPerson(f"{taken:011}"),))

    class Watcher(_Quiet):
        def progress(self, report: ImportReport) -> None:
            assert taken - report.lines <= LINES_AT_ONCE

    report = await run_import(pool, endless(), Watcher(), replace=False)
    assert report.lines == taken == 10 * LINES_AT_ONCE


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def report_at(seconds: float) -> ImportReport:
    return ImportReport(lines=1234, refused=1, seconds=seconds)


def test_a_terminal_shows_one_line_that_is_rewritten() -> None:
    out = Terminal()
    kept: list[RefusedLine] = []
    screen = ImportScreen(out, kept.append, shown=1)
    for seconds in (0.05, 0.2, 0.25):
        screen.progress(report_at(seconds))
    screen.refused(RefusedLine(7, "bad"))
    screen.clear()
    assert out.getvalue().split("\r\x1b[K")[1:] == [
        "1,234 lines in 0.2 s (6,170 lines/s), 1 bad",
        "line 7: bad\n",
        "",
    ]
    assert kept == [RefusedLine(7, "bad")]


def test_elsewhere_a_line_now_and_then_is_written() -> None:
    out = io.StringIO()
    screen = ImportScreen(out, lambda _line: None, shown=0)
    for seconds in (0.2, 4.9, 5.0, 9.9, 10.0):
        screen.progress(report_at(seconds))
    screen.refused(RefusedLine(7, "bad"))
    screen.refused(RefusedLine(8, "bad"))
    screen.clear()
    assert out.getvalue().splitlines() == [
        "1,234 lines in 5.0 s (247 lines/s), 1 bad",
        "1,234 lines in 10.0 s (123 lines/s), 1 bad",
        "Further bad lines are only counted; --errors FILE writes all of them.",
    ]


def test_the_summary_lines_its_numbers_up() -> None:
    report = ImportReport(lines=1_000_000, refused=2, unidentified=2, removal=Removal.WITHHELD, seconds=40)
    report.count(RegisterKind.PERSON, Tally(999_998, 0, 0, 0))
    assert summary(report).splitlines() == [
        "1,000,000 lines in 40.0 s (25,000 lines/s); 2 bad lines were not used",
        "           added  updated  unchanged  removed",
        "persons  999,998        0          0        0",
        "Nothing was removed: of 2 bad lines nobody can tell whom they are about. Mend them and run the import again.",
    ]


def test_entries_are_shown_as_import_files_list_them() -> None:
    line = as_json_line(RegisterUser(ORG, 1, mobile_number="+4799999999", resources=()))
    assert json.loads(line) == {
        "organizationNumber": ORG,
        "userId": 1,
        "mobileNumber": "+4799999999",
        "resources": [],
    }
