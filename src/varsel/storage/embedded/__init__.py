"""PostgreSQL out of a wheel, for the first minute of a newcomer and for tests.

The wheel gives the server's programs; starting, sharing and stopping them is done here:

    supervisor   who uses the server, who starts it, who is the last and stops it
    placement    where the cluster lies, and as which user the server runs when we are root
    access       whose processes may connect
    cluster      one data directory: create, start, ask, stop
    programs     the wheel's programs, and how they are run
    locks        file locks, which a killed process gives back by itself
"""

from varsel.storage.embedded.supervisor import EmbeddedPostgres

__all__ = ["EmbeddedPostgres"]
