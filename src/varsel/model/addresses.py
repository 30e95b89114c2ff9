"""What makes an e-mail address and a mobile number acceptable (api.md 3.5, processing.md 2.7)."""

import re
from functools import lru_cache

import phonenumbers

from varsel.mechanisms.white_space import trimmed

_ATOM_CHARACTERS = r"A-Za-z0-9æøåÆØÅ!#$%&'*+\-=?^_`{|}~;"
_DOMAIN = (
    r"(([A-Za-z0-9æøåÆØÅ]([A-Za-z0-9æøåÆØÅ-]{0,61}[A-Za-z0-9æøåÆØÅ])?\.){1,9}[A-Za-z]{2,14}"
    r"|[0-9]{1,3}(\.[0-9]{1,3}){3})"
)
EMAIL_PATTERN = rf"[{_ATOM_CHARACTERS}]+(\.[{_ATOM_CHARACTERS}]+)*@{_DOMAIN}"
"""The e-mail rule of api.md 3.5, to be matched against the whole value without surrounding whitespace."""

_email = re.compile(EMAIL_PATTERN)

_EVERYDAY_LENGTH = 320
# An address has no limit, and the whole pattern would remember every atom of one that is megabytes long.
_atoms_and_dots = re.compile(rf"[{_ATOM_CHARACTERS}.]+")
_domain = re.compile(_DOMAIN)

_LONGEST_NUMBER = 250
"""libphonenumber refuses longer texts; checking first keeps them out of the cache."""

_VERDICTS_KEPT = 4096


def is_email_address(text: str) -> bool:
    """Tell whether `text` satisfies the e-mail rule; surrounding whitespace is ignored."""
    if len(text) <= _EVERYDAY_LENGTH:
        return (_email.fullmatch(text) or _email.fullmatch(trimmed(text))) is not None
    return _is_long_email_address(trimmed(text))


def _is_long_email_address(text: str) -> bool:
    """Decide what the pattern decides, in constant memory."""
    local, _, domain = text.rpartition("@")
    return (
        _domain.fullmatch(domain) is not None
        and _atoms_and_dots.fullmatch(local) is not None
        and not (local[0] == "." or local[-1] == "." or ".." in local)
    )


def is_mobile_number(text: str) -> bool:
    """Tell whether `text` satisfies the mobile rule: international form, and valid in its region.

    Being a *mobile* number is not required; separators that libphonenumber tolerates are accepted.
    """
    if _norwegian_form.fullmatch(text):
        return _norwegian_number.fullmatch(text, len(text) - 8) is not None
    return _parsed(text) is not None


def e164(text: str) -> str | None:
    """Return the number that `text` was judged to be: `+`, country code and number, digits only (ITU-T E.164).

    None if it does not satisfy the mobile rule. This is what a gateway is told, and what numbers are compared by;
    separators, trunk zeros in parentheses, letters and extensions are as the parser of the verdict read them.
    """
    if _norwegian_form.fullmatch(text):
        return "+47" + text[-8:] if _norwegian_number.fullmatch(text, len(text) - 8) else None
    return _parsed(text)


def normalise_number(text: str) -> str:
    """Give a number found by look-up its country code (processing.md 2.7); other texts come back unchanged."""
    if text.startswith("00"):
        return "+" + text[2:]
    if len(text) == 8 and text[0] in "49":
        return "+47" + text
    return text


def _parsed(text: str) -> str | None:
    if not text.startswith(("+", "00")) or text.startswith("++") or len(text) > _LONGEST_NUMBER:
        return None
    return _valid_number("+" + text[2:] if text.startswith("00") else text)


@lru_cache(maxsize=_VERDICTS_KEPT)
def _valid_number(text: str) -> str | None:
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _numbers_of(region: str) -> str:
    """Return a pattern of the 8-digit numbers valid in `region`, drawn from libphonenumber's own metadata.

    A country code shared by several regions gives a number to the region whose leading digits it begins with; it is
    valid there when one of the region's number types matches.
    """
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if metadata is None:
        raise LookupError(f"the installed phonenumbers has no metadata for region {region}")
    kinds = [
        metadata.fixed_line,
        metadata.mobile,
        metadata.toll_free,
        metadata.premium_rate,
        metadata.shared_cost,
        metadata.personal_number,
        metadata.voip,
        metadata.pager,
        metadata.uan,
        metadata.voicemail,
    ]
    patterns = [
        kind.national_number_pattern for kind in kinds if kind is not None and 8 in (kind.possible_length or ())
    ]
    kinds_pattern = "|".join(pattern for pattern in patterns if pattern)
    return f"(?={metadata.leading_digits or ''})(?=[0-9]{{8}}$)(?:{kinds_pattern})"


# The library needs some 50 to 100 µs for a verdict; nearly all numbers met here have this plain Norwegian form.
_norwegian_form = re.compile(r"(?:\+|00)47[0-9]{8}")
_norwegian_number = re.compile(
    "|".join(_numbers_of(region) for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[47]), re.ASCII
)
