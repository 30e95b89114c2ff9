"""Credentials of outgoing calls, as header fields that may change from call to call."""

from collections.abc import Awaitable, Callable, Mapping

from varsel.contacts.altinn.platform_token import PlatformAccessTokens

Headers = Callable[[], Awaitable[Mapping[str, str]]]
"""Gives the header fields of the next call; raises `DependencyFailure` when a token cannot be had."""


def fixed_headers(fields: Mapping[str, str]) -> Headers:
    """Send the same fields with every call, such as `Ocp-Apim-Subscription-Key`."""

    async def headers() -> Mapping[str, str]:
        return fields

    return headers


def bearer_header(token: Callable[[], Awaitable[str]]) -> Headers:
    """Send what `token` returns, such as a Maskinporten token, as bearer token."""

    async def headers() -> Mapping[str, str]:
        return {"Authorization": f"Bearer {await token()}"}

    return headers


def platform_header(tokens: PlatformAccessTokens) -> Headers:
    """Send the service's own platform access token (integrations.md 2.7)."""

    async def headers() -> Mapping[str, str]:
        return {"PlatformAccessToken": tokens.token()}

    return headers


def all_headers(*sources: Headers) -> Headers:
    """Send the fields of all `sources`; of a repeated one the last counts."""

    async def headers() -> Mapping[str, str]:
        fields: dict[str, str] = {}
        for source in sources:
            fields |= await source()
        return fields

    return headers
