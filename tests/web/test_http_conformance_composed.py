"""6.3 POST composed-email: each `sasUrl` step, file names, expiry, and what must be there (api.md 3.10). The other
rules are in tests/web/test_http_future_rules.py."""

from functools import partial

import pytest

from tests.support.future_bodies import changed, lacking
from tests.support.placing import ATTACHMENT, COMPOSED, COMPOSED_PATH, SAS_URL, place, refused
from tests.support.rules import ABSENT, Rule, assert_rules, mistyped, signed
from tests.support.service import Service
from varsel.intake.wire_future.attachments import MIME_TYPES

SETTINGS = "recipient.emailSettings"
FILES = f"{SETTINGS}.attachments"
FILE = f"{FILES}[1]"
KEY = "Recipient.Settings.Attachments[1]"
TWO = changed(COMPOSED, FILES, [ATTACHMENT, ATTACHMENT])
unreadable = partial(mistyped, parameter="orderRequest")
ELSEWHERE = SAS_URL.replace("blob.core.windows.net", "example.no")


async def test_null_and_wrong_types(service: Service) -> None:
    """6.3 POST composed-email: requestedSendTime, emailAddress, subject, body, contentType, sendingTimePolicy null."""
    rules = [
        unreadable("requestedSendTime", None, ABSENT),
        unreadable("sendersReference", 1, None),
        unreadable("dialogportenAssociation", "x", {"dialogId": None}),
        Rule("recipient.emailAddress", None, {"Recipient.EmailAddress"}, "kari@example.com"),
        Rule("recipient.emailAddress", " ", {"Recipient.EmailAddress"}, "kari+tag@example.com"),
        unreadable("recipient.emailAddress", 1, "kari@example.com"),
        Rule(f"{SETTINGS}.subject", None, {"Recipient.Settings.Subject"}, "x"),
        Rule(f"{SETTINGS}.body", None, {"Recipient.Settings.Body"}, "x"),
        unreadable(f"{SETTINGS}.contentType", None, ABSENT),
        unreadable(f"{SETTINGS}.sendingTimePolicy", None, ABSENT),
        unreadable(FILE, "decision.pdf", ATTACHMENT),
    ]
    await assert_rules(service, COMPOSED_PATH, TWO, rules)


async def test_attachments_null_empty_and_several(service: Service) -> None:
    """6.3 POST composed-email: attachments null / [] / several; each is judged, and each under its own key."""
    for number, files in enumerate((None, [], [ATTACHMENT] * 40)):
        body = changed(COMPOSED, FILES, files) | {"idempotencyId": str(number)}
        assert (await place(service, COMPOSED_PATH, body)).status_code == 201
    assert (await place(service, COMPOSED_PATH, lacking(COMPOSED, FILES) | {"idempotencyId": "-"})).status_code == 201
    bad = ATTACHMENT | {"filename": "decision", "mimeType": "image/jpg", "sasUrl": ELSEWHERE}
    errors = await refused(service, COMPOSED_PATH, changed(COMPOSED, FILES, [bad, ATTACHMENT, None, bad]))
    of_bad = {
        f"Recipient.Settings.Attachments[{place}].{name}"
        for place in (0, 3)
        for name in ("Filename", "MimeType", "SasUrl")
    }
    presence = {"Recipient.Settings.Attachments[2]"}
    assert errors.keys() in (presence, of_bad | presence)  # the contract does not say in which phase null is told


async def test_file_names_and_types(service: Service) -> None:
    """6.3 POST composed-email: filename rules; backslash in filename; filename without dot."""
    rules = [
        *(
            Rule(f"{FILE}.filename", bad, {f"{KEY}.Filename"}, good)
            for bad, good in (
                ("out\\decision.pdf", "out-decision.pdf"),
                ("\\decision.pdf", "decision.pdf"),
                ("decision.pd\\f", "decision.pd f"),
                ("/decision.pdf", "decision.p"),
                ("decision.pd/f", "x" * 300 + ".pdf"),
                ("decision", "decision.pdf"),
                ("decision.pdf.", "decision.pdf.gz"),
                (".", ".pdf"),
                ("", "..pdf"),
                (None, "vedtak på nynorsk.pdf"),
            )
        ),
        unreadable(f"{FILE}.filename", 1, "1.pdf"),
        *(
            Rule(f"{FILE}.mimeType", bad, {f"{KEY}.MimeType"}, good)
            for bad, good in (
                (None, "application/pdf"),
                (" ", "APPLICATION/PDF"),
                ("text/html", "text/csv"),
                ("application/octet-stream", "application/zip"),
                ("pdf", "application/vnd.ms-excel.sheet.macroenabled.12"),
            )
        ),
        unreadable(f"{FILE}.mimeType", [], "text/plain"),
    ]
    await assert_rules(service, COMPOSED_PATH, TWO, rules)


async def test_every_type_on_the_list_may_be_attached(service: Service) -> None:
    """6.3 POST composed-email: MIME list incl. case."""
    assert len(set(MIME_TYPES)) == 60
    for written in (MIME_TYPES, [name.upper() for name in MIME_TYPES], [name.lower() for name in MIME_TYPES]):
        files = [ATTACHMENT | {"mimeType": name} for name in written]
        body = changed(COMPOSED, FILES, files) | {"idempotencyId": written[0]}
        assert (await place(service, COMPOSED_PATH, body)).is_success


