"""What must go together in the settings of outgoing calls: by what they are recognised, and who may see it."""

from collections.abc import Collection, Iterator

from varsel.settings.choices import AltinnComponent, ConditionAuthentication, Directory
from varsel.settings.findings import Finding, missing, name_of
from varsel.settings.header_kinds import header_fields
from varsel.settings.secret import Secret
from varsel.settings.table import Table

_MASKINPORTEN = ("maskinporten_client_id", "maskinporten_key")
_NEEDED = {
    ConditionAuthentication.NONE: (),
    ConditionAuthentication.MASKINPORTEN: _MASKINPORTEN,
    ConditionAuthentication.OAUTH: ("oauth_token_address", "oauth_client_id", "oauth_client_secret"),
    ConditionAuthentication.HEADER: ("condition_header_name", "condition_header_value"),
    ConditionAuthentication.SIGNATURE: ("condition_signing_keys",),
}
_OWN_FIELDS = (
    ("authorization", "altinn_maskinporten_for"),
    ("platformaccesstoken", "altinn_token_key_file"),
    ("ocp-apim-subscription-key", "altinn_subscription_key"),
)
"""What components are shown by settings of its own, in lower case."""
_FOR_NAMED_HOSTS = frozenset({ConditionAuthentication.OAUTH, ConditionAuthentication.HEADER})


def authentication_is_complete(settings: Table) -> Iterator[Finding]:
    """Find what the chosen way of showing who is asking wants besides."""
    chosen = settings.condition_authentication
    because = f"VARSEL_CONDITION_AUTHENTICATION is {chosen}"
    yield from missing(settings, because, "condition_authentication", _NEEDED[chosen])


def secrets_go_to_named_hosts(settings: Table) -> Iterator[Finding]:
    """Refuse secrets that would go wherever a caller wishes (docs/decisions/0015)."""
    chosen = settings.condition_authentication
    if chosen in _FOR_NAMED_HOSTS and not settings.condition_trusted_hosts:
        yield Finding(
            ("condition_authentication", "condition_trusted_hosts"),
            f"VARSEL_CONDITION_AUTHENTICATION is {chosen}, so VARSEL_CONDITION_TRUSTED_HOSTS must name who may see it: "
            "callers choose the addresses, and would have it sent to themselves",
        )


def maskinporten_key_can_sign(settings: Table) -> Iterator[Finding]:
    """Find out what is wrong with the key, if anything."""
    if settings.maskinporten_key is None:
        return
    from varsel.outgoing.assertion import read_signing_key  # noqa: PLC0415 - loads cryptography, for the few who set it

    try:
        read_signing_key(settings.maskinporten_key.reveal(), settings.maskinporten_key_id)
    except ValueError as flaw:
        yield Finding(("maskinporten_key", "maskinporten_key_id"), f"VARSEL_MASKINPORTEN_KEY cannot be used: {flaw}")


def webhook_keys_can_sign(settings: Table) -> Iterator[Finding]:
    """Find out what is wrong with the keys that sign questions, if anything."""
    if settings.condition_signing_keys is None:
        return
    from varsel.outgoing.signature import read_webhook_keys  # noqa: PLC0415 - loads cryptography, as above

    try:
        read_webhook_keys(settings.condition_signing_keys.reveal())
    except ValueError as flaw:
        yield Finding(("condition_signing_keys",), f"VARSEL_CONDITION_SIGNING_KEYS cannot be used: {flaw}")


def tokens_travel_protected(settings: Table) -> Iterator[Finding]:
    """Refuse tokens in clear, those that are sent and those that are fetched."""
    if settings.condition_token_over_http:
        yield Finding(
            ("condition_token_over_http",),
            "production sends no token in clear: remove VARSEL_CONDITION_TOKEN_OVER_HTTP or set it to no",
        )
    for attribute in ("maskinporten_issuer", "oauth_token_address", "smtp_token_address"):
        if (getattr(settings, attribute) or "").startswith("http:"):
            yield Finding((attribute,), f"production fetches tokens by https only: change VARSEL_{attribute.upper()}")


def altinn_tokens_are_complete(settings: Table) -> Iterator[Finding]:
    """Find what tokens for Altinn's components want besides."""
    if settings.altinn_maskinporten_for and Directory.ALTINN in (settings.directory or ()):
        because = f"VARSEL_ALTINN_MASKINPORTEN_FOR names {', '.join(sorted(settings.altinn_maskinporten_for))}"
        yield from missing(settings, because, "altinn_maskinporten_for", _MASKINPORTEN)


def altinn_is_shown_each_field_once(settings: Table) -> Iterator[Finding]:
    """Refuse header fields that another setting sends as well: of two, components would take either or none."""
    for component in AltinnComponent:
        attribute = f"altinn_{component}_headers"
        given = {name.lower() for name in _fields(getattr(settings, attribute))}
        for name, other in _OWN_FIELDS:
            if name in given and component in _shown(settings, other):
                sentence = f"{name_of(attribute)} and {name_of(other)} both send {name} to it; keep one of them"
                yield Finding((attribute, other, "altinn_platform_token_for"), sentence)


def altinn_credentials_travel_protected(settings: Table) -> Iterator[Finding]:
    """Refuse secrets in clear; without any, components in the same cluster may be called by http.

    The platform access token is none of them: it says no more than who is calling, and ends after five minutes.
    """
    for component in AltinnComponent:
        address = f"altinn_{component}"
        if not (getattr(settings, address) or "").startswith("http:"):
            continue
        for attribute in ("altinn_maskinporten_for", "altinn_subscription_key", f"altinn_{component}_headers"):
            if component in _shown(settings, attribute):
                sentence = (
                    f"production sends no secret in clear: {name_of(address)} must be https, or "
                    f"{name_of(attribute)} must not send it one"
                )
                yield Finding((address, attribute), sentence)
    if (settings.altinn_exchange or "").startswith("http:"):
        yield Finding(("altinn_exchange",), "production fetches tokens by https only: change VARSEL_ALTINN_EXCHANGE")


def _shown(settings: Table, attribute: str) -> Collection[AltinnComponent]:
    """Return the components that are shown what a setting holds."""
    if getattr(settings, attribute) is None:
        return ()
    match attribute:
        case "altinn_maskinporten_for":
            return settings.altinn_maskinporten_for or ()
        case "altinn_token_key_file":
            return settings.altinn_platform_token_for
        case "altinn_subscription_key":
            return (AltinnComponent.AUTHORIZATION,)
        case _:
            return (AltinnComponent(attribute.removeprefix("altinn_").removesuffix("_headers")),)


def _fields(lines: Secret | None) -> Collection[str]:
    return header_fields(lines.reveal()) if lines else ()
