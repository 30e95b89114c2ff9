"""Altinn as a directory: Profile for addresses, Register for names, Authorization for who may receive for whom."""

from varsel.contacts.altinn.directory import AltinnDirectory, AltinnOptions, Service
from varsel.contacts.altinn.headers import AllHeaders, Credentials, FixedHeaders, PlatformHeader
from varsel.contacts.altinn.http import CallOptions
from varsel.contacts.altinn.platform_token import PlatformAccessTokens, read_platform_key

__all__ = [
    "AllHeaders",
    "AltinnDirectory",
    "AltinnOptions",
    "CallOptions",
    "Credentials",
    "FixedHeaders",
    "PlatformAccessTokens",
    "PlatformHeader",
    "Service",
    "read_platform_key",
]
