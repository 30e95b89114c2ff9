"""The answer to 'what became of it?': names, texts and counts a caller reads (api.md 3.3, 4.2)."""

from varsel.model.orders import OrderStatus

_GENERATED = "Order processing is completed. All notifications have been generated."

# The texts are wire constants (api.md 4.2); both states shown as Completed share one (contract/README.md).
_SHOWN: dict[OrderStatus, tuple[str, str]] = {
    OrderStatus.Registered: (
        "Registered",
        "Order has been registered and is awaiting requested send time before processing.",
    ),
    OrderStatus.Processing: ("Processing", "Order processing is ongoing. Notifications are being generated."),
    OrderStatus.Processed: ("Completed", _GENERATED),
    OrderStatus.Completed: ("Completed", _GENERATED),
    OrderStatus.SendConditionNotMet: (
        "SendConditionNotMet",
        "Order processing was stopped due to send condition not being met.",
    ),
    OrderStatus.Cancelled: ("Cancelled", "Order processing was stopped due to order being cancelled."),
}


def shown_status(status: OrderStatus) -> tuple[str, str]:
    """Return the name and the description of an order's status in the v1 documents."""
    return _SHOWN[status]
