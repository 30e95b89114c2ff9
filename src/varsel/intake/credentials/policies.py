"""Who may do what, and in whose name (api.md, sections 2.2 and 2.4). Pure decisions on verified credentials."""

from dataclasses import dataclass, replace
from enum import Enum


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom verified credentials name. `creator` is the organisation's short name, None if no credential names one.

    `scopes` come from the Altinn token, `app` from the platform access token.
    """

    creator: str | None = None
    scopes: frozenset[str] = frozenset()
    app: str | None = None


@dataclass(frozen=True, slots=True)
class Denied:
    """The request ends with `status` and an empty body; `reason` is for operators, never for the caller."""

    status: int
    reason: str


class Policy(Enum):
    """What an endpoint demands: a scope in the Altinn token or, where that suffices, a platform access token."""

    CREATE = ("altinn:serviceowner/notifications.create", True)
    COMPOSED = ("altinn:serviceowner/notifications.composedemail.create", False)
    DASHBOARD = ("altinn:notifications.support.admin", False)
    NONE = (None, False)

    def __init__(self, scope: str | None, platform_token_suffices: bool) -> None:
        self.scope = scope
        self.platform_token_suffices = platform_token_suffices


ANONYMOUS = Caller()

_NO_SCOPE = Denied(403, "the token is valid but lacks the scope this endpoint demands")
_CONFLICT = Denied(403, "the two credentials are valid but name different organisations")
_UNAUTHENTICATED = Denied(401, "no valid credential was presented")


def decide(policy: Policy, bearer: Caller | None, platform: Caller | None) -> Caller | Denied:
    """Decide on what was verified: `bearer` by an Altinn token, `platform` by a platform access token."""
    if policy.scope is None:
        return ANONYMOUS
    suffices = policy.platform_token_suffices and platform is not None
    if bearer is None:
        return platform if platform is not None and suffices else _UNAUTHENTICATED
    if policy.scope not in bearer.scopes and not suffices:
        return _NO_SCOPE
    return bearer if platform is None else _joined(bearer, platform)


def _joined(bearer: Caller, platform: Caller) -> Caller | Denied:
    """The platform token's issuer comes first, but never against the other's word (contract/README.md)."""
    if bearer.creator not in {None, platform.creator}:
        return _CONFLICT
    return replace(platform, scopes=bearer.scopes)


def scopes_of(claims: dict[str, object]) -> frozenset[str]:
    """Read `urn:altinn:scope` or, only without it, `scope`: a string with spaces, or a list (integrations.md 1.9)."""
    value = claims.get("urn:altinn:scope")
    if value is None:
        value = claims.get("scope")
    texts = value if isinstance(value, list) else [value]
    return frozenset(scope for text in texts if isinstance(text, str) for scope in text.split(" ") if scope)
