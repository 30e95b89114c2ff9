"""`varsel token`: what is printed, and that the installation with the same data folder accepts it."""

import asyncio
import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from varsel.cli import main
from varsel.intake.credentials import LocalIssuer
from varsel.intake.credentials.jws import read_token


def printed(argv: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["token", *argv]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    token, end, rest = shown.out.partition("\n")
    assert (end, rest) == ("\n", "")
    return token


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_nothing_but_a_token_of_the_organisation_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    claims = claims_of(printed(["--org", "ttd", "--org-number", "991825827"], capsys))
    assert claims["urn:altinn:org"] == "ttd"
    assert claims["urn:altinn:orgNumber"] == "991825827"
    assert claims["scope"] == "altinn:serviceowner/notifications.create"
    assert claims["exp"] - claims["iat"] == 1800


def test_the_token_is_signed_with_the_key_in_the_data_folder(
    capsys: pytest.CaptureFixture[str], own_settings: Path
) -> None:
    token = read_token(printed(["--org", "ttd"], capsys).encode(), {"RS256"})
    keys = asyncio.run(LocalIssuer(own_settings / "issuer", service="http://localhost:5090").source().keys())
    assert token.signed_by(keys)


@pytest.mark.parametrize(
    ("name", "value", "issuer"),
    [
        ("VARSEL_PORT", "5190", "http://localhost:5190/dev/openid/"),
        ("VARSEL_BASE_URI", "https://varsel.example.no/", "https://varsel.example.no/dev/openid/"),
    ],
)
def test_the_issuer_is_named_by_the_address_of_the_service(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str, issuer: str
) -> None:
    monkeypatch.setenv(name, value)
    assert claims_of(printed(["--org", "ttd"], capsys))["iss"] == issuer


def test_scopes_and_claims_repeat(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["--scope", "a:one", "a:two", "--scope", "a:three", "--claim", "client_amr=x=y", "--claim", "scope2="]
    claims = claims_of(printed(argv, capsys))
    assert claims["scope"] == "a:one a:two a:three"
    assert (claims["client_amr"], claims["scope2"]) == ("x=y", "")
    assert "urn:altinn:org" not in claims


def test_a_negative_life_gives_an_expired_token(capsys: pytest.CaptureFixture[str]) -> None:
    assert claims_of(printed(["--org", "ttd", "--expires-in", "-60"], capsys))["exp"] < time.time()


def test_a_platform_token_comes_with_its_registered_certificate(
    capsys: pytest.CaptureFixture[str], own_settings: Path
) -> None:
    claims = claims_of(printed(["--platform", "--issuer", "ttd", "--app", "letters"], capsys))
    assert (claims["iss"], claims["urn:altinn:app"]) == ("ttd", "letters")
    assert (own_settings / "platform-keys" / "ttd-access-token-public-cert.pem").exists()


@pytest.mark.parametrize(
    "argv",
    [
        ["--platform"],
        ["--platform", "--issuer", "ttd", "--org", "ttd"],
        ["--platform", "--issuer", "ttd", "--expires-in", "0"],
        ["--issuer", "ttd"],
        ["--claim", "client_amr"],
        ["--claim", "=x"],
    ],
)
def test_what_does_not_go_together_is_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["token", *argv])
    assert ended.value.code == 2
    assert capsys.readouterr().out == ""


def test_a_malformed_issuer_is_told_plainly(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--platform", "--issuer", "../ttd"]) == 1
    assert capsys.readouterr().err.startswith("varsel: ")


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [("VARSEL_ENVIRONMENT", "production", 2), ("VARSEL_OPENID_ADDRESS", "https://issuer.example.com", 1)],
)
def test_without_local_issuer_there_is_no_token(
    name: str,
    value: str,
    code: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    own_settings: Path,
) -> None:
    monkeypatch.setenv(name, value)
    assert main(["token", "--org", "ttd"]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err
    assert not own_settings.exists()
