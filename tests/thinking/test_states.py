"""The legal steps, checked as a whole: nothing moves backwards."""

import itertools

import pytest

from varsel.model.orders import OrderStatus
from varsel.model.results import FACTS, NEW, SENDING, Channel, Result, Stage
from varsel.model.states import (
    ORDER_STEPS,
    diagram,
    order_is_final,
    order_may_follow,
    refusals,
    result_may_follow,
    result_steps,
)

FINAL_ORDERS = {OrderStatus.Completed, OrderStatus.SendConditionNotMet, OrderStatus.Cancelled}
PAIRS = list(itertools.product(Result, Result))


def test_final_orders_are_the_contracts() -> None:
    assert {status for status in OrderStatus if order_is_final(status)} == FINAL_ORDERS


@pytest.mark.parametrize(
    ("current", "following"),
    [
        (OrderStatus.Cancelled, OrderStatus.Registered),
        (OrderStatus.Completed, OrderStatus.Processed),
        (OrderStatus.Processing, OrderStatus.Cancelled),
        (OrderStatus.Processed, OrderStatus.Cancelled),
        (OrderStatus.Registered, OrderStatus.Completed),
        (OrderStatus.Processed, OrderStatus.SendConditionNotMet),
    ],
)
def test_orders_do_not_jump(current: OrderStatus, following: OrderStatus) -> None:
    assert not order_may_follow(current, following)


def test_every_order_status_is_reachable_and_has_an_end() -> None:
    assert {step.after for step in ORDER_STEPS} == set(OrderStatus)
    assert {step.before for step in ORDER_STEPS if step.before is not None} == set(OrderStatus) - FINAL_ORDERS


def test_results_stay_on_their_channel() -> None:
    assert not [(a, b) for a, b in PAIRS if result_may_follow(a, b) and FACTS[a].channel != FACTS[b].channel]


def test_only_a_try_that_certainly_failed_leads_to_an_earlier_stage() -> None:
    backwards = {(a, b) for a, b in PAIRS if result_may_follow(a, b) and b.facts.stage < a.facts.stage}
    assert backwards == {(SENDING[channel], NEW[channel]) for channel in Channel}


def test_only_expired_failed_and_delivered_results_may_be_replaced_once_final() -> None:
    replaceable = {a.facts.name for a, b in PAIRS if a.facts.stage is Stage.Final and result_may_follow(a, b)}
    assert replaceable == {"Failed_TTL", "Failed", "Delivered"}


@pytest.mark.parametrize("channel", Channel)
def test_every_result_but_the_transport_value_is_reachable(channel: Channel) -> None:
    reached = {result for step in result_steps(channel) for result in step.after}
    own = {result for result in Result if result.facts.channel is channel}
    assert own - reached == ({Result.EMAIL_FAILED_TRANSIENT_ERROR} if channel is Channel.Email else set())


@pytest.mark.parametrize("channel", Channel)
def test_every_pending_result_can_end(channel: Channel) -> None:
    for result in Result:
        if result.facts.channel is channel and result.facts.stage is not Stage.Final:
            ends = {b for b in Result if result_may_follow(result, b) and b.facts.stage is Stage.Final}
            assert ends >= set(refusals(channel)) or result is Result.EMAIL_FAILED_TRANSIENT_ERROR


def test_the_diagram_draws_each_step() -> None:
    drawn = diagram()
    assert "    Registered --> Processing: due\n" in drawn
    assert "    Accepted --> Failed_TTL: no final result in time\n" in drawn
    assert "    Delivered --> Refused: reported, if delivery was only assumed\n" in drawn
    assert "    Cancelled --> [*]\n" in drawn
    assert "Failed_TransientError" not in drawn
