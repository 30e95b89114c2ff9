"""Chains: requests of the newer interface, stored whole or found again by their idempotency id."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
from asyncpg import Record

from varsel.model.chains import Chain, Family, Placed, Shipment
from varsel.storage import placing, queries
from varsel.storage.pool import Connection, Pool

_SQL = queries.texts("chains")


@dataclass(frozen=True, slots=True)
class KnownChain:
    """The first request with an idempotency id: the hash of its body, what its caller was told, and when it came."""

    request_hash: bytes
    placed: Placed
    created: datetime


_decoder = msgspec.json.Decoder(list[Shipment])

Key = tuple[str, Family, str]
"""Creator, family and idempotency id: what makes two requests the same."""


async def find(pool: Pool | Connection, keys: Sequence[Key]) -> list[KnownChain | None]:
    """Read the chains with these keys, in that order; None where there is none yet."""
    rows = await pool.fetch(
        _SQL["find"],
        [creator for creator, _, _ in keys],
        [family for _, family, _ in keys],
        [placing.hashed(idempotency_id) for _, _, idempotency_id in keys],
    )
    found = {row["place"] - 1: _known(row) for row in rows}
    return [found.get(place) for place in range(len(keys))]


async def insert_many(pool: Pool, chains: Sequence[Chain]) -> list[KnownChain | None]:
    """Store chains with their orders and texts in one commit; return for each None, or the one that was there before.

    Of equal requests at the same moment one is stored, and the others are told of it. Safe to repeat: a chain that
    proves to be stored by an earlier try, whose commit was in doubt, is not taken for a known one.
    """
    known: dict[UUID, KnownChain] = {}
    waiting = chains
    while waiting:
        fresh = await insert(pool, waiting)
        waiting = [chain for chain in waiting if chain.id not in fresh]
        found = await find(pool, [key_of(chain) for chain in waiting]) if waiting else []
        known |= {chain.id: there for chain, there in zip(waiting, found, strict=True) if there}
        # The one that was in the way may be gone by now, its id released or its time over: then we try again.
        waiting = [chain for chain in waiting if chain.id not in known]
    return [_unless_itself(chain, known.get(chain.id)) for chain in chains]


def _unless_itself(chain: Chain, known: KnownChain | None) -> KnownChain | None:
    return None if known is None or known.placed.chain_id == chain.id else known


async def insert(connection: Pool | Connection, chains: Sequence[Chain]) -> set[UUID]:
    """Store chains with their orders where their idempotency ids are new; return the ids of those."""
    # Two sets wait for each other's keys in one order, and so never for ever.
    return await placing.insert_chains(connection, sorted(chains, key=key_of))


def key_of(chain: Chain) -> Key:
    """Return what makes this chain the same as another."""
    return chain.creator, chain.family, chain.idempotency_id


def _known(row: Record) -> KnownChain:
    main, *reminders = _decoder.decode(row["shipments"])
    return KnownChain(row["request_hash"], Placed(row["id"], main, tuple(reminders)), row["created"])
