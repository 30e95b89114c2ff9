"""The e-mail rule, the mobile rule and the normalisation of looked-up numbers (api.md 3.5, processing.md 2.7)."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varsel.model.addresses import e164, is_email_address, is_mobile_number, normalise_number


@pytest.mark.parametrize(
    "address",
    [
        "kari@example.com",
        "æge_sjøåsen@domain.com",
        "gratis-netflix+1@gmail.com",
        " padded@example.com ",
        "a@b.no",
        "a;b@example.com",
        "user@127.0.0.1",
        "user@a.b.c.d.e.f.g.h.i.no",
        f"user@{'a' * 63}.no",
        "user@example.abcdefghijklmn",
        "user@blåbær.no",
    ],
)
def test_addresses_accepted(address: str) -> None:
    assert is_email_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        " ",
        "kari",
        ".user@example.com",
        "user.@example.com",
        "user@example..com",
        "us..er@example.com",
        "user@exa!mple.com",
        "one@example.com;two@example.com",
        "a/b@example.com",
        "a b@example.com",
        '"a"@example.com',
        "user@example",
        "user@example.c",
        "user@example.abcdefghijklmno",
        "user@example.no1",
        f"user@{'a' * 64}.no",
        "user@-example.no",
        "user@example-.no",
        "user@a.b.c.d.e.f.g.h.i.j.no",
        "user@1.2.3",
        "user@1.2.3.4567",
        "user@example.com\nx",
        "üser@example.com",
    ],
)
def test_addresses_refused(address: str) -> None:
    assert not is_email_address(address)


@pytest.mark.parametrize(
    "number",
    [
        "+4740000000",
        "004740000000",
        "+4740000001",
        "+4790000000",
        "+47 99 99 99 99 ",
        "+47-99-99-99-99",
        "+233242426224",
        "00233242426224",
        "+4721234567",
        "+4779123456",  # Svalbard shares the country code
    ],
)
def test_numbers_accepted(number: str) -> None:
    assert is_mobile_number(number)


@pytest.mark.parametrize(
    "number",
    [
        "",
        "12345678",
        "40000001",
        " +4799999999",
        "++4799999999",
        "+4712345678",
        "+4750000004",
        "+479999999",
        "+47900000001",
        "+14790000000",
        "+47abcdefgh",
        "letters",
        "+" + "4" * 300,
        "+47٩٩٩٩٩٩٩٩"[:3],
    ],
)
def test_numbers_refused(number: str) -> None:
    assert not is_mobile_number(number)


def _library_verdict(number: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return False


_NUMBERS = st.sampled_from(
    ["+4799999999", "004799999999", "+447911123456", "+18005551234", "+233242426224", "+4521234567"]
)
_NOISE = st.sampled_from(
    [*" -.()/~xA0\u00ad\u200b\u2013\u2060\u00a0\uff0d\u0669", "(0)", " ext. 5", ";ext=7", "00", "+"]
)


@given(_NUMBERS, st.lists(st.tuples(st.integers(0, 14), _NOISE), max_size=4))
@settings(deadline=None)
def test_what_a_gateway_is_told_is_what_was_judged(number: str, noise: list[tuple[int, str]]) -> None:
    for place, inserted in noise:
        number = number[:place] + inserted + number[place:]
    told = e164(number)
    assert (told is not None) is is_mobile_number(number)
    if told is not None:
        parsed = phonenumbers.parse("+" + number[2:] if number.startswith("00") else number, None)
        assert told == f"+{parsed.country_code}{phonenumbers.national_significant_number(parsed)}"
        assert e164(told) == told
        assert told[1:].isascii()
        assert told[1:].isdigit()


@given(st.from_regex(r"[0-9]{8}", fullmatch=True), st.sampled_from(["+47", "0047"]))
@settings(deadline=None)
def test_the_quick_verdict_on_norwegian_numbers_is_the_library_s(digits: str, prefix: str) -> None:
    assert is_mobile_number(prefix + digits) is _library_verdict("+47" + digits)


@pytest.mark.parametrize("group", range(10))
def test_the_quick_verdict_agrees_for_every_leading_group(group: int) -> None:
    for leading in range(group * 1000, (group + 1) * 1000, 7):
        number = f"+47{leading:04d}3456"
        assert is_mobile_number(number) is _library_verdict(number), number


@given(st.text(alphabet="+0123456789 -()x", max_size=18))
@settings(deadline=None)
def test_other_numbers_follow_the_library(text: str) -> None:
    international = text.startswith(("+", "00")) and not text.startswith("++")
    expected = international and _library_verdict("+" + text[2:] if text.startswith("00") else text)
    assert is_mobile_number(text) is expected


@pytest.mark.parametrize(
    ("found", "normalised"),
    [
        ("", ""),
        ("0047 99999999", "+47 99999999"),
        ("99999999", "+4799999999"),
        ("40000000", "+4740000000"),
        ("22222222", "22222222"),
        ("999999999", "999999999"),
        ("+4799999999", "+4799999999"),
    ],
)
def test_looked_up_numbers_get_their_country_code(found: str, normalised: str) -> None:
    assert normalise_number(found) == normalised
