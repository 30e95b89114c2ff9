"""The kernel: JSON by the rules of api.md 1.3, errors by those of 1.7 (checklist C1 to C6), on shapes of a test's own.

The shapes here look like those of the newer API: nested, with mandatory members, renamed in error keys.
"""

import json
from collections.abc import Iterator
from enum import IntEnum
from typing import Annotated, Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

from tests.support.reading import finish, in_chunks, read
from varsel.intake.shapes import (
    BodyTooLarge,
    Invalid,
    Shape,
    check,
    decoder_for,
    member,
    not_blank,
    read_body,
    read_loose_guid,
)
from varsel.intake.times import Moment


class Colour(IntEnum):
    Red = 1
    Green = 2


class Settings(Shape, frozen=True):
    """How it is said."""

    body: Annotated[str, member("The text.")]
    sender: Annotated[str, member("Who says it.", not_blank)] = "somebody"
    colour: Annotated[Colour, member("Its colour.")] = Colour.Red


class Envelope(Shape, frozen=True):
    """To whom it is said."""

    phone_number: Annotated[str, member("The number.")]
    sms_settings: Annotated[Settings, member("How.", model="ShortMessageContent")]


class Step(Shape, frozen=True):
    """A step."""

    envelope: Annotated[Envelope | None, member("To whom.")] = None
    days: Annotated[int | None, member("After how many days.")] = None

    def judge(self, _context: object) -> Iterator[tuple[str, str]]:
        """Demand one of two."""
        if (self.envelope is None) == (self.days is None):
            yield "", "Exactly one of envelope and days."
        if self.days is not None and self.days < 1:
            yield "days", "At least one."


class Letter(Shape, frozen=True, kw_only=True):
    """A letter."""

    key: Annotated[str, member("Its key.")]
    recipient_sms: Annotated[Envelope, member("To whom.", model="Recipient")]
    at: Moment | UnsetType = UNSET
    urgent: bool = False
    copies: int = 1
    sealed: bool | None = None
    mark: UUID | None = None
    note: str | None = None
    steps: tuple[Step, ...] = ()


SETTINGS: dict[str, Any] = {"body": "Hello"}
ENVELOPE: dict[str, Any] = {"phoneNumber": "+4799999999", "smsSettings": SETTINGS}
LETTER: dict[str, Any] = {"key": "k", "recipientSms": ENVELOPE}


def errors(document: Any, content_type: str = "application/json") -> dict[str, list[str]]:
    try:
        letter = read(Letter, document, content_type)
        finish(check(letter, None))
    except Invalid as invalid:
        return invalid.errors
    return {}


def shape_error(document: Any) -> str:
    """Return the one `$` key of a body that cannot be deserialized."""
    found = errors(document)
    assert found.pop("request") == ["The request field is required."]
    assert len(found) == 1
    return next(iter(found))


def test_defaults_and_nested_shapes() -> None:
    letter = read(Letter, LETTER)
    assert letter.recipient_sms.sms_settings == Settings(body="Hello")
    assert (letter.urgent, letter.copies, letter.sealed, letter.at) == (False, 1, None, UNSET)


def test_names_match_in_any_case_and_unknown_members_are_ignored_at_every_level() -> None:
    document = {"KEY": "k", "RECIPIENTsms": ENVELOPE | {"other": [{}], "PhoneNumber": "+4798888888"}, "x": {"y": 1e400}}
    assert read(Letter, document).recipient_sms.phone_number == "+4798888888"


def test_the_last_of_several_members_wins_in_whatever_case() -> None:
    start = json.dumps(LETTER)[:-1]
    assert read(Letter, f'{start}, "note": "1", "NOTE": "2", "note": "3"}}'.encode()).note == "3"
    assert read(Letter, f'{start}, "note": "1", "note": "2", "Note": null}}'.encode()).note is None


def test_an_earlier_duplicate_must_be_readable_too() -> None:
    assert shape_error(json.dumps(LETTER).replace("{", '{"key": 1, ', 1).encode()) == "$.key"


