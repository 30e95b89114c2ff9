"""The command as a whole: help that teaches, exit codes, failures without a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from varsel import assembly
from varsel.cli import main
from varsel.cli.arguments import settings_with
from varsel.errors import DatabaseUnavailable, ProviderUnreachable, SettingsError
from varsel.settings.choices import Role

COMMANDS = ("serve", "work", "migrate", "doctor", "settings", "contacts", "token", "demo")


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "A first minute:" in shown
    for command in COMMANDS:
        assert f"\n    {command} " in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_gives_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "examples:\n" in shown
    assert f"\n  varsel {command}" in shown
    assert max(map(len, shown.splitlines())) <= 120


@pytest.mark.parametrize("argv", [[], ["cook"], ["serve", "--cook"], ["token", "--expires-in", "soon"]])
def test_wrong_arguments_end_with_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: varsel")


@pytest.mark.parametrize(
    "argv",
    [
        ["serve", "--port", "none", "--roles", "cook"],
        ["work"],
        ["migrate"],
        ["token"],
        ["demo"],
    ],
)
def test_wrong_settings_are_told_without_a_traceback(
    argv: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VARSEL_PROT", "5090")
    assert main(argv) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "  - VARSEL_PROT is no setting of Varsel; did you mean VARSEL_PORT?\n" in shown.err
    assert ("VARSEL_ROLES must" in shown.err) == (argv[0] == "serve")
    assert "Traceback" not in shown.err


def test_arguments_stand_for_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VARSEL_PORT", "5091")
    monkeypatch.setenv("VARSEL_HOST", "127.0.0.2")
    settings = settings_with(port="0", host=None, roles="worker")
    assert (settings.port, settings.host, settings.roles) == (0, "127.0.0.2", frozenset({Role.WORKER}))
    with pytest.raises(SettingsError, match="VARSEL_PORT must"):
        settings_with(port="none")


@pytest.mark.parametrize("argv", [["token"], ["serve", "--port", "0"]])
def test_a_folder_that_cannot_be_used_is_explained_without_a_traceback(
    argv: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VARSEL_DATA_DIR", str(tmp_path / "file" / "var"))
    assert main(argv) == 1
    assert "VARSEL_DATA_DIR" in capsys.readouterr().err


def test_failures_of_several_parts_at_once_are_explained_each(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_settings: object, _roles: object) -> None:
        raise ExceptionGroup("two", [DatabaseUnavailable("the first"), ProviderUnreachable("the second")])

    monkeypatch.setattr(assembly, "serve", fail)
    assert main(["serve"]) == 1
    assert capsys.readouterr().err == "varsel: the first\nvarsel: the second\n"


def test_the_settings_are_explained_without_a_copy_of_the_repository(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings"]) == 0
    assert capsys.readouterr().out.strip() == (ROOT / "docs/settings.md").read_text(encoding="utf-8").strip()
    assert main(["settings", "smtp_port"]) == 0
    assert capsys.readouterr().out.startswith("### `VARSEL_SMTP_PORT`\n")
    assert main(["settings", "no-such"]) == 1


def test_the_command_is_a_module_too() -> None:
    said = subprocess.run([sys.executable, "-m", "varsel", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("varsel ")
