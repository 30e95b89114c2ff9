"""A whole door for tests: a scripted issuer, a directory of platform keys, a hand-turned clock and the gatekeeper."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.issuer import START, ScriptedIssuer, SigningKey, rsa_key
from varsel.intake.credentials import (
    AltinnTokens,
    Caller,
    CertificateDirectory,
    CredentialReader,
    Denied,
    DocumentFetcher,
    Gatekeeper,
    PlatformTokens,
    Policy,
    RefreshRules,
    RemoteKeys,
    discovered_keys,
)
from varsel.model.clock import HandTurnedClock

Header = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Door:
    """Everything a test touches to see who gets in."""

    clock: HandTurnedClock
    issuer: ScriptedIssuer
    keys: RemoteKeys
    platform_keys: Path
    altinn: AltinnTokens
    gatekeeper: Gatekeeper

    async def admit(
        self,
        bearer: bytes | None = None,
        platform: Sequence[bytes] = (),
        *,
        policy: Policy = Policy.CREATE,
        headers: Sequence[Header] = (),
    ) -> Caller | Denied:
        """Present the tokens in their usual headers."""
        shown = [(b"platformaccesstoken", token) for token in platform]
        if bearer is not None:
            shown.append((b"authorization", b"Bearer " + bearer))
        return await self.gatekeeper.admit(policy, [(b"host", b"example.com"), *shown, *headers])

    def turn(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.turn(timedelta(seconds=seconds))

    def register(self, issuer: str, key: SigningKey, ending: str = ".pem") -> Path:
        """Put an issuer's certificate into the directory of platform keys."""
        encoding = Encoding.PEM if ending == ".pem" else Encoding.DER
        path = self.platform_keys / f"{issuer}-access-token-public-cert{ending}"
        path.write_bytes(key.certificate().public_bytes(encoding))
        return path


@asynccontextmanager
async def opened_door(
    platform_keys: Path,
    *,
    keys: Sequence[SigningKey] = (),
    algorithms: Collection[str] = ("RS256",),
    check_issuer: bool = False,
    audiences: Collection[str] | None = None,
    capacity: int = 4096,
    runtime_cookie: str = "AltinnStudioRuntime",
    rules: RefreshRules | None = None,
) -> AsyncIterator[Door]:
    """Open a door that trusts a scripted issuer, publishing `keys` or else the RSA key `one`."""
    clock = HandTurnedClock(START)
    async with ScriptedIssuer(keys or [rsa_key("one")]) as issuer:
        fetcher = DocumentFetcher(allow_http=True)
        source = discovered_keys(issuer.address, fetcher, clock, rules)
        altinn = AltinnTokens(
            [source],
            clock,
            algorithms=algorithms,
            check_issuer=check_issuer,
            audiences=audiences,
            capacity=capacity,
        )
        platform = PlatformTokens([CertificateDirectory(platform_keys, clock)], clock, audiences=audiences)
        gatekeeper = Gatekeeper(altinn, platform, clock, CredentialReader(runtime_cookie))
        yield Door(clock, issuer, source, platform_keys, altinn, gatekeeper)
        await source.aclose()
        await fetcher.aclose()


def status_of(outcome: Caller | Denied) -> int:
    """Return 200 for a caller, and the refusal's status otherwise."""
    return outcome.status if isinstance(outcome, Denied) else 200
