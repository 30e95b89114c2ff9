"""From addresses to notifications: the decision table of processing.md 2.8, and all of its cells by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varsel.model.contacts import PersonContact
from varsel.model.notifications import PlannedNotification
from varsel.model.orders import EmailText, NotificationChannel, OrderTexts, Recipient, SmsText
from varsel.model.recipients import Answers, ResolvedRecipient
from varsel.model.results import NEW, NOT_IDENTIFIED, RESERVED, Channel, Result
from varsel.notifications.plan import plan
from varsel.recipients.resolve import resolve

NIN, ORG = "16069412345", "310123456"
MAIL, NUMBER = "kari@example.com", "+4799999999"
EMAIL_TEXT = EmailText("noreply@example.com", "Subject", "Body")
SMS_TEXT = SmsText("TTD", "Body")
TEXTS = OrderTexts(EMAIL_TEXT, SMS_TEXT)

Cell = list[tuple[Channel, str, str]]
E_OK, S_OK = (Channel.Email, MAIL, "New"), (Channel.Sms, NUMBER, "New")
E_NONE, S_NONE = (
    (Channel.Email, "", "Failed_RecipientNotIdentified"),
    (Channel.Sms, "", "Failed_RecipientNotIdentified"),
)
E_RES, S_RES = (Channel.Email, "", "Failed_RecipientReserved"), (Channel.Sms, "", "Failed_RecipientReserved")


def cells(planned: list[PlannedNotification]) -> Cell:
    return [(each.channel, each.address, each.result.facts.name) for each in planned]


# For each scheme what a person gets who holds: nothing, an e-mail, a number, both; then the same when reserved.
TABLE: dict[NotificationChannel, tuple[list[Cell], list[Cell]]] = {
    NotificationChannel.Email: (
        [[E_NONE], [E_OK], [E_NONE], [E_OK]],
        [[E_RES], [E_RES], [E_RES], [E_RES]],
    ),
    NotificationChannel.Sms: (
        [[S_NONE], [S_NONE], [S_OK], [S_OK]],
        [[S_RES], [S_RES], [S_RES], [S_RES]],
    ),
    NotificationChannel.EmailAndSms: (
        [[E_NONE, S_NONE], [E_OK, S_NONE], [E_NONE, S_OK], [E_OK, S_OK]],
        [[E_RES, S_RES], [E_RES, S_RES], [E_RES, S_RES], [E_RES, S_RES]],
    ),
    NotificationChannel.EmailPreferred: (
        [[E_NONE], [E_OK], [S_OK], [E_OK]],
        [[E_RES], [E_RES], [S_RES], [E_RES]],
    ),
    NotificationChannel.SmsPreferred: (
        [[S_NONE], [E_OK], [S_OK], [S_OK]],
        [[S_RES], [E_RES], [S_RES], [S_RES]],
    ),
}
HOLDINGS: list[tuple[str | None, str | None]] = [(None, None), (MAIL, None), (None, NUMBER), (MAIL, NUMBER)]


@pytest.mark.parametrize("scheme", NotificationChannel)
@pytest.mark.parametrize("holding", range(4))
def test_what_a_person_gets(scheme: NotificationChannel, holding: int) -> None:
    open_to_us, reserved = TABLE[scheme]
    for is_reserved, ignored, expected in [
        (False, False, open_to_us),
        (False, True, open_to_us),
        (True, False, reserved),
        (True, True, open_to_us),
    ]:
        answers = Answers(persons={NIN: PersonContact(NIN, is_reserved, *HOLDINGS[holding])})
        resolved = resolve([Recipient(national_identity_number=NIN)], scheme, answers)
        planned = plan(resolved, scheme, TEXTS, ignore_reservation=ignored)
        assert cells(planned) == expected[holding]
        assert {each.national_identity_number for each in planned} == {NIN}


@pytest.mark.parametrize(
    ("scheme", "recipient", "expected"),
    [
        # Both addresses given: both are used, also under a preferred scheme.
        (NotificationChannel.EmailPreferred, Recipient(MAIL, NUMBER), [E_OK, S_OK]),
        (NotificationChannel.SmsPreferred, Recipient(MAIL, NUMBER), [E_OK, S_OK]),
        (NotificationChannel.SmsPreferred, Recipient(MAIL), [E_OK]),
        # EmailAndSms with direct addresses: what is possible is sent, what is not is said.
        (NotificationChannel.EmailAndSms, Recipient(MAIL, NUMBER), [E_OK, S_OK]),
        (NotificationChannel.EmailAndSms, Recipient(MAIL), [E_OK, S_NONE]),
        (NotificationChannel.EmailAndSms, Recipient(), [E_NONE, S_NONE]),
        (NotificationChannel.Email, Recipient(MAIL, NUMBER), [E_OK]),
        (NotificationChannel.Sms, Recipient(MAIL, NUMBER), [S_OK]),
    ],
)
def test_what_a_direct_recipient_gets(scheme: NotificationChannel, recipient: Recipient, expected: Cell) -> None:
    assert cells(plan(resolve([recipient], scheme), scheme, TEXTS)) == expected


def test_each_address_of_an_organisation_gets_its_own_notification() -> None:
    resolved = [ResolvedRecipient((MAIL, "b@example.com"), (NUMBER,), organization_number=ORG)]
    assert plan(resolved, NotificationChannel.EmailPreferred, TEXTS) == [
        PlannedNotification(Channel.Email, MAIL, Result.EMAIL_NEW, None, ORG),
        PlannedNotification(Channel.Email, "b@example.com", Result.EMAIL_NEW, None, ORG),
        PlannedNotification(Channel.Sms, NUMBER, Result.SMS_NEW, None, ORG),
    ]


def test_a_reserved_recipient_is_reported_once_however_many_addresses_there_are() -> None:
    resolved = [ResolvedRecipient((MAIL, "b@example.com"), (), True, NIN)]
    assert cells(plan(resolved, NotificationChannel.Email, TEXTS)) == [E_RES]


def test_emails_come_first_and_recipients_keep_their_order() -> None:
    resolved = [ResolvedRecipient((f"{name}@example.com",), (NUMBER,)) for name in "ba"]
    planned = plan(resolved, NotificationChannel.EmailAndSms, TEXTS)
    assert [each.address for each in planned] == ["b@example.com", "a@example.com", NUMBER, NUMBER]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [(OrderTexts(email=EMAIL_TEXT), [E_OK]), (OrderTexts(sms=SMS_TEXT), [S_OK]), (OrderTexts(), [])],
)
def test_a_channel_without_text_gets_nothing(texts: OrderTexts, expected: Cell) -> None:
    resolved = [ResolvedRecipient((MAIL,), (NUMBER,))]
    assert cells(plan(resolved, NotificationChannel.EmailAndSms, texts)) == expected


address_lists = st.lists(st.text("ab", min_size=1), max_size=3, unique=True).map(tuple)
resolved_recipients = st.builds(ResolvedRecipient, address_lists, address_lists, st.booleans())


@given(st.lists(resolved_recipients, max_size=6), st.sampled_from(NotificationChannel), st.booleans())
def test_every_recipient_hears_from_us_or_is_reported(
    recipients: list[ResolvedRecipient], scheme: NotificationChannel, ignored: bool
) -> None:
    for recipient in recipients:
        planned = plan([recipient], scheme, TEXTS, ignore_reservation=ignored)
        assert planned
        for each in planned:
            barred = recipient.is_reserved and not ignored
            own = recipient.emails if each.channel is Channel.Email else recipient.mobile_numbers
            expected = RESERVED if barred else NEW if own else NOT_IDENTIFIED
            assert each.result is expected[each.channel]
            assert bool(each.address) == (each.result is NEW[each.channel])
            assert not each.address or each.address in own
    together = plan(recipients, scheme, TEXTS, ignore_reservation=ignored)
    assert len(together) == sum(len(plan([r], scheme, TEXTS, ignore_reservation=ignored)) for r in recipients)
