"""Reading and cancelling orders: the v1 endpoints of api.md 3.1 to 3.4 and 3.8."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from varsel.intake import problems
from varsel.intake.answers import document, empty, problem
from varsel.intake.credentials import Caller
from varsel.intake.documents import JSON_CONTENT_TYPE, Document, StreamedDocument
from varsel.intake.routing import Handler
from varsel.intake.services import Services
from varsel.intake.shapes import Invalid, read_loose_guid
from varsel.intake.times import InstantText, write_time
from varsel.intake.wire_v1 import (
    ChannelSummary,
    EmailNotificationDocument,
    EmailNotificationList,
    EmailRecipientDocument,
    EmailTemplateDocument,
    OrderDocument,
    OrderLinks,
    OrderList,
    ProcessingStatus,
    RecipientDocument,
    SelfLink,
    SendStatus,
    SmsNotificationDocument,
    SmsNotificationList,
    SmsRecipientDocument,
    SmsTemplateDocument,
    StatusDocument,
    StatusSummary,
)
from varsel.intake.wire_v1.documents import (
    NotificationListEnd,
    NotificationListHead,
    OrderListEnd,
    OrderListHead,
)
from varsel.mechanisms.white_space import is_blank
from varsel.model.orders import OrderTexts, Recipient
from varsel.model.results import Channel, description
from varsel.orders.texts import unless_blank
from varsel.status import shown_status
from varsel.storage import notifications, orders
from varsel.storage.notifications import ListedNotification
from varsel.storage.orders import Cancellation, OrderState, StoredOrder

_PAGE = 1_000
_ORDERS_AT_ONCE = 200

Read = Callable[[Request, UUID, str], Any]


class ReadOrders:
    """Answers about orders, each only to its creator."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._base = f"{services.options.base_uri}/notifications/api/v1/orders"

    async def order(self, request: Request, caller: Caller) -> Response:
        """GET `/orders/{id}`: the order as it was placed (api.md 3.1)."""
        order_id = _order_id(request)
        if caller.creator is None:
            return empty(403)
        stored = await orders.read(self._services.pool, order_id, caller.creator)
        if stored is None:
            return empty(404)
        if stored.part_count == 1:
            return document(self._order_document(stored))
        return StreamingResponse(self._streamed_order(stored), media_type=JSON_CONTENT_TYPE)

    async def by_reference(self, request: Request, caller: Caller) -> Response:
        """GET `/orders?sendersReference=`: all orders with the reference (api.md 3.2)."""
        reference = _query(request, "sendersReference")
        if caller.creator is None:
            return empty(403)
        if "\0" in reference:  # none is stored: a text with it is refused, and the database knows no such character
            return document(OrderList(count=0, orders=()))
        found = orders.read_by_reference(self._services.pool, caller.creator, reference)
        first = [stored async for stored in _first_of(found, _ORDERS_AT_ONCE)]
        if len(first) < _ORDERS_AT_ONCE and all(stored.part_count == 1 for stored in first):
            documents = tuple(self._order_document(stored) for stored in first)
            return document(OrderList(count=len(documents), orders=documents))
        return StreamingResponse(self._streamed_list(first, found), media_type=JSON_CONTENT_TYPE)

    async def status(self, request: Request, caller: Caller) -> Response:
        """GET `/orders/{id}/status`: one primary-key read, whatever the order's size (api.md 3.3)."""
        order_id = _order_id(request)
        if caller.creator is None:
            return empty(403)
        state = await self._services.read_state((order_id, caller.creator))
        return empty(404) if state is None else document(self._status_document(state))

    async def cancel(self, request: Request, caller: Caller) -> Response:
        """PUT `/orders/{id}/cancel` (api.md 3.4)."""
        order_id = _order_id(request)
        if caller.creator is None:
            return empty(403)
        outcome = await orders.cancel(
            self._services.pool,
            order_id,
            caller.creator,
            now=self._services.clock.now(),
            closes_before=self._services.options.cancel_closes_before,
        )
        if outcome is Cancellation.NotFound:
            return problem(problems.not_found, request)
        if outcome is Cancellation.Refused:
            return problem(problems.conflict, request)
        state = await self._services.read_state((order_id, caller.creator))
        return empty(404) if state is None else document(self._status_document(state))

    def notifications(self, channel: Channel) -> Handler:
        """Return the handler of GET `/orders/{id}/notifications/email` or `/sms` (api.md 3.8)."""

        async def listed(request: Request, caller: Caller) -> Response:
            order_id = _order_id(request)
            if caller.creator is None:
                return empty(403)
            state = await self._services.read_state((order_id, caller.creator))
            if state is None:
                return empty(404)
            first = await notifications.of_order(self._services.pool, order_id, channel, limit=_PAGE)
            if len(first) < _PAGE:
                return document(_notification_list(state, channel, first))
            return StreamingResponse(self._streamed_notifications(state, channel, first), media_type=JSON_CONTENT_TYPE)

        return listed

    def _order_document(self, stored: StoredOrder, recipients: Sequence[Recipient] | None = None) -> OrderDocument:
        self_link = f"{self._base}/{stored.id}"
        return OrderDocument(
            id=stored.id,
            senders_reference=stored.senders_reference,
            requested_send_time=InstantText(stored.requested_send_time_text),
            creator=stored.creator,
            created=write_time(stored.created),
            notification_channel=stored.channel.name,
            ignore_reservation=stored.ignore_reservation,
            resource_id=stored.resource_id,
            resource_action=stored.resource_action,
            condition_endpoint=stored.condition_endpoint,
            recipients=_recipient_documents(stored.recipients if recipients is None else recipients),
            email_template=_email_template(stored.texts),
            sms_template=_sms_template(stored.texts),
            links=OrderLinks(self=self_link, status=f"{self_link}/status"),
        )

    async def _streamed_order(self, stored: StoredOrder, level: int = 0) -> AsyncIterator[bytes]:
        """Write an order of many parts as its parts are read."""
        stream = StreamedDocument(self._order_document(stored, ()), "recipients", level=level)
        yield stream.head
        yield stream.write(_recipient_documents(stored.recipients))
        async for recipients in orders.later_recipients(self._services.pool, stored):
            yield stream.write(_recipient_documents(recipients))
        yield stream.tail

    async def _streamed_list(
        self, first: Sequence[StoredOrder], later: AsyncIterator[StoredOrder]
    ) -> AsyncIterator[bytes]:
        """Write a long list as its orders are read; they are counted on the way."""
        stream = StreamedDocument(OrderListHead(orders=()), "orders")
        count = 0
        yield stream.head
        async for stored in _chained(first, later):
            count += 1
            yield stream.separator()
            async for piece in self._streamed_order(stored, level=stream.inner_level):
                yield piece
        yield stream.tail_with(OrderListEnd(count=count))

    async def _streamed_notifications(
        self, state: OrderState, channel: Channel, first: Sequence[ListedNotification]
    ) -> AsyncIterator[bytes]:
        """Write a long list page by page; counted on the way, since results may change while it is written."""
        head = NotificationListHead(
            order_id=state.id, senders_reference=unless_blank(state.senders_reference), notifications=()
        )
        stream = StreamedDocument(head, "notifications")
        generated, succeeded = len(first), _succeeded(first)
        yield stream.head
        yield stream.write(_notification_documents(channel, first))
        rest = notifications.pages_of_order(self._services.pool, state.id, channel, size=_PAGE, after=first[-1].id)
        async for page in rest:
            generated += len(page)
            succeeded += _succeeded(page)
            yield stream.write(_notification_documents(channel, page))
        yield stream.tail_with(NotificationListEnd(generated=generated, succeeded=succeeded))

    def _status_document(self, state: OrderState) -> StatusDocument:
        status, description = shown_status(state.status)
        return StatusDocument(
            id=state.id,
            senders_reference=unless_blank(state.senders_reference),
            requested_send_time=write_time(state.requested_send_time),
            creator=state.creator,
            created=write_time(state.created),
            notification_channel=state.channel.name,
            ignore_reservation=state.ignore_reservation,
            resource_id=state.resource_id,
            resource_action=state.resource_action,
            condition_endpoint=state.condition_endpoint,
            processing_status=ProcessingStatus(
                status=status, description=description, last_update=write_time(state.last_update)
            ),
            notifications_status_summary=self._summary(state),
        )

    def _summary(self, state: OrderState) -> StatusSummary | None:
        if not state.email_generated and not state.sms_generated:
            return None
        return StatusSummary(
            email=self._channel_summary(state.id, "email", state.email_generated, state.email_succeeded),
            sms=self._channel_summary(state.id, "sms", state.sms_generated, state.sms_succeeded),
        )

    def _channel_summary(self, order_id: UUID, name: str, generated: int, succeeded: int) -> ChannelSummary | None:
        if not generated:
            return None
        link = SelfLink(self=f"{self._base}/{order_id}/notifications/{name}")
        return ChannelSummary(links=link, generated=generated, succeeded=succeeded)


