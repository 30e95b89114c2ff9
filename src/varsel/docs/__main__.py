"""`python -m varsel.docs` writes the generated pages below the current folder; `--check` only names the stale ones."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from varsel.docs import stale_pages, write_pages


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pages, or with `--check` return 1 when one is stale."""
    parser = argparse.ArgumentParser(prog="python -m varsel.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is stale")
    parser.add_argument("--root", type=Path, default=Path(), help="folder of the repository (default: this one)")
    arguments = parser.parse_args(argv)
    if not arguments.check:
        for name in write_pages(arguments.root):
            print(f"wrote {name}")
        return 0
    stale = stale_pages(arguments.root)
    for name in stale:
        print(f"{name} is stale; run: make docs", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
