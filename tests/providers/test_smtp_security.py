"""TLS and logins against a real server: what is protected, and what stops the channel."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.smtp_sending import message, messages, outcome, outcomes, smtp_provider
from tests.support.smtp_server import PASSWORD, USERNAME, Certificate, make_certificate, real_server
from varsel.channels.email_smtp import Security
from varsel.channels.protocol import Accepted, Transient
from varsel.errors import ProviderUnreachable, SettingsError

REFERENCE = "0197f3c2-8b1e-7c55-9d1a-1f2e3d4c5b6a@example.com"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


async def test_starttls_and_login(certificate: Certificate) -> None:
    options: dict[str, Any] = {
        "tls_context": certificate.server_context(),
        "require_starttls": True,
        "with_login": True,
    }
    async with (
        real_server(pipelining=True, **options) as server,
        smtp_provider(
            server.port,
            security=Security.STARTTLS,
            ca_file=certificate.certificate,
            username=USERNAME,
            password=PASSWORD,
        ) as provider,
    ):
        assert isinstance(await outcome(provider, message()), Accepted)
        found = await provider.check()
    assert server.logins == ["PLAIN", "PLAIN"]
    assert "TLSv1.3, signed in" in found


async def test_login_without_plain(certificate: Certificate) -> None:
    options: dict[str, Any] = {"auth_exclude_mechanism": ["PLAIN"], "with_login": True}
    async with (
        real_server(implicit_tls=certificate.server_context(), auth_require_tls=False, **options) as server,
        smtp_provider(
            server.port, security=Security.TLS, ca_file=certificate.certificate, username=USERNAME, password=PASSWORD
        ) as provider,
    ):
        assert isinstance(await outcome(provider, message()), Accepted)
    assert server.logins == ["LOGIN"]


async def test_a_wrong_password_pauses_the_channel(certificate: Certificate) -> None:
    options: dict[str, Any] = {
        "tls_context": certificate.server_context(),
        "require_starttls": True,
        "with_login": True,
    }
    async with (
        real_server(**options) as server,
        smtp_provider(
            server.port,
            security=Security.STARTTLS,
            ca_file=certificate.certificate,
            username=USERNAME,
            password="not-the-password",
        ) as provider,
    ):
        results = await outcomes(provider, messages(3))
        assert isinstance(await outcome(provider, message()), Transient)
        with pytest.raises(ProviderUnreachable, match="user name and password"):
            await provider.check()
    for result in results:
        assert isinstance(result, Transient)
        assert result.pause
        assert "not-the-password" not in result.detail
    assert server.connections == 2


async def test_an_untrusted_certificate_pauses_the_channel(certificate: Certificate) -> None:
    async with (
        real_server(implicit_tls=certificate.server_context()) as server,
        smtp_provider(server.port, security=Security.TLS) as provider,
    ):
        result = await outcome(provider, message())
    assert isinstance(result, Transient)
    assert result.pause
    assert "certificate" in result.detail
    assert not server.received


async def test_without_starttls_nothing_goes_in_the_clear() -> None:
    async with real_server() as server, smtp_provider(server.port, security=Security.STARTTLS) as provider:
        result = await outcome(provider, message())
    assert isinstance(result, Transient)
    assert result.pause
    assert not server.received


async def test_a_ca_file_that_is_missing_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="give a PEM file"):
        async with smtp_provider(25, security=Security.TLS, ca_file=tmp_path / "missing.pem"):
            pytest.fail("a provider was made without its CA file")
