"""What may replace what, tried for all combinations; and when another try is made."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varsel.delivery import Expired, RetryAt, Source, after_transient, next_result
from varsel.model.results import DELIVERED, FAILED_TTL, Channel, Result, Stage

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
EXPIRY = NOW + timedelta(hours=48)
SOURCES: list[Source] = list(get_args(Source))

results = st.sampled_from(Result)
sources = st.sampled_from(SOURCES)


@pytest.mark.parametrize(
    ("current", "assumed", "incoming", "source", "expected"),
    [
        # The ordinary way.
        (Result.EMAIL_NEW, False, Result.EMAIL_SENDING, "send", Result.EMAIL_SENDING),
        (Result.EMAIL_SENDING, False, Result.EMAIL_SUCCEEDED, "send", Result.EMAIL_SUCCEEDED),
        (Result.EMAIL_SUCCEEDED, False, Result.EMAIL_DELIVERED, "report", Result.EMAIL_DELIVERED),
        (Result.SMS_ACCEPTED, False, Result.SMS_FAILED_BARRED_RECEIVER, "report", Result.SMS_FAILED_BARRED_RECEIVER),
        # A try that certainly failed, or whose lease ran out, is made again.
        (Result.EMAIL_SENDING, False, Result.EMAIL_FAILED_TRANSIENT_ERROR, "send", Result.EMAIL_NEW),
        (Result.SMS_SENDING, False, Result.SMS_NEW, "sweep", Result.SMS_NEW),
        (Result.EMAIL_SUCCEEDED, False, Result.EMAIL_FAILED_TRANSIENT_ERROR, "send", None),
        (Result.SMS_ACCEPTED, False, Result.SMS_NEW, "sweep", None),
        (Result.SMS_SENDING, False, Result.SMS_NEW, "report", None),
        # The report is faster than the record of the hand-over.
        (Result.EMAIL_SENDING, False, Result.EMAIL_DELIVERED, "report", Result.EMAIL_DELIVERED),
        (Result.SMS_NEW, False, Result.SMS_DELIVERED, "report", Result.SMS_DELIVERED),
        (Result.EMAIL_DELIVERED, False, Result.EMAIL_SUCCEEDED, "send", None),
        # Late, repeated and contradicting reports.
        (Result.SMS_FAILED_TTL, False, Result.SMS_DELIVERED, "report", Result.SMS_DELIVERED),
        (Result.SMS_FAILED_TTL, False, Result.SMS_ACCEPTED, "report", None),
        (Result.EMAIL_DELIVERED, False, Result.EMAIL_FAILED_BOUNCED, "report", None),
        (Result.EMAIL_FAILED_BOUNCED, False, Result.EMAIL_DELIVERED, "report", None),
        (Result.EMAIL_DELIVERED, False, Result.EMAIL_DELIVERED, "report", None),
        # Assumed delivery.
        (Result.EMAIL_SUCCEEDED, False, Result.EMAIL_DELIVERED, "sweep", Result.EMAIL_DELIVERED),
        (Result.EMAIL_SENDING, False, Result.EMAIL_DELIVERED, "sweep", None),
        (Result.EMAIL_DELIVERED, True, Result.EMAIL_FAILED_BOUNCED, "report", Result.EMAIL_FAILED_BOUNCED),
        (Result.EMAIL_DELIVERED, True, Result.EMAIL_DELIVERED, "report", Result.EMAIL_DELIVERED),
        (Result.EMAIL_DELIVERED, True, Result.EMAIL_FAILED_TTL, "sweep", None),
        # The end of time.
        (Result.EMAIL_NEW, False, Result.EMAIL_FAILED_TTL, "sweep", Result.EMAIL_FAILED_TTL),
        (Result.SMS_SENDING, False, Result.SMS_FAILED_TTL, "sweep", Result.SMS_FAILED_TTL),
        (Result.SMS_ACCEPTED, False, Result.SMS_FAILED_TTL, "sweep", Result.SMS_FAILED_TTL),
        (Result.SMS_DELIVERED, False, Result.SMS_FAILED_TTL, "sweep", None),
        # A report that belongs to the other channel.
        (Result.SMS_ACCEPTED, False, Result.EMAIL_DELIVERED, "report", None),
    ],
)
def test_next_result(current: Result, assumed: bool, incoming: Result, source: Source, expected: Result | None) -> None:
    assert next_result(current, assumed, incoming, source) is expected


@given(results, results, sources)
def test_a_final_result_stays_unless_it_only_expired(current: Result, incoming: Result, source: Source) -> None:
    channel = current.facts.channel
    if current.facts.stage is Stage.Final and current is not FAILED_TTL[channel]:
        assert next_result(current, False, incoming, source) is None


@given(results, st.lists(st.tuples(results, sources), max_size=12))
def test_no_series_of_events_moves_a_notification_backwards(
    current: Result, events: list[tuple[Result, Source]]
) -> None:
    for incoming, source in events:
        following = next_result(current, False, incoming, source)
        if following is None:
            continue
        assert following.facts.channel is current.facts.channel
        tried_again = following.facts.stage is Stage.New and current.facts.stage is Stage.Sending
        late_report = current in FAILED_TTL.values() and following.facts.stage is Stage.Final
        assert following.facts.stage > current.facts.stage or tried_again or late_report
        current = following


@given(st.lists(st.tuples(results, sources), max_size=12), st.sampled_from(Channel))
def test_a_reported_delivery_is_never_lost(events: list[tuple[Result, Source]], channel: Channel) -> None:
    current = DELIVERED[channel]
    assert [next_result(current, False, *event) for event in events] == [None] * len(events)


def test_a_message_not_taken_rests_for_our_pause() -> None:
    assert after_transient(now=NOW, expiry=EXPIRY, pause=timedelta(minutes=5)) == RetryAt(NOW + timedelta(minutes=5))


@pytest.mark.parametrize("wish", [1, 30])
def test_the_providers_wish_goes_before_our_own_pause(wish: int) -> None:
    decision = after_transient(now=NOW, expiry=EXPIRY, pause=timedelta(minutes=5), retry_after=timedelta(minutes=wish))
    assert decision == RetryAt(NOW + timedelta(minutes=wish))


def test_a_try_that_would_come_at_expiry_is_not_made() -> None:
    pause = timedelta(minutes=5)
    assert after_transient(now=NOW, expiry=NOW + pause, pause=pause) == Expired()
    just_in_time = after_transient(now=NOW, expiry=NOW + pause + timedelta.resolution, pause=pause)
    assert just_in_time == RetryAt(NOW + pause)
