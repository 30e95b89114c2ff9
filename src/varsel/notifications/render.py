"""Placeholders in an order's texts, filled for each recipient (processing.md section 3)."""

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import NamedTuple

from varsel.mechanisms.white_space import is_blank
from varsel.model.contacts import PartyName
from varsel.model.notifications import PlannedNotification
from varsel.model.orders import ContentType, OrderTexts
from varsel.model.results import NEW, Channel

NAME_TOKEN = "$recipientName$"  # noqa: S105 - a placeholder of the contract, not a secret
NUMBER_TOKEN = "$recipientNumber$"  # noqa: S105 - a placeholder of the contract, not a secret

_TOKENS = re.compile(f"({re.escape(NAME_TOKEN)}|{re.escape(NUMBER_TOKEN)})")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_SENDABLE = frozenset(NEW.values())


class Parties(NamedTuple):
    """Whose registered names are needed, each once."""

    organization_numbers: frozenset[str]
    national_identity_numbers: frozenset[str]


class Values(NamedTuple):
    """What one recipient's placeholders become."""

    name: str
    number: str


class Template:
    """A text cut at its placeholders once, so that filling it is one join.

    All placeholders are filled in one pass: a name that looks like a placeholder stays a name. `escape` writes what
    they become as text of an HTML document, so that no name is markup.
    """

    def __init__(self, text: str, *, escape: bool = False) -> None:
        self._pieces = _TOKENS.split(text)
        self._escape = escape
        self.has_placeholders = len(self._pieces) > 1

    def fill(self, values: Values, fallback: str | None) -> str | None:
        """Return the recipient's own text; None where the order's is to be sent as it is.

        Where only blanks would remain `fallback` fills all placeholders; without one the contract wants the raw text.
        """
        if not self.has_placeholders:
            return None
        text = self._with(values)
        if not is_blank(text):
            return text
        return None if fallback is None else self._with(Values(fallback, fallback))

    def _with(self, values: Values) -> str:
        name, number = map(escape, values) if self._escape else values
        by_token = {NAME_TOKEN: name, NUMBER_TOKEN: number}
        # Cutting with a group leaves the tokens, and nothing else that equals one, at the odd places.
        return "".join(by_token.get(piece, piece) for piece in self._pieces)


class Templates:
    """The placeholders of one order: which channels have any, and how a notification's texts are filled."""

    def __init__(self, texts: OrderTexts, *, escape_names: bool = False) -> None:
        is_html = texts.email is not None and texts.email.content_type is ContentType.Html
        self._subject = Template(texts.email.subject if texts.email else "")
        self._bodies = {
            Channel.Email: Template(texts.email.body if texts.email else "", escape=escape_names and is_html),
            Channel.Sms: Template(texts.sms.body if texts.sms else ""),
        }
        self._channels = frozenset(channel for channel in Channel if self._has_placeholders(channel))

    def _has_placeholders(self, channel: Channel) -> bool:
        in_subject = channel is Channel.Email and self._subject.has_placeholders
        return in_subject or self._bodies[channel].has_placeholders

    def __bool__(self) -> bool:
        """Tell whether any text has a placeholder."""
        return bool(self._channels)

    def concern(self, notification: PlannedNotification) -> bool:
        """Tell whether `notification` will be sent with a text that has placeholders."""
        return notification.channel in self._channels and notification.result in _SENDABLE

    def filled(self, notification: PlannedNotification, values: Values, fallback: str | None) -> PlannedNotification:
        """Return `notification` with the recipient's own texts where they differ from the order's."""
        subject = self._subject.fill(values, fallback) if notification.channel is Channel.Email else None
        return PlannedNotification(
            notification.channel,
            notification.address,
            notification.result,
            notification.national_identity_number,
            notification.organization_number,
            # A subject is a header: a registered name must not be able to begin another one.
            None if subject is None else _LINE_BREAK.sub(" ", subject),
            self._bodies[notification.channel].fill(values, fallback),
            notification.trail,
        )


def parties(planned: Iterable[PlannedNotification], texts: OrderTexts) -> Parties:
    """Gather whose names `customise` will want; both sets are empty when no text has a placeholder."""
    templates = Templates(texts)
    wanted = [notification for notification in planned if templates.concern(notification)]
    return Parties(
        frozenset(n.organization_number for n in wanted if n.organization_number),
        frozenset(n.national_identity_number for n in wanted if n.national_identity_number),
    )


def customise(
    planned: list[PlannedNotification],
    texts: OrderTexts,
    names: Mapping[str, PartyName],
    *,
    fallback: str | None = None,
    escape_names: bool = False,
) -> list[PlannedNotification]:
    """Fill the placeholders of those notifications that will be sent; the others come back as they are.

    `names` is keyed by organisation number and national identity number; an absent key is an unknown party. Unknown
    parties, direct addresses and external identities keep the raw placeholders, unless `fallback` is given: then it
    stands for their name, and their number is the organisation number or nothing; and where a text would be blank it
    stands for all placeholders, so that nobody at all is sent a raw one.

    The contract inserts names as they are registered, into HTML too, where a name may then act as markup;
    `escape_names` inserts them there as text.
    """
    templates = Templates(texts, escape_names=escape_names)
    if not templates:
        return planned
    return [_customised(notification, templates, names, fallback) for notification in planned]


def _customised(
    notification: PlannedNotification, templates: Templates, names: Mapping[str, PartyName], fallback: str | None
) -> PlannedNotification:
    if not templates.concern(notification):
        return notification
    identifier = notification.organization_number or notification.national_identity_number
    party = names.get(identifier) if identifier else None
    name = fallback if party is None else (party.name or "")
    if name is None:
        return notification
    # A person's number is never inserted.
    return templates.filled(notification, Values(name, notification.organization_number or ""), fallback)
