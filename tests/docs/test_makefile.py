"""The Makefile's set-up, where the machine lacks something."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

BROKEN_PYTHON = """#!/bin/sh
# As Debian's python3 without python3-venv: it makes a folder with a python, fails to add pip, and leaves the folder.
if [ "$2" = venv ]; then
    mkdir -p "$3/bin" && ln -s "$(command -v python3)" "$3/bin/python"
    echo "The virtual environment was not created successfully because ensurepip is not available." >&2
    exit 1
fi
exec python3 "$@"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("pyproject.toml", "requirements/run.txt", "requirements/build.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    python = tmp_path / "broken-python"
    python.write_text(BROKEN_PYTHON)
    python.chmod(0o755)
    return tmp_path


def test_every_run_without_the_venv_package_says_what_to_install(folder: Path) -> None:
    for _ in range(2):
        made = subprocess.run(
            ["make", "run", "PYTHON=./broken-python"],  # noqa: S607 - the make that developers use
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert made.returncode != 0
        assert "install the package python3-venv" in made.stderr
        assert not (folder / ".venv").exists()
