"""What may replace what, tried for all combinations; and when another try is made."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varsel.delivery import (
    LATE,
    LOST,
    Attempts,
    Decision,
    Expired,
    RetryAt,
    SendPolicy,
    Source,
    after_late_answer,
    after_outcome,
    after_transient,
    before_sending,
    kept_reference,
    next_result,
)
from varsel.model.outcomes import Accepted, Outcome, Settled, Transient, Unknown
from varsel.model.results import DELIVERED, FAILED, FAILED_TTL, HANDED_OVER, NEW, Channel, Result, Stage

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
        # Failed for want of any outcome: a report knows better, our clock does not.
        (Result.SMS_FAILED, True, Result.SMS_DELIVERED, "report", Result.SMS_DELIVERED),
        (Result.SMS_FAILED, True, Result.SMS_FAILED, "report", Result.SMS_FAILED),
        (Result.SMS_FAILED, True, Result.SMS_FAILED_TTL, "sweep", None),
        (Result.SMS_FAILED, True, Result.SMS_NEW, "send", None),
        (Result.SMS_FAILED, False, Result.SMS_DELIVERED, "report", None),
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


# --- what follows from an outcome

MINUTE = timedelta(minutes=1)
POLICY = SendPolicy((MINUTE, 5 * MINUTE), resend_unknown=True, most_lost=5)
FAIL = SendPolicy((MINUTE, 5 * MINUTE), resend_unknown=False, most_lost=5)
ASSUMING = SendPolicy((MINUTE, 5 * MINUTE), resend_unknown=True, most_lost=5, assume_at_once=True)
GIVEN_UP = "502 It may have been sent, and is not sent again."

channels = st.sampled_from(Channel)
texts = st.builds(lambda some, times: some * times, st.text(st.characters(), max_size=20), st.sampled_from([1, 100]))
"""Short and long, with NUL and lone surrogates among them."""

outcomes: st.SearchStrategy[Outcome] = st.one_of(
    st.builds(Accepted, st.none() | texts),
    st.builds(Settled, results, st.none() | texts, st.none() | texts),
    st.builds(Transient, texts, st.none() | st.just(MINUTE), st.booleans(), st.booleans()),
    st.builds(Unknown, texts),
)


@pytest.mark.parametrize(
    ("outcome", "attempts", "policy", "expected"),
    [
        # Known.
        (Accepted("a"), (0, 0), POLICY, Decision(Result.SMS_ACCEPTED, Attempts(1, 0), answered=True)),
        (
            Accepted(),
            (2, 1),
            ASSUMING,
            Decision(Result.SMS_DELIVERED, Attempts(3, 1), assumed=True, answered=True),
        ),
        (
            Settled(Result.SMS_FAILED_REJECTED, "no", "a"),
            (0, 0),
            POLICY,
            Decision(Result.SMS_FAILED_REJECTED, Attempts(1, 0), "no", answered=True),
        ),
        # Certainly not taken: again, after the next pause or when the provider wishes.
        (Transient("450"), (0, 0), POLICY, Decision(Result.SMS_NEW, Attempts(1, 0), "450", again=NOW + MINUTE)),
        (Transient("450"), (7, 4), FAIL, Decision(Result.SMS_NEW, Attempts(8, 4), "450", again=NOW + 5 * MINUTE)),
        (
            Transient("450", retry_after=9 * MINUTE),
            (0, 0),
            POLICY,
            Decision(Result.SMS_NEW, Attempts(1, 0), "450", again=NOW + 9 * MINUTE),
        ),
        (
            Transient("450", retry_after=EXPIRY - NOW),
            (0, 0),
            POLICY,
            Decision(Result.SMS_FAILED_TTL, Attempts(1, 0), "450"),
        ),
        # Not even offered: no attempt.
        (
            Transient("rate", retry_after=MINUTE, offered=False),
            (3, 1),
            POLICY,
            Decision(Result.SMS_NEW, Attempts(3, 1), "rate", again=NOW + MINUTE),
        ),
        # Lost: again until the limit, or never.
        (Unknown("502"), (0, 0), POLICY, Decision(Result.SMS_NEW, Attempts(1, 1), "502", again=NOW + MINUTE)),
        (Unknown("502"), (9, 3), POLICY, Decision(Result.SMS_NEW, Attempts(10, 4), "502", again=NOW + 5 * MINUTE)),
        (Unknown("502"), (9, 4), POLICY, Decision(Result.SMS_FAILED, Attempts(10, 5), GIVEN_UP, assumed=True)),
        (Unknown("502"), (0, 0), FAIL, Decision(Result.SMS_FAILED, Attempts(1, 1), GIVEN_UP, assumed=True)),
    ],
)
def test_after_outcome(outcome: Outcome, attempts: tuple[int, int], policy: SendPolicy, expected: Decision) -> None:
    decided = after_outcome(
        outcome, Channel.Sms, Attempts(*attempts), expiry=EXPIRY, policy=policy, now=NOW, chance=0.0
    )
    assert decided == expected


@pytest.mark.parametrize(
    ("attempts", "doubtful", "expiry", "policy", "expected"),
    [
        ((0, 0), False, EXPIRY, POLICY, None),
        ((3, 4), False, EXPIRY, FAIL, None),
        ((1, 0), False, NOW - MINUTE, POLICY, Decision(Result.EMAIL_FAILED_TTL, Attempts(1, 0))),
        ((0, 0), True, EXPIRY, POLICY, Decision(Result.EMAIL_NEW, Attempts(1, 1), LOST)),
        ((4, 4), True, EXPIRY, POLICY, Decision(Result.EMAIL_FAILED, Attempts(5, 5), LOST, assumed=True)),
        ((9, 3), True, EXPIRY, POLICY, Decision(Result.EMAIL_NEW, Attempts(10, 4), LOST)),
        ((0, 0), True, EXPIRY, FAIL, Decision(Result.EMAIL_FAILED, Attempts(1, 1), LOST, assumed=True)),
        ((0, 0), True, NOW - MINUTE, POLICY, Decision(Result.EMAIL_FAILED_TTL, Attempts(1, 1), LOST)),
    ],
)
def test_before_sending(
    attempts: tuple[int, int], doubtful: bool, expiry: datetime, policy: SendPolicy, expected: Decision | None
) -> None:
    decided = before_sending(
        Channel.Email, Attempts(*attempts), expiry=expiry, doubtful=doubtful, policy=policy, now=NOW
    )
    assert decided == expected


TAKEN = Decision(Result.EMAIL_SUCCEEDED, Attempts(1, 0))
BOUNCED = Decision(Result.EMAIL_FAILED_BOUNCED, Attempts(1, 0), "550")
DELIVERED_LATE = Decision(Result.EMAIL_DELIVERED, Attempts(1, 0), LATE, assumed=True)


@pytest.mark.parametrize(
    ("current", "assumed", "answer", "expected"),
    [
        # What was only supposed gives way to what is known.
        (Result.EMAIL_FAILED, True, TAKEN, DELIVERED_LATE),
        (Result.EMAIL_FAILED_TTL, False, TAKEN, DELIVERED_LATE),
        (Result.EMAIL_FAILED, True, BOUNCED, BOUNCED),
        (Result.EMAIL_FAILED_TTL, False, BOUNCED, BOUNCED),
        # What is known stays.
        (Result.EMAIL_FAILED, False, TAKEN, None),
        (Result.EMAIL_FAILED_BOUNCED, False, TAKEN, None),
        (Result.EMAIL_SUCCEEDED, False, BOUNCED, None),
        (Result.EMAIL_DELIVERED, True, BOUNCED, None),
        (Result.EMAIL_DELIVERED, False, TAKEN, None),
        # Another supposition, and a plan to try again, change nothing.
        (Result.EMAIL_FAILED_TTL, False, Decision(Result.EMAIL_FAILED, Attempts(5, 5), assumed=True), None),
        (Result.EMAIL_FAILED, True, Decision(Result.EMAIL_NEW, Attempts(1, 0), again=NOW), None),
        (Result.EMAIL_NEW, False, Decision(Result.EMAIL_FAILED_TTL, Attempts(1, 0)), None),
    ],
)
def test_after_late_answer(current: Result, assumed: bool, answer: Decision, expected: Decision | None) -> None:
    assert after_late_answer(current, assumed, answer) == expected


@given(outcomes, channels, st.integers(0, 32_767), st.integers(0, 32_767), st.floats(0, 1), st.booleans())
def test_whatever_a_provider_says_can_be_recorded(
    outcome: Outcome, channel: Channel, made: int, lost: int, chance: float, many: bool
) -> None:
    decided = after_outcome(
        outcome, channel, Attempts(made, lost), expiry=EXPIRY, policy=POLICY, now=NOW, chance=chance, many=many
    )
    assert max(decided.attempts) <= 32_767
    reference = kept_reference(outcome)
    for text in (decided.detail or "", reference or ""):
        assert "\0" not in text
        assert len(text.encode()) <= 5_000
    assert len(reference or "") <= 500
    assert (decided.again is not None) == (decided.result is NEW[channel] and not isinstance(outcome, Settled))


@given(channels, st.lists(st.sampled_from(["crash", "lost answer", "refused"]), max_size=30))
def test_a_message_is_sent_at_most_so_often_without_an_outcome(channel: Channel, events: list[str]) -> None:
    attempts, copies = Attempts(0, 0), 0
    for event in events:
        decided: Decision | None
        if event == "crash":
            decided = before_sending(channel, attempts, expiry=EXPIRY, doubtful=True, policy=POLICY, now=NOW)
        else:
            outcome = Unknown("502") if event == "lost answer" else Transient("450")
            decided = after_outcome(outcome, channel, attempts, expiry=EXPIRY, policy=POLICY, now=NOW, chance=0.0)
        assert decided is not None
        attempts, copies = decided.attempts, copies + (event != "refused")
        if decided.result is not NEW[channel]:
            assert (decided.result, copies) == (FAILED[channel], POLICY.most_lost)
            return
    assert copies < POLICY.most_lost


@given(st.floats(0, 1))
def test_many_refused_at_once_are_spread_over_a_whole_pause(chance: float) -> None:
    decided = after_outcome(
        Transient("454"), Channel.Email, Attempts(0, 0), expiry=EXPIRY, policy=POLICY, now=NOW, chance=chance, many=True
    )
    assert decided.again == NOW + MINUTE * (1 + chance)


@given(channels, results, st.booleans(), outcomes)
def test_a_late_answer_never_reopens_an_order(
    channel: Channel, current: Result, assumed: bool, outcome: Outcome
) -> None:
    answer = after_outcome(outcome, channel, Attempts(0, 0), expiry=EXPIRY, policy=POLICY, now=NOW, chance=0.0)
    following = after_late_answer(current, assumed, answer)
    if following is not None:
        assert current.facts.stage is Stage.Final
        assert following.result.facts.stage is Stage.Final
        assert following.result is not HANDED_OVER[channel]
