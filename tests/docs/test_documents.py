"""The generated pages say what the code says."""

from pathlib import Path

import pytest

from varsel import errors
from varsel.docs import PAGES, stale_pages, write_pages
from varsel.docs.__main__ import main
from varsel.errors import VarselError
from varsel.settings import Settings
from varsel.settings.reader import settings_of

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_is_up_to_date(page: str) -> None:
    assert (ROOT / page).read_text(encoding="utf-8") == PAGES[page](), "run: make docs"


def test_every_setting_is_explained_once() -> None:
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    for each in settings_of(Settings):
        assert page.count(f"### `{each.name}`\n") == 1
        assert each.says in page


def test_every_error_and_every_status_is_listed() -> None:
    page = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
    tree = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, VarselError)]
    assert len(tree) > 5
    for each in tree:
        assert page.count(f"`{each.__name__}` |") == 1
    for status in (400, 401, 403, 404, 405, 409, 413, 415, 422, 499, 500, 503):
        assert f"\n| {status} |" in page
    for code in range(1, 5):
        assert f"`NOT-0000{code}`" in page


def test_a_stale_page_is_found_and_written_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert write_pages(tmp_path) == list(PAGES)
    assert main(["--check", "--root", str(tmp_path)]) == 0
    (tmp_path / "docs/errors.md").write_text("old")
    assert stale_pages(tmp_path) == ["docs/errors.md"]
    assert main(["--check", "--root", str(tmp_path)]) == 1
    assert "docs/errors.md is stale" in capsys.readouterr().err
    assert main(["--root", str(tmp_path)]) == 0
    assert stale_pages(tmp_path) == []
