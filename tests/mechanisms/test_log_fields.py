"""Fields of log lines."""

import asyncio
import logging

from varsel.mechanisms.log_fields import FieldsFilter, add_log_fields, log_fields


def fields_of(**extra: object) -> object:
    record = logging.makeLogRecord({"msg": "something happened", **extra})
    FieldsFilter().filter(record)
    return record.__dict__["fields"]


def test_lines_of_a_block_carry_its_fields_and_those_around_it() -> None:
    with log_fields(trace_id="a", order_id=None):
        with log_fields(order_id=7):
            assert fields_of() == {"trace_id": "a", "order_id": "7"}
        assert fields_of() == {"trace_id": "a"}
    assert fields_of() == {}


def test_a_line_may_name_fields_of_its_own() -> None:
    with log_fields(trace_id="a"):
        assert fields_of(fields={"lane": "Email"}) == {"trace_id": "a", "lane": "Email"}


async def test_tasks_that_a_block_starts_carry_its_fields_and_do_not_change_those_of_others() -> None:
    async def work(name: str) -> object:
        add_log_fields(order_id=name)
        await asyncio.sleep(0)
        return fields_of()

    with log_fields(trace_id="a"):
        found = await asyncio.gather(*(asyncio.create_task(work(name)) for name in "xy"))
    assert found == [{"trace_id": "a", "order_id": "x"}, {"trace_id": "a", "order_id": "y"}]
    assert fields_of() == {}
