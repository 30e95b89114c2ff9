"""Settings of the LINK provider refuse what cannot work, all of it at once."""

from datetime import timedelta

import pytest

from varsel.channels.sms_link import LinkSettings
from varsel.errors import SettingsError


def test_secrets_do_not_show() -> None:
    assert "hemmelig" not in repr(LinkSettings(username="hemmelig-konto", password="hemmelig-ord"))


def test_every_wrong_field_is_named() -> None:
    with pytest.raises(SettingsError) as caught:
        LinkSettings(
            username="",
            password="",
            url="xml.pswin.com",
            messages_per_request=101,
            concurrency=0,
            timeout=timedelta(0),
            charset="latin-9",  # type: ignore[arg-type]  # settings come from words somebody typed
        )
    fields = ("username", "url", "messages_per_request", "concurrency", "timeout", "charset")
    assert len(caught.value.problems) == len(fields)
    assert all(any(field in problem for problem in caught.value.problems) for field in fields)


@pytest.mark.parametrize("url", ["ftp://x.example.com", "https://", "https://x.example.com:port/", "", "http://[::1"])
def test_addresses_that_cannot_be_posted_to(url: str) -> None:
    with pytest.raises(SettingsError, match="url"):
        LinkSettings(username="u", password="p", url=url)
