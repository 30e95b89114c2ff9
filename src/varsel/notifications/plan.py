"""From addresses to notifications: one per address, or one that says why there is none (processing.md 2.8)."""

from collections.abc import Iterable, Sequence

from varsel.model.notifications import PlannedNotification
from varsel.model.orders import NotificationChannel, OrderTexts
from varsel.model.recipients import ResolvedRecipient
from varsel.model.results import NEW, NOT_IDENTIFIED, RESERVED, Channel, Result

_BOTH = (Channel.Email, Channel.Sms)
_CHANNELS = {
    NotificationChannel.Email: (Channel.Email,),
    NotificationChannel.Sms: (Channel.Sms,),
    NotificationChannel.EmailPreferred: _BOTH,
    NotificationChannel.SmsPreferred: _BOTH,
    NotificationChannel.EmailAndSms: _BOTH,
}
_PREFERRED = {NotificationChannel.EmailPreferred: Channel.Email, NotificationChannel.SmsPreferred: Channel.Sms}


def plan(
    recipients: Sequence[ResolvedRecipient],
    scheme: NotificationChannel,
    texts: OrderTexts,
    *,
    ignore_reservation: bool = False,
) -> list[PlannedNotification]:
    """Make the notifications of `recipients`, e-mails first.

    A channel the order has no text for gets none: what is possible is sent, the rest is left out rather than the
    order held up.
    """
    planned: list[PlannedNotification] = []
    if Channel.Email in _CHANNELS[scheme] and texts.email is not None:
        for recipient in _seen_by(Channel.Email, recipients, scheme):
            _notify(planned, recipient, Channel.Email, recipient.emails, ignore_reservation)
    if Channel.Sms in _CHANNELS[scheme] and texts.sms is not None:
        for recipient in _seen_by(Channel.Sms, recipients, scheme):
            _notify(planned, recipient, Channel.Sms, recipient.mobile_numbers, ignore_reservation)
    return planned


def _seen_by(
    channel: Channel, recipients: Sequence[ResolvedRecipient], scheme: NotificationChannel
) -> Iterable[ResolvedRecipient]:
    """Pick the recipients a channel sees: under a preferred scheme those it reaches.

    Who is reached by neither channel is reported once, on the preferred one.
    """
    preferred = _PREFERRED.get(scheme)
    if preferred is None:
        return recipients
    if channel is Channel.Email:
        nowhere_too = preferred is Channel.Email
        return (r for r in recipients if r.emails or (nowhere_too and not r.mobile_numbers))
    nowhere_too = preferred is Channel.Sms
    return (r for r in recipients if r.mobile_numbers or (nowhere_too and not r.emails))


def _notify(
    planned: list[PlannedNotification],
    recipient: ResolvedRecipient,
    channel: Channel,
    addresses: tuple[str, ...],
    ignore_reservation: bool,
) -> None:
    """Append the notifications of one recipient on one channel."""
    result: Result = NEW[channel]
    if recipient.is_reserved and not ignore_reservation:
        result, addresses = RESERVED[channel], ("",)
    elif not addresses:
        result, addresses = NOT_IDENTIFIED[channel], ("",)
    nin, organization, trail = recipient.national_identity_number, recipient.organization_number, recipient.trail
    planned.extend(
        PlannedNotification(channel, address, result, nin, organization, trail=trail) for address in addresses
    )
