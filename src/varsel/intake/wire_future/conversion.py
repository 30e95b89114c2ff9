"""From a request that passed all rules to the chain that is stored (processing.md 1.2 to 1.4)."""

from collections.abc import Callable, Generator, Iterator, Sequence
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
from varsel.intake.wire_future.foundation import FutureRequest, ScheduledRequest
from varsel.intake.wire_future.instant import InstantEmailRequest, InstantSmsRequest
from varsel.model.chains import Chain, DialogAssociation
from varsel.model.clock import LATEST
from varsel.model.ids import new_ids
from varsel.model.orders import Order, OrderType, pack_recipients
from varsel.orders.texts import Defaults
from varsel.schedule import reminder_time


async def to_chain(
    request: FutureRequest,
    *,
    creator: str,
    now: datetime,
    defaults: Defaults,
    request_hash: bytes,
    mint: Callable[[int], Sequence[UUID]] = new_ids,
    trace_id: UUID | None = None,
) -> Chain:
    """Make the chain of a request that passed all rules, in today's form.

    `now` is its registration time, `request_hash` its fingerprint; `mint` makes so many ids: of the chain, of the main
    order, of the reminders.
    """
    wanted = request.reminders if isinstance(request, ChainRequest) else ()
    ids = iter(mint(2 + len(wanted)))
    chain_id = next(ids)
    orders = _Orders(chain_id, ids, creator, now, defaults, trace_id)
    main = orders.main(request)
    reminders: list[Order] = []
    if wanted:
        await breathing(_remind(wanted, request.send_time(now), orders, reminders))
    return Chain(
        id=chain_id,
        creator=creator,
        family=request.family,
        idempotency_id=request.idempotency_id,
        request_hash=request_hash,
        created=now,
        main=main,
        reminders=tuple(reminders),
        dialog=_dialog(request),
    )


def _remind(
    wanted: Sequence[ReminderRequest], main: Moment, orders: "_Orders", reminders: list[Order]
) -> Generator[None, None, None]:
    for reminder in wanted:
        reminders.append(orders.reminder(reminder, main))
        yield


def _dialog(request: FutureRequest) -> DialogAssociation | None:
    named = request.dialogporten_association if isinstance(request, ScheduledRequest) else None
    return DialogAssociation(named.dialog_id, named.transmission_id) if named else None


class _Orders:
    """Makes the orders of one chain."""

    def __init__(
        self,
        chain_id: UUID,
        ids: Iterator[UUID],
        creator: str,
        now: datetime,
        defaults: Defaults,
        trace_id: UUID | None,
    ) -> None:
        self._chain_id = chain_id
        self._ids = ids
        self._creator = creator
        self._now = now
        self._defaults = defaults
        self._trace_id = trace_id

    def main(self, request: FutureRequest) -> Order:
        kind, addressee = self._addressed(request)
        condition = request.condition_endpoint if isinstance(request, ScheduledRequest) else None
        return self._order(kind, addressee, request.send_time(self._now), request.senders_reference, condition)

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
            id=next(self._ids),
            creator=self._creator,
            type=kind,
            channel=to.channel,
            created=self._now,
            requested_send_time=min(moment.utc, LATEST),
            requested_send_time_text=moment.text,
            texts=to.texts,
            recipients=(pack_recipients([to.recipient]),),
            recipient_count=1,
            senders_reference=reference,
            sending_time_policy=to.policy,
            condition_endpoint=condition,
            ignore_reservation=to.ignore_reservation,
            resource_id=to.resource_id,
            resource_action=to.resource_action,
            use_stale_contact_information=to.use_stale_contact_information,
            chain_id=self._chain_id,
            time_to_live_seconds=to.time_to_live_seconds,
            trace_id=self._trace_id,
        )


def _delayed(main: Moment, delay_days: int | None) -> Moment:
    if delay_days is None:
        raise ValueError("a reminder without a time breaks a rule and becomes no order")
    return Moment(reminder_time(main.utc, delay_days), main.tenth, zoned=True)
