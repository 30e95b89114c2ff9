"""What the pages tell people to type works, and what they point to is there."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, blocks, prose, quoted, table_rows, text_of
from tests.docs.test_sandbox import ROWS as SANDBOX_ROWS
from tests.support.until import until
from varsel.cli import main
from varsel.settings import Settings
from varsel.settings.reader import settings_of

README = text_of("README.md")
VARSEL = str(Path(sys.executable).with_name("varsel"))
SOURCES = ROOT / "src" / "varsel"

OF_TESTS_ALONE = "VARSEL_TEST_DATABASE_URL"
"""The one variable that is no setting of the service; tests/conftest.py reads it."""

RUN, TOKEN, ORDER, INBOX, STATUS, DEMO = blocks(README, "bash")[:6]
"""The commands of the first five minutes, in the order a newcomer types them."""

ANNOUNCED = "varsel ready"
"""What a service prints when it answers; no command."""

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@pytest.fixture
async def address(database_url: str, tmp_path: Path) -> AsyncIterator[str]:
    """Where a service answers that was started as `make run` starts it, on a free port."""
    environment = _environment({"VARSEL_DATABASE_URL": database_url, "VARSEL_DATA_DIR": str(tmp_path)})
    process = await asyncio.create_subprocess_exec(
        VARSEL, "serve", "--port", "0", env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    ready = (await process.stdout.readline()).decode()
    if not ready.startswith(ANNOUNCED):
        _, log = await process.communicate()
        pytest.fail(f"the service did not start:\n{log.decode()}")
    yield ready.removeprefix(f"{ANNOUNCED} at http://").strip()
    process.terminate()
    _, log = await process.communicate()
    assert process.returncode == 0, log.decode()


async def test_the_first_five_minutes(address: str, tmp_path: Path) -> None:
    environment = _environment({"VARSEL_DATA_DIR": str(tmp_path), "VARSEL_PORT": address.rpartition(":")[2]})

    async def typed(command: str) -> str:
        return await _typed(command.replace("127.0.0.1:5090", address), environment)

    pasted = await typed(f'{TOKEN}\n{ORDER}\n{INBOX}\n{STATUS}\necho "\nTOKEN=$TOKEN SHIPMENT=$SHIPMENT"')
    assert "My first message." in pasted
    *_, kept = pasted.splitlines()
    environment |= dict(variable.split("=", 1) for variable in kept.split())
    assert re.fullmatch(r"[0-9a-f-]{36}", environment["SHIPMENT"])

    async def delivered() -> bool:
        return '"Email_Delivered"' in await typed(STATUS)

    assert await until(delivered)
    assert "final result" in await typed(DEMO)


def test_the_first_command_is_one_of_the_makefile() -> None:
    assert RUN.split() == ["make", "run"]


async def _typed(command: str, environment: Mapping[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        "bash", "-eu", "-o", "pipefail", "-c", command.replace(".venv/bin/varsel", VARSEL),
        cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, complaints = await process.communicate()
    assert process.returncode == 0, f"{command}\n{complaints.decode()}"
    return output.decode()


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith("VARSEL_")}
    return others | dict(settings)


@every_page
def test_every_word_of_make_exists(page: Path) -> None:
    words = re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE)
    for command in _commands(page):
        assert set(re.findall(r"\bmake ([a-z]+)", command)) <= set(words), command


@every_page
def test_every_command_of_varsel_exists(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in _commands(page):
        for word, rest in re.findall(r"(?:^|[(/&;\s])varsel ([a-z]+)([^)&;|\n]*)", command):
            with pytest.raises(SystemExit) as done:
                main([word, "--help"])
            assert done.value.code == 0, command
            options = capsys.readouterr().out
            for option in re.findall(r"--[a-z-]+", rest):
                assert option in options, command


@every_page
def test_every_setting_named_exists(page: Path) -> None:
    known = {OF_TESTS_ALONE}
    for each in settings_of(Settings):
        known |= {each.name, each.file_name or each.name}
    assert set(re.findall(r"VARSEL_[A-Z_]*[A-Z]", page.read_text(encoding="utf-8"))) <= known


@every_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text(encoding="utf-8"))):
        if not re.match(r"https?:", target):
            assert (page.parent / target.partition("#")[0]).exists(), target


@every_page
def test_every_path_named_exists(page: Path) -> None:
    for name in quoted(page.read_text(encoding="utf-8")):
        if re.fullmatch(r"(src|tests|docs|bench|requirements|\.ci)/[\w./-]+", name):
            assert (ROOT / name).exists(), name


def test_the_rooms_are_those_of_the_code() -> None:
    there = {part.stem for part in SOURCES.iterdir() if part.suffix == ".py" or (part / "__init__.py").exists()}
    rooms = README.partition("## The rooms")[2].partition("\n## ")[0]
    named = {name for row in table_rows(rooms) for name in quoted(row[1])}
    assert named == there - {"__init__", "__main__"}


def test_the_magic_recipients_are_those_of_the_sandbox() -> None:
    section = README.partition("## Magic recipients")[2].partition("\n## ")[0]
    rows = {row[0].strip("`"): row[1] for row in table_rows(section) if row[0].startswith("`")}
    assert len(rows) >= 3
    for recipient, end in rows.items():
        assert end.startswith(f"`{SANDBOX_ROWS[recipient][1]}`")


def _commands(page: Path) -> list[str]:
    """Return what a page gives to be typed: its shell blocks, and single commands in its text."""
    text = page.read_text(encoding="utf-8")
    shown = [name for name in quoted(text) if name != ANNOUNCED]
    single = [name for name in shown if re.match(r"(VARSEL_\w+=\S+ )*(\.venv/bin/varsel|varsel|make) ", name)]
    return [*blocks(text, "bash"), *single]
