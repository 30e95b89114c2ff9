"""Placing orders of the newer interface: chains, composed e-mails and instant messages (api.md 3.9 to 3.13)."""

import itertools
import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from varsel.contacts.ask import ask_each
from varsel.intake import problems
from varsel.intake.answers import empty, problem, written
from varsel.intake.credentials import Caller
from varsel.intake.departure import unless_gone
from varsel.intake.documents import write_json
from varsel.intake.headers import header
from varsel.intake.repeats import DIFFERS, SAME, Repeat, Repeats, signature_of
from varsel.intake.routing import Handler, UnsupportedMediaType
from varsel.intake.services import NotHandedOver, Services
from varsel.intake.shapes import Decoding, decoder_for
from varsel.intake.shapes.body import Chunks
from varsel.intake.traces import trace_id_of
from varsel.intake.wire_future import FutureRequest, fingerprint, placed_document, read_request, to_chain
from varsel.intake.wire_future.routes import REPLAY
from varsel.model.chains import Chain, Family
from varsel.model.orders import NotificationChannel, Order, Recipient, unpack_recipients
from varsel.model.recipients import Answers, Questions
from varsel.orders.texts import Defaults
from varsel.recipients.questions import needs_lookup, questions
from varsel.recipients.report import lookup_report
from varsel.storage.chains import KnownChain, key_of

_log = logging.getLogger(__name__)

_ASKED_AT_ONCE: Final = 500
"""Orders of a chain whose recipients are looked up together."""

_ANY_CHANNEL: Final = NotificationChannel.EmailAndSms
"""Whoever is addressed directly has an address and whoever is not has none, so any scheme finds whom to ask for."""

_YOUNG: Final = timedelta(days=1)

R = TypeVar("R", bound=FutureRequest)
_Asked = tuple[Order, Sequence[Recipient]]


class _Manner(NamedTuple):
    """How an order's recipients are asked about; without `resource_id`, contacts registered by users do not count."""

    use_stale: bool
    resource_id: str | None
    resource_action: str | None


