"""Settings → Altinn as a directory, and what its components recognise Varsel by."""

import ssl
from collections.abc import Callable
from functools import partial

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from varsel.assembly.tokens import maskinporten_tokens
from varsel.contacts.altinn import (
    AllHeaders,
    AltinnDirectory,
    AltinnOptions,
    CallOptions,
    Credentials,
    FixedHeaders,
    PlatformAccessTokens,
    PlatformHeader,
    Service,
    read_platform_key,
)
from varsel.contacts.limits import Limits
from varsel.errors import SettingsError
from varsel.mechanisms.followed_file import FollowedFile
from varsel.mechanisms.made_anew import MadeAnew
from varsel.model.clock import Clock
from varsel.outgoing.authentication import Bearer
from varsel.outgoing.exchange import Exchange
from varsel.outgoing.tokens import KeptTokens
from varsel.settings import Secret, Settings
from varsel.settings.choices import AltinnComponent
from varsel.settings.header_kinds import header_fields

_LARGEST_KEY_FILE = 65_536  # bytes
_SUBSCRIPTION_KEY = "Ocp-Apim-Subscription-Key"


def altinn_directory(settings: Settings, clock: Clock, *, tls: ssl.SSLContext | None = None) -> AltinnDirectory:
    """Return the directory; the settings have made sure of the addresses. `tls` None trusts whom the system trusts.

    Raises `SettingsError` if the key of the platform access token is wrong.
    """
    credentials = _credentials(settings, clock, tls)
    options = AltinnOptions(
        profile=Service(f"{settings.altinn_profile}/", credentials(AltinnComponent.PROFILE)),
        register=Service(f"{settings.altinn_register}/", credentials(AltinnComponent.REGISTER)),
        authorization=Service(f"{settings.altinn_authorization}/", credentials(AltinnComponent.AUTHORIZATION)),
        identifiers_per_call=settings.altinn_identifiers_per_call,
        pairs_per_call=settings.altinn_pairs_per_call,
        limits=Limits(
            calls_at_once=settings.directory_calls,
            failures=settings.directory_failures,
            first_rest=settings.directory_rest_first,
            longest_rest=settings.directory_rest_longest,
        ),
        call=CallOptions(
            connect_timeout=settings.altinn_connect_timeout,
            timeout=settings.altinn_timeout,
            largest_answer=settings.altinn_largest_answer,
        ),
    )
    return AltinnDirectory(options, clock, tls)


def _credentials(
    settings: Settings, clock: Clock, tls: ssl.SSLContext | None
) -> Callable[[AltinnComponent], Credentials]:
    """Return what makes the credentials for a component; those that are shown tokens share them."""
    platform = _platform_header(settings, clock)
    bearer = Bearer(_tokens(settings, clock, tls)) if settings.altinn_maskinporten_for else None

    def credentials(component: AltinnComponent) -> Credentials:
        sources: list[Credentials] = [FixedHeaders(partial(_fixed_fields, settings, component))]
        if platform and component in settings.altinn_platform_token_for:
            sources.append(platform)
        if bearer and component in (settings.altinn_maskinporten_for or ()):
            sources.append(bearer)
        return AllHeaders(*sources)

    return credentials


def _fixed_fields(settings: Settings, component: AltinnComponent) -> dict[str, str]:
    given: dict[AltinnComponent, Secret | None] = {
        AltinnComponent.PROFILE: settings.altinn_profile_headers,
        AltinnComponent.REGISTER: settings.altinn_register_headers,
        AltinnComponent.AUTHORIZATION: settings.altinn_authorization_headers,
    }
    lines, key = given[component], settings.altinn_subscription_key
    fields = dict(header_fields(lines.reveal())) if lines else {}
    if key and component is AltinnComponent.AUTHORIZATION:
        fields[_SUBSCRIPTION_KEY] = key.reveal()
    return fields


def _tokens(settings: Settings, clock: Clock, tls: ssl.SSLContext | None) -> KeptTokens:
    """Return tokens for Altinn's components: Maskinporten's own, or what they are exchanged for."""
    own = maskinporten_tokens(settings, clock, scope=settings.altinn_scope, tls=tls)
    if settings.altinn_exchange is None:
        return own
    return KeptTokens(Exchange(f"{settings.altinn_exchange}/", own, tls=tls), clock)


def _platform_header(settings: Settings, clock: Clock) -> PlatformHeader | None:
    """Return the platform access token where there is a key that signs one (integrations.md 2.7)."""
    file, password = settings.altinn_token_key_file, settings.altinn_token_key_password
    if file is None:
        return None
    try:
        content = file.read_bytes()
        followed = FollowedFile(file, content, _LARGEST_KEY_FILE)

        def read(key: bytes) -> RSAPrivateKey:
            return read_platform_key(key, password.reveal() if password else None)

        present = MadeAnew("VARSEL_ALTINN_TOKEN_KEY_FILE", followed.latest, read)
    except OSError as failure:
        raise SettingsError([f"VARSEL_ALTINN_TOKEN_KEY_FILE cannot be read: {failure.strerror}"]) from None
    except ValueError as flaw:
        raise SettingsError([f"VARSEL_ALTINN_TOKEN_KEY_FILE cannot be used: {flaw}"]) from None
    return PlatformHeader(PlatformAccessTokens(present, clock))
