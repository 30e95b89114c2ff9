"""HTTP/1.1 for callers: connections in, ASGI requests out, and a bound on everything a caller can send or leave unread.

limits      what one connection, and all of them together, may take
heads       the bytes of a request's head → what it says, or the status that refuses it
chunks      the bytes of a chunked body → its content, each part bounded
exchange    one request and its answer, as the application sees them
connection  one connection: what is read when, and when it ends
server      all connections: accepting, time limits, stopping

Nothing here knows what the application does. `heads` and `chunks` do no input or output.
"""

from varsel.http.limits import Limits
from varsel.http.server import HttpServer

__all__ = ["HttpServer", "Limits"]
