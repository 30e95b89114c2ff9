"""What is called for an address as a caller wrote it: the corrected one, on no other host than was read."""

import pytest

from varsel.errors import AddressRefused
from varsel.intake.web_addresses import read_web_address
from varsel.outgoing.destination import read_destination


@pytest.mark.parametrize(
    ("written", "called"),
    [
        (" https://example.com/a\r\n", "https://example.com/a"),
        ("\thttps://example.com\t", "https://example.com"),
        ("https://example.com/a%", "https://example.com/a%25"),
        ("https://example.com/%zz?p=100%&q=%41", "https://example.com/%25zz?p=100%25&q=%41"),
        ("https://example.com/a\\b?c\\d", "https://example.com/a/b?c%5Cd"),
        ("https://example.com/\\@localhost", "https://example.com//@localhost"),
    ],
)
def test_an_address_is_corrected_before_it_is_called(written: str, called: str) -> None:
    destination = read_destination(written)
    assert str(destination.url) == called
    read = read_web_address(written)
    assert read is not None
    assert destination.host == read.host


@pytest.mark.parametrize("written", ["https://example.com\\@localhost/", "https:\\\\localhost/", "https://a b.com/"])
def test_an_authority_is_never_corrected(written: str) -> None:
    with pytest.raises(AddressRefused):
        read_destination(written)
