"""docs/sandbox.md lists exactly the magic recipients there are, with what becomes of each."""

from collections.abc import Mapping
from datetime import timedelta

import msgspec

from tests.docs.pages import blocks, table_rows, text_of
from tests.support.orders import emails, make_order, numbers
from tests.support.rig import Rig, crew_options, send_options
from varsel.channels.sandbox import EMAIL_BEHAVIOURS, SMS_BEHAVIOURS, Behaviour
from varsel.contacts.fixed import FixedDirectory
from varsel.intake.inbox import InboxDocument
from varsel.model.orders import NotificationChannel, Recipient
from varsel.model.results import Channel
from varsel.storage.pool import Pool

PAGE = text_of("docs/sandbox.md")
ROWS = {row[0].strip("`"): (row[1], row[2].strip("`")) for row in table_rows(PAGE) if len(row) == 3}
"""What happens to each magic recipient, and as what it ends."""

BEHAVIOURS: Mapping[str, Behaviour] = {
    **{f"{local}@example.com": behaviour for local, behaviour in EMAIL_BEHAVIOURS.items()},
    **{f"+47990000{digits}": behaviour for digits, behaviour in SMS_BEHAVIOURS.items()},
}

A_DAY = timedelta(hours=24)


def test_the_tables_are_those_of_the_code() -> None:
    listed = {recipient: what for recipient, (what, _) in ROWS.items() if "@" in recipient or recipient[0] == "+"}
    assert listed == {recipient: behaviour.meaning for recipient, behaviour in BEHAVIOURS.items()}


async def test_each_recipient_ends_as_the_page_says(pool: Pool) -> None:
    send = {Channel.Email: send_options(assume=A_DAY), Channel.Sms: send_options()}
    rig = Rig(pool, FixedDirectory(None), options=crew_options(send))
    by_email = emails(*EMAIL_BEHAVIOURS)
    by_sms = numbers(*(f"+47990000{digits}" for digits in SMS_BEHAVIOURS))

    ends = await _ends(rig, Channel.Email, by_email) | await _ends(rig, Channel.Sms, by_sms)

    assert ends == {recipient: ROWS[recipient][1] for recipient in BEHAVIOURS}


async def _ends(rig: Rig, channel: Channel, recipients: list[Recipient]) -> dict[str, str]:
    scheme = NotificationChannel.Email if channel is Channel.Email else NotificationChannel.Sms
    order = await rig.store(make_order(recipients, rig.clock.now(), channel=scheme))
    for pause in (timedelta(0), timedelta(minutes=2), timedelta(minutes=10), A_DAY, A_DAY, A_DAY):
        await rig.work(after=pause)
    return {line.address: line.result.facts.name for line in await rig.listed(order, channel)}


def test_the_inbox_answers_as_the_example_shows() -> None:
    (example,) = blocks(PAGE, "json")
    document = msgspec.json.decode(example, type=InboxDocument)
    assert msgspec.to_builtins(document) == msgspec.json.decode(example)
