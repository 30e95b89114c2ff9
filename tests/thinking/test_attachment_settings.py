"""Where attachments may lie, from the setting to the forms that intake compares with."""

import pytest

from varsel.assembly.attachments import attachment_hosts
from varsel.errors import SettingsError
from varsel.settings import Settings


def hosts(value: str) -> tuple[str, ...]:
    return attachment_hosts(Settings.read({"VARSEL_ATTACHMENT_HOSTS": value}))


def test_the_contracts_host_is_always_there() -> None:
    assert hosts("") == (".blob.core.windows.net",)
    assert hosts("Files.Example.no, *.blobs.example.no,127.0.0.1") == (
        ".blob.core.windows.net",
        "files.example.no",
        ".blobs.example.no",
        "127.0.0.1",
    )


@pytest.mark.parametrize(
    "value", ["https://files.example.no", "*", "*.", "files.*.no", "10.0.0.0/8", "a b", "files..no"]
)
def test_what_is_no_host_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="VARSEL_ATTACHMENT_HOSTS"):
        hosts(value)
