"""Following orders in the newer interface: shipments and the status feed (api.md 3.14)."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from varsel.intake import problems
from varsel.intake.answers import document, empty, problem
from varsel.intake.credentials import Caller
from varsel.intake.documents import JSON_CONTENT_TYPE, StreamedDocument
from varsel.intake.services import FEW_LINES, Services
from varsel.intake.times import InstantText, write_time
from varsel.intake.wire_future import (
    FeedEntry,
    ShipmentCorrection,
    ShipmentDocument,
    ShipmentRecipient,
    feed_recipient,
    order_status_name,
    order_type_name,
    read_feed_query,
    shipment_recipient,
)
from varsel.model.orders import OrderStatus
from varsel.model.results import Channel
from varsel.orders.texts import unless_blank
from varsel.storage import feed, notifications
from varsel.storage.shipments import ShipmentState


class FollowShipments:
    """Answers about shipments, each only to its creator."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def shipment(self, request: Request, caller: Caller) -> Response:
        """GET `/future/shipment/{id}`: the order and its notifications as they stand now."""
        order_id: UUID = request.path_params["id"]
        if caller.creator is None:
            return empty(403)
        state = await self._services.read_shipment((order_id, caller.creator))
        if state is None:
            return problem(problems.shipment_not_found, request)
        if state.size > len(state.lines):
            return StreamingResponse(self._streamed(state), media_type=JSON_CONTENT_TYPE)
        recipients = tuple([shipment_recipient(*line) for line in state.lines])
        latest = max([line.result_time for line in state.lines], default=state.last_update)
        return document(_shipment_document(state, recipients, _corrected(state, latest)))

    async def _streamed(self, state: ShipmentState) -> AsyncIterator[bytes]:
        """Write a large shipment as its notifications are read, e-mails before SMS."""
        stream = StreamedDocument(_shipment_document(state, (), None), "recipients")
        yield stream.head
        latest = state.last_update
        for channel in Channel:
            async for page in notifications.pages_of_order(self._services.pool, state.id, channel, size=FEW_LINES):
                yield stream.write([shipment_recipient(line.address, line.result, line.result_time) for line in page])
                latest = max(latest, *(line.result_time for line in page))
        corrected = _corrected(state, latest)
        yield stream.tail if corrected is None else stream.tail_with(ShipmentCorrection(corrected=corrected))

    async def feed(self, request: Request, caller: Caller) -> Response:
        """GET `/future/shipment/feed`: how the creator's orders ended, each once, in the order they became visible."""
        wanted = read_feed_query(request.query_params.multi_items(), self._services.options.feed_page_size)
        if caller.creator is None:
            return empty(403)
        pool = self._services.pool
        if wanted.descending:
            entries = await feed.before(pool, caller.creator, wanted.seq or None, limit=wanted.page_size)
        else:
            entries = await feed.after(pool, caller.creator, wanted.seq, limit=wanted.page_size)
        return document(_feed_documents(entries))


def _corrected(state: ShipmentState, latest: datetime) -> InstantText | None:
    """Return the time of the `latest` result where that came after the order's end."""
    return write_time(latest) if state.status is OrderStatus.Completed and latest > state.last_update else None


def _shipment_document(
    state: ShipmentState, recipients: tuple[ShipmentRecipient, ...], corrected: InstantText | None
) -> ShipmentDocument:
    return ShipmentDocument(
        shipment_id=state.id,
        senders_reference=unless_blank(state.senders_reference),
        type=order_type_name(state.type),
        status=order_status_name(state.status),
        last_update=write_time(state.last_update),
        recipients=recipients,
        corrected=corrected,
    )


def _feed_documents(entries: Sequence[feed.FeedEntry]) -> list[FeedEntry]:
    return [
        FeedEntry(
            sequence_number=entry.number,
            shipment_id=entry.order_id,
            senders_reference=unless_blank(entry.senders_reference),
            shipment_type=order_type_name(entry.type),
            status=order_status_name(entry.status),
            last_update=write_time(entry.last_update),
            recipients=tuple(feed_recipient(r.destination, r.result, r.last_update) for r in entry.recipients),
        )
        for entry in entries
    ]
