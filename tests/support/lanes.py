"""Single workers for tests: one lane of sending, one processor of orders, apart from any crew."""

from collections.abc import Sequence
from uuid import UUID

from tests.support.rig import crew_options, send_options
from varsel.channels.protocol import EmailMessage, Provider
from varsel.contacts.fixed import FixedDirectory
from varsel.contacts.protocol import Directory
from varsel.model.clock import Clock
from varsel.model.lanes import Lane
from varsel.model.orders import Order
from varsel.storage import orders
from varsel.storage.orders import Queue
from varsel.storage.pool import Pool
from varsel.workers import compose
from varsel.workers.expand_orders import ExpandOrders, ProcessOptions
from varsel.workers.hints import Hints
from varsel.workers.loop import Hint
from varsel.workers.process_orders import ProcessOrders
from varsel.workers.send import SendLane, SendOptions


def email_lane(
    pool: Pool, provider: Provider[EmailMessage], clock: Clock, options: SendOptions | None = None
) -> SendLane[EmailMessage]:
    """Make a worker that sends e-mails through `provider`."""
    return SendLane(Lane.Email, provider, compose.email, pool, clock, Hints(), options or send_options())


def processor(
    pool: Pool,
    clock: Clock,
    *,
    directory: Directory | None = None,
    options: ProcessOptions | None = None,
    queue: Queue = Queue.Small,
    room: Hint | None = None,
) -> ProcessOrders:
    """Make a worker that expands orders."""
    chosen = options or crew_options().process
    expanding = ExpandOrders(pool, directory or FixedDirectory(None), clock, Hints(), chosen)
    return ProcessOrders(queue, pool, expanding, clock, room or Hint(), chosen)


async def expand(pool: Pool, clock: Clock, stored: Sequence[Order]) -> list[UUID]:
    """Store orders and make notifications of them, not sent yet."""
    for order in stored:
        await (orders.insert_large(pool, order) if len(order.recipients) > 1 else orders.insert_many(pool, [order]))
    for queue in (Queue.Small, Queue.Large):
        while await processor(pool, clock, queue=queue).run_once():
            continue
    return [order.id for order in stored]
