"""What happened how often in this process, as Prometheus reads it; names and labels carry no personal data."""

from collections import Counter

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from varsel.intake.credentials import Caller

_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_REPLAYS = "varsel_idempotency_replays_total"
_UNKNOWN_STATES = "varsel_sms_report_unknown_states_total"


class Counters:
    """Counts since the process began."""

    def __init__(self) -> None:
        self._replays: Counter[tuple[str, str]] = Counter()
        self._unknown_states = 0

    def replayed(self, family: str, body: str) -> None:
        """Count a request whose idempotency id was known; `body` is `same` as the first one's or `differs`."""
        self._replays[family.lower(), body] += 1

    def unknown_states(self, count: int) -> None:
        """Count delivery reports of SMS whose state is no word we know."""
        self._unknown_states += count

    def text(self) -> str:
        """Write all counts in Prometheus' text format."""
        lines = [
            f"# HELP {_REPLAYS} Requests under a known idempotency id, by family and by whether the body differs.",
            f"# TYPE {_REPLAYS} counter",
        ]
        for (family, body), count in sorted(self._replays.items()):
            lines.append(f'{_REPLAYS}{{family="{family}",body="{body}"}} {count}')
        lines += [
            f"# HELP {_UNKNOWN_STATES} Delivery reports of SMS whose state is not known; they change nothing.",
            f"# TYPE {_UNKNOWN_STATES} counter",
            f"{_UNKNOWN_STATES} {self._unknown_states}",
        ]
        return "\n".join(lines) + "\n"

    async def show(self, _request: Request, _caller: Caller) -> Response:
        """GET `/metrics`."""
        return PlainTextResponse(self.text(), media_type=_TYPE)
