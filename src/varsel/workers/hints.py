"""The nudges by which one beat tells the next, in the same process, that there is something to do."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from varsel.model.lanes import Lane
from varsel.workers.loop import Hint


@dataclass(frozen=True, slots=True)
class Hints:
    """One nudge for each kind of work."""

    orders: Hint = field(default_factory=Hint)
    large_orders: Hint = field(default_factory=Hint)
    conditional_orders: Hint = field(default_factory=Hint)
    reports: Hint = field(default_factory=Hint)
    feed: Hint = field(default_factory=Hint)
    housekeeping: Hint = field(default_factory=Hint)
    lookout: Hint = field(default_factory=Hint)
    lanes: dict[Lane, Hint] = field(default_factory=lambda: {lane: Hint() for lane in Lane})

    def order_stored(self, *, large: bool, conditional: bool) -> None:
        """An order that is due has been committed."""
        if conditional:
            self.conditional_orders.give()
        else:
            (self.large_orders if large else self.orders).give()

    def orders_due(self) -> None:
        """Orders of any kind may have become due."""
        for hint in (self.orders, self.large_orders, self.conditional_orders):
            hint.give()

    def chunks_stored(self, lanes: Iterable[Lane]) -> None:
        """Chunks of these lanes have been committed."""
        for lane in lanes:
            self.lanes[lane].give()

    def reports_kept(self) -> None:
        """Delivery reports have been committed, or references they may wait for."""
        self.reports.give()

    def everything(self) -> None:
        """Wake every worker, for instance because the process is about to stop."""
        self.orders_due()
        for hint in (*self.lanes.values(), self.reports, self.feed, self.housekeeping, self.lookout):
            hint.give()
