"""docs/architecture.md names files and functions that exist, and leaves no room out."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import ROOT, quoted, table_rows, text_of

PAGE = text_of("docs/architecture.md")
SOURCES = ROOT / "src" / "varsel"


def test_every_file_and_function_of_the_journey_exists() -> None:
    steps = [row for row in table_rows(_section("One journey, file by file")) if row[1].startswith("`")]
    assert len(steps) > 20
    for _, file, names in steps:
        assert set(quoted(names)) <= set(_defined_in(SOURCES / file.strip("`"))), file


def test_every_path_named_exists() -> None:
    for name in quoted(PAGE):
        if re.fullmatch(r"[a-z_]+/[\w/]+(\.\w+)?", name):
            assert (SOURCES / name).exists() or (ROOT / name).exists(), name


def test_no_room_is_left_out() -> None:
    rooms = {row[0].strip("`") for row in table_rows(_section("The picture")) if row[0].startswith("`")}
    there = {part.stem for part in SOURCES.iterdir() if part.suffix == ".py" or (part / "__init__.py").exists()}
    assert rooms == there - {"__init__", "__main__"}


def _section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _defined_in(file: Path) -> Iterator[str]:
    """Yield the names of a file's classes and functions, methods as `Class.method`."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (
                f"{node.name}.{inner.name}"
                for inner in node.body
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef)
            )
