"""One trace id leads from an answer to the log lines behind it."""

import logging
import re
from pathlib import Path

import pytest

from tests.support.raw_http import request
from tests.support.rig import Rig
from tests.support.service import BASE, EMAIL_ORDER, Service, running_service
from varsel.contacts.fixed import FixedDirectory
from varsel.intake.traces import trace_context
from varsel.mechanisms.log_fields import FieldsFilter
from varsel.outgoing.verdict import Inconclusive, Verdict
from varsel.storage.pool import Pool

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
ID = "6f0d1d55-4e1f-4a9c-9a1e-3f2a5d4b8c01"
FORM = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@pytest.mark.parametrize("header", [TRACE, TRACE[:-2] + "01", "cc" + TRACE[2:] + "-more"])
def test_the_callers_trace_is_continued_under_a_span_of_our_own(header: str) -> None:
    context = trace_context(header)
    assert FORM.fullmatch(context)
    assert context[:35] == TRACE[:35]
    assert context[36:52] != TRACE[36:52]
    assert context[-2:] == header[53:55]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        TRACE.upper(),
        "ff" + TRACE[2:],
        TRACE + "-more",
        f"00-{'0' * 32}-b7ad6b7169203331-00",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-00",
    ],
)
def test_a_fresh_trace_is_made_where_none_is_valid(header: str) -> None:
    context = trace_context(header)
    assert FORM.fullmatch(context)
    assert context[3:35] != TRACE[3:35]
    assert context != trace_context(header)


async def test_an_answer_without_a_body_holds_the_trace_id_of_its_log_line(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.addFilter(FieldsFilter())
    caplog.set_level(logging.INFO)
    answer = await service.raw(request("GET", f"{BASE}/orders/{ID}", {"Authorization": "Bearer no-token"}))
    assert (answer.status, answer.body) == (401, b"")
    (line,) = [record for record in caplog.records if record.name == "varsel.intake.routing"]
    assert line.__dict__["fields"]["trace_id"] == answer.headers["varsel-trace-id"]


async def test_a_problem_document_has_the_trace_id_of_the_header(service: Service) -> None:
    answer = await service.post("/orders/email", {}, headers={"traceparent": TRACE})
    assert answer.status_code == 400
    assert answer.json()["traceId"][3:35] == answer.headers["varsel-trace-id"] == TRACE[3:35]


async def test_every_request_has_a_trace_id_of_its_own(service: Service) -> None:
    answers = [await service.get(f"/orders/{ID}") for _ in range(3)]
    assert len({answer.headers["varsel-trace-id"] for answer in answers}) == 3


async def test_the_lines_of_an_orders_processing_carry_the_trace_of_its_request(
    pool: Pool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.addFilter(FieldsFilter())
    caplog.set_level(logging.INFO)

    async def ask(_address: str, _creator: str) -> Verdict:
        return Inconclusive("it answered 500")

    async with running_service(pool, tmp_path, rig=Rig(pool, FixedDirectory(None), ask_condition=ask)) as service:
        order = {**EMAIL_ORDER, "conditionEndpoint": "https://ttd.example.com/check"}
        placed = await service.post("/orders/email", order, headers={"traceparent": TRACE})
        await service.rig.work()
    lines = [record for record in caplog.records if record.name == "varsel.workers.conditional_orders"]
    fields = [line.__dict__["fields"] for line in lines]
    assert fields
    expected = {"trace_id": TRACE[3:35], "order_id": placed.json()["orderId"], "creator": "ttd"}
    assert all(each == expected for each in fields)
