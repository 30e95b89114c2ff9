"""Log lines on standard error, for people or as one JSON object each."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType

from varsel.errors import VarselError
from varsel.mechanisms.log_fields import ATTRIBUTE, FieldsFilter
from varsel.mechanisms.log_sampling import SamplingFilter
from varsel.settings.choices import LogFormat, LogLevel

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class _Discreet(logging.Formatter):
    """Shows where an exception came from, but only our own errors' words: others may quote what they choked on."""

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - the name is logging's
        kind, error, trace = ei
        if kind is None or error is None:
            return ""
        words = f": {error}" if isinstance(error, VarselError) else ""
        return "".join([*traceback.format_tb(trace), f"{kind.__module__}.{kind.__qualname__}{words}"])


class _TextLines(_Discreet):
    """A line for people, its fields at the end."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        fields = "".join(f" {name}={value}" for name, value in getattr(record, ATTRIBUTE, {}).items())
        return super().formatMessage(record) + fields


class _JsonLines(_Discreet):
    """One JSON object a line; fields of the work that wrote it are members of their own."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, ATTRIBUTE, {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up_logs(level: LogLevel, style: LogFormat, most_alike: int) -> None:
    """Send log lines of `level` and above to standard error, at most `most_alike` of one kind in a minute."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(SamplingFilter(most_alike))
    handler.addFilter(FieldsFilter())
    text = _TextLines("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(_JsonLines() if style is LogFormat.JSON else text)
    logging.basicConfig(level=level.value.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log addresses chosen by callers
