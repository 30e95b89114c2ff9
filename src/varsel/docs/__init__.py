"""Pages that are generated from the code, so that they cannot fall behind it."""

from collections.abc import Callable
from pathlib import Path

from varsel.docs.errors_page import errors_page
from varsel.settings.reference import settings_page

PAGES: dict[str, Callable[[], str]] = {"docs/settings.md": settings_page, "docs/errors.md": errors_page}


def stale_pages(root: Path) -> list[str]:
    """Return the generated pages below `root` that are missing or differ from what the code says."""
    return [name for name, page in PAGES.items() if not _holds(root / name, page())]


def write_pages(root: Path) -> list[str]:
    """Write the stale pages below `root` anew and return their names."""
    stale = stale_pages(root)
    for name in stale:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(PAGES[name](), encoding="utf-8")
    return stale


def _holds(file: Path, text: str) -> bool:
    return file.exists() and file.read_text(encoding="utf-8") == text
