"""Placeholders: processing.md section 3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varsel.model.contacts import PartyName
from varsel.model.notifications import PlannedNotification
from varsel.model.orders import ContentType, EmailText, OrderTexts, SmsText
from varsel.model.results import Channel, Result
from varsel.notifications.render import Parties, Templates, customise, parties

NIN, ORG = "16069412345", "310123456"
NAMES = {NIN: PartyName(NIN, "Kari Nordmann"), ORG: PartyName(ORG, "Eksempel AS")}
TO_PERSON = PlannedNotification(Channel.Email, "kari@example.com", Result.EMAIL_NEW, NIN)
TO_ORGANIZATION = PlannedNotification(Channel.Email, "post@example.com", Result.EMAIL_NEW, None, ORG)
SMS_TO_PERSON = PlannedNotification(Channel.Sms, "+4799999999", Result.SMS_NEW, NIN)
DIRECT = PlannedNotification(Channel.Email, "ola@example.com", Result.EMAIL_NEW)
NOT_FOUND = PlannedNotification(Channel.Email, "", Result.EMAIL_FAILED_RECIPIENT_NOT_IDENTIFIED, NIN)


def texts(subject: str = "Subject", body: str = "Body", sms: str = "Text") -> OrderTexts:
    return OrderTexts(EmailText("noreply@example.com", subject, body), SmsText("TTD", sms))


def own_texts(
    notification: PlannedNotification, order: OrderTexts, *, fallback: str | None = None
) -> tuple[str | None, str | None]:
    (customised,) = customise([notification], order, NAMES, fallback=fallback)
    return customised.subject, customised.body


@pytest.mark.parametrize(
    ("order", "needed"),
    [
        (texts(), False),
        (texts(subject="For $recipientName$"), True),
        (texts(body="$recipientNumber$"), True),
        (texts(sms="Hi $recipientName$"), True),
        (texts(body="$recipientname$ $RECIPIENTNUMBER$ $recipientName"), False),
        (OrderTexts(), False),
    ],
)
def test_names_are_needed_for_placeholders_only(order: OrderTexts, needed: bool) -> None:
    assert bool(Templates(order)) is needed


def test_only_parts_with_placeholders_are_customised() -> None:
    assert own_texts(TO_PERSON, texts(subject="For $recipientName$")) == ("For Kari Nordmann", None)
    assert own_texts(TO_PERSON, texts(body="$recipientName$, $recipientName$!")) == (
        None,
        "Kari Nordmann, Kari Nordmann!",
    )
    assert own_texts(TO_PERSON, texts(sms="$recipientName$")) == (None, None)
    assert own_texts(SMS_TO_PERSON, texts(subject="$recipientName$", sms="Hi $recipientName$")) == (
        None,
        "Hi Kari Nordmann",
    )


def test_an_organisations_number_is_inserted_and_a_persons_never() -> None:
    order = texts(body="$recipientName$ ($recipientNumber$)")
    assert own_texts(TO_ORGANIZATION, order) == (None, f"Eksempel AS ({ORG})")
    assert own_texts(TO_PERSON, order) == (None, "Kari Nordmann ()")


def test_a_known_party_without_name_has_an_empty_one() -> None:
    nameless = {ORG: PartyName(ORG)}
    (customised,) = customise([TO_ORGANIZATION], texts(body="<$recipientName$>"), nameless)
    assert customised.body == "<>"


def test_a_text_that_becomes_blank_falls_back_to_the_orders() -> None:
    assert own_texts(TO_PERSON, texts(subject=" $recipientNumber$ ", body="$recipientName$")) == (
        None,
        "Kari Nordmann",
    )


@pytest.mark.parametrize(
    ("fallback", "subject", "text"),
    [("you", " you ", "youyou"), ("", "  ", ""), (" ", "   ", "  ")],
)
def test_with_a_fallback_a_text_that_becomes_blank_has_it_and_never_a_raw_placeholder(
    fallback: str, subject: str, text: str
) -> None:
    order = texts(" $recipientNumber$ ", "$recipientNumber$$recipientNumber$", "$recipientName$$recipientNumber$")
    assert own_texts(TO_PERSON, order, fallback=fallback) == (subject, text)
    assert own_texts(DIRECT, order, fallback=fallback) == (subject, text)
    nameless = {NIN: PartyName(NIN)}
    (sms,) = customise([SMS_TO_PERSON], order, nameless, fallback=fallback)
    assert sms.body == text


def test_a_fallback_changes_nothing_where_something_is_left() -> None:
    order = texts(subject="No. $recipientNumber$", body="$recipientName$")
    assert own_texts(TO_PERSON, order, fallback="you") == ("No. ", "Kari Nordmann")


@pytest.mark.parametrize(
    "unknown", [DIRECT, PlannedNotification(Channel.Email, "x@example.com", Result.EMAIL_NEW, "1")]
)
def test_unknown_parties_keep_the_raw_text_unless_there_is_a_fallback(unknown: PlannedNotification) -> None:
    order = texts(subject="For $recipientName$", body="No. $recipientNumber$")
    assert own_texts(unknown, order) == (None, None)
    assert own_texts(unknown, order, fallback="you") == ("For you", "No. ")
    assert own_texts(unknown, order, fallback="") == ("For ", "No. ")


def test_an_unknown_organisation_keeps_its_number_in_a_fallback() -> None:
    unknown = PlannedNotification(Channel.Sms, "+4799999999", Result.SMS_NEW, None, "999999999")
    assert own_texts(unknown, texts(sms="$recipientName$ $recipientNumber$"), fallback="you") == (None, "you 999999999")


def test_a_name_is_text_and_nothing_else() -> None:
    tricky = {ORG: PartyName(ORG, "$recipientNumber$\r\nBcc: all \\1")}
    (customised,) = customise([TO_ORGANIZATION], texts("$recipientName$", "$recipientName$"), tricky)
    assert customised.subject == "$recipientNumber$ Bcc: all \\1"
    assert customised.body == "$recipientNumber$\r\nBcc: all \\1"


def test_only_parties_that_will_be_written_to_are_asked_for() -> None:
    planned = [TO_PERSON, TO_PERSON, TO_ORGANIZATION, DIRECT, NOT_FOUND]
    assert parties(planned, texts(body="$recipientName$")) == Parties(frozenset({ORG}), frozenset({NIN}))
    assert parties(planned, texts(sms="$recipientName$")) == Parties(frozenset(), frozenset())
    assert parties([NOT_FOUND], texts(body="$recipientName$")) == Parties(frozenset(), frozenset())


def test_failed_notifications_and_plain_texts_are_left_as_they_are() -> None:
    planned = [NOT_FOUND, TO_PERSON]
    assert customise(planned, texts(), NAMES) is planned
    assert customise(planned, texts(body="$recipientName$"), NAMES)[0] is NOT_FOUND


pieces = st.sampled_from(["$recipientName$", "$recipientNumber$", "$ ", "recipientName ", "å ", "\\g<1>"])


@given(st.lists(pieces, max_size=8).map("".join))
def test_filling_equals_replacing(body: str) -> None:
    replaced = body.replace("$recipientName$", "Eksempel AS").replace("$recipientNumber$", ORG)
    (customised,) = customise([TO_ORGANIZATION], texts(body=body), NAMES)
    assert customised.body == (replaced if replaced != body and replaced.strip() else None)


NOT_PLAIN = "<a href='https://example.org'>A & B</a>"


@pytest.mark.parametrize(
    ("kind", "escape", "expected"),
    [
        (ContentType.Html, False, f"<p>{NOT_PLAIN}</p>"),
        (ContentType.Html, True, "<p>&lt;a href=&#x27;https://example.org&#x27;&gt;A &amp; B&lt;/a&gt;</p>"),
        (ContentType.Plain, True, f"<p>{NOT_PLAIN}</p>"),
    ],
)
def test_a_name_is_text_in_html_where_that_is_wanted(kind: ContentType, escape: bool, expected: str) -> None:
    """By default it is inserted as it is registered, as the contract says; a subject is never HTML."""
    order = OrderTexts(EmailText("noreply@example.com", "$recipientName$", "<p>$recipientName$</p>", kind))
    (customised,) = customise([TO_ORGANIZATION], order, {ORG: PartyName(ORG, NOT_PLAIN)}, escape_names=escape)
    assert (customised.subject, customised.body) == (NOT_PLAIN, expected)


def test_a_name_in_an_sms_is_never_escaped() -> None:
    order = OrderTexts(
        EmailText("noreply@example.com", "Subject", "Body", ContentType.Html), SmsText("TTD", "$recipientName$")
    )
    (customised,) = customise([SMS_TO_PERSON], order, {NIN: PartyName(NIN, NOT_PLAIN)}, escape_names=True)
    assert customised.body == NOT_PLAIN
