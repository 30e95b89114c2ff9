"""No client goes where the environment says: a proxy would see tokens and passwords, and could change keys."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import varsel
from tests.support.issuer import ScriptedIssuer, rsa_key
from varsel.intake.credentials import DocumentFetcher

_CLIENTS = {"AsyncClient", "Client", "AsyncHTTPTransport", "HTTPTransport"}
_SHORT_CUTS = {"get", "post", "put", "patch", "delete", "head", "options", "request", "stream"}


def _calls_of_httpx() -> Iterator[tuple[str, ast.Call, str]]:
    for file in sorted(Path(varsel.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="httpx"), attr=name)):
                    yield f"{file.name}:{node.lineno}", node, name


def test_every_client_is_deaf_to_the_environment() -> None:
    clients = [(place, call) for place, call, name in _calls_of_httpx() if name in _CLIENTS]
    assert len(clients) >= 6
    for place, call in clients:
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert given.get("trust_env") == "False", place
    assert not [place for place, _, name in _calls_of_httpx() if name in _SHORT_CUTS], (
        "these make a client of their own"
    )


async def test_keys_are_fetched_without_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with ScriptedIssuer([rsa_key("one")]) as issuer:
        fetcher = DocumentFetcher(allow_http=True)
        assert "keys" in await fetcher.get(issuer.key_set_url)
        await fetcher.aclose()
