"""Settings → those who give the tokens by which others recognise Varsel."""

import ssl
from collections.abc import Callable
from typing import TypeVar

from varsel.mechanisms.made_anew import MadeAnew
from varsel.model.clock import Clock
from varsel.outgoing.assertion import Account, read_signing_key
from varsel.outgoing.client_credentials import Client, ClientCredentials
from varsel.outgoing.maskinporten import Maskinporten
from varsel.outgoing.token_file import TokenFile
from varsel.outgoing.tokens import KeptTokens
from varsel.settings import Secret, Settings
from varsel.settings.choices import ClientAuthentication

T = TypeVar("T")


def maskinporten_tokens(settings: Settings, clock: Clock, *, scope: str, tls: ssl.SSLContext | None) -> KeptTokens:
    """Return tokens of Maskinporten for `scope`; the settings have made sure that the client is complete."""

    def account(key: str) -> Account:
        return Account(
            issuer=f"{settings.maskinporten_issuer}/",
            client_id=settings.maskinporten_client_id or "",
            scope=scope,
            key=read_signing_key(key, settings.maskinporten_key_id),
        )

    present = made_of(settings.maskinporten_key, "VARSEL_MASKINPORTEN_KEY", account)
    return KeptTokens(Maskinporten(present, clock, tls=tls), clock)


def smtp_tokens(settings: Settings, clock: Clock, *, tls: ssl.SSLContext | None = None) -> KeptTokens | None:
    """Return the tokens that sign in at the mail server, None where a password or nothing does."""
    if settings.smtp_token_file is not None:
        return KeptTokens(TokenFile(settings.smtp_token_file, clock), clock)
    if settings.smtp_token_address is None:
        return None

    def client(secret: str) -> Client:
        return Client(
            token_url=settings.smtp_token_address or "",
            client_id=settings.smtp_client_id or "",
            secret=secret,
            scope=settings.smtp_token_scope,
            secret_in_body=settings.smtp_client_secret_in is ClientAuthentication.BODY,
        )

    present = made_of(settings.smtp_client_secret, "VARSEL_SMTP_CLIENT_SECRET", client)
    return KeptTokens(ClientCredentials(present, clock, tls=tls), clock)


def oauth_tokens(settings: Settings, clock: Clock, *, tls: ssl.SSLContext | None) -> KeptTokens:
    """Return tokens of the OAuth server; the settings have made sure that the client is complete."""

    def client(secret: str) -> Client:
        return Client(
            token_url=settings.oauth_token_address or "",
            client_id=settings.oauth_client_id or "",
            secret=secret,
            scope=settings.oauth_scope,
            secret_in_body=settings.oauth_secret_in is ClientAuthentication.BODY,
        )

    present = made_of(settings.oauth_client_secret, "VARSEL_OAUTH_CLIENT_SECRET", client)
    return KeptTokens(ClientCredentials(present, clock, tls=tls), clock)


def made_of(secret: Secret | None, name: str, make: Callable[[str], T]) -> Callable[[], T]:
    """Return what gives the value `make` makes of a secret, made anew when its file has changed."""
    return MadeAnew(name, secret.reveal if secret else str, make)
