"""Whether contacts registered by users count when an order is registered (processing.md 2.4, W16 of 10.2)."""

import pytest

from varsel.model.contacts import UserContact
from varsel.model.orders import NotificationChannel, Recipient, RecipientLookupStatus
from varsel.model.recipients import Answers
from varsel.recipients.questions import questions
from varsel.recipients.report import lookup_report

ORG = "310123456"
ORGANIZATION = Recipient(organization_number=ORG)
EMAIL = NotificationChannel.Email


@pytest.mark.parametrize(("count", "asked"), [(False, None), (True, "my-resource")])
def test_users_are_asked_about_only_where_they_count(count: bool, asked: str | None) -> None:
    wanted = questions([ORGANIZATION], EMAIL, resource_id="urn:altinn:resource:my-resource", count_user_contacts=count)
    assert wanted.organizations == frozenset({ORG})
    assert wanted.resource_id == asked


def test_an_organisation_that_only_users_can_be_reached_for_is_missing_unless_they_count() -> None:
    official = Answers()
    with_users = Answers(user_contacts={ORG: [UserContact(1, "leder@example.com")]})
    for answers, status, missing in (
        (official, RecipientLookupStatus.Failed, (ORG,)),
        (with_users, RecipientLookupStatus.Success, ()),
    ):
        report = lookup_report([ORGANIZATION], answers, EMAIL)
        assert report is not None
        assert (report.status, report.missing_contact) == (status, missing)
