"""What must go together. Each check looks at settings that were read well one by one.

A finding names the attributes it rests on, so that it is not reported when one of them was wrong already.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields
from urllib.parse import unquote, urlsplit

from varsel.settings.call_checks import (
    altinn_credentials_travel_protected,
    altinn_is_shown_each_field_once,
    altinn_tokens_are_complete,
    authentication_is_complete,
    maskinporten_key_can_sign,
    secrets_go_to_named_hosts,
    tokens_travel_protected,
    webhook_keys_can_sign,
)
from varsel.settings.choices import Directory, EmailProvider, Environment, SmsProvider, TlsMode
from varsel.settings.findings import Finding, missing, name_of
from varsel.settings.reach_checks import database_connection_is_protected, development_stays_on_this_machine
from varsel.settings.secret import Secret
from varsel.settings.table import Table

_KNOWN_TO_ALL = frozenset(
    {"admin", "change-me", "changeme", "example", "password", "postgres", "secret", "test", "varsel"}
)
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


def problems_of(settings: Table, flawed: frozenset[str]) -> list[str]:
    """Return a sentence for each thing that does not go together, leaving out what rests on `flawed` attributes."""
    production = settings.environment is Environment.PRODUCTION
    checks = (*_ALWAYS, *(_IN_PRODUCTION if production else _IN_DEVELOPMENT))
    found = (finding for check in checks for finding in check(settings))
    return [finding.sentence for finding in found if flawed.isdisjoint(finding.rests_on)]


def _smtp_is_complete(settings: Table) -> Iterator[Finding]:
    if settings.email_provider is EmailProvider.SMTP and settings.smtp_host is None:
        yield Finding(("email_provider", "smtp_host"), "VARSEL_EMAIL_PROVIDER is smtp, so VARSEL_SMTP_HOST must be set")


def _link_is_complete(settings: Table) -> Iterator[Finding]:
    if settings.sms_provider is not SmsProvider.LINK:
        return
    for attribute in ("link_username", "link_password"):
        if getattr(settings, attribute) is None:
            name = f"VARSEL_{attribute.upper()}"
            yield Finding(("sms_provider", attribute), f"VARSEL_SMS_PROVIDER is link, so {name} must be set")


def _accounts_have_both_halves(settings: Table) -> Iterator[Finding]:
    for account in ("smtp", "link", "sms_report", "sms_report_previous"):
        if account == "smtp" and _signs_in_by_token(settings):
            continue
        halves = (f"{account}_username", f"{account}_password")
        given = [half for half in halves if getattr(settings, half) is not None]
        if len(given) == 1:
            names = " and ".join(f"VARSEL_{half.upper()}" for half in halves)
            yield Finding(halves, f"{names} belong together; only VARSEL_{given[0].upper()} is set")


_TOKEN_CLIENT = ("smtp_client_id", "smtp_client_secret")


def _signs_in_by_token(settings: Table) -> bool:
    return settings.smtp_token_file is not None or settings.smtp_token_address is not None


def _smtp_login_is_one_of_three(settings: Table) -> Iterator[Finding]:
    """A password, a token from a file, or a token from an endpoint; whatever is chosen is complete."""
    ways = [name for name in ("smtp_password", "smtp_token_file", "smtp_token_address") if getattr(settings, name)]
    if len(ways) > 1:
        names = " and ".join(name_of(way) for way in ways)
        yield Finding(tuple(ways), f"{names} each sign in at the mail server; keep one of them")
    if settings.smtp_token_file is not None:
        yield from missing(settings, "VARSEL_SMTP_TOKEN_FILE is set", "smtp_token_file", ("smtp_username",))
    if settings.smtp_token_address is not None:
        because = "VARSEL_SMTP_TOKEN_ADDRESS is set"
        yield from missing(settings, because, "smtp_token_address", ("smtp_username", *_TOKEN_CLIENT))


def _window_opens_before_it_closes(settings: Table) -> Iterator[Finding]:
    if settings.sms_window_start >= settings.sms_window_end:
        yield Finding(
            ("sms_window_start", "sms_window_end"),
            "VARSEL_SMS_WINDOW_START must be an earlier hour than VARSEL_SMS_WINDOW_END, or no SMS ever leaves",
        )


def _assumption_comes_before_expiry(settings: Table) -> Iterator[Finding]:
    after = settings.assume_delivered_after
    if after is not None and after >= settings.notification_lifetime:
        yield Finding(
            ("assume_delivered_after", "notification_lifetime"),
            "VARSEL_ASSUME_DELIVERED_AFTER must be shorter than VARSEL_NOTIFICATION_LIFETIME, or messages expire first",
        )


_NO_LONGER_THAN = (
    ("instant_wait", "http_request_timeout"),
    ("http_linger", "shutdown_wait"),
    ("order_retry_first", "order_retry_longest"),
    ("directory_rest_first", "directory_rest_longest"),
    ("directory_quiet", "directory_longest"),
    ("altinn_connect_timeout", "altinn_timeout"),
)


def _bounds_are_in_order(settings: Table) -> Iterator[Finding]:
    for lesser, greater in _NO_LONGER_THAN:
        if getattr(settings, lesser) > getattr(settings, greater):
            sentence = f"VARSEL_{lesser.upper()} must not be longer than VARSEL_{greater.upper()}"
            yield Finding((lesser, greater), sentence)


_ALTINN_ADDRESSES = ("altinn_profile", "altinn_register", "altinn_authorization")


def _altinn_is_complete(settings: Table) -> Iterator[Finding]:
    if Directory.ALTINN not in (settings.directory or ()):
        return
    for attribute in _ALTINN_ADDRESSES:
        if getattr(settings, attribute) is None:
            name = f"VARSEL_{attribute.upper()}"
            yield Finding(("directory", attribute), f"VARSEL_DIRECTORY names altinn, so {name} must be set")


def _no_local_issuer(settings: Table) -> Iterator[Finding]:
    if settings.openid_address is None:
        yield Finding(
            ("openid_address",),
            "production has no local issuer: set VARSEL_OPENID_ADDRESS, for Altinn "
            "https://platform.altinn.no/authentication/api/v1/openid",
        )


def _keys_come_by_https(settings: Table) -> Iterator[Finding]:
    if (settings.openid_address or "").startswith("http:"):
        yield Finding(("openid_address",), "production fetches keys by https only: change VARSEL_OPENID_ADDRESS")
    if any(address.startswith("http:") for address in settings.platform_key_sets.values()):
        yield Finding(("platform_key_sets",), "production fetches keys by https only: change VARSEL_PLATFORM_KEY_SETS")


def _no_inbox(settings: Table) -> Iterator[Finding]:
    if settings.sandbox_inbox:
        yield Finding(
            ("sandbox_inbox",),
            "production must not show messages to everybody: remove VARSEL_SANDBOX_INBOX or set it to no",
        )


def _no_sandbox(settings: Table) -> Iterator[Finding]:
    if settings.sandbox_in_production:
        return
    for attribute, real in (("email_provider", "smtp"), ("sms_provider", "link")):
        if getattr(settings, attribute) == "sandbox":
            name = f"VARSEL_{attribute.upper()}"
            yield Finding(
                (attribute, "sandbox_in_production"),
                f"production would send nothing while {name} is sandbox: set it to {real}, "
                "or VARSEL_SANDBOX_IN_PRODUCTION to yes if nothing should leave",
            )


def _no_secrets_known_to_all(settings: Table) -> Iterator[Finding]:
    for field in fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, Secret) and _password_in(field.name, value).lower() in _KNOWN_TO_ALL:
            name = f"VARSEL_{field.name.upper()}"
            yield Finding(
                (field.name,), f"production refuses a secret that everybody guesses: change the one in {name}"
            )


def _password_in(attribute: str, value: Secret) -> str:
    if attribute == "database_url":
        return unquote(urlsplit(value.reveal()).password or "")
    return value.reveal()


def _passwords_travel_protected(settings: Table) -> Iterator[Finding]:
    local = settings.smtp_host in _THIS_MACHINE
    secret = settings.smtp_password is not None or _signs_in_by_token(settings)
    if settings.smtp_tls is TlsMode.NONE and secret and not local:
        yield Finding(
            ("smtp_tls", "smtp_password", "smtp_host", "smtp_token_file", "smtp_token_address"),
            "production sends no password and no token in clear: set VARSEL_SMTP_TLS to starttls or tls",
        )
    if settings.sms_provider is SmsProvider.LINK and settings.link_endpoint.startswith("http:"):
        yield Finding(
            ("sms_provider", "link_endpoint"),
            "production sends no password in clear: VARSEL_LINK_ENDPOINT must be https",
        )


Check = Callable[[Table], Iterator[Finding]]

_ALWAYS: tuple[Check, ...] = (
    _smtp_is_complete,
    _link_is_complete,
    _accounts_have_both_halves,
    _smtp_login_is_one_of_three,
    _window_opens_before_it_closes,
    _assumption_comes_before_expiry,
    _bounds_are_in_order,
    _altinn_is_complete,
    altinn_tokens_are_complete,
    altinn_is_shown_each_field_once,
    authentication_is_complete,
    secrets_go_to_named_hosts,
    maskinporten_key_can_sign,
    webhook_keys_can_sign,
)
_IN_DEVELOPMENT: tuple[Check, ...] = (development_stays_on_this_machine,)
_IN_PRODUCTION: tuple[Check, ...] = (
    _no_local_issuer,
    _keys_come_by_https,
    _no_inbox,
    _no_sandbox,
    _no_secrets_known_to_all,
    _passwords_travel_protected,
    database_connection_is_protected,
    tokens_travel_protected,
    altinn_credentials_travel_protected,
)
