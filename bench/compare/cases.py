"""What is sent: requests, and cases of several requests that follow each other."""

from dataclasses import dataclass

JSON_HEADERS = (("Content-Type", "application/json"),)


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `{id}` in the path stands for the id in the case's first answer."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    authorised: bool = True
    """Whether the side's own token goes along."""

    @property
    def size(self) -> int:
        """Bytes of what a reader has to look at."""
        headers = sum(len(name) + len(value) for name, value in self.headers)
        return len(self.path) + headers + len(self.body or b"")


@dataclass(frozen=True, slots=True)
class Case:
    """Requests that are sent one after the other; those after the first only if that one is answered with an id."""

    endpoint: str
    change: str
    """What was changed in the valid example, in words."""
    requests: tuple[Request, ...]

    @property
    def size(self) -> int:
        """Bytes of the whole case."""
        return sum(request.size for request in self.requests)