@pytest.mark.parametrize("name", ["se", "sp", "sr", "sig"])
async def test_each_part_of_a_signature_must_be_there(service: Service, name: str) -> None:
    """6.3 POST composed-email: each `sasUrl` step; `se`, `sp`, `sr` and `sig` each missing and blank."""
    without = signed(**{name: ""})
    rules = [
        Rule(f"{FILE}.sasUrl", bad, {f"{KEY}.SasUrl"}, SAS_URL)
        for bad in (without, f"{without}&{name}", f"{without}&{name}=", f"{without}&{name}=%20", f"{without}&x{name}=r")
    ]
    await assert_rules(service, COMPOSED_PATH, TWO, rules)


async def test_each_step_of_a_pre_signed_address(service: Service) -> None:
    """6.3 POST composed-email: each `sasUrl` step; `sasUrl` null, relative, blank; what `se`, `sp` and `sr` may be."""
    at_path = SAS_URL.partition(".net")[2]
    rules = [
        unreadable(f"{FILE}.sasUrl", 1, SAS_URL),
        *(
            Rule(f"{FILE}.sasUrl", bad, {f"{KEY}.SasUrl"}, good)
            for bad, good in (
                (None, SAS_URL),
                ("", SAS_URL.replace("https", "HTTPS")),
                (" ", SAS_URL.replace(".net/", ".net:443/")),
                (at_path, SAS_URL.replace("/out/", "/ut/dypt/")),
                (f"//ttdfiles.blob.core.windows.net{at_path}", SAS_URL.replace("ttdfiles", "TTDFiles")),
                (SAS_URL.replace("https", "http"), f"{SAS_URL}#page=2"),
                (SAS_URL.replace("https", "ftp"), f"{SAS_URL}&se2=x"),
                (ELSEWHERE, SAS_URL.replace("blob.core.windows.net", "BLOB.core.Windows.net")),
                (SAS_URL.replace(".net/", ".net.example.no/"), SAS_URL),
                (SAS_URL.replace("ttdfiles.", ""), SAS_URL),
                (signed(sr="c"), signed(sr="b")),
                (signed(sr="bb"), signed(sr="B")),
                (signed(sp="R"), signed(sp="r")),
                (signed(sp="wdl"), signed(sp="racwdl")),
                (signed(se="soon"), signed(se="2026-06-20")),
                (signed(se="2026-06-31T12:00:00Z"), signed(se="2026-06-20T12%3A00%3A00%2B02:00")),
            )
        ),
    ]
    await assert_rules(service, COMPOSED_PATH, TWO, rules)


async def test_the_steps_stop_at_the_first_failure_but_the_last_are_told_together(service: Service) -> None:
    """6.3 POST composed-email: each `sasUrl` step (api.md 3.10, lines 1 to 4)."""
    for bad, messages in (
        (signed(sp="w", se="soon"), 2),
        (signed(sp="w", se="soon", sig=""), 1),
        (signed(sp="w", se="soon", sig="").replace("blob.core.windows.net", "example.no"), 1),
        (signed(sp="w", se="soon", sig="").replace("https://ttdfiles.blob.core.windows.net", "http://example.no"), 1),
    ):
        errors = await refused(service, COMPOSED_PATH, changed(TWO, f"{FILE}.sasUrl", bad))
        assert {key: len(told) for key, told in errors.items()} == {f"{KEY}.SasUrl": messages}, bad


SOON, IN_TIME = "2026-06-15T11:14:59.9999999Z", "2026-06-15T11:15:00Z"


async def test_an_address_must_hold_for_15_minutes_after_the_send_time(service: Service) -> None:
    """6.3 POST composed-email: expiry exactly +15 min ok, less refused with key without suffix; bad address and
    too-early `se` together -> both keys, whichever step the address fails at."""
    rules = [
        Rule(f"{FILE}.sasUrl", signed(se=SOON), {KEY}, signed(se=IN_TIME)),
        Rule(f"{FILE}.sasUrl", signed(se="2026-06-15T11:14:59"), {KEY}, signed(se="2026-06-15T11:15:00")),
        Rule(f"{FILE}.sasUrl", signed(se="2026-06-15"), {KEY}, signed(se="2026-06-16")),
        Rule(f"{FILE}.sasUrl", signed(se="2026-06-15T13:14%2B02"), {KEY}, signed(se="2026-06-15T13:15%2B02")),
        *(
            Rule(f"{FILE}.sasUrl", bad, {KEY, f"{KEY}.SasUrl"}, SAS_URL)
            for bad in (
                signed(se=SOON).replace("blob.core.windows.net", "example.no"),
                signed(se=SOON).replace("https", "http"),
                signed(se=SOON, sig=""),
                signed(se=SOON, sp="w"),
            )
        ),
    ]
    await assert_rules(service, COMPOSED_PATH, TWO | {"requestedSendTime": "2026-06-15T13:00:00+02:00"}, rules)


async def test_without_a_send_time_an_address_must_hold_for_15_minutes_from_now(service: Service) -> None:
    """6.3 POST composed-email: expiry exactly +15 min ok, when `requestedSendTime` is absent; now is 10:00."""
    rules = [
        Rule(f"{FILE}.sasUrl", signed(se=soon), {KEY}, signed(se="2026-06-15T10:15:00Z"))
        for soon in ("2026-06-15T10:14:59.9999999Z", "2026-06-15T10:14:59Z", "2026-06-15T10:14Z", "2020-01-01")
    ]
    await assert_rules(service, COMPOSED_PATH, lacking(TWO, "requestedSendTime"), rules)
