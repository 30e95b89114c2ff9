"""The one form of an external identity's spellings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varsel.model.external_identities import EMAIL_IDENTITY, USERNAME_IDENTITIES, canonical_identity

_NAME, _OLDER, _LEGACY = USERNAME_IDENTITIES


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{EMAIL_IDENTITY}kari+test@x.no", f"{EMAIL_IDENTITY}kari%2Btest@x.no"),
        (f"{EMAIL_IDENTITY}kari+test@x.no", f"{EMAIL_IDENTITY}KARI%2bTest@X.no"),
        (f"{EMAIL_IDENTITY}kari@x.no", f"{EMAIL_IDENTITY.upper()}%4Bari%40x.no "),
        (f"{_NAME}kari", f"{_OLDER}Kari"),
        (f"{_NAME}kari n", f"{_OLDER}kari+n"),
        (f"{_NAME}kari n", f"{_NAME}kari%20n"),
        (f"{_NAME}bl\u00e5b\u00e6r", f"{_NAME}BL%C3%85B%C3%86R"),
        (f"{_LEGACY}kari", f"{_LEGACY}KARI"),
    ],
)
def test_spellings_of_the_same(one: str, other: str) -> None:
    assert canonical_identity(one) == canonical_identity(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f"{_NAME}kari%2Bn", f"{_NAME}kari+n"),
        (f"{_NAME}kari", f"{_LEGACY}kari"),
        (f"{_NAME}kari", f"{EMAIL_IDENTITY}kari"),
        (f"{EMAIL_IDENTITY}a%2541@x.no", f"{EMAIL_IDENTITY}aa@x.no"),
    ],
)
def test_spellings_of_different_ones(one: str, other: str) -> None:
    assert canonical_identity(one) != canonical_identity(other)


def test_what_is_no_external_identity_is_folded_only() -> None:
    assert canonical_identity("16069412345") == "16069412345"
    assert canonical_identity("urn:altinn:Other:a%2Bb") == "urn:altinn:other:a%2bb"


@given(
    st.sampled_from([EMAIL_IDENTITY, *USERNAME_IDENTITIES, ""]),
    st.text(st.characters(exclude_categories=["Cs"])) | st.text("%+25bB4 "),
)
def test_the_canonical_form_is_its_own(prefix: str, value: str) -> None:
    """So what the register shows can be imported again."""
    canonical = canonical_identity(prefix + value)
    assert canonical_identity(canonical) == canonical