@pytest.mark.parametrize(
    "text",
    [
        '{"key": "k",}',
        '{"steps": [1,]}',
        '{"key": "k" /* comment */}',
        '// comment\n{"key": "k"}',
        "{key: 1}",
        "{'key': 'k'}",
        '{"key" "k"}',
        '{"key": }',
        '{"key": "k"',
        '{"key": "k"}}',
        '{"key": "k"} {}',
        '{"copies": 01}',
        '{"copies": .5}',
        '{"copies": NaN}',
        '{"x": Infinity}',
        '{"x": -Infinity}',
        '{"key": "a\nb"}',
        r'{"key": "\x41"}',
        r'{"key": "\u12"}',
        "[",
        " ",
        "nul",
        "\ufeff\ufeff{}",
    ],
)
def test_malformed_json_is_refused(text: str) -> None:
    assert shape_error(text.encode()).startswith("$")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"key": nul}', "$.key"),
        ('{"KEY": nul}', "$.KEY"),
        ('{"key": "a', "$.key"),
        ('{"key": ', "$.key"),
        ('{"key": "a\nb"}', "$.key"),
        ('{"key": "k" "note": "n"}', "$"),
        ('{"key": "k",}', "$"),
        ('{"key" "k"}', "$"),
        ('{"key": "k"', "$"),
        ('{"key": "k", note: 1}', "$"),
        ('{"other": nul}', "$.other"),
        ('{"other": {"inner": [1, }}}', "$.other"),
        ('{"o t h e r": nul}', "$['o t h e r']"),
        ('{"RecipientSms": {"SMSSETTINGS": {"body": x}}}', "$.RecipientSms.SMSSETTINGS.body"),
        ('{"RecipientSms": {"SMSSETTINGS": {"body": "x"', "$.RecipientSms.SMSSETTINGS"),
        ('{"recipientSms": {"phoneNumber" 1}}', "$.recipientSms"),
        ('{"steps": [', "$.steps[0]"),
        ('{"steps": [{} {}]}', "$.steps[1]"),
        ('{"steps": [{}, {"days": 1, "envelope": [}]}', "$.steps[1].envelope"),
        ('{"steps": [{}, {"DAYS": -}]}', "$.steps[1].DAYS"),
        ('{"urgent": 1, "key": nul}', "$.urgent"),
        ('{"recipientSms": {"phoneNumber": 1, "smsSettings": {"body": ]}}', "$.recipientSms.phoneNumber"),
        ('{"recipientSms": {"smsSettings": {}}, "key": nul}', "$.recipientSms.smsSettings"),
        ('{"copies": {"a": nul}}', "$.copies"),
        (r'{"\ud800": 1}', "$"),
        (r'{"recipientSms": {"\udfff": 1}}', "$.recipientSms"),
        ('{"copies": NaN}', "$.copies"),
        ('{"steps": [{"days": Infinity}]}', "$.steps[0].days"),
    ],
)
def test_a_syntax_error_names_the_member_being_read_or_its_object(text: str, path: str) -> None:
    assert shape_error(text.encode()) == path
    padding = '{"x": "' + "x" * 70_000 + '", ' + text[1:]
    assert shape_error(padding.encode()) == path


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"KEY": 1}, "$.KEY"),
        ({"RecipientSMS": ENVELOPE | {"phonenumber": 1}}, "$.RecipientSMS.phonenumber"),
        (
            {"Steps": [{}, {"Envelope": {"PhoneNumber": "1", "SmsSettings": {"BODY": []}}}]},
            "$.Steps[1].Envelope.SmsSettings.BODY",
        ),
        ({"RecipientSms": {"SmsSettings": {}}}, "$.RecipientSms.SmsSettings"),
    ],
)
def test_paths_spell_members_as_the_body_spells_them(document: dict[str, Any], path: str) -> None:
    assert shape_error(document) == path
    assert shape_error({"x": "x" * 70_000, **document}) == path


def test_names_within_ignored_members_are_not_looked_at() -> None:
    assert errors((json.dumps(LETTER)[:-1] + r', "x": {"\ud800": "\ud800"}}').encode()) == {}


@pytest.mark.parametrize("text", ["[]", '"text"', "1", "true"])
def test_the_body_must_be_an_object(text: str) -> None:
    assert shape_error(text.encode()) == "$"


@pytest.mark.parametrize("body", [b"", b"null", b" null ", b"\xef\xbb\xbf"])
def test_an_empty_body_or_null_has_a_key_of_its_own(body: bytes) -> None:
    found = errors(body)
    assert set(found) == {"", "request"}
    assert found["request"] == ["The request field is required."]


def nested(levels: int) -> bytes:
    return json.dumps(LETTER)[:-1].encode() + b', "x": ' + b"[" * levels + b"]" * levels + b"}"


def test_nesting_ends_at_32_levels() -> None:
    assert errors(nested(31)) == {}
    assert shape_error(nested(32)) == "$.x"
    assert shape_error(nested(200_000)) == "$.x"


