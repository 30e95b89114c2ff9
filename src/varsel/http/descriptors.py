"""How many connections the process may hold: each takes a file descriptor, and other things take some as well.

Without one left, the event loop would reset every new connection and say nothing.
"""

import logging
import resource
from typing import Final

_log = logging.getLogger(__name__)

RESERVED: Final = 256
"""Descriptors for everything else: database, providers, directories, files."""


def room_for(connections: int) -> int:
    """Return how many of the wanted connections fit; raises the process's limit as far as it may, and warns."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + RESERVED
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = _raised(wanted, hard, soft)
    fits = connections if soft == resource.RLIM_INFINITY else min(connections, max(soft - RESERVED, soft // 2))
    if fits < connections:
        _log.warning(
            "%d connections were asked for, and %d descriptors allow %d: raise the limit of open files "
            "(ulimit -n, LimitNOFILE) to %d, or lower VARSEL_HTTP_MAX_CONNECTIONS",
            connections,
            soft,
            fits,
            wanted,
        )
    return fits


def _raised(wanted: int, hard: int, soft: int) -> int:
    """Raise the soft limit, which any process may do up to the hard one; return what it is now."""
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError):  # macOS has a further limit of its own
        return soft
    return allowed
