"""When: the daytime window, expiry, reminders and pauses before another try. Instants in, instants out, in UTC."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from varsel.mechanisms.backoff import exponential, lengthened
from varsel.model.clock import LATEST
from varsel.model.orders import SendingTimePolicy
from varsel.model.results import Channel

LIFETIME = timedelta(hours=48)
"""How long a notification may wait to be sent and reported, unless a setting says otherwise (processing.md 4.4)."""

_A_DAY_MORE = timedelta(hours=24)
_MIDNIGHT = 24


@dataclass(frozen=True, slots=True)
class DaytimeWindow:
    """The hours in which SMS of daytime policy may leave, every day of the year, bounds excluded (processing.md 4.3).

    `opens` and `closes` are whole hours of `zone`'s wall clock on one date; 24 is the midnight that ends it.
    """

    zone: ZoneInfo
    opens: int = 9
    closes: int = 17

    def __post_init__(self) -> None:
        """Raise ValueError unless the hours make a window within one date."""
        if not 0 <= self.opens < self.closes <= _MIDNIGHT:
            raise ValueError(f"The window must open before it closes, both 0 to 24, not {self.opens} to {self.closes}.")

    def is_open(self, instant: datetime) -> bool:
        """Tell whether `instant` lies strictly inside the window: 09:00:00 exactly is outside."""
        local = instant.astimezone(self.zone).time()
        return time(self.opens) < local and (self.closes == _MIDNIGHT or local < time(self.closes))

    def after_opening(self, day: date, lifetime: timedelta) -> datetime:
        """Return `lifetime` after the opening of `day` on the wall clock: a change of clocks keeps the hour."""
        opening = datetime.combine(day, time(self.opens))
        return (opening + lifetime).replace(tzinfo=self.zone).astimezone(UTC)


def expiry(
    channel: Channel,
    policy: SendingTimePolicy | None,
    requested_send_time: datetime,
    window: DaytimeWindow,
    lifetime: timedelta = LIFETIME,
) -> datetime:
    """Return when a notification of an ordinary order expires (processing.md 4.4).

    Only an SMS whose policy says Daytime is compensated for the night; an order without policy is not. At the end of
    the calendar it expires with that.
    """
    try:
        if channel is Channel.Sms and policy is SendingTimePolicy.Daytime:
            return min(_daytime_expiry(requested_send_time, window, lifetime), LATEST)
        return min(requested_send_time.astimezone(UTC) + lifetime, LATEST)
    except OverflowError:
        return LATEST


def _daytime_expiry(requested: datetime, window: DaytimeWindow, lifetime: timedelta) -> datetime:
    """Return W(t) of processing.md 4.4; exactly the opening hour already counts as after closing."""
    if window.is_open(requested):
        return requested.astimezone(UTC) + lifetime
    local = requested.astimezone(window.zone)
    before_opening = local.time() < time(window.opens)
    return window.after_opening(local.date(), lifetime if before_opening else lifetime + _A_DAY_MORE)


def instant_expiry(created: datetime, time_to_live: timedelta) -> datetime:
    """Return when an instant notification expires; for SMS the caller names the time to live (processing.md 4.4)."""
    return created.astimezone(UTC) + time_to_live


def reminder_time(main_send_time: datetime, delay_days: int) -> datetime:
    """Return the main send time plus `delay_days` times 24 hours; raises OverflowError past the calendar's end."""
    return main_send_time.astimezone(UTC) + timedelta(days=delay_days)


def doubling_pause(attempt: int, first: timedelta, longest: timedelta, jitter: float) -> timedelta:
    """Return `first`, doubled with each failed attempt after the first up to `longest`, then lengthened by `jitter`."""
    return lengthened(exponential(attempt, first, longest), jitter)
