"""The reason kept: who was asked and when, what came back in kind, what the rule took."""

from datetime import UTC, datetime

import pytest

from varsel.model.contacts import ExternalContact, OrganizationContact, Origin, PersonContact, UserContact
from varsel.model.orders import EmailText, NotificationChannel, OrderTexts, Recipient
from varsel.model.recipients import Answers
from varsel.notifications.plan import plan
from varsel.notifications.render import customise
from varsel.recipients.resolve import resolve

NIN, ORG, SELF = "16069412345", "310123456", "urn:altinn:username:kari"
MAIL, NUMBER, BAD = "kari@example.com", "+4799999999", "12345"
AT = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)
ALTINN, TABLE = Origin("altinn", AT), Origin("register", AT)
PREFERRED = NotificationChannel.EmailPreferred
PERSON = Recipient(national_identity_number=NIN)


def trail(recipient: Recipient, answers: Answers, channel: NotificationChannel = PREFERRED) -> str | None:
    (resolved,) = resolve([recipient], channel, answers)
    return resolved.trail


@pytest.mark.parametrize(
    ("contact", "channel", "expected"),
    [
        (PersonContact(NIN, False, MAIL, NUMBER), PREFERRED, "email+number;EmailPreferred:email"),
        (
            PersonContact(NIN, False, MAIL, NUMBER),
            NotificationChannel.EmailAndSms,
            "email+number;EmailAndSms:email+number",
        ),
        (PersonContact(NIN, False, " ", NUMBER), PREFERRED, "number;EmailPreferred:number"),
        (PersonContact(NIN, False, MAIL, BAD), NotificationChannel.Sms, "email+unusable number;Sms:nothing"),
        (PersonContact(NIN, True), PREFERRED, "reserved;EmailPreferred:nothing"),
        (PersonContact(NIN, True, MAIL), PREFERRED, "reserved+email;EmailPreferred:email"),
        (PersonContact(NIN), PREFERRED, "nothing;EmailPreferred:nothing"),
        (None, PREFERRED, "unknown;EmailPreferred:nothing"),
    ],
)
def test_persons(contact: PersonContact | None, channel: NotificationChannel, expected: str) -> None:
    answers = Answers(persons={NIN: contact} if contact else {}, origins={NIN: ALTINN})
    assert trail(PERSON, answers, channel) == f"altinn@2026-06-15T10:00Z:{expected}"


def test_self_identified_users() -> None:
    answers = Answers(external_identities={SELF: ExternalContact(SELF, MAIL)}, origins={SELF: ALTINN})
    recipient = Recipient(external_identity=SELF)
    assert trail(recipient, answers) == "altinn@2026-06-15T10:00Z:email;EmailPreferred:email"


def test_organisations_and_their_users() -> None:
    official = OrganizationContact(ORG, 0, (MAIL, "b@example.com"), (NUMBER,))
    answers = Answers(
        organizations={ORG: official},
        user_contacts={ORG: [UserContact(1, None, "+4740000000")]},
        origins={ORG: TABLE},
        user_origins={ORG: ALTINN},
    )
    expected = (
        "register@2026-06-15T10:00Z:2 emails+1 numbers;altinn@2026-06-15T10:00Z:1 users;EmailPreferred:email+number"
    )
    assert trail(Recipient(organization_number=ORG), answers) == expected
    unknown = Answers(origins={ORG: Origin("altinn+register")})
    assert trail(Recipient(organization_number=ORG), unknown) == "altinn+register:unknown;EmailPreferred:nothing"


def test_who_was_refused_is_told_from_who_is_unknown() -> None:
    refused = ALTINN._replace(refused=True)
    person = Answers(origins={NIN: refused})
    assert trail(PERSON, person) == "altinn@2026-06-15T10:00Z:refused;EmailPreferred:nothing"
    organization = Answers(
        organizations={ORG: OrganizationContact(ORG, 0, (MAIL,))}, origins={ORG: TABLE}, user_origins={ORG: refused}
    )
    expected = "register@2026-06-15T10:00Z:1 emails;altinn@2026-06-15T10:00Z:refused;EmailPreferred:email"
    assert trail(Recipient(organization_number=ORG), organization) == expected


def test_who_was_never_answered_about_goes_with_the_reason() -> None:
    answers = Answers(trouble="ProfileClient could not answer persons: it took too long")
    expected = "ProfileClient could not answer persons: it took too long;EmailPreferred:nothing"
    for recipient in (PERSON, Recipient(organization_number=ORG), Recipient(external_identity=SELF)):
        (resolved,) = resolve([recipient], PREFERRED, answers)
        assert (resolved.trail, resolved.emails, resolved.mobile_numbers) == (expected, (), ())
        assert resolved.national_identity_number == recipient.national_identity_number
        assert resolved.organization_number == recipient.organization_number
    assert trail(Recipient(email_address=MAIL), answers) is None


def test_there_is_none_for_direct_addresses_and_where_nobody_tells() -> None:
    assert trail(Recipient(email_address=MAIL), Answers(origins={NIN: ALTINN})) is None
    assert trail(PERSON, Answers(persons={NIN: PersonContact(NIN, False, MAIL)})) is None


def test_equal_trails_are_one_object_and_hold_nothing_personal() -> None:
    others = [f"{number:011}" for number in range(2)]
    answers = Answers(
        persons={nin: PersonContact(nin, False, f"{nin}@example.com") for nin in others},
        origins=dict.fromkeys(others, ALTINN),
    )
    first, second = resolve([Recipient(national_identity_number=nin) for nin in others], PREFERRED, answers)
    assert first.trail is second.trail
    assert first.trail is not None
    assert "@example.com" not in first.trail


def test_the_trail_goes_with_the_notification_also_when_its_text_is_filled() -> None:
    answers = Answers(persons={NIN: PersonContact(NIN, False, MAIL)}, origins={NIN: ALTINN})
    texts = OrderTexts(email=EmailText("noreply@example.com", "Hello $recipientName$", "Text"))
    resolved = resolve([PERSON], PREFERRED, answers)
    planned = customise(plan(resolved, PREFERRED, texts), texts, {}, fallback="you")
    assert [(n.subject, n.trail) for n in planned] == [("Hello you", resolved[0].trail)]
