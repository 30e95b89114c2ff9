"""Inbound credentials: who is calling, and may they (integrations.md, section 1; api.md, section 2)."""

from varsel.intake.credentials.fetch import DocumentFetcher
from varsel.intake.credentials.files import CertificateDirectory, FileKeys
from varsel.intake.credentials.gatekeeper import Gatekeeper
from varsel.intake.credentials.issuer import (
    LocalIssuer,
    files_of_local_issuer,
    has_local_key,
    read_key_file_of_others,
)
from varsel.intake.credentials.jwk import read_key_file
from varsel.intake.credentials.keys import KeySource, RefreshRules, RemoteKeys, discovered_keys, published_keys
from varsel.intake.credentials.platform import IssuerRegistry, PlatformTokens, PublishedIssuers
from varsel.intake.credentials.policies import ANONYMOUS, Caller, Denied, Policy
from varsel.intake.credentials.presented import CredentialReader, RawHeaders
from varsel.intake.credentials.tokens import AltinnTokens

__all__ = [
    "ANONYMOUS",
    "AltinnTokens",
    "Caller",
    "CertificateDirectory",
    "CredentialReader",
    "Denied",
    "DocumentFetcher",
    "FileKeys",
    "Gatekeeper",
    "IssuerRegistry",
    "KeySource",
    "LocalIssuer",
    "PlatformTokens",
    "Policy",
    "PublishedIssuers",
    "RawHeaders",
    "RefreshRules",
    "RemoteKeys",
    "discovered_keys",
    "files_of_local_issuer",
    "has_local_key",
    "published_keys",
    "read_key_file",
    "read_key_file_of_others",
]
