"""Altinn as a directory: Profile for addresses, Register for names, Authorization for who may receive for whom."""

from varsel.contacts.altinn.directory import AltinnDirectory, AltinnOptions, Service
from varsel.contacts.altinn.headers import Headers, all_headers, bearer_header, fixed_headers, platform_header
from varsel.contacts.altinn.http import CallOptions
from varsel.contacts.altinn.platform_token import PlatformAccessTokens, read_platform_key

__all__ = [
    "AltinnDirectory",
    "AltinnOptions",
    "CallOptions",
    "Headers",
    "PlatformAccessTokens",
    "Service",
    "all_headers",
    "bearer_header",
    "fixed_headers",
    "platform_header",
    "read_platform_key",
]
