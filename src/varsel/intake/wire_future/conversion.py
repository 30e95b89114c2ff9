"""From a request that passed all rules to the chain that is stored (processing.md 1.2 to 1.4)."""

from collections.abc import Callable, Generator
from datetime import datetime
from uuid import UUID

from varsel.intake.shapes.body import breathing
from varsel.intake.times import Moment
from varsel.intake.wire_future.addressees import (
    Addressee,
    chosen_addressee,
    composed_addressee,
    instant_email_addressee,
    instant_sms_addressee,
)
from varsel.intake.wire_future.chain import ChainRequest, ReminderRequest
from varsel.intake.wire_future.composed import ComposedRequest
from varsel.intake.wire_future.fingerprint import Fingerprint
from varsel.intake.wire_future.foundation import FutureRequest, ScheduledRequest
from varsel.intake.wire_future.instant import InstantEmailRequest, InstantRequest, InstantSmsRequest
from varsel.model.chains import Chain, DialogAssociation, Family
from varsel.model.ids import new_id
from varsel.model.orders import Order, OrderType, pack_recipients
from varsel.orders.texts import Defaults, unless_blank
from varsel.schedule import reminder_time

_FAMILIES = {
    OrderType.Notification: Family.CHAIN,
    OrderType.Composed: Family.COMPOSED,
    OrderType.Instant: Family.INSTANT,
}


async def to_chain(
    request: FutureRequest,
    *,
    creator: str,
    now: datetime,
    defaults: Defaults,
    mint: Callable[[], UUID] = new_id,
) -> Chain:
    """Make the chain of a request that passed all rules; `now` is its registration time, `mint` makes its ids."""
    request = request.unwrapped if isinstance(request, InstantRequest) else request
    orders = _Orders(creator, now, defaults, mint)
    main = orders.main(request)
    fingerprint = Fingerprint(request)
    reminders: list[Order] = []
    if isinstance(request, ChainRequest):
        await breathing(_remind(request, orders, fingerprint, reminders))
    return Chain(
        id=orders.chain_id,
        creator=creator,
        family=_FAMILIES[main.type],
        idempotency_id=request.idempotency_id,
        request_hash=fingerprint.digest(),
        created=now,
        main=main,
        reminders=tuple(reminders),
        dialog=_dialog(request),
    )


def _remind(
    request: ChainRequest, orders: "_Orders", fingerprint: Fingerprint, reminders: list[Order]
) -> Generator[None, None, None]:
    main = request.send_time(orders.now)
    for reminder in request.reminders:
        reminders.append(orders.reminder(reminder, main))
        fingerprint.add(reminder)
        yield


def _dialog(request: FutureRequest) -> DialogAssociation | None:
    named = request.dialogporten_association if isinstance(request, ScheduledRequest) else None
    return DialogAssociation(named.dialog_id, named.transmission_id) if named else None


class _Orders:
    """Makes the orders of one chain."""

    def __init__(self, creator: str, now: datetime, defaults: Defaults, mint: Callable[[], UUID]) -> None:
        self.chain_id = mint()
        self.now = now
        self._creator = creator
        self._defaults = defaults
        self._mint = mint

    def main(self, request: FutureRequest) -> Order:
        kind, addressee = self._addressed(request)
        condition = request.condition_endpoint if isinstance(request, ScheduledRequest) else None
        return self._order(kind, addressee, request.send_time(self.now), request.senders_reference, condition)

    def reminder(self, request: ReminderRequest, main: Moment) -> Order:
        """Nothing is inherited from the main notification but the time from which a delay is counted."""
        addressee = chosen_addressee(request.recipient, self._creator, self._defaults)
        moment = request.requested_send_time or _delayed(main, request.delay_days)
        return self._order(OrderType.Reminder, addressee, moment, request.senders_reference, request.condition_endpoint)

    def _addressed(self, request: FutureRequest) -> tuple[OrderType, Addressee]:
        match request:
            case ChainRequest():
                return OrderType.Notification, chosen_addressee(request.recipient, self._creator, self._defaults)
            case ComposedRequest():
                return OrderType.Composed, composed_addressee(request.recipient, self._defaults)
            case InstantSmsRequest():
                return OrderType.Instant, instant_sms_addressee(request.recipient_sms, self._defaults)
            case InstantEmailRequest():
                return OrderType.Instant, instant_email_addressee(request.recipient_email, self._defaults)
        raise TypeError(f"{type(request).__name__} is no request of the newer interface")

    def _order(
        self, kind: OrderType, to: Addressee, moment: Moment, reference: str | None, condition: str | None
    ) -> Order:
        return Order(
            id=self._mint(),
            creator=self._creator,
            type=kind,
            channel=to.channel,
            created=self.now,
            requested_send_time=moment.utc,
            requested_send_time_text=moment.text,
            texts=to.texts,
            recipients=(pack_recipients([to.recipient]),),
            recipient_count=1,
            senders_reference=unless_blank(reference),
            sending_time_policy=to.policy,
            condition_endpoint=condition,
            ignore_reservation=to.ignore_reservation,
            resource_id=to.resource_id,
            resource_action=to.resource_action,
            use_stale_contact_information=to.use_stale_contact_information,
            chain_id=self.chain_id,
            time_to_live_seconds=to.time_to_live_seconds,
        )


def _delayed(main: Moment, delay_days: int | None) -> Moment:
    if delay_days is None:
        raise ValueError("a reminder without a time breaks a rule and becomes no order")
    return Moment(reminder_time(main.utc, delay_days), main.tenth, zoned=True)
