"""Addresses of callers: whose authority cannot be read, and what is tolerated around and within (api.md 1.3)."""

from typing import Any

import pytest

from tests.support.future_bodies import CHAIN, COMPOSED, changed, keys
from tests.support.reading import errors_of
from tests.support.service import EMAIL_ORDER, ORDER, SMS_ORDER
from varsel.intake.web_addresses import has_unreadable_authority, read_web_address
from varsel.intake.wire_future import ChainRequest, ComposedRequest
from varsel.intake.wire_v1 import EmailOrderRequest, OrderRequest, SmsOrderRequest, V1Request

UNREADABLE = [
    "https://",
    "http://",
    "HTTPS:///check",
    "https://exa mple.com",
    "https://example.com:99999/",
    "https://example.com:65536",
    "https://example.com:a",
    "https://example.com:80a/",
    "https://example..com/",
    "https://.example.com/",
    "https://example.com../",
    "https://a.-b.com/",
    "https://a._b.com/",
    "https://exa%20mple.com/",
    "https://u@v@x.com/",
    "https://x.com@",
    "https://[::1",
    "https://[::1]x/",
    "https://[::g]/",
    "https://[1.2.3.4]/",
    "https://example.com\\check",
    "https://example.com:443\\check",
    "https://example.com\\@localhost/",
    "https://" + "9" * 64 + ".com/",
    "https://" + "a" * 257,
    " https:// ",
    "https://\t",
]
READABLE = [
    ("https://example.com", "example.com"),
    ("HTTP://EXAMPLE.COM:000443", "example.com"),
    ("https://example.com:", "example.com"),
    ("https://example.com.:1/", "example.com."),
    ("https://-a.example.com/", "-a.example.com"),
    ("https://_a.example.com/", "_a.example.com"),
    ("https://a_b.ex-ample.com/", "a_b.ex-ample.com"),
    ("https://1.2.3.4?x", "1.2.3.4"),
    ("https://" + "a" * 64 + ".com", "a" * 64 + ".com"),
    ("https://us er:%@example.com#a", "example.com"),
    ("https://blåbær.no/", "blåbær.no"),
    ("https://[::1]:80/", "[::1]"),
    ("\r\n\t https://example.com/ \t\n", "example.com"),
    ("ftp://example.com/", "example.com"),
]
NO_WEB_ADDRESS = ["", " ", "check", "//example..com/", "https:example..com", "mailto:u@v@x.com", "ftp://exa mple.com"]
V1: list[tuple[type[V1Request], Any]] = [
    (OrderRequest, ORDER),
    (EmailOrderRequest, EMAIL_ORDER),
    (SmsOrderRequest, SMS_ORDER),
]
ATTACHMENT = "recipient.emailSettings.attachments[0].sasUrl"


@pytest.mark.parametrize("address", UNREADABLE)
def test_an_unreadable_authority_is_a_reading_error_that_hides_the_rules(address: str) -> None:
    wrong = {"conditionEndpoint": address, "requestedSendTime": "2020-01-01"}
    for shape, body in V1:
        assert errors_of(shape, {**body, **wrong}).keys() == {"$.conditionEndpoint", shape.parameter}
    assert keys(ChainRequest, CHAIN | wrong) == {"$.conditionEndpoint", "notificationOrderRequest"}
    reminding = changed(CHAIN, "reminders[0].conditionEndpoint", address)
    assert keys(ChainRequest, reminding) == {"$.reminders[0].conditionEndpoint", "notificationOrderRequest"}
    assert keys(ComposedRequest, COMPOSED | wrong) == {"$.conditionEndpoint", "orderRequest"}
    assert keys(ComposedRequest, changed(COMPOSED, ATTACHMENT, address)) == {f"$.{ATTACHMENT}", "orderRequest"}


@pytest.mark.parametrize(("address", "host"), READABLE)
def test_a_readable_authority(address: str, host: str) -> None:
    read = read_web_address(address)
    assert read is not None
    assert read.host == host
    assert not has_unreadable_authority(address)


@pytest.mark.parametrize("address", NO_WEB_ADDRESS)
def test_what_is_no_web_address_is_left_to_the_rules(address: str) -> None:
    assert keys(ChainRequest, CHAIN | {"conditionEndpoint": address}) == {"ConditionEndpoint"}
    assert errors_of(OrderRequest, {**ORDER, "conditionEndpoint": address}).keys() == {"ConditionEndpoint"}


@pytest.mark.parametrize(
    "address", [" https://example.com/", "https://example.com/check\r\n", "\thttps://example.com\t"]
)
def test_blanks_around_an_address_are_tolerated_everywhere(address: str) -> None:
    for shape, body in V1:
        assert errors_of(shape, {**body, "conditionEndpoint": address}) == {}
    assert keys(ChainRequest, CHAIN | {"conditionEndpoint": address}) == set()
    assert keys(ComposedRequest, COMPOSED | {"conditionEndpoint": address}) == set()


@pytest.mark.parametrize("around", [" {}", "{}\n", "\t{}\r\n"])
def test_blanks_around_an_attachments_address_are_tolerated(around: str) -> None:
    url = COMPOSED["recipient"]["emailSettings"]["attachments"][0]["sasUrl"]
    assert keys(ComposedRequest, changed(COMPOSED, ATTACHMENT, around.format(url))) == set()


@pytest.mark.parametrize(
    "address",
    ["https://example.com/a%", "https://example.com/%zz?100%", "https://example.com/a\\b?c\\d", "https://localhost/\\"],
)
def test_a_stray_percent_sign_and_a_backslash_pass_in_path_and_query(address: str) -> None:
    assert keys(ChainRequest, CHAIN | {"conditionEndpoint": address}) == set()
    assert keys(ComposedRequest, COMPOSED | {"conditionEndpoint": address}) == set()
