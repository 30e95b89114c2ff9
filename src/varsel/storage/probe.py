"""A write that shows whether the database takes any: one row, written again and again."""

from varsel.storage import queries
from varsel.storage.pool import Pool

_SQL = queries.load("probe")


async def write(pool: Pool) -> None:
    """Commit a write; raises what any other write would raise at this moment."""
    await pool.execute(*_SQL["write"].of())
