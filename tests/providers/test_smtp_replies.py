"""Reading replies however they arrive, and what each refusal means (integrations.md 8.1.5)."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varsel.channels.email_smtp.extensions import Extensions, describe, read_extensions
from varsel.channels.email_smtp.replies import ConnectionDropped, Reply, ReplyReader, Stage, judge
from varsel.channels.protocol import Settled, Transient
from varsel.model.results import Result

CONVERSATION = b"220 hello\r\n250-mx.example.com\r\n250-SIZE 1000\r\n250 HELP\r\n354\r\n550 5.1.1 nobody\n"
REPLIES = [
    Reply(220, "hello"),
    Reply(250, "mx.example.com\nSIZE 1000\nHELP"),
    Reply(354, ""),
    Reply(550, "5.1.1 nobody"),
]
RECIPIENT = "kari.nordmann@example.no"


@given(st.lists(st.integers(0, len(CONVERSATION)), max_size=8))
def test_replies_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    reader = ReplyReader()
    edges = [0, *sorted(cuts), len(CONVERSATION)]
    found = [reply for start, end in pairwise(edges) for reply in reader.feed(CONVERSATION[start:end])]
    assert found == REPLIES
    assert not reader.pending


@given(st.binary(max_size=200))
def test_any_octets_are_replies_or_the_end(octets: bytes) -> None:
    reader = ReplyReader()
    try:
        replies = reader.feed(octets)
    except ConnectionDropped:
        return
    assert all(0 <= reply.code <= 999 for reply in replies)


@pytest.mark.parametrize(
    ("stage", "code", "text", "result"),
    [
        (Stage.RCPT, 550, "5.1.1 no such user", Result.EMAIL_FAILED_BOUNCED),
        (Stage.RCPT, 550, "5.1.10 null MX", Result.EMAIL_FAILED_BOUNCED),
        (Stage.RCPT, 553, "5.1.3 bad syntax", Result.EMAIL_FAILED_INVALID_FORMAT),
        (Stage.RCPT, 501, "5.1.3 bad syntax", Result.EMAIL_FAILED_INVALID_FORMAT),
        (Stage.RCPT, 550, "5.1.8 sender's domain", Result.EMAIL_FAILED),
        (Stage.RCPT, 550, "5.2.1 disabled", Result.EMAIL_FAILED_BOUNCED),
        (Stage.RCPT, 552, "5.2.2 mailbox full", Result.EMAIL_FAILED_BOUNCED),
        (Stage.RCPT, 550, "4.2.2 mailbox full", Result.EMAIL_FAILED_BOUNCED),
        (Stage.RCPT, 550, "mailbox unavailable", Result.EMAIL_FAILED_BOUNCED),
        (Stage.RCPT, 551, "", Result.EMAIL_FAILED_BOUNCED),
        (Stage.RCPT, 553, "", Result.EMAIL_FAILED_BOUNCED),
        (Stage.RCPT, 550, "5.0.0 unspecified", Result.EMAIL_FAILED_BOUNCED),
        (Stage.RCPT, 554, "5.0.0 unspecified", Result.EMAIL_FAILED),
        (Stage.RCPT, 554, "relay access denied", Result.EMAIL_FAILED),
        (Stage.RCPT, 550, "5.4.1 no route", Result.EMAIL_FAILED),
        (Stage.RCPT, 554, "5.7.1 relay access denied", Result.EMAIL_FAILED),
        (Stage.RCPT, 550, "5.7.1 your IP is BLOCKED", Result.EMAIL_FAILED_FILTERED_SPAM),
        (Stage.CONTENT, 550, "", Result.EMAIL_FAILED),
        (Stage.CONTENT, 552, "", Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE),
        (Stage.CONTENT, 552, "5.3.4 too big", Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE),
        (Stage.CONTENT, 554, "5.2.3 too big", Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE),
        (Stage.CONTENT, 554, "5.6.1 conversion", Result.EMAIL_FAILED),
        (Stage.CONTENT, 550, "5.7.1 bad reputation", Result.EMAIL_FAILED_FILTERED_SPAM),
        (Stage.CONTENT, 550, "5.7.26 DMARC", Result.EMAIL_FAILED),
        (Stage.CONTENT, 550, "5.7.0 put into quarantine", Result.EMAIL_FAILED_QUARANTINED),
        (Stage.CONTENT, 550, "5.7.8 spam", Result.EMAIL_FAILED),
        (Stage.DATA, 554, "no valid recipients", Result.EMAIL_FAILED),
        (Stage.MAIL, 550, "5.7.1 sender not allowed", Result.EMAIL_FAILED),
        (Stage.MAIL, 553, "5.1.7 bad sender", Result.EMAIL_FAILED),
        (Stage.MAIL, 550, "5.1.1 sender unknown", Result.EMAIL_FAILED),
        (Stage.MAIL, 501, "5.1.3 bad sender syntax", Result.EMAIL_FAILED),
        (Stage.MAIL, 552, "", Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE),
        (Stage.MAIL, 552, "5.3.4 size", Result.EMAIL_FAILED_PAYLOAD_TOO_LARGE),
    ],
)
def test_permanent_refusals(stage: Stage, code: int, text: str, result: Result) -> None:
    judged = judge(stage, Reply(code, text), RECIPIENT)
    assert isinstance(judged, Settled)
    assert judged.result is result
    assert str(judged.detail).startswith(str(code))


@pytest.mark.parametrize(
    ("stage", "code", "text", "pause"),
    [
        (Stage.RCPT, 450, "4.2.0 greylisted", False),
        (Stage.RCPT, 452, "4.2.2 mailbox full", False),
        (Stage.RCPT, 450, "5.1.1 the class of the code counts", False),
        (Stage.CONTENT, 451, "4.3.0 error", False),
        (Stage.MAIL, 451, "later", False),
        (Stage.MAIL, 452, "4.3.1 no storage", True),
        (Stage.MAIL, 421, "closing", True),
        (Stage.MAIL, 530, "5.7.0 authentication required", True),
        (Stage.RCPT, 535, "5.7.8 wrong password", True),
        (Stage.DATA, 250, "not what DATA is answered with", False),
    ],
)
def test_what_may_be_tried_again(stage: Stage, code: int, text: str, pause: bool) -> None:
    judged = judge(stage, Reply(code, text), RECIPIENT)
    assert isinstance(judged, Transient)
    assert judged.pause is pause


@pytest.mark.parametrize(
    ("stage", "code", "text", "slower"),
    [
        (Stage.CONTENT, 454, "Throttling failure: Maximum sending rate exceeded.", True),
        (Stage.RCPT, 451, "4.7.1 Please try again later", True),
        (Stage.RCPT, 450, "4.7.1 Error: too much mail from 192.0.2.1", True),
        (Stage.RCPT, 452, "4.5.3 too many recipients", True),
        (Stage.MAIL, 421, "4.7.0 Too many messages, slow down", True),
        (Stage.CONTENT, 432, "4.3.2 Concurrent connections limit exceeded", True),
        (Stage.RCPT, 450, "4.2.1 mailbox busy", False),
        (Stage.RCPT, 452, "4.2.2 mailbox full", False),
        (Stage.RCPT, 451, "4.1.8 sender's domain does not resolve", False),
        (Stage.RCPT, 451, "4.7.1 Greylisted, see the help page", False),
        (Stage.RCPT, 450, "grey-listing in action", False),
        (Stage.RCPT, 455, "4.5.0 parameters", False),
        (Stage.MAIL, 421, "closing", False),  # the lane rests instead
    ],
)
def test_a_refusal_for_rate_is_told_from_one_of_the_recipient(stage: Stage, code: int, text: str, slower: bool) -> None:
    judged = judge(stage, Reply(code, text), RECIPIENT)
    assert isinstance(judged, Transient)
    assert judged.slower is slower


@pytest.mark.parametrize(
    "text",
    [
        "5.1.1 <kari.nordmann@example.no>: no such user",
        "5.1.1 KARI.NORDMANN unknown here",
        "5.1.1 mailto:kari.nordmann@example.no 01010112345 +4799999999",
    ],
)
def test_details_carry_no_personal_data(text: str) -> None:
    detail = str(getattr(judge(Stage.RCPT, Reply(550, text), RECIPIENT), "detail", ""))
    assert detail.startswith("550 at RCPT: 5.1.1")
    assert not any(secret in detail.lower() for secret in ("kari", "nordmann", "example.no", "99999", "010101"))


def test_details_are_short() -> None:
    detail = getattr(judge(Stage.RCPT, Reply(450, "no " * 1000), RECIPIENT), "detail", "")
    assert 50 < len(detail) < 200


def test_extensions_are_read_in_any_spelling() -> None:
    offered = read_extensions(
        "mx.example.com says hello\nsize 1000\nPipelining\nAUTH PLAIN LOGIN\nAUTH=LOGIN XOAUTH2\n"
    )
    assert offered == Extensions(
        pipelining=True, size_offered=True, size=1000, auth=frozenset({"PLAIN", "LOGIN", "XOAUTH2"})
    )
    assert describe(offered) == "PIPELINING, SIZE 1000"
    assert describe(read_extensions("SIZE 1000")) == "no extensions"


def test_what_is_no_name_of_a_mechanism_is_not_kept() -> None:
    offered = read_extensions("mx.example.com\nAUTH PLAIN " + "X" * 1000 + " " + " ".join(f"M{n}" for n in range(500)))
    assert "PLAIN" in offered.auth
    assert len(", ".join(offered.auth)) < 400


@pytest.mark.parametrize("size", ["", " 0", " much", " " + "9" * 30])
def test_a_size_without_a_sensible_number_is_no_limit(size: str) -> None:
    offered = read_extensions(f"mx.example.com\nSIZE{size}")
    assert offered.size_offered
    assert offered.size == 0
