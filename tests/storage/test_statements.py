"""Parameters of SQL statements, written by name."""

import pytest

from varsel.storage.pool import Pool
from varsel.storage.queries import Statement


def test_names_become_numbers_in_the_order_of_their_first_use() -> None:
    statement = Statement.read("SELECT :b, :a, :b::text[]")
    assert (statement.text, statement.names) == ("SELECT $1, $2, $1::text[]", ("b", "a"))
    assert statement.of(a=1, b=2) == ("SELECT $1, $2, $1::text[]", 2, 1)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT '10:30:pm', now()::text -- at :this time",
        "SELECT 'it''s :quoted'",
        "SELECT a[1:2]",
    ],
)
def test_literals_comments_casts_and_slices_are_no_parameters(text: str) -> None:
    statement = Statement.read(text)
    assert (statement.text, statement.names) == (text, ())


@pytest.mark.parametrize("values", [{}, {"a": 1}, {"a": 1, "c": 2}, {"a": 1, "b": 2, "c": 3}])
def test_other_values_than_the_parameters_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(TypeError, match="the statement takes a, b"):
        Statement.read("SELECT :a, :b").of(**values)


async def test_postgresql_gets_the_values_under_their_names(pool: Pool) -> None:
    statement = Statement.read("SELECT :later::int - :earlier::int")
    assert await pool.fetchval(*statement.of(earlier=3, later=10)) == 7