def _order_id(request: Request) -> UUID:
    """Read the id off the path; any of the usual GUID forms (api.md 1.3)."""
    order_id = read_loose_guid(request.path_params.get("id", ""))
    if order_id is None:
        raise Invalid({"id": ["The value is not a GUID."]})
    return order_id


def _query(request: Request, name: str) -> str:
    """Read a required query parameter; its name matches in any letter case (api.md 1.1)."""
    values = [value for key, value in request.query_params.multi_items() if key.lower() == name.lower()]
    if not values or is_blank(values[0]):
        raise Invalid({name: [f"The {name} field is required."]})
    return values[0]


async def _first_of(found: AsyncIterator[StoredOrder], most: int) -> AsyncIterator[StoredOrder]:
    """Yield at most so many and leave the rest to whoever asks `found` next."""
    for _ in range(most):
        try:
            yield await anext(found)
        except StopAsyncIteration:
            return


async def _chained(first: Sequence[StoredOrder], later: AsyncIterator[StoredOrder]) -> AsyncIterator[StoredOrder]:
    for stored in first:
        yield stored
    async for stored in later:
        yield stored


def _email_template(texts: OrderTexts) -> EmailTemplateDocument | None:
    text = texts.email
    if text is None:
        return None
    return EmailTemplateDocument(
        from_address=text.from_address, subject=text.subject, body=text.body, content_type=text.content_type.name
    )


