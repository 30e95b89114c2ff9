"""Variables that Kubernetes adds for each Service of a namespace, and that are no settings.

A Service called `varsel` or `varsel-anything` adds names such as `VARSEL_PORT=tcp://10.0.0.1:80` and
`VARSEL_ANYTHING_SERVICE_HOST` to every container beside it, unless its pod says `enableServiceLinks: false`
(Kubernetes: "Discovering services", environment variables).
"""

import re
from collections.abc import Mapping

_LINK = re.compile(r"(?:tcp|udp|sctp)://\S+:\d{1,5}")
"""The value of `…_PORT` and `…_PORT_80_TCP`: no setting of ours takes such an address."""
_LINK_NAME = re.compile(r"\w*_PORT(?:_\d{1,5}_(?:TCP|UDP|SCTP))?")
_PART_NAME = re.compile(r"\w*_(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d{1,5}_(?:TCP|UDP|SCTP)_(?:PROTO|PORT|ADDR))")


def without_service_links(environ: Mapping[str, str], settings: frozenset[str]) -> tuple[dict[str, str], list[str]]:
    """Return `environ` without what Kubernetes added, and the names of that.

    `settings` are the names of our settings: one of them is dropped only for a value that is an address of a Service.
    """
    added = sorted(name for name, value in environ.items() if _is_link(name, value) or _is_part(name, settings))
    return {name: value for name, value in environ.items() if name not in added}, added


def _is_link(name: str, value: str) -> bool:
    return _LINK_NAME.fullmatch(name) is not None and _LINK.fullmatch(value.strip()) is not None


def _is_part(name: str, settings: frozenset[str]) -> bool:
    return name not in settings and _PART_NAME.fullmatch(name) is not None
