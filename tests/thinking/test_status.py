"""What callers read about where an order stands (contract/README.md, settled differences; api.md 4.2)."""

from varsel.model.orders import OrderStatus
from varsel.status import shown_status


def test_completed_orders_are_described_as_the_public_guide_does() -> None:
    text = "Order processing is completed. All notifications have been generated."
    for status in (OrderStatus.Processed, OrderStatus.Completed):
        assert shown_status(status) == ("Completed", text)
