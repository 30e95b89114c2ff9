"""Basic authentication of the report endpoint."""

from base64 import b64encode

import pytest

from varsel.channels.sms_link import BasicCredentials

CREDENTIALS = BasicCredentials([("link", "gammelt:ord"), ("link", "nytt-ørd")])


def basic(value: str, scheme: str = "Basic") -> str:
    return f"{scheme} {b64encode(value.encode()).decode()}"


@pytest.mark.parametrize(
    "header",
    [
        basic("link:gammelt:ord"),
        basic("link:nytt-ørd"),
        basic("link:nytt-ørd", "basic"),
        basic("link:nytt-ørd", "BASIC "),
    ],
)
def test_each_pair_is_accepted(header: str) -> None:
    assert CREDENTIALS.accepts(header)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic %%%",
        "Basic bGluaw",
        "Basic ÆØÅ",
        basic("link:nytt"),
        basic("link:nytt-ørd "),
        basic("linknytt-ørd"),
        basic("LINK:nytt-ørd"),
        basic(":"),
        basic("link:nytt-ørd", "Bearer"),
        b64encode(b"link:gammelt:ord").decode(),
    ],
)
def test_anything_else_is_not(header: str | None) -> None:
    assert not CREDENTIALS.accepts(header)


@pytest.mark.parametrize("header", [None, "", "Basic ", basic(""), basic(":")])
def test_without_pairs_nobody_is_accepted(header: str | None) -> None:
    assert not BasicCredentials([]).accepts(header)
