"""Commands run in a folder and with settings of their own."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Take away the settings of whoever runs the tests and give each test a data folder; return it."""
    for name in [name for name in os.environ if name.startswith("VARSEL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("VARSEL_DATA_DIR", str(tmp_path / "var"))
    return tmp_path / "var"
