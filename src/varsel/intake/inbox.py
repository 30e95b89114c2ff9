"""`/dev/inbox`: what the sandbox channels were given, as a page and as JSON. Development only."""

import asyncio
from collections.abc import Sequence
from html import escape
from time import monotonic
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from varsel.intake.answers import document
from varsel.intake.credentials import Caller
from varsel.intake.shapes import Invalid
from varsel.intake.times import InstantText, write_time
from varsel.mechanisms.digits import read_digits
from varsel.model.results import Channel
from varsel.storage import sandbox
from varsel.storage.pool import Pool
from varsel.storage.sandbox import KeptMessage

_DEFAULT_LIMIT = 50
_LARGEST_LIMIT = 1_000
_LONGEST_WAIT = 30
_BETWEEN_LOOKS = 0.1


class InboxAttachment(msgspec.Struct, rename="camel"):
    """An attachment as it was fetched, with its size in bytes."""

    filename: str
    mime_type: str
    size: int


class InboxMessage(msgspec.Struct, rename="camel", omit_defaults=True):
    """One message as the sandbox was given it."""

    id: UUID
    notification_id: UUID
    channel: str
    attempt: int
    time: InstantText
    to: str
    sender: str = msgspec.field(name="from")
    body: str
    subject: str | None = None
    content_type: str | None = None
    attachments: list[InboxAttachment] = []


class InboxDocument(msgspec.Struct):
    """The newest messages, newest first."""

    messages: list[InboxMessage]


class Inbox:
    """Shows kept messages."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def show(self, request: Request, _caller: Caller) -> Response:
        """Answer with the page for a browser and with JSON for everybody else.

        Query: `to` (exact recipient), `limit` (1 to 1000), `before` (id of the last message seen), `format=json`, and
        `wait` (seconds, up to 30): how long to wait until there is a message to show.
        """
        messages = await self._awaited(request, _seconds(request))
        if _wants_page(request):
            return HTMLResponse(_page(messages), headers={"Content-Security-Policy": _POLICY})
        return document(InboxDocument([_message(kept) for kept in messages]))

    async def _awaited(self, request: Request, seconds: float) -> Sequence[KeptMessage]:
        """Return the messages asked for, as soon as there are any or the time is over."""
        before, recipient, limit = _before(request), _recipient(request), _limit(request)
        end = monotonic() + seconds
        while True:
            messages = await sandbox.newest(self._pool, before=before, recipient=recipient, limit=limit)
            if messages or monotonic() >= end or await request.is_disconnected():
                return messages
            await asyncio.sleep(_BETWEEN_LOOKS)


def _seconds(request: Request) -> int:
    seconds = read_digits(request.query_params.get("wait", "0"))
    if seconds is None or seconds > _LONGEST_WAIT:
        raise Invalid({"wait": [f"The wait must be a whole number of seconds from 0 to {_LONGEST_WAIT}."]})
    return seconds


def _wants_page(request: Request) -> bool:
    return request.query_params.get("format") != "json" and "text/html" in request.headers.get("accept", "")


def _recipient(request: Request) -> str | None:
    text = request.query_params.get("to")
    if text is not None and "\0" in text:  # which the database would not even compare
        raise Invalid({"to": ["The value must be an e-mail address or a mobile number."]})
    return text


def _limit(request: Request) -> int:
    limit = read_digits(request.query_params.get("limit", str(_DEFAULT_LIMIT)))
    if limit is None or not 1 <= limit <= _LARGEST_LIMIT:
        raise Invalid({"limit": [f"The limit must be a whole number from 1 to {_LARGEST_LIMIT}."]})
    return limit


def _before(request: Request) -> UUID | None:
    text = request.query_params.get("before")
    try:
        return None if text is None else UUID(text)
    except ValueError:
        raise Invalid({"before": ["The value must be the id of a message."]}) from None


def _message(kept: KeptMessage) -> InboxMessage:
    return InboxMessage(
        id=kept.id,
        notification_id=kept.notification_id,
        channel=kept.channel.name,
        attempt=kept.attempt,
        time=write_time(kept.kept),
        to=kept.recipient,
        sender=kept.sender,
        body=kept.body,
        subject=kept.subject,
        content_type=None if kept.content_type is None else kept.content_type.name,
        attachments=[InboxAttachment(*file) for file in kept.attachments],
    )


# What was sent is shown as text and never run: no script, no frame, no picture from elsewhere.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
article { border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: .5rem;
          padding: .75rem 1rem; margin: 1rem 0; }
header { display: flex; gap: .75rem; flex-wrap: wrap; align-items: baseline; }
.channel { font-size: .8rem; border: 1px solid; border-radius: 1rem; padding: 0 .6rem; }
time, .from, ul { opacity: .7; font-size: .9rem; }
h2 { font-size: 1rem; margin: .5rem 0 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; margin: .25rem 0 0; max-height: 20rem;
      overflow-y: auto; }
"""


def _page(messages: Sequence[KeptMessage]) -> str:
    shown = "".join(_article(kept) for kept in messages) or "<p>Nothing has been sent yet.</p>"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Varsel inbox</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>Inbox</h1><p>The newest messages the sandbox kept instead of sending. "
        f'The same as JSON: <a href="?format=json">/dev/inbox?format=json</a></p>{shown}</body></html>'
    )


def _article(kept: KeptMessage) -> str:
    channel = "e-mail" if kept.channel is Channel.Email else "SMS"
    again = f" · attempt {kept.attempt}" if kept.attempt > 1 else ""
    subject = f"<h2>{escape(kept.subject)}</h2>" if kept.subject is not None else ""
    files = "".join(f"<li>{escape(f.filename)} · {escape(f.mime_type)} · {f.size} bytes" for f in kept.attachments)
    return (
        f'<article><header><span class="channel">{channel}{again}</span><strong>{escape(kept.recipient)}</strong>'
        f'<span class="from">from {escape(kept.sender)}</span><time>{write_time(kept.kept)}</time></header>'
        f"{subject}<pre>{escape(kept.body)}</pre>{files and f'<ul>{files}</ul>'}</article>"
    )
