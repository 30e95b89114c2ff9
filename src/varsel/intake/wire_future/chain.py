"""A notification with reminders: POST `/future/orders` (api.md 3.9)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from varsel.intake.rules import has_zone
from varsel.intake.shapes import UriText, member, rule
from varsel.intake.times import Moment
from varsel.intake.wire_future.foundation import (
    Circumstances,
    FutureShape,
    ScheduledRequest,
    not_past,
    web_address,
)
from varsel.intake.wire_future.recipients import RecipientChoice
from varsel.model.chains import Family
from varsel.schedule import reminder_time


@rule(minimum=1)
def at_least_a_day(value: int, _told: object) -> str | None:
    """Demand a delay."""
    return None if value >= 1 else "The delay must be at least one day."


class ReminderRequest(FutureShape, frozen=True, kw_only=True):
    """A reminder, at either `delayDays` or `requestedSendTime`. Nothing else depends on the main notification."""

    recipient: Annotated[RecipientChoice, member("Whom to remind.")]
    senders_reference: Annotated[str | None, member("The sender's own reference of the reminder.")] = None
    condition_endpoint: Annotated[
        UriText | None,
        member("An http or https address that is asked at the send time whether to send.", web_address),
    ] = None
    delay_days: Annotated[int | None, member("Days of 24 hours after the main notification.", at_least_a_day)] = None
    requested_send_time: Annotated[
        Moment | None, member("When to send, with a time zone; not in the past.", has_zone, not_past)
    ] = None

    def judge(self, told: Circumstances) -> Iterator[tuple[str, str]]:
        """Demand exactly one way to say when, and a time within the calendar."""
        delay, moment = self.delay_days, self.requested_send_time
        if delay is None and moment is None:
            yield "", "Either delayDays or requestedSendTime must be given."
        if delay is not None and moment is not None:
            for attribute in ("", "delay_days", "requested_send_time"):
                yield attribute, "Only one of delayDays and requestedSendTime can be given."
        if delay is not None and delay >= 1 and _leaves_the_calendar(told.send_time, delay):
            yield "delay_days", "The delay reaches beyond the end of the calendar."


def _leaves_the_calendar(main: Moment, delay_days: int) -> bool:
    try:
        reminder_time(main.utc, delay_days)
    except OverflowError:
        return True
    return False


class ChainRequest(ScheduledRequest, frozen=True, kw_only=True):
    """A notification to one recipient, and any number of reminders."""

    parameter = "notificationOrderRequest"
    family = Family.CHAIN

    recipient: Annotated[RecipientChoice, member("Whom to notify.")]
    reminders: Annotated[
        tuple[ReminderRequest, ...],
        member("Reminders, sent later whether or not the notification was read.", null_is_empty=True),
    ] = ()

    @property
    def holds_until(self) -> datetime | None:
        """The first of the send times it names, for none may be past."""
        named = [self.requested_send_time, *(reminder.requested_send_time for reminder in self.reminders)]
        return min((moment.utc for moment in named if isinstance(moment, Moment)), default=None)
