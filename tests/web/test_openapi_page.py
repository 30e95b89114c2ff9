"""The page at `/swagger` shows the whole description, fetches nothing, and its lines for curl work."""

import asyncio
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.support.described import published
from tests.support.issuer import COMPOSED as COMPOSED_SCOPE
from tests.support.issuer import CREATE
from tests.support.service import BASE_URI, Service, running_service
from varsel.intake.openapi_curl import curl_line
from varsel.intake.openapi_page import PAGE_POLICY, render_page
from varsel.storage.pool import Pool

DOCUMENT = published()
PAGE = render_page(DOCUMENT)
OPERATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    operation["operationId"]: (method, path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
_VOID = {"meta", "br", "link"}


class Outline(HTMLParser):
    """Keeps the ids and links of a page, and fails where its elements are not closed in their order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [str(given["id"])] if "id" in given else []
        self.links += [str(given["href"])] if "href" in given else []
        assert not {name for name in given if name.startswith("on") or name == "src"}
        assert tag != "script"
        self._open += [] if tag in _VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def section(name: str) -> str:
    """Return what the page says of one operation, from its summary to the next."""
    before, after = PAGE.split(f"id='{name}'>")
    return before.rpartition("<summary>")[2] + after.partition("<summary><span class='method")[0]


def test_every_operation_and_schema_can_be_linked_to_and_every_link_leads_somewhere() -> None:
    outline = Outline(PAGE)
    assert len(outline.ids) == len(set(outline.ids))
    assert set(outline.ids) == OPERATIONS.keys() | DOCUMENT["components"]["schemas"].keys()
    within = {link for link in outline.links if link.startswith("#")}
    assert {link[1:] for link in within} <= set(outline.ids)
    assert set(outline.links) - within == {"/swagger/v1/swagger.json"}


def test_the_page_fetches_nothing() -> None:
    assert not re.findall(r"@import|url\(", PAGE)
    assert "default-src 'none'" in PAGE_POLICY
    assert "script-src" not in PAGE_POLICY


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_shown_with_its_examples_and_its_line_for_curl(name: str) -> None:
    method, path, operation = OPERATIONS[name]
    shown = unescape(section(name))
    assert path in shown
    assert operation["summary"] in shown
    assert curl_line(BASE_URI, method, path, operation) in shown
    for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
        for content in holder.get("content", {}).values():
            for example in content["examples"].values():
                assert example["summary"] in shown


def test_what_is_deprecated_says_so_and_links_to_what_replaces_it() -> None:
    for name, (_, _, operation) in OPERATIONS.items():
        assert ("<span class='badge'>deprecated</span>" in section(name)) == operation.get("deprecated", False), name
    assert '<p class=warning>Deprecated. Use <a href="#placeChain">' in section("placeOrder")


def test_members_show_their_type_and_default() -> None:
    settings = PAGE.partition("id='SmsSettings'>")[2].partition("</table>")[0]
    assert '<a href="#SendingTimePolicy"><code>SendingTimePolicy</code></a>' in settings
    assert "Default: <code>&quot;Daytime&quot;</code>" in settings
    chain = PAGE.partition("id='ChainRequest'>")[2].partition("</table>")[0]
    assert 'null or <a href="#DialogRequest">' in chain
    assert "array or null of" not in chain


def test_texts_of_the_description_are_not_taken_for_html() -> None:
    document = published()
    document["info"]["title"] = "<b>$title</b>"
    for each in document["paths"].values():
        for operation in each.values():
            operation["summary"] = "Read <b>it</b>"
            operation["description"] = "The `<i>` & more"
    page = render_page(document)
    assert "<b>" not in page
    assert "<i>" not in page
    assert "Read &lt;b&gt;it&lt;/b&gt;" in page
    assert "The <code>&lt;i&gt;</code> &amp; more" in page


def test_a_line_for_curl_survives_a_quote_in_its_example() -> None:
    content = {"application/json": {"examples": {"one": {"value": {"body": "It's here"}}}}}
    line = curl_line("https://x.example", "post", "/orders", {"security": [], "requestBody": {"content": content}})
    assert line == (
        "curl -sS https://x.example/orders \\\n  -H 'Content-Type: application/json' \\\n"
        '  -d \'{\n  "body": "It\'"\'"\'s here"\n}\''
    )


async def test_the_lines_for_curl_work(service: Service) -> None:
    token = service.bearer("ttd", scopes=(CREATE, COMPOSED_SCOPE))["Authorization"].removeprefix("Bearer ")
    found = {}
    for name, (method, path, operation) in OPERATIONS.items():
        line = curl_line(f"http://127.0.0.1:{service.port}", method, path, operation)
        found[name] = await _status_of(line, token)
    placing = {"placeOrder": 202, "placeEmailOrder": 202, "placeSmsOrder": 202, "placeChain": 201}
    placing |= {"placeComposedEmail": 201, "sendInstantSms": 201, "sendInstantEmail": 201, "sendInstant": 201}
    reading = {"findOrders": 200, "readFeed": 200, "answerSendCondition": 200}
    assert found == dict.fromkeys(OPERATIONS, 404) | placing | reading  # there is no order with the example's id


async def _status_of(line: str, token: str) -> int:
    command = f"{line} -o /dev/null -w '%{{http_code}}' --noproxy '*'"
    process = await asyncio.create_subprocess_exec(
        "bash", "-euc", command, env={"TOKEN": token, "PATH": "/usr/bin:/bin"}, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, line
    return int(output)


async def test_the_page_forbids_scripts(pool: Pool, tmp_path: Path) -> None:
    async with running_service(pool, tmp_path, swagger=True) as service:
        page = await service.client.get("/swagger")
    assert page.headers["content-security-policy"] == PAGE_POLICY
    assert sorted(Outline(page.text).ids) == sorted(Outline(PAGE).ids)
