"""`varsel doctor`: what it says of this machine, and how it says it."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from varsel.cli import main
from varsel.cli.doctor import examine_machine, report
from varsel.model.findings import Finding, Verdict
from varsel.settings import Settings

REAL_CHANNELS = {
    "VARSEL_EMAIL_PROVIDER": "smtp",
    "VARSEL_SMTP_HOST": "smtp.example.com",
    "VARSEL_SMS_PROVIDER": "link",
    "VARSEL_LINK_USERNAME": "account",
    "VARSEL_LINK_PASSWORD": "fjord-42-lamp",
}
NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing is bound in these tests
PRODUCTION = {
    "VARSEL_ENVIRONMENT": "production",
    "VARSEL_OPENID_ADDRESS": "https://issuer.example.com",
    "VARSEL_SANDBOX_IN_PRODUCTION": "yes",
}


def findings(environ: dict[str, str], folder: Path, now: datetime = NOW) -> dict[str, Finding]:
    settings = Settings.read({"VARSEL_DATA_DIR": str(folder), **environ})
    return {each.subject: each for each in examine_machine(settings, now)}


def test_a_fresh_machine_is_in_order(tmp_path: Path) -> None:
    found = findings({}, tmp_path / "var")
    assert {each.verdict for each in found.values()} == {Verdict.OK}
    assert "will be created" in found["data folder"].found
    assert not (tmp_path / "var").exists()


def test_a_data_folder_that_is_a_file_stands_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    found = findings({}, tmp_path / "var")["data folder"]
    assert found.verdict is Verdict.FAIL
    assert "VARSEL_DATA_DIR" in found.advice


def test_a_clock_before_this_version_stands_in_the_way(tmp_path: Path) -> None:
    assert findings({}, tmp_path, datetime(1970, 1, 1, tzinfo=UTC))["clock"].verdict is Verdict.FAIL


def test_development_open_to_the_network_wants_attention(tmp_path: Path) -> None:
    reachable = {"VARSEL_HOST": EVERYWHERE, "VARSEL_DEVELOPMENT_REACHABLE": "yes"}
    assert findings(reachable, tmp_path)["reach"].verdict is Verdict.WARN
    assert "reach" not in findings({"VARSEL_HOST": EVERYWHERE, **PRODUCTION}, tmp_path)


def test_production_wants_a_public_address_and_a_kept_database(tmp_path: Path) -> None:
    found = findings(PRODUCTION, tmp_path)
    assert (found["links"].verdict, found["embedded database"].verdict) == (Verdict.WARN, Verdict.WARN)
    kept = {
        "VARSEL_BASE_URI": "https://notify.example.com",
        "VARSEL_DATABASE_URL": "postgresql://varsel:fjord@db.example.com/varsel?sslmode=verify-full",
    }
    assert {"links", "embedded database"}.isdisjoint(findings({**PRODUCTION, **kept}, tmp_path))


def test_production_warns_of_tokens_that_others_may_have_been_given(tmp_path: Path) -> None:
    relaxed = {
        "VARSEL_OPENID_CHECK_ISSUER": "no",
        "VARSEL_OPENID_AUDIENCES": "any",
        "VARSEL_PLATFORM_AUDIENCES": "any",
    }
    subjects = {"token issuer", "audience of tokens", "audience of platform access tokens"}
    found = findings({**PRODUCTION, **relaxed}, tmp_path)
    assert {found[subject].verdict for subject in subjects} == {Verdict.WARN}
    assert subjects.isdisjoint(findings(PRODUCTION, tmp_path))
    assert subjects.isdisjoint(findings({}, tmp_path)), "development does as Altinn Notifications"


def test_production_warns_of_senders_in_altinns_name(tmp_path: Path) -> None:
    real = {**PRODUCTION, **REAL_CHANNELS}
    found = findings(real, tmp_path)
    assert (found["e-mail sender"].verdict, found["SMS sender"].verdict) == (Verdict.WARN, Verdict.WARN)
    own = {"VARSEL_DEFAULT_EMAIL_FROM": "noreply@example.com", "VARSEL_DEFAULT_SMS_SENDER": "Example"}
    assert {"e-mail sender", "SMS sender"}.isdisjoint(findings({**real, **own}, tmp_path))
    assert {"e-mail sender", "SMS sender"}.isdisjoint(findings(PRODUCTION, tmp_path))


def test_a_data_folder_that_nothing_needs_may_be_unwritable(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    elsewhere = {
        **PRODUCTION,
        "VARSEL_DATABASE_URL": "postgresql://varsel:fjord@db.example.com/varsel?sslmode=verify-full",
    }
    assert findings(elsewhere, tmp_path / "var")["data folder"].verdict is Verdict.OK


def test_an_embedded_database_that_was_never_created_is_no_fault_and_is_not_created(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VARSEL_DATA_DIR", str(tmp_path / "var"))
    assert main(["doctor"]) == 0
    assert "will be created" in capsys.readouterr().out
    assert not (tmp_path / "var").exists()


@pytest.fixture
def at_database(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("VARSEL_DATABASE_URL", database_url)
    monkeypatch.setenv("VARSEL_DATA_DIR", str(tmp_path / "var"))
    return database_url


def looked_at(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str]]:
    main(["doctor", "--json"])
    return {each["subject"]: each for each in json.loads(capsys.readouterr().out)}


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def test_a_database_that_takes_no_writes_is_a_fault(at_database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert looked_at(capsys)["database writes"]["verdict"] == "ok"
    name = urlsplit(at_database).path.removeprefix("/")
    asyncio.run(execute(at_database, f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    assert looked_at(capsys)["database writes"]["verdict"] == "fail"


def test_missing_migrations_want_attention_only(
    empty_database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VARSEL_DATABASE_URL", empty_database_url)
    monkeypatch.setenv("VARSEL_DATA_DIR", str(tmp_path / "var"))
    schema = looked_at(capsys)["schema"]
    assert (schema["verdict"], "varsel migrate" in schema["advice"]) == ("warn", True)


def test_a_key_file_that_cannot_be_read_is_not_filed_under_the_database(
    at_database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert at_database
    (tmp_path / "var" / "issuer").mkdir(parents=True)
    (tmp_path / "var" / "issuer" / "signing-key.pem").write_text("no key")
    found = looked_at(capsys)
    assert (found["database"]["verdict"], found["token keys"]["verdict"]) == ("ok", "fail")


def test_the_directory_file_is_looked_for(tmp_path: Path) -> None:
    assert "is not there" in findings({}, tmp_path)["directory file"].found
    (tmp_path / "directory.json").write_text("{}")
    assert findings({}, tmp_path)["directory file"].found.endswith("directory.json is there")
    assert findings({"VARSEL_DIRECTORY": "none"}, tmp_path)["directory file"].found.startswith("none")
    assert findings({"VARSEL_DIRECTORY": "register"}, tmp_path)["directory file"].found.startswith("not used")


def test_the_report_has_a_line_for_each_finding_and_one_that_sums_up() -> None:
    fine = Finding("clock", Verdict.OK, "it is noon")
    warned = Finding("links", Verdict.WARN, "they begin with localhost", "set VARSEL_BASE_URI")
    failed = Finding("database", Verdict.FAIL, "it does not answer", "start it")
    assert report([fine, warned, failed]).splitlines() == [
        "ok    clock     it is noon",
        "warn  links     they begin with localhost",
        "                -> set VARSEL_BASE_URI",
        "fail  database  it does not answer",
        "                -> start it",
        "",
        "1 of these must be put right before Varsel can work.",
    ]
    assert report([fine, warned]).endswith("Varsel can work; 1 of these want attention.")
    assert report([fine]).endswith("Varsel can work.")


def test_wrong_settings_are_findings_each(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VARSEL_PORT", "none")
    monkeypatch.setenv("VARSEL_ROLES", "cook")
    assert main(["doctor", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [(each["subject"], each["verdict"]) for each in found] == [("settings", "fail")] * 2
    assert main(["doctor"]) == 1
    assert "VARSEL_PORT must be a whole number" in capsys.readouterr().out
