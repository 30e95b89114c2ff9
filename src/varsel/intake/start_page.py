"""`/`: where a person finds the parts of an installation in development."""

from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from varsel import __version__
from varsel.intake.credentials import Caller


class Link(NamedTuple):
    """A part of the installation: its path, its name, and a sentence about it."""

    path: str
    name: str
    about: str


INBOX = Link("/dev/inbox", "Inbox", "the messages that the sandbox kept instead of sending them")
INTERFACE = Link("/swagger", "Interface", "every request and answer, with examples")
READINESS = Link("/health/ready", "Health", "whether this process can take requests")
COUNTERS = Link("/metrics", "Counters", "what this process has counted since it started")

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif; }
body { max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }
"""


class StartPage:
    """A list of links."""

    def __init__(self, links: Iterable[Link]) -> None:
        items = "".join(
            f'<li><a href="{escape(link.path)}">{escape(link.name)}</a>: {escape(link.about)}</li>' for link in links
        )
        self._page = (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Varsel</title>'
            f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
            f"<h1>Varsel {escape(__version__)}</h1><p>This installation answers. Its parts:</p><ul>{items}</ul>"
            f"<p>The documentation lies in the folder <code>docs</code> of the repository; "
            f"<code>varsel settings</code> prints the reference of all settings.</p></body></html>"
        )

    async def show(self, _request: Request, _caller: Caller) -> Response:
        """Answer with the page."""
        return HTMLResponse(self._page, headers={"Content-Security-Policy": _POLICY})
