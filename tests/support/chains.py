"""Chains for tests, with synthetic recipients."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

import msgspec

from tests.support.orders import TEXTS, make_order
from varsel.model.chains import Chain, Family
from varsel.model.ids import new_id
from varsel.model.orders import NotificationChannel, Order, OrderTexts, OrderType, Recipient, SendingTimePolicy


def instant(recipient: Recipient, now: datetime, *, idempotency_id: str = "one", seconds: int | None = None) -> Chain:
    """Make an instant chain to an e-mail address or a mobile number."""
    email = recipient.email_address is not None
    texts = OrderTexts(email=TEXTS.email) if email else OrderTexts(sms=TEXTS.sms)
    order = make_order(
        [recipient],
        now,
        channel=NotificationChannel.Email if email else NotificationChannel.Sms,
        type=OrderType.Instant,
        sending_time_policy=SendingTimePolicy.Anytime,
        texts=texts,
        time_to_live_seconds=seconds,
    )
    return chain_of(order, now, family=Family.INSTANT, idempotency_id=idempotency_id)


def chain_of(
    main: Order,
    now: datetime,
    reminders: Sequence[Order] = (),
    *,
    family: Family = Family.CHAIN,
    idempotency_id: str = "one",
) -> Chain:
    """Make a chain of these orders."""
    chain_id = new_id()
    return Chain(
        id=chain_id,
        creator=main.creator,
        family=family,
        idempotency_id=idempotency_id,
        request_hash=sha256(idempotency_id.encode()).digest(),
        created=now,
        main=msgspec.structs.replace(main, chain_id=chain_id),
        reminders=tuple(msgspec.structs.replace(reminder, chain_id=chain_id) for reminder in reminders),
    )