@pytest.mark.parametrize(
    ("member", "value", "path"),
    [
        ("key", 1, "$.key"),
        ("key", ["k"], "$.key"),
        ("recipientSms", "text", "$.recipientSms"),
        ("recipientSms", ENVELOPE | {"phoneNumber": True}, "$.recipientSms.phoneNumber"),
        ("recipientSms", {"smsSettings": SETTINGS}, "$.recipientSms"),
        ("recipientSms", {"phoneNumber": "1", "smsSettings": {}}, "$.recipientSms.smsSettings"),
        ("urgent", None, "$.urgent"),
        ("urgent", "true", "$.urgent"),
        ("urgent", 1, "$.urgent"),
        ("sealed", 0, "$.sealed"),
        ("copies", None, "$.copies"),
        ("copies", "", "$.copies"),
        ("copies", 1.5, "$.copies"),
        ("copies", True, "$.copies"),
        ("copies", 2**31, "$.copies"),
        ("copies", 10**60, "$.copies"),
        ("at", None, "$.at"),
        ("at", "tomorrow", "$.at"),
        ("at", 20260504, "$.at"),
        ("mark", "0f5a9b1c9d544f4e9b7c7f0f5f0d9e21", "$.mark"),
        ("mark", "{0f5a9b1c-9d54-4f4e-9b7c-7f0f5f0d9e21}", "$.mark"),
        ("steps", {}, "$.steps"),
        ("steps", [{}, {"days": "x"}], "$.steps[1].days"),
        (
            "steps",
            [{"envelope": {"phoneNumber": "1", "smsSettings": {"body": 1}}}],
            "$.steps[0].envelope.smsSettings.body",
        ),
    ],
)
def test_wrong_types_are_told_under_their_json_path(member: str, value: Any, path: str) -> None:
    assert shape_error(LETTER | {member: value}) == path


def test_the_first_shape_error_is_the_only_one() -> None:
    assert shape_error(LETTER | {"urgent": 1, "copies": "x"}) == "$.urgent"


def test_missing_members_are_told_under_their_object_inner_before_outer() -> None:
    assert shape_error({}) == "$"
    assert shape_error({"recipientSms": {"smsSettings": {}}}) == "$.recipientSms.smsSettings"
    message = errors({})["$"][0]
    assert "'key'" in message
    assert "'recipientSms'" in message


@pytest.mark.parametrize("text", ["\ud800", "a\0b", "\udfff tail"])
def test_text_that_cannot_be_stored_is_refused(text: str) -> None:
    assert shape_error(json.dumps(LETTER | {"note": text}).encode()) == "$.note"


def test_surrogate_pairs_are_one_character() -> None:
    assert read(Letter, json.dumps(LETTER | {"note": "😀 æ"}).encode()).note == "😀 æ"


@pytest.mark.parametrize(("written", "copies"), [(7, 7), ("7", 7), ("-7", -7), ("+7", 7), (2**31 - 1, 2**31 - 1)])
def test_integers_may_be_written_as_strings(written: Any, copies: int) -> None:
    assert read(Letter, LETTER | {"copies": written}).copies == copies


@pytest.mark.parametrize("written", ["Green", "GREEN", " green ", 2, "2", " 2 "])
def test_enumerations_by_name_integer_or_numeric_string(written: Any) -> None:
    letter = read(Letter, LETTER | {"recipientSms": ENVELOPE | {"smsSettings": SETTINGS | {"colour": written}}})
    assert letter.recipient_sms.sms_settings.colour is Colour.Green


@pytest.mark.parametrize("written", ["Blue", "Red,Green", "", None, 3, "3", 1.0, True, [], "Red Green"])
def test_undefined_enumeration_values_are_shape_errors(written: Any) -> None:
    document = LETTER | {"recipientSms": ENVELOPE | {"smsSettings": SETTINGS | {"colour": written}}}
    assert shape_error(document) == "$.recipientSms.smsSettings.colour"


def test_presence_errors_come_all_together_under_model_paths() -> None:
    document = {
        "key": " ",
        "recipientSms": {"phoneNumber": None, "smsSettings": {"body": "", "sender": None}},
        "steps": [None, {"envelope": {"phoneNumber": "1", "smsSettings": None}}, {"days": 0}],
    }
    assert errors(document) == {
        "Key": ["The Key field is required."],
        "Recipient.PhoneNumber": ["The PhoneNumber field is required."],
        "Recipient.ShortMessageContent.Body": ["The Body field is required."],
        "Recipient.ShortMessageContent.Sender": ["The Sender field is required."],
        "Steps[1].Envelope.ShortMessageContent": ["The ShortMessageContent field is required."],
    }


def test_rules_accumulate_under_model_paths() -> None:
    document = LETTER | {
        "recipientSms": ENVELOPE | {"smsSettings": SETTINGS | {"sender": " "}},
        "steps": [None, {}, {"days": 0, "envelope": ENVELOPE}, {"days": 1}],
    }
    found = errors(document)
    assert set(found) == {"Recipient.ShortMessageContent.Sender", "Steps[0]", "Steps[1]", "Steps[2]", "Steps[2].Days"}


