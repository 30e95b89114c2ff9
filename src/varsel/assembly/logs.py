"""Log lines on standard error, for people or as one JSON object each."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType

from varsel.errors import VarselError
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


class _JsonLines(_Discreet):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def set_up_logs(level: LogLevel, style: LogFormat) -> None:
    """Send log lines of `level` and above to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    text = _Discreet("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(_JsonLines() if style is LogFormat.JSON else text)
    logging.basicConfig(level=level.value.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log addresses chosen by callers
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
