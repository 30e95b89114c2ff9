"""What must go together in the settings of outgoing calls: by what they are recognised, and who may see it."""

from collections.abc import Iterator

from varsel.settings.choices import ConditionAuthentication
from varsel.settings.findings import Finding, missing
from varsel.settings.table import Table

_MASKINPORTEN = ("maskinporten_client_id", "maskinporten_key")
_NEEDED = {
    ConditionAuthentication.NONE: (),
    ConditionAuthentication.MASKINPORTEN: _MASKINPORTEN,
    ConditionAuthentication.OAUTH: ("oauth_token_address", "oauth_client_id", "oauth_client_secret"),
    ConditionAuthentication.HEADER: ("condition_header_name", "condition_header_value"),
    ConditionAuthentication.SIGNATURE: ("condition_signing_keys",),
}
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
    for attribute in ("maskinporten_issuer", "oauth_token_address"):
        if (getattr(settings, attribute) or "").startswith("http:"):
            yield Finding((attribute,), f"production fetches tokens by https only: change VARSEL_{attribute.upper()}")
