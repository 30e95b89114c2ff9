"""Placing: what the interface has accepted, stored with one statement and so in one commit."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, TypeVar
from uuid import UUID

from varsel.model.chains import Chain
from varsel.model.orders import RECIPIENTS_PER_PART, Order, OrderStatus, to_json
from varsel.storage import queries
from varsel.storage.pool import Connection, Pool

_SQL = queries.texts("placing")

T = TypeVar("T")


async def insert_chains(connection: Pool | Connection, chains: Sequence[Chain]) -> set[UUID]:
    """Store chains with their orders where their idempotency ids are new; return the ids of those."""
    orders = [order for chain in chains for order in chain.orders]
    rows = await connection.fetch(_SQL["chains"], OrderStatus.Registered, *_of_orders(orders), *_of_chains(chains))
    return {row["id"] for row in rows}


async def insert_orders(connection: Pool | Connection, orders: Sequence[Order]) -> None:
    """Store orders, each with its first part. Safe to repeat with the same orders."""
    await connection.execute(_SQL["orders"], OrderStatus.Registered, *_of_orders(orders))


def hashed(idempotency_id: str) -> bytes:
    """Return the key by which an idempotency id of any length is found."""
    return sha256(idempotency_id.encode()).digest()


def by_part(positions: frozenset[int]) -> dict[int, list[int]]:
    """Return the positions in an order by the part they lie in."""
    parts: dict[int, list[int]] = {}
    for position in sorted(positions):
        parts.setdefault(position // RECIPIENTS_PER_PART, []).append(position)
    return parts


def _of_chains(chains: Sequence[Chain]) -> tuple[Sequence[Any], ...]:
    return (
        [c.id for c in chains],
        [c.creator for c in chains],
        [c.family for c in chains],
        [hashed(c.idempotency_id) for c in chains],
        [c.idempotency_id for c in chains],
        [c.request_hash for c in chains],
        [c.created for c in chains],
        [_shipments(c) for c in chains],
        _sparse([c.dialog and c.dialog.dialog_id for c in chains]),
        _sparse([c.dialog and c.dialog.transmission_id for c in chains]),
    )


def _of_orders(orders: Sequence[Order]) -> tuple[Sequence[Any], ...]:
    """Return a column of values for each member in which orders differ, and one for each of which they have alike."""
    kinds: dict[tuple[Any, ...], int] = {}
    places = [kinds.setdefault(_kind(o), len(kinds) + 1) for o in orders]
    return (
        [o.id for o in orders],
        _sparse([o.chain_id for o in orders]),
        places,
        _sparse([o.senders_reference for o in orders]),
        [o.created for o in orders],
        [o.requested_send_time for o in orders],
        [o.requested_send_time_text for o in orders],
        _sparse([o.condition_endpoint for o in orders]),
        _sparse([o.resource_id for o in orders]),
        _sparse([o.resource_action for o in orders]),
        *zip(*kinds, strict=True),
        [to_json(o.texts).decode() for o in orders],
        [o.recipients[0].decode() for o in orders],
        _sparse([_array_literal(by_part(o.superseded).get(0)) if o.superseded else None for o in orders]),
        _sparse([o.trace_id for o in orders]),
    )


def _kind(order: Order) -> tuple[Any, ...]:
    """Return what has few values among any orders that are stored together."""
    return (
        order.creator,
        order.type,
        order.channel,
        order.sending_time_policy,
        order.ignore_reservation,
        order.use_stale_contact_information,
        len(order.recipients),
    )


def _sparse(values: list[T | None]) -> list[T | None]:
    """Leave out a column that says nothing."""
    return values if any(value is not None for value in values) else []


def _array_literal(positions: list[int] | None) -> str | None:
    # unnest would flatten an array of arrays, so each travels as its literal
    return "{" + ",".join(map(str, positions)) + "}" if positions else None


def _shipments(chain: Chain) -> str:
    placed = chain.placed
    return to_json((placed.main, *placed.reminders)).decode()