def _sms_template(texts: OrderTexts) -> SmsTemplateDocument | None:
    text = texts.sms
    return None if text is None else SmsTemplateDocument(sender_number=text.sender_number, body=text.body)


def _recipient_documents(recipients: Sequence[Recipient]) -> tuple[RecipientDocument, ...]:
    return tuple(
        RecipientDocument(
            email_address=recipient.email_address,
            mobile_number=recipient.mobile_number,
            organization_number=recipient.organization_number,
            national_identity_number=recipient.national_identity_number,
        )
        for recipient in recipients
    )


def _notification_list(
    state: OrderState, channel: Channel, listed: Sequence[ListedNotification]
) -> EmailNotificationList | SmsNotificationList:
    if channel is Channel.Email:
        return EmailNotificationList(
            order_id=state.id,
            senders_reference=unless_blank(state.senders_reference),
            generated=len(listed),
            succeeded=_succeeded(listed),
            notifications=tuple(_email_document(line) for line in listed),
        )
    return SmsNotificationList(
        order_id=state.id,
        senders_reference=unless_blank(state.senders_reference),
        generated=len(listed),
        succeeded=_succeeded(listed),
        notifications=tuple(_sms_document(line) for line in listed),
    )


def _succeeded(listed: Sequence[ListedNotification]) -> int:
    return sum(line.result.facts.succeeded for line in listed)


def _notification_documents(channel: Channel, listed: Sequence[ListedNotification]) -> Sequence[Document]:
    if channel is Channel.Email:
        return [_email_document(line) for line in listed]
    return [_sms_document(line) for line in listed]


def _email_document(line: ListedNotification) -> EmailNotificationDocument:
    return EmailNotificationDocument(
        id=line.id,
        succeeded=line.result.facts.succeeded,
        recipient=EmailRecipientDocument(
            organization_number=line.organization_number,
            national_identity_number=line.national_identity_number,
            email_address=line.address,
        ),
        send_status=_send_status(line),
    )


def _sms_document(line: ListedNotification) -> SmsNotificationDocument:
    return SmsNotificationDocument(
        id=line.id,
        succeeded=line.result.facts.succeeded,
        recipient=SmsRecipientDocument(
            organization_number=line.organization_number,
            national_identity_number=line.national_identity_number,
            mobile_number=line.address,
        ),
        send_status=_send_status(line),
    )


def _send_status(line: ListedNotification) -> SendStatus:
    facts = line.result.facts
    return SendStatus(
        status=facts.masked_name,
        description=description(line.result, taken=line.taken),
        last_update=write_time(line.result_time),
    )
