"""A notification before it is stored: one message to one address on one channel, or the reason why there is none."""

import msgspec

from varsel.model.results import Channel, Result


class PlannedNotification(msgspec.Struct, frozen=True, gc=False):
    """One notification to be stored.

    `address` is empty when the result says why nobody is written to. `subject` and `body` are this recipient's own
    texts; None means the order's text. `trail` says how the address was found, None that the caller gave it.
    Identity, time stamps and expiry are given when it is stored.
    """

    channel: Channel
    address: str
    result: Result
    national_identity_number: str | None = None
    organization_number: str | None = None
    subject: str | None = None
    body: str | None = None
    trail: str | None = None
