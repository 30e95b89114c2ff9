"""Seeded changes of a valid request. The same seed makes the same requests."""

import copy
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from bench.compare.cases import Case, Request
from bench.compare.examples import Example
from bench.compare.values import ACCEPTED, CREDENTIALS, IDS, INSTANTS, MEDIA_TYPES, ODD, QUERIES, SUBJECT, URIS, WORDS

_Place = tuple[Any, Any]
"""A container and the key of one of its values."""


def changed(example: Example, chance: Random) -> Case:
    """Return a case made of `example` by one change, sometimes two in its body, after which nothing is due soon."""
    for _ in range(_TRIES):
        change, request = _changed(example, chance)
        if example.body is None or is_harmless(request):
            return example.case(change, request)
    return example.case("nothing changed", example.request())


def _changed(example: Example, chance: Random) -> tuple[str, Request]:
    draw = chance.random()
    if example.body is None or draw < _SHARE_OF_REQUESTS:
        return chance.choice(_CHANGES_OF_REQUESTS)(example.request(), chance)
    if draw < _SHARE_OF_REQUESTS + _SHARE_OF_BYTES:
        return _bytes_changed(example.request(), chance)
    return _members_changed(example, chance)


def is_harmless(request: Request) -> bool:
    """Whether an order, if it is accepted, keeps a send time that is far away.

    Without a send time an order is due at once, and a real service would send it. A body that is no JSON object is
    refused by every service.
    """
    try:
        body = json.loads(request.body or b"")
    except ValueError:
        return True
    if not isinstance(body, dict):
        return True
    times = [value for name, value in body.items() if name.lower() == "requestedsendtime"]
    return bool(times) and all(isinstance(time, str) and _FAR.search(time) is not None for time in times)


_TRIES = 20
_FAR = re.compile(r"(?:20[2-9]\d|9999)-")
"""A year that is not over: examples are due in a month, and other values of `INSTANTS` are past or decades away."""
_SHARE_OF_REQUESTS = 0.15
_SHARE_OF_BYTES = 0.1
_SHARE_OF_SECOND_CHANGES = 0.25


def _members_changed(example: Example, chance: Random) -> tuple[str, Request]:
    body = copy.deepcopy(example.body)
    changes = [_change_member(body, chance)]
    if chance.random() < _SHARE_OF_SECOND_CHANGES:
        changes.append(_change_member(body, chance))
    return " and ".join(changes), replace(example.request(), body=_encoded(body))


def _encoded(body: Any) -> bytes:
    # A lone surrogate can travel as an escape only.
    return json.dumps(body, ensure_ascii=_needs_escapes(body)).encode()


def _needs_escapes(body: Any) -> bool:
    """Whether `body` has a text that UTF-8 cannot carry."""
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _change_member(body: Any, chance: Random) -> str:
    places = list(_places(body))
    if not places:
        return "nothing left to change"
    container, key = chance.choice(places)
    return chance.choice(_CHANGES_OF_MEMBERS)(container, key, chance)


def _places(value: Any) -> Iterator[_Place]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in list(items):
        yield value, key
        yield from _places(each)


def _removed(container: Any, key: Any, _chance: Random) -> str:
    del container[key]
    return f"{key} removed"


def _odd(container: Any, key: Any, chance: Random) -> str:
    container[key] = chance.choice(ODD)
    return f"{key} is {_shown(container[key])}"


def _of_subject(container: Any, key: Any, chance: Random) -> str:
    fitting = [values for part, values in SUBJECT.items() if part.lower() in str(key).lower()]
    container[key] = chance.choice(chance.choice(fitting or [WORDS, INSTANTS, URIS]))
    return f"{key} is {_shown(container[key])}"


def _renamed(container: Any, key: Any, chance: Random) -> str:
    if not isinstance(container, dict):
        return _doubled(container, key, chance)
    name = chance.choice([str(key).upper(), str(key).capitalize(), f"{key}x", f" {key}", f"{key}\ud800"])
    container[name] = container.pop(key)
    return f"{key} is called {_shown(name)}"


def _doubled(container: Any, key: Any, _chance: Random) -> str:
    if isinstance(container, list):
        container.append(container[key])
        return f"element {key} stands twice"
    container[f"another {key}"] = container[key]
    return f"a member that nobody knows stands beside {key}"


def _wrapped(container: Any, key: Any, chance: Random) -> str:
    container[key] = chance.choice([[container[key]], {"value": container[key]}, json.dumps(container[key])])
    return f"{key} is wrapped"


_CHANGES_OF_MEMBERS: Sequence[Callable[[Any, Any, Random], str]] = (
    _removed, _odd, _odd, _of_subject, _of_subject, _renamed, _doubled, _wrapped,
)  # fmt: skip


def _bytes_changed(request: Request, chance: Random) -> tuple[str, Request]:
    body = bytearray(request.body or b"")
    place = chance.randrange(len(body))
    match chance.randrange(4):
        case 0:
            return f"cut off after {place} bytes", replace(request, body=bytes(body[:place]))
        case 1:
            body[place] = chance.choice(b'{}[]",:\\0 \x00\xff')
            return f"byte {place} replaced", replace(request, body=bytes(body))
        case 2:
            body[place:place] = chance.choice([b",", b'"', b"\\u", b"\xef\xbb\xbf", b"/**/", b"NaN", b"\r\n"])
            return f"bytes inserted at {place}", replace(request, body=bytes(body))
        case _:
            body += chance.choice([b",", b"}", b"{}", b"\x00", b" \n"])
            return "bytes after the end", replace(request, body=bytes(body))


def _content_type(request: Request, chance: Random) -> tuple[str, Request]:
    value = chance.choice(MEDIA_TYPES)
    return f"Content-Type is {value!r}", replace(request, headers=(("Content-Type", value),) if value else ())


def _accept(request: Request, chance: Random) -> tuple[str, Request]:
    value = chance.choice(ACCEPTED)
    return f"Accept is {value!r}", replace(request, headers=(*request.headers, ("Accept", value)))


def _credentials(request: Request, chance: Random) -> tuple[str, Request]:
    value = chance.choice(CREDENTIALS)
    headers = (*request.headers, ("Authorization", value)) if value else request.headers
    return f"Authorization is {value!r}", replace(request, headers=headers, authorised=False)


def _method(request: Request, chance: Random) -> tuple[str, Request]:
    value = chance.choice(["GET", "PUT", "POST", "DELETE", "PATCH"])
    return f"method is {value}", replace(request, method=value)


def _path(request: Request, chance: Random) -> tuple[str, Request]:
    path, question, query = request.path.partition("?")
    head, _, last = path.rpartition("/")
    value = chance.choice(
        [f"{path}/", f"{path}//", path.upper(), f"{head}/{chance.choice(IDS)}", f"{head}%2F{last}", f"{head}/./{last}",
         f"{head}/x/../{last}", f"{head}//{last}", head]
    )  # fmt: skip
    return f"path ends in {value[len(head) - 8 :]!r}", replace(request, path=value + question + query)


def _query(request: Request, chance: Random) -> tuple[str, Request]:
    value = chance.choice(QUERIES)
    return f"query is {value!r}", replace(request, path=request.path.partition("?")[0] + value)


def _unchanged(request: Request, _chance: Random) -> tuple[str, Request]:
    return "nothing changed", request


_CHANGES_OF_REQUESTS: Sequence[Callable[[Request, Random], tuple[str, Request]]] = (
    _content_type, _accept, _credentials, _method, _path, _query, _unchanged,
)  # fmt: skip


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
