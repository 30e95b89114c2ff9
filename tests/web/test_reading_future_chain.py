"""Chains: reminders and condition endpoints (api.md 3.9; checklist 6.3, POST future/orders)."""

from typing import Any

import pytest

from tests.support.future_bodies import CHAIN, COMPOSED, EMAIL, changed, future_errors, keys
from varsel.intake.wire_future import ChainRequest, ComposedRequest


def keys_of(**timing: Any) -> set[str]:
    """Return the keys of the errors of a reminder with these members, without `Reminders[0]`."""
    found = keys(ChainRequest, CHAIN | {"reminders": [{"recipient": EMAIL, **timing}]})
    assert all(key.startswith("Reminders[0]") for key in found)
    return {key.removeprefix("Reminders[0]").removeprefix(".") for key in found}


def test_a_reminder_needs_one_way_to_say_when() -> None:
    assert keys_of() == {""}
    assert keys_of(delayDays=None, requestedSendTime=None) == {""}
    assert keys_of(delayDays=1) == set()
    assert keys_of(requestedSendTime="2026-06-01T09:00:00Z") == set()
    assert keys_of(delayDays=1, requestedSendTime=None) == set()


def test_two_ways_are_too_many() -> None:
    both = {"delayDays": 1, "requestedSendTime": "2026-06-01T09:00:00Z"}
    assert keys_of(**both) == {"", "DelayDays", "RequestedSendTime"}


@pytest.mark.parametrize(
    ("days", "found"),
    [
        (1, set()),
        ("7", set()),
        (0, {"DelayDays"}),
        (-1, {"DelayDays"}),
        (-(2**31), {"DelayDays"}),
        (2_912_000, set()),
        (2_913_000, {"DelayDays"}),
        (2**31 - 1, {"DelayDays"}),
    ],
)
def test_a_delay_is_at_least_a_day_and_stays_within_the_calendar(days: Any, found: set[str]) -> None:
    assert keys_of(delayDays=days) == found
    told = future_errors(ChainRequest, changed(CHAIN, "reminders[0].delayDays", days))
    assert sum(len(messages) for messages in told.values()) == len(found)


def test_the_calendar_ends_with_the_year_9999() -> None:
    last_day = changed(CHAIN, "requestedSendTime", "9999-12-30T12:00:00Z")
    assert keys(ChainRequest, changed(last_day, "reminders[0].delayDays", 1)) == set()
    assert keys(ChainRequest, changed(last_day, "reminders[0].delayDays", 2)) == {"Reminders[0].DelayDays"}


@pytest.mark.parametrize(
    ("moment", "found"),
    [
        ("2026-05-04T09:00:00Z", set()),
        ("2026-05-04T09:10:00Z", set()),  # before the main notification, which is not looked at
        ("2026-05-04T08:59:59Z", {"RequestedSendTime"}),
        ("2026-06-04T09:00:00", {"RequestedSendTime"}),
    ],
)
def test_a_reminder_s_own_time_has_a_zone_and_is_not_past(moment: str, found: set[str]) -> None:
    assert keys_of(requestedSendTime=moment) == found


def test_shape_errors_of_reminders_have_their_path() -> None:
    assert "$.reminders[1].delayDays" in keys(
        ChainRequest, CHAIN | {"reminders": [*CHAIN["reminders"], {"recipient": EMAIL, "delayDays": 2**31}]}
    )


def test_a_null_reminder_is_told_beside_the_errors_of_the_others() -> None:
    reminders = [None, {"recipient": EMAIL, "delayDays": 0}, {"recipient": EMAIL, "delayDays": 1}, None]
    assert keys(ChainRequest, CHAIN | {"reminders": reminders}) == {
        "Reminders[0]",
        "Reminders[1].DelayDays",
        "Reminders[3]",
    }


def test_there_may_be_no_reminders_and_many() -> None:
    assert keys(ChainRequest, CHAIN | {"reminders": []}) == set()
    assert keys(ChainRequest, CHAIN | {"reminders": CHAIN["reminders"] * 500}) == set()


def test_main_and_reminders_are_judged_together() -> None:
    document = changed(CHAIN, "conditionEndpoint", "check") | {"reminders": [{"recipient": {}}]}
    assert keys(ChainRequest, document) == {"ConditionEndpoint", "Reminders[0]", "Reminders[0].Recipient"}


ACCEPTED_ENDPOINTS = [
    "https://ttd.apps.example.no/check?case=42",
    "http://localhost:5005/check",
    "http://localhost",
    "http://127.0.0.1:8080/",
    "http://[::1]:8080/check",
    "HTTPS://EXAMPLE.NO",
    "https://single-label/check#part",
    "https://user@example.no/",
    "https://blåbær.no/søk?navn=kåre",
    "https://example.no/a%20b",
    "https://example.no/?ids[]=1",
    "https://example.no:",
    "https://example.no:65535",
]
REFUSED_ENDPOINTS = [
    "",
    "check",
    "/check",
    "//example.no/check",
    "ftp://example.no/check",
    "file:///etc/passwd",
    "urn:altinn:resource:check",
    "mailto:kari@example.com",
    "https:example.no",
    "https://example.no/a b",
    "https://example.no/a\nb",
    "https://example.no/<script>",
]


@pytest.mark.parametrize("endpoint", ACCEPTED_ENDPOINTS)
def test_any_absolute_web_address_may_be_asked(endpoint: str) -> None:
    assert keys(ChainRequest, CHAIN | {"conditionEndpoint": endpoint}) == set()


@pytest.mark.parametrize("endpoint", REFUSED_ENDPOINTS)
def test_nothing_else_may_be_asked(endpoint: str) -> None:
    assert keys(ChainRequest, CHAIN | {"conditionEndpoint": endpoint}) == {"ConditionEndpoint"}
    assert keys(ChainRequest, changed(CHAIN, "reminders[0].conditionEndpoint", endpoint)) == {
        "Reminders[0].ConditionEndpoint"
    }
    assert keys(ComposedRequest, COMPOSED | {"conditionEndpoint": endpoint}) == {"ConditionEndpoint"}