class PlaceChains:
    """Reads, judges, stores or dispatches, and answers requests of the newer interface."""

    def __init__(self, services: Services) -> None:
        self._services = services
        options = services.options
        self._repeats = Repeats(services.clock, services.history)
        self._defaults = Defaults(options.default_email_from, options.default_sms_sender)

    def of(self, shape: type[FutureRequest]) -> Handler:
        """Return the handler that takes requests of this shape."""

        async def place(request: Request, caller: Caller) -> Response:
            return await self._place(shape, request, caller)

        return place

    async def _place(self, shape: type[FutureRequest], request: Request, caller: Caller) -> Response:
        async with self._services.bodies.of(request, caller) as body:
            decoder = _decoder_of(request)
            signature = signature_of(caller, shape, decoder, body) if shape.family is Family.CHAIN else None
            history = self._repeats.history()
            repeat = signature and self._repeats.recall(signature)
            if repeat:
                return self._replayed(shape.family, repeat)
            wanted = (await self._read(shape, body, decoder, caller)).today
            if caller.creator is None:
                return empty(403)
            chain = await to_chain(
                wanted,
                creator=caller.creator,
                now=self._services.clock.now(),
                defaults=self._defaults,
                request_hash=await fingerprint(wanted),
                trace_id=trace_id_of(request),
            )
            known = await self._known_or_stored(chain, request)
            if isinstance(known, Response):
                return known
            placed = write_json(placed_document(known.placed if known else chain.placed))
            repeat = Repeat(placed, _compared(chain, known), wanted.holds_until)
            if signature and (known is None or _is_young(known, chain.created)):
                self._repeats.keep(signature, repeat, history)
            return self._replayed(chain.family, repeat) if known else self._created(chain.id, placed)

    async def _read(self, shape: type[R], body: Chunks, decoder: Decoding, caller: Caller) -> R:
        options = self._services.options
        return await read_request(
            shape,
            body,
            self._services.clock.now(),
            decoder,
            attachment_hosts=options.attachment_hosts,
            largest=options.max_body_bytes,
            senders=options.senders.of(caller.creator),
        )

    async def _known_or_stored(self, chain: Chain, request: Request) -> KnownChain | Response | None:
        """Store the chain, or return the earlier one with its id, or the answer that it cannot be accepted.

        Where somebody must be looked up, a known id is found before that (api.md 3.9).
        """
        if chain.family is Family.CHAIN and not _has_all_addresses(chain):
            known = await self._services.find_chain(key_of(chain))
            if known is not None:
                return known
            with unless_gone(request):
                reachable = await self._everybody_is_reachable(chain.orders)
            if not reachable:
                return problem(problems.missing_contact, request)
        try:
            return await self._store(chain)
        except NotHandedOver as failure:
            _log.warning("answered 503: %s", failure)
            return problem(problems.hand_over_failed, request)

    async def _store(self, chain: Chain) -> KnownChain | None:
        """Store the chain, an instant one together with its dispatch; return the earlier one with its id, if any."""
        if chain.family is Family.INSTANT:
            return await self._services.dispatch(chain)
        return await self._services.store_chain(chain)

    async def _everybody_is_reachable(self, orders: Iterable[Order]) -> bool:
        """Look up who is to be notified; False when nothing usable is found for one of them (NOT-00001)."""
        return not await ask_each(self._services.directory, self._wanted(orders), _misses_somebody)

    def _wanted(self, orders: Iterable[Order]) -> Iterator[tuple[Sequence[_Asked], Questions]]:
        """Give what to ask for orders that ask alike, many together, for reminders mostly go to the same recipients."""
        alike: dict[_Manner, list[Order]] = {}
        for order in orders:
            alike.setdefault(self._manner(order), []).append(order)
        for manner, some in alike.items():
            for first in range(0, len(some), _ASKED_AT_ONCE):
                asked = [(order, unpack_recipients(order.recipients[0])) for order in some[first:][:_ASKED_AT_ONCE]]
                everybody = itertools.chain.from_iterable(recipients for _, recipients in asked)
                yield asked, questions(everybody, _ANY_CHANNEL, **manner._asdict())

    def _manner(self, order: Order) -> _Manner:
        counted = self._services.options.count_user_contacts
        return _Manner(
            order.use_stale_contact_information,
            order.resource_id if counted else None,
            order.resource_action if counted else None,
        )

    def _created(self, chain_id: UUID, placed: bytes) -> Response:
        location = f"{self._services.options.base_uri}/notifications/api/v1/orders/chain/{chain_id}"
        return written(placed, 201, {"Location": location})

    def _replayed(self, family: Family, repeat: Repeat) -> Response:
        """Answer with the ids of the first request; what it said is not compared, only told (api.md 3.9, step 3)."""
        if repeat.body == DIFFERS:
            _log.warning("an idempotency id of the %s family came again with another body", family.name)
        self._services.counters.replayed(family.name, repeat.body)
        return written(repeat.document, 200, {REPLAY: repeat.body})


def _misses_somebody(asked: Sequence[_Asked], answers: Answers) -> bool:
    """Tell whether one order has nobody to reach.

    Who is reserved is not missing: the order is accepted, and fails later (api.md 5, 19).
    """
    reports = (lookup_report(recipients, answers, order.channel) for order, recipients in asked)
    return any(report and report.missing_contact for report in reports)


def _decoder_of(request: Request) -> Decoding:
    decoder = decoder_for(header(request, b"content-type"))
    if decoder is None:
        raise UnsupportedMediaType
    return decoder


def _is_young(known: KnownChain, now: datetime) -> bool:
    """Tell whether a chain is far from being removed, which happens days after its last order has ended."""
    return now - known.created < _YOUNG


def _compared(chain: Chain, known: KnownChain | None) -> str:
    return SAME if known is None or chain.request_hash == known.request_hash else DIFFERS


def _has_all_addresses(chain: Chain) -> bool:
    """Tell whether all recipients were given with their addresses; not found out for very many orders."""
    return len(chain.orders) <= _ASKED_AT_ONCE and not any(
        needs_lookup(recipient, order.channel)
        for order in chain.orders
        for recipient in unpack_recipients(order.recipients[0])
    )
