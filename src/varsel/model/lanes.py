"""Lanes: queues of the same channel that must not hold each other up."""

from enum import IntEnum

from varsel.model.orders import OrderType, SendingTimePolicy
from varsel.model.results import Channel


class Lane(IntEnum):
    """A queue of chunks. SMS bound to the daytime window waits apart, so do e-mails with attachments to fetch."""

    Email = 0
    SmsAnytime = 1
    SmsDaytime = 2
    Composed = 3

    @property
    def channel(self) -> Channel:
        """The channel whose provider serves this lane."""
        return Channel.Sms if self in (Lane.SmsAnytime, Lane.SmsDaytime) else Channel.Email


def lane_of(channel: Channel, order_type: OrderType, policy: SendingTimePolicy | None) -> Lane:
    """Return the lane for one notification; SMS without a policy keep to the daytime (processing.md 4.3)."""
    if channel is Channel.Sms:
        return Lane.SmsAnytime if policy is SendingTimePolicy.Anytime else Lane.SmsDaytime
    return Lane.Composed if order_type is OrderType.Composed else Lane.Email
