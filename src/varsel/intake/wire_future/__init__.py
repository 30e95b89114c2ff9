"""The newer interface's wire format (api.md 3.9 to 3.14): the only place that knows both its JSON and the model."""

from varsel.intake.wire_future.chain import ChainRequest, ReminderRequest
from varsel.intake.wire_future.composed import ComposedRequest
from varsel.intake.wire_future.conversion import to_chain
from varsel.intake.wire_future.documents import (
    FeedEntry,
    FeedRecipient,
    PlacedDocument,
    ShipmentCorrection,
    ShipmentDocument,
    ShipmentRecipient,
    feed_recipient,
    order_status_name,
    order_type_name,
    placed_document,
    shipment_recipient,
)
from varsel.intake.wire_future.feed_query import LARGEST_PAGE, FeedQuery, read_feed_query
from varsel.intake.wire_future.fingerprint import fingerprint
from varsel.intake.wire_future.foundation import AZURE_BLOBS, FutureRequest
from varsel.intake.wire_future.instant import InstantEmailRequest, InstantRequest, InstantSmsRequest
from varsel.intake.wire_future.reading import read_request

__all__ = [
    "AZURE_BLOBS",
    "LARGEST_PAGE",
    "ChainRequest",
    "ComposedRequest",
    "FeedEntry",
    "FeedQuery",
    "FeedRecipient",
    "FutureRequest",
    "InstantEmailRequest",
    "InstantRequest",
    "InstantSmsRequest",
    "PlacedDocument",
    "ReminderRequest",
    "ShipmentCorrection",
    "ShipmentDocument",
    "ShipmentRecipient",
    "feed_recipient",
    "fingerprint",
    "order_status_name",
    "order_type_name",
    "placed_document",
    "read_feed_query",
    "read_request",
    "shipment_recipient",
    "to_chain",
]
