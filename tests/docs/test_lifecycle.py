"""docs/lifecycle.md says what the code does."""

from pathlib import Path

from varsel.model.states import diagram

PAGE = Path(__file__).parents[2] / "docs" / "lifecycle.md"


def test_the_page_shows_the_diagrams_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    shown = page.split("<!-- states: begin -->")[1].split("<!-- states: end -->")[0]
    assert shown.strip() == diagram()