def test_shape_errors_suppress_rules() -> None:
    document = LETTER | {"steps": [{}], "key": None}
    assert set(errors(document)) == {"Key"}


def test_at_most_199_errors_are_collected() -> None:
    found = errors(LETTER | {"steps": [{}] * 199})
    assert len(found) == 199
    assert "" not in found
    for many in (200, 201, 5000):
        found = errors(LETTER | {"steps": [{}] * many})
        assert len(found) == 200
        assert len(found[""]) == 1


@pytest.mark.parametrize(
    ("content_type", "codec"),
    [
        ("application/json", "utf-8"),
        ("application/json; charset=utf-8", "utf-8-sig"),
        ('application/json; Charset="UTF-8"', "utf-8"),
        ("application/json;charset=utf-16", "utf-16"),
        ("application/json; charset=utf-16", "utf-16-le"),
        ("application/json; charset=utf-16LE", "utf-16-le"),
        ("application/json; charset=utf-16be", "utf-16-be"),
    ],
)
def test_bodies_in_utf_8_and_utf_16(content_type: str, codec: str) -> None:
    body = json.dumps(LETTER | {"note": "blåbær 😀"}, ensure_ascii=False).encode(codec)
    assert read(Letter, body, content_type).note == "blåbær 😀"


@pytest.mark.parametrize("charset", ["iso-8859-1", "us-ascii", "utf8", "utf-32", "x"])
def test_other_charsets_are_not_understood(charset: str) -> None:
    assert decoder_for(f"application/json; charset={charset}") is None


@pytest.mark.parametrize(
    ("spoilt", "path"),
    [
        (b'{"key": "\xe6"}', "$.key"),
        (b'{"key": "\xff\xfe', "$.key"),
        (b"\xc3", "$"),
        (b'{"KEY": "\xed\xa0\x80"}', "$.KEY"),
        (b'{"\xff": 1}', "$"),
        (b'{"key": \xff}', "$.key"),
    ],
)
def test_bytes_that_are_not_text_are_refused(spoilt: bytes, path: str) -> None:
    assert shape_error(spoilt) == path


def test_half_a_character_of_utf_16_is_refused() -> None:
    assert errors('{"key": "k"}'.encode("utf-16-le")[:-1], "application/json; charset=utf-16").keys() == {
        "$",
        "request",
    }


def test_a_body_above_the_limit_is_too_large_even_if_it_is_malformed() -> None:
    for body in (json.dumps(LETTER).encode() + b" " * 100_000, b"x" * 200_000):
        with pytest.raises(BodyTooLarge):
            finish(read_body(Letter, in_chunks(body, 1000), "request", largest=100_000))
    with pytest.raises(BodyTooLarge):
        finish(read_body(Letter, json.dumps(LETTER).encode(), "request", largest=10))


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("0f5a9b1c9d544f4e9b7c7f0f5f0d9e21", True),
        ("0F5A9B1C-9D54-4F4E-9B7C-7F0F5F0D9E21", True),
        ("{0f5a9b1c-9d54-4f4e-9b7c-7f0f5f0d9e21}", True),
        ("(0f5a9b1c-9d54-4f4e-9b7c-7f0f5f0d9e21)", True),
        ("{0f5a9b1c-9d54-4f4e-9b7c-7f0f5f0d9e21)", False),
        ("{0f5a9b1c9d544f4e9b7c7f0f5f0d9e21}", False),
        ("0f5a9b1c-9d544f4e-9b7c-7f0f5f0d9e21", False),
        ("email", False),
        ("", False),
    ],
)
def test_guids_in_a_path_have_four_forms(text: str, readable: bool) -> None:
    found = read_loose_guid(text)
    assert found == (UUID("0f5a9b1c-9d54-4f4e-9b7c-7f0f5f0d9e21") if readable else None)


FULL = json.dumps(LETTER | {"note": "n", "other": {"y": [1, None]}, "steps": [{"days": 2}, {"envelope": ENVELOPE}]})


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1, len(FULL)), st.sampled_from(["", '"', "}", "]", ",", ":", "{", "[", "1", "x", "\\", '"note": 1, '])
)
def test_the_first_fault_is_told_alike_whether_or_not_the_body_fits_the_window(place: int, patch: str) -> None:
    spoilt = FULL[:place] + patch + FULL[place + (not patch) :]
    padded = '{"x": "' + "x" * 70_000 + '", ' + spoilt[1:]
    assert errors(padded.encode()).keys() == errors(spoilt.encode()).keys()
