"""From a request that passed all rules to the chain that is stored (processing.md 1.2 to 1.4)."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from varsel.intake.shapes import Undefined
from varsel.intake.shapes.body import breathing
from varsel.intake.times import Moment, write_time
from varsel.intake.wire_future.addressees import Addressee, Defaults, addressee_of
from varsel.intake.wire_future.chain import ChainRequest, ReminderRequest
from varsel.intake.wire_future.composed import ComposedRequest
