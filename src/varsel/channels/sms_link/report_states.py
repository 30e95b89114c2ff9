"""The gateway's state words and what they mean (integrations.md 5.5)."""

from varsel.model.results import Result

_SINCE_EVER: dict[str, Result] = {
    "DELIVRD": Result.SMS_DELIVERED,
    "EXPIRED": Result.SMS_FAILED_EXPIRED,
    "DELETED": Result.SMS_FAILED_DELETED,
    "UNDELIV": Result.SMS_FAILED_UNDELIVERED,
    "REJECTD": Result.SMS_FAILED_REJECTED,
    "FAILED": Result.SMS_FAILED,
    "NULL": Result.SMS_FAILED,
    "UNKNOWN": Result.SMS_FAILED,
    "BARRED": Result.SMS_FAILED_BARRED_RECEIVER,
    "BARREDA": Result.SMS_FAILED,
    "ZEROBAL": Result.SMS_FAILED,
}

_KNOWN_BETTER: dict[str, Result | None] = {
    "BARREDA": Result.SMS_FAILED_BARRED_RECEIVER,
    "ZEROBAL": Result.SMS_FAILED_BARRED_RECEIVER,
    "BARREDT": Result.SMS_FAILED_BARRED_RECEIVER,
    "BARREDC": Result.SMS_FAILED_BARRED_RECEIVER,
    "BARREDP": Result.SMS_FAILED_BARRED_RECEIVER,
    "ZERO_BAL": Result.SMS_FAILED_BARRED_RECEIVER,
    "REJECTE": Result.SMS_FAILED_REJECTED,
    "INV_NET": Result.SMS_FAILED_UNDELIVERED,
    "ACCEPTD": None,
    "ENROUTE": None,
    "FORWARD": None,
    "RETRIEV": None,
}

_STRICT: dict[str, Result | None] = {**_SINCE_EVER}
_FULL: dict[str, Result | None] = {**_SINCE_EVER, **_KNOWN_BETTER}
UNRECOGNISED = "UNKNOWN"


def is_known(word: str) -> bool:
    """Tell whether the gateway's documentation has this word, in any letter case."""
    return word.upper() in _FULL


def meaning(word: str, *, strict: bool) -> tuple[str, Result | None]:
    """Return the state as recognised, in any letter case, and its result.

    None is 'no change': the message is still on its way, or the word is not known and says nothing. With `strict`,
    only the words of the gateway's classic list are recognised and all others have failed, as upstream has it.
    """
    states = _STRICT if strict else _FULL
    state = word.upper()
    if state in states:
        return state, states[state]
    return UNRECOGNISED, states[UNRECOGNISED] if strict else None
