"""Enumerations by the numbers their columns hold; a look-up is quicker than a call of the enumeration."""

from collections.abc import Mapping
from typing import Final

from varsel.model.orders import NotificationChannel, OrderStatus, OrderType
from varsel.model.results import Result

ORDER_TYPES: Final[Mapping[int, OrderType]] = {each.value: each for each in OrderType}
ORDER_STATUSES: Final[Mapping[int, OrderStatus]] = {each.value: each for each in OrderStatus}
CHANNELS: Final[Mapping[int, NotificationChannel]] = {each.value: each for each in NotificationChannel}
RESULTS: Final[Mapping[int, Result]] = {each.value: each for each in Result}
