"""From recipients and answers to addresses: the rules of processing.md 2.1 to 2.7 and the report of api.md 3.5."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varsel.model.contacts import ExternalContact, OrganizationContact, PersonContact, UserContact
from varsel.model.orders import NotificationChannel, Recipient, RecipientLookupStatus
from varsel.model.recipients import Answers, LookupReport, Questions, ResolvedRecipient
from varsel.recipients.questions import bare_resource_id, needs_lookup, questions
from varsel.recipients.report import LookupTally, lookup_report
from varsel.recipients.resolve import resolve

EMAIL, SMS = NotificationChannel.Email, NotificationChannel.Sms
EMAIL_FIRST, SMS_FIRST = NotificationChannel.EmailPreferred, NotificationChannel.SmsPreferred
BOTH = NotificationChannel.EmailAndSms

NIN, OTHER_NIN, ORG = "16069412345", "10987654321", "310123456"
SELF = "urn:altinn:person:idporten-email:kari@example.com"
A_MAIL, B_MAIL, C_MAIL = "a@example.com", "b@example.com", "c@example.com"
A_NUMBER, B_NUMBER, C_NUMBER = "+4799999999", "+4740000001", "+4740000000"

PERSON = Recipient(national_identity_number=NIN)
ORGANIZATION = Recipient(organization_number=ORG)
EXTERNAL = Recipient(external_identity=SELF)

Found = tuple[tuple[str, ...], tuple[str, ...]]


def addresses(resolved: ResolvedRecipient) -> Found:
    return resolved.emails, resolved.mobile_numbers


def person(email: str | None, number: str | None, *, reserved: bool = False) -> Answers:
    return Answers(persons={NIN: PersonContact(NIN, reserved, email, number)})


def organization(official: Found = ((), ()), users: Sequence[UserContact] = ()) -> Answers:
    return Answers(organizations={ORG: OrganizationContact(ORG, 0, *official)}, user_contacts={ORG: users})


def only(recipient: Recipient, channel: NotificationChannel, answers: Answers) -> Found:
    (resolved,) = resolve([recipient], channel, answers)
    return addresses(resolved)


@pytest.mark.parametrize(
    ("recipient", "looked_up_under"),
    [
        (Recipient(email_address=A_MAIL), {SMS}),
        (Recipient(mobile_number=A_NUMBER), {EMAIL}),
        (Recipient(email_address=A_MAIL, mobile_number=A_NUMBER), set()),
        (Recipient(email_address=" ", mobile_number=""), set(NotificationChannel)),
        (PERSON, set(NotificationChannel)),
    ],
)
def test_a_lookup_is_needed_for_what_the_caller_left_out(
    recipient: Recipient, looked_up_under: set[NotificationChannel]
) -> None:
    assert {channel for channel in NotificationChannel if needs_lookup(recipient, channel)} == looked_up_under


def test_questions_name_each_party_once_by_its_first_kind() -> None:
    recipients = [
        PERSON,
        PERSON,
        ORGANIZATION,
        EXTERNAL,
        Recipient(email_address=A_MAIL),
        Recipient(national_identity_number=OTHER_NIN, organization_number="999999999", external_identity=SELF),
        Recipient(),
    ]
    asked = questions(
        recipients, EMAIL, use_stale=True, resource_id=" urn:altinn:resource:letters ", resource_action=" "
    )
    assert asked == Questions(
        persons=frozenset({NIN, OTHER_NIN}),
        external_identities=frozenset({SELF}),
        organizations=frozenset({ORG}),
        use_stale=True,
        resource_id="letters",
        resource_action="read",
    )
    assert asked


def test_direct_recipients_raise_no_questions() -> None:
    assert not questions([Recipient(email_address=A_MAIL)], EMAIL, resource_id="letters")


@pytest.mark.parametrize(
    ("given_id", "bare"),
    [
        (None, None),
        ("  ", None),
        ("urn:altinn:resource:", None),
        (" letters", "letters"),
        ("urn:altinn:resource:app_ttd_x", "app_ttd_x"),
        ("URN:altinn:resource:x", "URN:altinn:resource:x"),
    ],
)
def test_the_resource_is_asked_for_by_its_bare_id(given_id: str | None, bare: str | None) -> None:
    assert bare_resource_id(given_id) == bare


@pytest.mark.parametrize(
    ("channel", "neither", "mail_only", "number_only", "both"),
    [
        (EMAIL, ((), ()), ((A_MAIL,), ()), ((), ()), ((A_MAIL,), ())),
        (SMS, ((), ()), ((), ()), ((), (A_NUMBER,)), ((), (A_NUMBER,))),
        (BOTH, ((), ()), ((A_MAIL,), ()), ((), (A_NUMBER,)), ((A_MAIL,), (A_NUMBER,))),
        (EMAIL_FIRST, ((), ()), ((A_MAIL,), ()), ((), (A_NUMBER,)), ((A_MAIL,), ())),
        (SMS_FIRST, ((), ()), ((A_MAIL,), ()), ((), (A_NUMBER,)), ((), (A_NUMBER,))),
    ],
)
def test_the_scheme_chooses_among_what_was_found(
    channel: NotificationChannel, neither: Found, mail_only: Found, number_only: Found, both: Found
) -> None:
    held = {(None, None): neither, (A_MAIL, " "): mail_only, ("", A_NUMBER): number_only, (A_MAIL, A_NUMBER): both}
    for (email, number), expected in held.items():
        assert only(PERSON, channel, person(email, number)) == expected
        external = Answers(external_identities={SELF: ExternalContact(SELF, email, number)})
        assert only(EXTERNAL, channel, external) == expected
        official = tuple(filter(None, [email])), tuple(filter(None, [number]))
        assert only(ORGANIZATION, channel, organization(official)) == expected
        assert only(ORGANIZATION, channel, organization(users=[UserContact(1, email, number)])) == expected


@pytest.mark.parametrize("recipient", [PERSON, ORGANIZATION, EXTERNAL, Recipient()])
@pytest.mark.parametrize("channel", NotificationChannel)
def test_who_is_unknown_has_no_addresses(recipient: Recipient, channel: NotificationChannel) -> None:
    (resolved,) = resolve([recipient], channel)
    assert (addresses(resolved), resolved.is_reserved) == (((), ()), False)


@pytest.mark.parametrize(
    ("held", "used"),
    [("99999999", "+4799999999"), ("004740000001", "+4740000001"), ("+4740000001", "+4740000001"), ("12345", None)],
)
def test_numbers_from_lookups_are_normalised_and_invalid_ones_count_as_absent(held: str, used: str | None) -> None:
    expected = ((), ()) if used is None else ((), (used,))
    assert only(PERSON, SMS, person(None, held)) == expected
    assert only(ORGANIZATION, SMS, organization(((), (held,)))) == expected
    assert only(PERSON, SMS_FIRST, person(A_MAIL, held)) == (((A_MAIL,), ()) if used is None else expected)


def test_the_callers_own_addresses_are_used_as_they_are() -> None:
    given_ones = Recipient(email_address=" padded@example.com ", mobile_number="004799999999")
    for channel in (EMAIL_FIRST, SMS_FIRST, BOTH):
        assert only(given_ones, channel, Answers()) == ((" padded@example.com ",), ("004799999999",))
    assert only(given_ones, EMAIL, Answers()) == ((" padded@example.com ",), ())
    assert only(given_ones, SMS, Answers()) == ((), ("004799999999",))


def test_a_recipient_with_an_address_is_not_enriched() -> None:
    mixed = Recipient(email_address=B_MAIL, national_identity_number=NIN)
    (resolved,) = resolve([mixed], BOTH, person(A_MAIL, A_NUMBER, reserved=True))
    assert (addresses(resolved), resolved.is_reserved) == (((B_MAIL,), ()), False)
    assert resolved.national_identity_number == NIN


def test_the_person_wins_over_the_organisation() -> None:
    several = Recipient(national_identity_number=NIN, organization_number=ORG, external_identity=SELF)
    answers = Answers(
        persons={NIN: PersonContact(NIN, True, A_MAIL)}, organizations={ORG: OrganizationContact(ORG, 0, (B_MAIL,))}
    )
    assert resolve([several], EMAIL, answers) == [ResolvedRecipient((A_MAIL,), (), True, NIN, None)]


def test_official_lists_lose_blanks_repetitions_and_invalid_numbers() -> None:
    emails = (A_MAIL, "", "A@EXAMPLE.COM", f" {A_MAIL}", B_MAIL)
    numbers = ("99999999", A_NUMBER, "004799999999", "12345678", "")
    expected = ((A_MAIL, f" {A_MAIL}", B_MAIL), (A_NUMBER,))
    assert only(ORGANIZATION, BOTH, organization((emails, numbers))) == expected


def test_users_lose_what_is_official_or_an_earlier_users() -> None:
    users = [
        UserContact(1, "A@example.com", B_NUMBER),
        UserContact(2, B_MAIL, "40000001"),
        UserContact(3, B_MAIL.upper(), B_NUMBER),
    ]
    found = only(ORGANIZATION, BOTH, organization(((A_MAIL,), (A_NUMBER,)), users))
    assert found == ((A_MAIL, B_MAIL), (A_NUMBER, B_NUMBER))


def test_a_number_spelled_otherwise_is_the_same_number_and_shown_as_first_spelled() -> None:
    spelled = ("+44 (0)7911 123456", "+447911123456", "00447911\u00ad123456")
    users = [UserContact(1, None, "+44 7911 123456 ext. 5"), UserContact(2, None, B_NUMBER)]
    found = only(ORGANIZATION, SMS, organization(((), spelled), users))
    assert found == ((), (spelled[0], B_NUMBER))


def test_only_a_users_first_entry_counts() -> None:
    users = [UserContact(1, A_MAIL), UserContact(1, B_MAIL), UserContact(2, C_MAIL)]
    assert only(ORGANIZATION, EMAIL, organization(users=users)) == ((A_MAIL, C_MAIL), ())


def test_a_preferred_scheme_takes_the_official_list_as_a_whole_and_each_user_for_himself() -> None:
    users = [UserContact(1, None, B_NUMBER), UserContact(2, B_MAIL, C_NUMBER)]
    answers = organization(((A_MAIL,), (A_NUMBER,)), users)
    assert only(ORGANIZATION, EMAIL_FIRST, answers) == ((A_MAIL, B_MAIL), (B_NUMBER,))
    assert only(ORGANIZATION, SMS_FIRST, answers) == ((), (A_NUMBER, B_NUMBER, C_NUMBER))


def test_repetitions_are_removed_before_the_scheme_chooses() -> None:
    answers = organization(((A_MAIL,), ()), [UserContact(1, A_MAIL, B_NUMBER)])
    assert only(ORGANIZATION, EMAIL_FIRST, answers) == ((A_MAIL,), (B_NUMBER,))


def test_a_users_invalid_number_does_not_win_over_his_email() -> None:
    answers = organization(users=[UserContact(1, A_MAIL, "12345")])
    assert only(ORGANIZATION, SMS_FIRST, answers) == ((A_MAIL,), ())
    assert only(ORGANIZATION, BOTH, answers) == ((A_MAIL,), ())


def test_users_count_without_official_addresses_too() -> None:
    answers = Answers(user_contacts={ORG: [UserContact(1, A_MAIL)]})
    assert resolve([ORGANIZATION], EMAIL, answers) == [ResolvedRecipient((A_MAIL,), (), False, None, ORG)]


@pytest.mark.parametrize("channel", NotificationChannel)
def test_the_last_occurrence_wins_where_the_scheme_keys_by_identifier(channel: NotificationChannel) -> None:
    everybody = [Recipient(national_identity_number=number) for number in (NIN, OTHER_NIN, NIN)]
    resolved = resolve(everybody, channel, offset=500, superseded=frozenset({0, 500}))
    expected = [NIN, OTHER_NIN, NIN] if channel in (EMAIL, SMS) else [OTHER_NIN, NIN]
    assert [each.national_identity_number for each in resolved] == expected


@pytest.mark.parametrize(
    ("channel", "email", "number", "reserved", "expected"),
    [
        (EMAIL, A_MAIL, None, False, LookupReport(RecipientLookupStatus.Success)),
        (EMAIL, None, A_NUMBER, False, LookupReport(RecipientLookupStatus.Failed, (), (NIN,))),
        (SMS, A_MAIL, "12345", False, LookupReport(RecipientLookupStatus.Failed, (), (NIN,))),
        (SMS_FIRST, A_MAIL, "12345", False, LookupReport(RecipientLookupStatus.Success)),
        (BOTH, None, A_NUMBER, False, LookupReport(RecipientLookupStatus.Success)),
        (EMAIL, A_MAIL, A_NUMBER, True, LookupReport(RecipientLookupStatus.Failed, (NIN,), ())),
        (EMAIL_FIRST, None, None, True, LookupReport(RecipientLookupStatus.Failed, (NIN,), ())),
    ],
)
def test_the_report_on_one_person(
    channel: NotificationChannel, email: str | None, number: str | None, reserved: bool, expected: LookupReport
) -> None:
    assert lookup_report([PERSON], person(email, number, reserved=reserved), channel) == expected


def test_no_lookup_no_report() -> None:
    assert lookup_report([Recipient(email_address=A_MAIL)], Answers(), EMAIL) is None


def test_the_report_is_partial_while_somebody_is_reached() -> None:
    answers = person(A_MAIL, None, reserved=True)
    tally = LookupTally(EMAIL)
    tally.add([PERSON, Recipient(email_address=A_MAIL)], answers)
    assert tally.report() == LookupReport(RecipientLookupStatus.Failed, (NIN,), ())
    tally.add([ORGANIZATION], organization(((B_MAIL,), ())))
    assert tally.report() == LookupReport(RecipientLookupStatus.PartialSuccess, (NIN,), ())
    tally.add([Recipient(national_identity_number=OTHER_NIN)], Answers())
    assert tally.report() == LookupReport(RecipientLookupStatus.PartialSuccess, (NIN,), (OTHER_NIN,))


def test_identifiers_are_reported_once_but_recipients_counted_each_time() -> None:
    assert lookup_report([PERSON, PERSON], Answers(), EMAIL) == LookupReport(
        RecipientLookupStatus.PartialSuccess, (), (NIN,)
    )


def test_a_reserved_person_named_twice_is_listed_once() -> None:
    report = lookup_report([PERSON, PERSON], person(A_MAIL, None, reserved=True), EMAIL)
    assert report is not None
    assert report.is_reserved == (NIN,)


numbers = st.sampled_from([None, "", "12345", "99999999", B_NUMBER, C_NUMBER])
emails = st.sampled_from([None, "", " ", A_MAIL, B_MAIL, C_MAIL])
user_lists = st.lists(st.builds(UserContact, st.integers(1, 3), emails, numbers), max_size=4)


@given(st.lists(emails), st.lists(numbers), user_lists, st.sampled_from(NotificationChannel))
def test_an_organisation_is_never_written_to_twice_at_one_address(
    listed: list[str | None], dialled: list[str | None], users: list[UserContact], channel: NotificationChannel
) -> None:
    official = tuple(e for e in listed if e is not None), tuple(n for n in dialled if n is not None)
    found_emails, found_numbers = only(ORGANIZATION, channel, organization(official, users))
    assert len(set(found_emails)) == len(found_emails)
    assert len(set(found_numbers)) == len(found_numbers)
    assert all(email.strip() for email in found_emails)
    assert set(found_numbers) <= {A_NUMBER, B_NUMBER, C_NUMBER}
    everything = only(ORGANIZATION, BOTH, organization(official, users))
    assert bool(found_emails or found_numbers) == bool(
        everything[0] if channel is EMAIL else everything[1] if channel is SMS else everything[0] or everything[1]
    )
