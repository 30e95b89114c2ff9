"""A page to read the OpenAPI document: plain HTML, nothing fetched from elsewhere."""

from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

_PAGE: Final = Template((Path(__file__).parent / "pages" / "openapi.html").read_text(encoding="utf-8"))

Json = dict[str, Any]


def render_page(document: Json) -> str:
    """Return the page that shows an OpenAPI document as made by `openapi.build_document`."""
    info = document["info"]
    return _PAGE.substitute(
        title=escape(info["title"]),
        version=escape(info["version"]),
        description=escape(info["description"]),
        operations="\n".join(_by_tag(document["paths"])),
        schemas="\n".join(_schema(name, schema) for name, schema in document["components"]["schemas"].items()),
    )


def _by_tag(paths: Json) -> Iterable[str]:
    tags: dict[str, list[str]] = {}
    for path, operations in paths.items():
        for method, operation in operations.items():
            tags.setdefault(operation["tags"][0], []).append(_operation(method, path, operation))
    for tag, sections in tags.items():
        yield f"<h2>{escape(tag)}</h2>"
        yield from sections


def _operation(method: str, path: str, operation: Json) -> str:
    mark = ' class="deprecated"' if operation.get("deprecated") else ""
    return (
        f'<details id="{escape(operation["operationId"])}"{mark}><summary>'
        f'<span class="method {escape(method)}">{escape(method)}</span> '
        f'<span class="path">{escape(path)}</span> {escape(operation["summary"])}</summary><div class="inside">'
        f"{_paragraph(operation.get('description', ''))}{_security(operation)}"
        f"{_parameters(operation)}{_request(operation)}{_responses(operation)}</div></details>"
    )


def _security(operation: Json) -> str:
    ways = [
        ", ".join(f"<code>{escape(name)}</code> {escape(' '.join(scopes))}" for name, scopes in alternative.items())
        for alternative in operation["security"]
    ]
    return f"<p>Needs {' or '.join(ways)}.</p>" if ways else "<p>Needs no credential.</p>"


def _parameters(operation: Json) -> str:
    rows = [
        (_code(parameter["name"]), parameter["in"], _kind(parameter["schema"]), escape(parameter["description"]))
        for parameter in operation.get("parameters", ())
    ]
    return "<h3>Parameters</h3>" + _table(("name", "in", "type", ""), rows) if rows else ""


def _request(operation: Json) -> str:
    if "requestBody" not in operation:
        return ""
    return f"<h3>Body</h3><p>{_content(operation['requestBody'])}</p>"


def _responses(operation: Json) -> str:
    rows = [
        (escape(status), _content(response), escape(response["description"]) + _headers(response))
        for status, response in operation["responses"].items()
    ]
    return "<h3>Responses</h3>" + _table(("status", "body", ""), rows)


def _headers(response: Json) -> str:
    return "".join(
        f"<br>{_code(name)}: {escape(header['description'])}" for name, header in response.get("headers", {}).items()
    )


def _content(holder: Json) -> str:
    kinds = [f"{_kind(content['schema'])} {escape(media)}" for media, content in holder.get("content", {}).items()]
    return ", ".join(kinds) or '<span class="note">empty</span>'


def _schema(name: str, schema: Json) -> str:
    required = schema.get("required", ())
    rows = [
        (
            _code(member),
            _kind(described),
            "always" if member in required else "",
            escape(described.get("description", "")),
        )
        for member, described in schema["properties"].items()
    ]
    return (
        f'<details id="{escape(name)}"><summary>{_code(name)}</summary><div class="inside">'
        f"{_paragraph(schema['description'])}{_table(('member', 'type', 'required', ''), rows)}</div></details>"
    )


def _kind(schema: Json) -> str:
    """Return a schema in a word or two, referring to named ones."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{escape(name)}">{escape(name)}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(alternative) for alternative in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(_code("null" if name is None else name) for name in schema["enum"])
    if schema.get("type") == "array":
        return f"array of {_kind(schema['items'])}"
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return escape(" or ".join(kinds) + (f" ({schema['format']})" if "format" in schema else ""))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{titles}</tr>{body}</table>"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"
