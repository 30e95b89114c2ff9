"""docs/differences.md gives a reason for every difference, and a test that exists."""

import ast

from tests.docs.pages import ROOT, table_rows, text_of

PAGE = text_of("docs/differences.md")
LINES = [row for row in table_rows(PAGE) if row[0] != "Difference" and not row[0].startswith("---")]


def test_every_line_has_a_reason_and_a_test_that_exists() -> None:
    assert len(LINES) > 15
    for difference, reason, test in LINES:
        assert difference.endswith(".")
        assert reason.endswith(".")
        file, _, name = test.strip("`").partition("::")
        assert name in _tests_in(file), difference


def _tests_in(file: str) -> set[str]:
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in ast.parse((ROOT / file).read_text()).body if isinstance(node, functions)}
