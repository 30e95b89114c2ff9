"""Fields that every log line of a piece of work carries, such as the trace id of a request."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_EMPTY: Mapping[str, object] = MappingProxyType({})
_current: ContextVar[Mapping[str, object]] = ContextVar("log_fields", default=_EMPTY)

ATTRIBUTE = "fields"
"""The attribute of a log record that holds its fields."""


@contextmanager
def log_fields(**fields: object) -> Iterator[None]:
    """Add fields to every line that is logged within the block, by tasks that it starts too. None leaves one out."""
    token = _current.set(_with(fields))
    try:
        yield
    finally:
        _current.reset(token)


def add_log_fields(**fields: object) -> None:
    """Add fields to every line that this task still logs; for tasks that end with the work they are made for."""
    _current.set(_with(fields))


def _with(fields: Mapping[str, object]) -> Mapping[str, object]:
    return {**_current.get(), **{name: value for name, value in fields.items() if value is not None}}


class FieldsFilter(logging.Filter):
    """Gives every record the fields of the work it was logged by, and those its own call names in `extra`.

    A call names fields by `extra={"fields": {"order_id": …}}`.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Complete the record; every record passes."""
        fields = {**_current.get(), **getattr(record, ATTRIBUTE, _EMPTY)}
        record.fields = {name: str(value) for name, value in fields.items()}
        return True
