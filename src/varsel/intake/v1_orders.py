"""Placing v1 orders: POST `/orders`, `/orders/email` and `/orders/sms` (api.md 3.5 to 3.7)."""

from collections.abc import Iterator, Sequence
from typing import TypeVar
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from varsel.contacts.ask import ask_each
from varsel.intake.answers import document, empty
from varsel.intake.credentials import Caller
from varsel.intake.headers import header
from varsel.intake.routing import Handler, UnsupportedMediaType
from varsel.intake.services import Services
from varsel.intake.shapes import decoder_for
from varsel.intake.shapes.body import Chunks
from varsel.intake.traces import trace_id_of
from varsel.intake.wire_v1 import (
    AcceptedDocument,
    Defaults,
    RecipientLookupDocument,
    V1Request,
    read_order,
    to_order,
)
from varsel.model.ids import new_id
from varsel.model.orders import NotificationChannel, Order, Recipient, unpack_recipients
from varsel.model.recipients import LookupReport, Questions
from varsel.recipients.questions import needs_lookup, questions
from varsel.recipients.report import LookupTally

R = TypeVar("R", bound=V1Request)


class PlaceOrders:
    """Reads, judges, stores and answers v1 orders."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._defaults = Defaults(services.options.default_email_from, services.options.default_sms_sender)

    def of(self, shape: type[V1Request]) -> Handler:
        """Return the handler that takes orders of this shape."""

        async def place(request: Request, caller: Caller) -> Response:
            return await self._place(shape, request, caller)

        return place

    async def _place(self, shape: type[V1Request], request: Request, caller: Caller) -> Response:
        async with self._services.bodies.of(request, caller) as body:
            wanted = await self._read(shape, request, caller, body)
            if caller.creator is None:
                return empty(403)
            order = await self._order(wanted, caller.creator, trace_id_of(request))
            lookup = await self._look_up(order)
            await self._services.store(order)
        return self._accepted(order, lookup)

    async def _read(self, shape: type[R], request: Request, caller: Caller, body: Chunks) -> R:
        decoder = decoder_for(header(request, b"content-type"))
        if decoder is None:
            raise UnsupportedMediaType
        options = self._services.options
        now, senders = self._services.clock.now(), options.senders.of(caller.creator)
        return await read_order(shape, body, now, decoder, options.max_body_bytes, senders=senders)

    async def _order(self, wanted: V1Request, creator: str, trace_id: UUID) -> Order:
        return await to_order(
            wanted,
            order_id=new_id(),
            creator=creator,
            now=self._services.clock.now(),
            defaults=self._defaults,
            trace_id=trace_id,
        )

    async def _look_up(self, order: Order) -> LookupReport | None:
        """Ask for the contact points of those who need it, only to tell the caller; nothing of it is stored."""
        if len(order.recipients) == 1 and not _looked_up(order.recipients[0], order.channel):
            return None  # the ordinary case, without the machinery for many
        tally = LookupTally(order.channel)
        await ask_each(self._services.directory, self._wanted(order), tally.add)
        return tally.report()

    def _wanted(self, order: Order) -> Iterator[tuple[Sequence[Recipient], Questions]]:
        """Give what to ask for each part in which somebody needs it."""
        for part in order.recipients:
            recipients = _looked_up(part, order.channel)
            if recipients:
                yield (
                    recipients,
                    questions(
                        recipients,
                        order.channel,
                        use_stale=order.use_stale_contact_information,
                        resource_id=order.resource_id,
                        resource_action=order.resource_action,
                        count_user_contacts=self._services.options.count_user_contacts,
                    ),
                )

    def _accepted(self, order: Order, lookup: LookupReport | None) -> Response:
        accepted = AcceptedDocument(order_id=order.id, recipient_lookup=_lookup_document(lookup))
        location = f"{self._services.options.base_uri}/notifications/api/v1/orders/{order.id}"
        return document(accepted, 202, {"Location": location})


def _looked_up(part: bytes, channel: NotificationChannel) -> list[Recipient]:
    return [recipient for recipient in unpack_recipients(part) if needs_lookup(recipient, channel)]


def _lookup_document(lookup: LookupReport | None) -> RecipientLookupDocument | None:
    if lookup is None:
        return None
    return RecipientLookupDocument(
        status=lookup.status.name, is_reserved=lookup.is_reserved, missing_contact=lookup.missing_contact
    )
