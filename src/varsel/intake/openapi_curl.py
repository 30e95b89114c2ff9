"""Lines for a shell that send an operation's example request with curl."""

import json
from shlex import quote
from typing import Any
from urllib.parse import urlencode

Json = dict[str, Any]


def curl_line(server: str, method: str, path: str, operation: Json) -> str:
    """Return the command that calls `operation` of an OpenAPI document, with its first example.

    It takes the token from the shell's variable `TOKEN`.
    """
    parts = [f"curl -sS {quote(_address(server, path, operation))}"]
    if method not in ("get", "post"):
        parts[0] += f" -X {method.upper()}"
    if operation["security"]:
        parts.append('-H "Authorization: Bearer $TOKEN"')
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        example = next(iter(content["examples"].values()))
        parts.append(f"-H {quote(f'Content-Type: {media}')}")
        parts.append(f"-d {quote(json.dumps(example['value'], indent=2, ensure_ascii=False))}")
    return " \\\n  ".join(parts)


def _address(server: str, path: str, operation: Json) -> str:
    query = []
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(parameter.get("example", "")))
        elif "example" in parameter:
            query.append((parameter["name"], parameter["example"]))
    return server + path + (f"?{urlencode(query)}" if query else "")
