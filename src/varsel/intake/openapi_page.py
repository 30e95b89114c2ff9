"""A page to read the OpenAPI document: plain HTML without any script, nothing fetched from elsewhere."""

import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from varsel.intake.openapi_curl import curl_line

_PAGE: Final = Template((Path(__file__).parent / "pages" / "openapi.html").read_text(encoding="utf-8"))

PAGE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""The page's Content-Security-Policy."""

Json = dict[str, Any]


def render_page(document: Json) -> str:
    """Return the page that shows an OpenAPI document as made by `openapi_document.build_document`."""
    return _Page(document).render()


class _Page:
    """The page of one document. What `_names` holds can be linked to: an operation or a schema by its name."""

    def __init__(self, document: Json) -> None:
        self._document = document
        self._server: str = document["servers"][0]["url"]
        self._schemas: Json = document["components"]["schemas"]
        operations = (each for path in document["paths"].values() for each in path.values())
        self._names = {operation["operationId"] for operation in operations} | self._schemas.keys()

    def render(self) -> str:
        info = self._document["info"]
        contact = info["contact"]
        return _PAGE.substitute(
            title=escape(info["title"]),
            version=escape(info["version"]),
            description=self._text(info["description"]),
            contact=escape(f"{contact['name']}: {contact.get('email') or contact['url']}"),
            licence=escape(info["license"]["name"]),
            credentials="".join(
                f"<li>{_code(name)}: {self._sentence(scheme['description'])}</li>"
                for name, scheme in self._document["components"]["securitySchemes"].items()
            ),
            operations="\n".join(self._by_tag()),
            schemas="\n".join(self._schema(name, schema) for name, schema in self._schemas.items()),
        )

    def _by_tag(self) -> Iterable[str]:
        for tag in self._document["tags"]:
            yield f"<h2>{escape(tag['name'])}</h2>{self._text(tag['description'])}"
            for path, operations in self._document["paths"].items():
                for method, operation in operations.items():
                    if operation["tags"] == [tag["name"]]:
                        yield self._operation(method, path, operation)

    def _operation(self, method: str, path: str, operation: Json) -> str:
        # The id stands inside: a browser that follows a link opens the details in which its target is hidden.
        is_old = operation.get("deprecated", False)
        badge = " <span class='badge'>deprecated</span>" if is_old else ""
        return (
            f"<details{' class=deprecated' if is_old else ''}><summary>"
            f"<span class='method {escape(method)}'>{escape(method)}</span> "
            f"<span class='path'>{escape(path)}</span> {escape(operation['summary'])}{badge}</summary>"
            f"<div class='inside' id='{escape(operation['operationId'])}'>"
            f"{self._text(operation['description'])}{self._security(operation)}{self._parameters(operation)}"
            f"{self._request(operation)}{self._curl(method, path, operation)}{self._responses(operation)}"
            "</div></details>"
        )

    def _security(self, operation: Json) -> str:
        ways = [
            ", ".join(_code(" ".join([name, *scopes])) for name, scopes in alternative.items())
            for alternative in operation["security"]
        ]
        return f"<p>Needs {' or '.join(ways)}.</p>" if ways else "<p>Needs no credential.</p>"

    def _parameters(self, operation: Json) -> str:
        rows = [
            (
                _code(parameter["name"]),
                escape(parameter["in"]),
                self._kind(parameter["schema"]),
                "always" if parameter["required"] else "",
                self._sentence(parameter["description"]) + _default(parameter["schema"]),
            )
            for parameter in operation.get("parameters", ())
        ]
        return "<h3>Parameters</h3>" + _table(("name", "in", "type", "required", ""), rows) if rows else ""

    def _request(self, operation: Json) -> str:
        if "requestBody" not in operation:
            return ""
        return f"<h3>Body</h3><p>{self._content(operation['requestBody'])}</p>{_examples(operation['requestBody'])}"

    def _curl(self, method: str, path: str, operation: Json) -> str:
        return f"<h3>With curl</h3><pre class='curl'>{escape(curl_line(self._server, method, path, operation))}</pre>"

    def _responses(self, operation: Json) -> str:
        rows = [
            (
                escape(status),
                self._content(response),
                self._sentence(response["description"]) + self._headers(response) + _examples(response),
            )
            for status, response in operation["responses"].items()
        ]
        return "<h3>Answers</h3>" + _table(("status", "body", ""), rows)

    def _headers(self, response: Json) -> str:
        return "".join(
            f"<br>{_code(name)}: {self._sentence(header['description'])}"
            for name, header in response.get("headers", {}).items()
        )

    def _content(self, holder: Json) -> str:
        kinds = [
            f"{self._kind(content['schema'])} <span class='note'>{escape(media)}</span>"
            for media, content in holder.get("content", {}).items()
        ]
        return ", ".join(kinds) or "<span class='note'>none described</span>"

    def _schema(self, name: str, schema: Json) -> str:
        inside = self._members(schema) if "properties" in schema else _values(schema)
        return (
            f"<details><summary>{_code(name)}</summary><div class='inside' id='{escape(name)}'>"
            f"{self._text(schema['description'])}{inside}</div></details>"
        )

    def _members(self, schema: Json) -> str:
        required = schema.get("required", ())
        rows = [
            (
                _code(member),
                self._kind(described),
                "always" if member in required else "",
                self._sentence(described.get("description", "")) + _default(described),
            )
            for member, described in schema["properties"].items()
        ]
        return _table(("member", "type", "required", ""), rows)

    def _kind(self, schema: Json) -> str:
        """Return a schema in a word or two, referring to named ones."""
        if "$ref" in schema:
            return self._link(schema["$ref"].rpartition("/")[2])
        if "allOf" in schema:
            return self._kind(schema["allOf"][0])
        if "oneOf" in schema:
            return " or ".join(self._kind(alternative) for alternative in schema["oneOf"])
        if schema["type"] == "array":
            return f"array of {self._kind(schema['items'])}"
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return escape(" or ".join(kinds) + (f" ({schema['format']})" if "format" in schema else ""))

    def _text(self, text: str) -> str:
        """Return paragraphs that an empty line separates; one that begins with Deprecated stands out."""
        return "".join(
            f"<p{' class=warning' if paragraph.startswith('Deprecated.') else ''}>{self._sentence(paragraph)}</p>"
            for paragraph in text.split("\n\n")
            if paragraph
        )

    def _sentence(self, text: str) -> str:
        """Return text as HTML: what stands between backticks is code, and a link if it is a name of the document."""
        pieces = re.split(r"`([^`]+)`", text)
        return "".join(
            escape(piece) if index % 2 == 0 else self._link(piece) if piece in self._names else _code(piece)
            for index, piece in enumerate(pieces)
        )

    @staticmethod
    def _link(name: str) -> str:
        return f'<a href="#{escape(name)}">{_code(name)}</a>'


def _examples(holder: Json) -> str:
    return "".join(
        f"<details class='example'><summary>{escape(example['summary'])}</summary>"
        f"<pre>{escape(json.dumps(example['value'], indent=2, ensure_ascii=False))}</pre></details>"
        for content in holder.get("content", {}).values()
        for example in content.get("examples", {}).values()
    )


def _values(schema: Mapping[str, Any]) -> str:
    return "<p>" + " ".join(_code(value) for value in schema["enum"]) + "</p>"


def _default(schema: Json) -> str:
    return f" <span class='note'>Default: {_code(json.dumps(schema['default']))}</span>" if "default" in schema else ""


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<div class='wide'><table><tr>{titles}</tr>{body}</table></div>"


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"
