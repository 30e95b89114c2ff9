"""From the gateway's words to outcomes (integrations.md 5.2)."""

import re

from varsel.channels.protocol import Accepted, Outcome, Settled, Transient, Unknown
from varsel.channels.sms_link.session_xml import MessageAnswer, SessionAnswer
from varsel.mechanisms.text import storable
from varsel.model.results import Result

_ADDRESS = re.compile(r"\S+@\S+")
_NUMBER = re.compile(r"\+?\d(?:[ .\-]?\d){4,}")
_LONGEST_DETAIL = 200
_LONGEST_READ = 1_000
"""The pattern of an address takes quadratic time: it is not let loose on whole answers."""


def judge(answer: SessionAnswer, count: int) -> list[Outcome]:
    """Return the outcome of each of the `count` messages of a request."""
    if not answer.logon and not answer.reason:
        return [Unknown("the gateway's answer says nothing of the account")] * count
    if answer.logon != "OK":
        reason = masked(answer.reason) or "no reason given"
        refusal = f"the gateway refused the account ({reason}); check user name and password, or ask LINK about a lock"
        return [Transient(refusal, pause=True)] * count
    return [_judge_message(answer.messages.get(str(number))) for number in range(1, count + 1)]


def _judge_message(answer: MessageAnswer | None) -> Outcome:
    if answer is None or not answer.status:
        return Unknown("the gateway's answer says nothing of this message")
    if answer.status == "OK":
        return Accepted(answer.reference or None)
    detail = masked(answer.info) or "refused without a reason"
    if answer.info.startswith("Invalid RCV"):
        return Settled(Result.SMS_FAILED_INVALID_RECIPIENT, detail)
    return Settled(Result.SMS_FAILED, detail)


def masked(text: str) -> str:
    """Return the gateway's words on one line of at most 200 characters, without e-mail addresses and numbers."""
    line = " ".join(storable(text, _LONGEST_READ).split())
    return _NUMBER.sub("***", _ADDRESS.sub("***", line))[:_LONGEST_DETAIL]
