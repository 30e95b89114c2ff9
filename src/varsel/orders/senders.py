"""Which senders a creator may name in orders: e-mail addresses, and names or numbers of SMS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from varsel.orders.texts import Defaults

EVERYBODY: Final = "*"
"""In place of a creator: all that are not named. In place of a sender: all senders."""
_EVERY_ADDRESS_AT: Final = "*@"


@dataclass(frozen=True, slots=True)
class AllowedSenders:
    """The senders one creator may name, in lower case; None allows all."""

    addresses: frozenset[str] | None = None
    names: frozenset[str] | None = None

    def has_address(self, address: str) -> bool:
        """Tell whether an e-mail may come from `address`; blank stands for the default."""
        written = address.strip().lower()
        domain = f"{_EVERY_ADDRESS_AT}{written.rpartition('@')[2]}"
        return self.addresses is None or not written or not self.addresses.isdisjoint((written, domain))

    def has_name(self, name: str) -> bool:
        """Tell whether an SMS may come from `name`; blank stands for the default."""
        written = name.strip().lower()
        return self.names is None or not written or written in self.names


ANY_SENDER: Final = AllowedSenders()


class SenderRules:
    """The senders of all creators, by their names in lower case: addresses and `*@domains`, or names; `*` for all.

    Empty rules allow everything. Otherwise a creator that is not named, where `*` is not either, may only use the
    default sender, which every creator may.
    """

    def __init__(
        self, addresses: Mapping[str, Sequence[str]], names: Mapping[str, Sequence[str]], defaults: Defaults
    ) -> None:
        self._addresses = addresses
        self._names = names
        self._defaults = defaults

    def of(self, creator: str | None) -> AllowedSenders:
        """Return what `creator` may use. A caller without a creator is refused elsewhere, so everything is allowed."""
        if creator is None or not (self._addresses or self._names):
            return ANY_SENDER
        return AllowedSenders(
            _allowed(self._addresses, creator, self._defaults.from_address),
            _allowed(self._names, creator, self._defaults.sms_sender),
        )


def _allowed(rules: Mapping[str, Sequence[str]], creator: str, default: str) -> frozenset[str] | None:
    if not rules:
        return None
    listed = rules.get(creator.lower(), rules.get(EVERYBODY, ()))
    return None if EVERYBODY in listed else frozenset(sender.lower() for sender in (*listed, default))
