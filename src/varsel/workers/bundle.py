"""What one process sends together under its leases."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from varsel.model.orders import OrderTexts
from varsel.storage.chunks import LeasedChunk
from varsel.storage.notifications import Unsent


@dataclass(slots=True)
class Bundle:
    """Leased chunks sent together, what their orders say, and until when their notifications await a report."""

    chunks: dict[UUID, LeasedChunk]
    rows: list[Unsent]
    texts: Mapping[UUID, OrderTexts]
    deadlines: dict[UUID, datetime] = field(default_factory=dict)
    shared: set[UUID] = field(default_factory=set)
    """Chunks of which somebody else has settled a row meanwhile."""
    sizes: Counter[UUID] = field(init=False)
    """Rows of each chunk that were still to be sent when this lease began."""

    def __post_init__(self) -> None:
        """Count the rows before any is settled."""
        self.sizes = Counter(row.chunk_id for row in self.rows)

    def is_doubtful(self, row: Unsent) -> bool:
        """Tell whether an earlier lease may have given this row to the provider."""
        through = self.chunks[row.chunk_id].doubtful_through
        return through is not None and row.id <= through

    def is_intended(self, row: Unsent) -> bool:
        """Tell whether the claim stored the intent to send this row."""
        through = self.chunks[row.chunk_id].intended_through
        return through is not None and row.id <= through

    def saw_all_of(self, chunk: LeasedChunk) -> bool:
        """Tell whether every row of a chunk was settled under this lease, so that what they await is known."""
        return chunk.attempt == 1 and chunk.id not in self.shared and self.sizes[chunk.id] == chunk.size

    def windows(self, size: int) -> Iterator[Sequence[Unsent]]:
        """Cut what is to be sent into what is given to the provider at once."""
        for start in range(0, len(self.rows), size):
            yield self.rows[start : start + size]
