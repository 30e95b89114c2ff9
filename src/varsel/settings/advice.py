"""What works but wants attention: logged when Varsel starts, and shown by `varsel doctor`."""

from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

from varsel.settings.choices import EmailProvider, Environment, SmsProvider
from varsel.settings.findings import name_of
from varsel.settings.reach_checks import is_this_machine
from varsel.settings.table import Table

_ALTINN_SENDER = "Altinn"
_ALTINN_ADDRESS = "noreply@altinn.cloud"


class Advice(NamedTuple):
    """One thing that wants attention: its subject, what was found, and what to do about it."""

    subject: str
    found: str
    to_do: str


def advice_for(settings: Table) -> list[Advice]:
    """Return everything about `settings` that an operator should look at."""
    checks = _IN_PRODUCTION if settings.environment is Environment.PRODUCTION else _IN_DEVELOPMENT
    return [advice for check in checks for advice in check(settings)]


def _development_is_reachable(settings: Table) -> Iterator[Advice]:
    if not is_this_machine(settings.host):
        found = f"a development installation listens on {settings.host}"
        yield Advice("reach", found, "anybody there can read the inbox: set VARSEL_ENVIRONMENT=production")


def _links_lead_nowhere(settings: Table) -> Iterator[Advice]:
    if is_this_machine(urlsplit(settings.base_uri).hostname or ""):
        found = f"links in answers begin with {settings.base_uri}"
        yield Advice("links", found, "set VARSEL_BASE_URI to the address callers use")


def _database_is_embedded(settings: Table) -> Iterator[Advice]:
    if settings.database_url is None:
        found = "the embedded database is used: one machine, and backups are yours to make"
        yield Advice("embedded database", found, "set VARSEL_DATABASE_URL to a server that is looked after")


def _senders_are_altinns(settings: Table) -> Iterator[Advice]:
    """Find the contract's default senders where real providers would send in Altinn's name."""
    if settings.email_provider is not EmailProvider.SANDBOX and settings.default_email_from == _ALTINN_ADDRESS:
        found = f"e-mails whose order names no sender leave as {_ALTINN_ADDRESS}"
        yield Advice(
            "e-mail sender", found, "set VARSEL_DEFAULT_EMAIL_FROM to an address your mail server may send for"
        )
    if settings.sms_provider is not SmsProvider.SANDBOX and settings.default_sms_sender == _ALTINN_SENDER:
        found = f"SMS whose order names no sender leave as {_ALTINN_SENDER}"
        yield Advice("SMS sender", found, "set VARSEL_DEFAULT_SMS_SENDER to a name or number of yours")


def _tokens_are_taken_from_others(settings: Table) -> Iterator[Advice]:
    """Find checks of tokens that were switched off."""
    if not settings.openid_check_issuer:
        found = "a token's issuer (iss) is not compared with the one whose key signed it"
        yield Advice("token issuer", found, "remove VARSEL_OPENID_CHECK_ISSUER, or set it to yes")
    for subject, attribute in (("tokens", "openid_audiences"), ("platform access tokens", "platform_audiences")):
        if getattr(settings, attribute) is None:
            found = f"{subject} that were made for other services are accepted"
            yield Advice(
                f"audience of {subject}", found, f"set {name_of(attribute)} to the names of this service in their aud"
            )


_Check = Callable[[Table], Iterator[Advice]]
_IN_DEVELOPMENT: tuple[_Check, ...] = (_development_is_reachable,)
_IN_PRODUCTION: tuple[_Check, ...] = (
    _links_lead_nowhere,
    _database_is_embedded,
    _senders_are_altinns,
    _tokens_are_taken_from_others,
)
