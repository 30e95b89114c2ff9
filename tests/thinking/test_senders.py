"""Which senders a creator may name."""

import pytest

from varsel.orders.senders import ANY_SENDER, SenderRules
from varsel.orders.texts import Defaults

DEFAULTS = Defaults("noreply@example.com", "Varsel")
RULES = SenderRules({"ttd": ("a@ttd.no", "*@digdir.no"), "skd": ("*",)}, {}, DEFAULTS)


@pytest.mark.parametrize(
    ("creator", "address", "allowed"),
    [
        ("ttd", "a@ttd.no", True),
        ("TTD", " A@TTD.NO ", True),
        ("ttd", "b@ttd.no", False),
        ("ttd", "anybody@digdir.no", True),
        ("ttd", "anybody@sub.digdir.no", False),
        ("ttd", "anybody@notdigdir.no", False),
        ("ttd", "*@ttd.no", False),
        ("ttd", "noreply@example.com", True),
        ("ttd", " ", True),
        ("skd", "anybody@anywhere.no", True),
        ("nav", "a@ttd.no", False),
        ("nav", "noreply@example.com", True),
    ],
)
def test_a_creator_has_its_own_senders_and_the_default(creator: str, address: str, allowed: bool) -> None:
    assert RULES.of(creator).has_address(address) is allowed


def test_rules_of_one_channel_say_nothing_of_the_other() -> None:
    assert RULES.of("nav").has_name("Anything")


def test_whoever_is_no_creator_is_judged_elsewhere_and_without_rules_nobody_is() -> None:
    assert RULES.of(None) is ANY_SENDER
    assert SenderRules({}, {}, DEFAULTS).of("nav") is ANY_SENDER
