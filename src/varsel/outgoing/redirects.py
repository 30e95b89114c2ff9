"""Where an answer redirects to, and whether Varsel goes there (integrations.md 3.2)."""

import httpx

from varsel.errors import AddressRefused
from varsel.outgoing.destination import Destination, read_destination
from varsel.outgoing.fetch import Answer

MOST_REDIRECTS = 3
_REDIRECTING = frozenset({300, 301, 302, 303, 307, 308})
"""RFC 9110, section 15.4. All are followed by another GET, for a question is nothing else."""


def redirected(asked: Destination, answer: Answer) -> Destination | None:
    """Return where the answer of `asked` leads to; None if it is no redirect.

    Raises `AddressRefused` unless it stays on the host: `http` to `https`, another port or another path. A step from
    `https` down to `http` is refused, since anybody on the way could then answer in the endpoint's place.
    """
    if answer.status not in _REDIRECTING:
        return None
    target = _target(asked, answer)
    if target.host != asked.host:
        raise _refused(answer, "redirects to another host are not followed")
    if asked.url.scheme == "https" and target.url.scheme != "https":
        raise _refused(answer, "redirects from https to http are not followed")
    return target


def too_many(answer: Answer) -> AddressRefused:
    """Return the refusal to follow one more redirect than `MOST_REDIRECTS`."""
    return _refused(answer, f"no more than {MOST_REDIRECTS} redirects are followed")


def _target(asked: Destination, answer: Answer) -> Destination:
    location = answer.headers.get("Location")
    if not location:
        raise _refused(answer, "it names no address to go on to")
    try:
        return read_destination(str(asked.url.join(location)), asked.creator)
    except (AddressRefused, httpx.InvalidURL, ValueError):  # whose texts may quote the address
        raise _refused(answer, "it names an address that cannot be asked") from None


def _refused(answer: Answer, why: str) -> AddressRefused:
    return AddressRefused(f"the endpoint answered {answer.status}; {why}")
