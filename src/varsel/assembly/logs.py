"""Log lines on standard error, for people or as one JSON object each."""

import json
import logging
import sys
from datetime import UTC, datetime

from varsel.settings.choices import LogFormat, LogLevel


class _JsonLines(logging.Formatter):
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
    text = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(_JsonLines() if style is LogFormat.JSON else text)
    logging.basicConfig(level=level.value.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log addresses chosen by callers
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
