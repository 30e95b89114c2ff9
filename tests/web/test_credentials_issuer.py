"""The local issuer: what `varsel token` prints is accepted by a Varsel on the same directory (issue 2, section 3)."""

import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from tests.support.doorway import status_of
from tests.support.issuer import CREATE, START, SUPPORT, rsa_key
from varsel.errors import CredentialError
from varsel.intake.credentials import (
    AltinnTokens,
    Caller,
    CertificateDirectory,
    Denied,
    Gatekeeper,
    LocalIssuer,
    PlatformTokens,
    Policy,
    files_of_local_issuer,
    has_local_key,
    read_key_file,
    read_key_file_of_others,
)
from varsel.intake.credentials.jwk import Key, read_key_set
from varsel.model.clock import HandTurnedClock


class Installation:
    """A data directory with a running door, whose tokens come from issuers in other processes."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.clock = HandTurnedClock(START)
        self.source = self.issuer().source()
        altinn = AltinnTokens([self.source], self.clock, check_issuer=True)
        platform = PlatformTokens([CertificateDirectory(data / "platform-keys", self.clock)], self.clock)
        self.gatekeeper = Gatekeeper(altinn, platform, self.clock)

    def issuer(self) -> LocalIssuer:
        return LocalIssuer(self.data / "issuer", service="http://localhost:5090", clock=self.clock)

    async def admit(self, bearer: str, policy: Policy = Policy.CREATE) -> Caller | Denied:
        return await self.gatekeeper.admit(policy, [(b"authorization", b"Bearer " + bearer.encode())])

    async def admit_platform(self, token: str) -> Caller | Denied:
        return await self.gatekeeper.admit(Policy.CREATE, [(b"platformaccesstoken", token.encode())])


def test_files_of_the_local_issuer_are_known_by_its_key_and_by_their_mark(tmp_path: Path) -> None:
    keys, issuer = tmp_path / "platform-keys", LocalIssuer(tmp_path / "issuer", service="http://localhost:5090")
    issuer.platform_token("ttd")
    public = issuer.key_file.read_bytes()
    pem = load_pem_private_key(public, None).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (keys / "skd-access-token-public-cert.pem").write_bytes(pem)
    (keys / "brg-access-token-public-cert.pem").write_bytes(rsa_key("brg").certificate().public_bytes(Encoding.PEM))
    (keys / "nav-access-token-public-cert.pem").write_bytes(b"nothing")
    assert names_of(files_of_local_issuer(tmp_path / "issuer", keys)) == {"skd", "ttd"}
    issuer.key_file.unlink()
    assert names_of(files_of_local_issuer(tmp_path / "issuer", keys)) == {"ttd"}
    assert not has_local_key(tmp_path / "issuer")
    assert files_of_local_issuer(tmp_path / "issuer", tmp_path / "nowhere") == []


def names_of(files: Sequence[Path]) -> set[str]:
    return {file.name.partition("-")[0] for file in files}


def test_production_reads_no_certificate_of_a_local_issuer(tmp_path: Path) -> None:
    LocalIssuer(tmp_path / "issuer", service="http://localhost:5090").platform_token("ttd")
    (file,) = (tmp_path / "platform-keys").iterdir()
    assert read_key_file(file.read_bytes())
    with pytest.raises(ValueError, match="local issuer"):
        read_key_file_of_others(file.read_bytes())
    other = rsa_key("brg").certificate().public_bytes(Encoding.DER)
    assert read_key_file_of_others(other) == read_key_file(other)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


@pytest.mark.parametrize(("org", "scopes", "caller"), [
    ("ttd", [CREATE], Caller("ttd", frozenset({CREATE}))),
    (None, [CREATE, "other"], Caller(None, frozenset({CREATE, "other"}))),
])  # fmt: skip
async def test_a_local_token_is_accepted(
    installation: Installation, org: str | None, scopes: Sequence[str], caller: Caller
) -> None:
    assert await installation.admit(installation.issuer().token(org, "991825827", scopes)) == caller


async def test_the_default_scope_is_the_create_scope(installation: Installation) -> None:
    token = installation.issuer().token("ttd")
    assert status_of(await installation.admit(token)) == 200
    assert status_of(await installation.admit(token, Policy.DASHBOARD)) == 403
    support = installation.issuer().token("ttd", scopes=[SUPPORT])
    assert status_of(await installation.admit(support, Policy.DASHBOARD)) == 200


@pytest.mark.parametrize(("seconds", "status"), [(1, 200), (-5, 200), (-11, 401)])
async def test_expiry_is_as_asked(installation: Installation, seconds: int, status: int) -> None:
    token = installation.issuer().token("ttd", expires_in=timedelta(seconds=seconds))
    assert status_of(await installation.admit(token)) == status


def test_a_local_token_looks_like_altinns(installation: Installation) -> None:
    issuer = installation.issuer()
    token = issuer.token("ttd", "991825827", claims={"urn:altinn:userid": "20000001", "iss": "https://example.com/"})
    payload = jwt.decode(token, options={"verify_signature": False})
    assert {name: payload[name] for name in payload if name not in {"jti", "client_id"}} == {
        "scope": CREATE,
        "token_type": "Bearer",
        "consumer": {"authority": "iso6523-actorid-upis", "ID": "0192:991825827"},
        "urn:altinn:org": "ttd",
        "urn:altinn:orgNumber": "991825827",
        "urn:altinn:userid": "20000001",
        "urn:altinn:authenticatemethod": "maskinporten",
        "urn:altinn:authlevel": 3,
        "iss": "https://example.com/",
        "iat": int(START.timestamp()),
        "nbf": int(START.timestamp()),
        "exp": int(START.timestamp()) + 1800,
    }


async def test_the_published_documents_describe_the_same_key(installation: Installation) -> None:
    issuer = installation.issuer()
    (key,) = read_key_set(issuer.key_set())
    assert jwt.get_unverified_header(issuer.token("ttd"))["kid"] == key.kid
    assert (await installation.source.keys()).keys == (Key(key.public, key.kid),)
    document = issuer.discovery()
    assert document["issuer"] == issuer.address
    assert document["jwks_uri"] == f"{issuer.address}.well-known/openid-configuration/jwks"


async def test_a_key_pair_made_anew_counts_at_once(installation: Installation) -> None:
    old = installation.issuer().token("ttd")
    await installation.admit(old)
    installation.issuer().key_file.unlink()
    assert status_of(await installation.admit(installation.issuer().token("ttd"))) == 200
    assert status_of(await installation.admit(old)) == 401


def test_the_private_key_is_its_owners_only(installation: Installation) -> None:
    key_file = installation.issuer().key_file
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file.parent.stat().st_mode) == 0o700
    assert [path.name for path in key_file.parent.iterdir()] == [key_file.name]


def test_a_spoilt_key_file_says_what_to_do(installation: Installation) -> None:
    installation.issuer().key_file.write_text("junk")
    with pytest.raises(CredentialError, match="remove the file"):
        installation.issuer()


def test_issuers_that_start_together_end_with_one_key_pair(tmp_path: Path) -> None:
    directory, together = tmp_path / "issuer", Barrier(4)

    def start(_: int) -> object:
        together.wait()
        return LocalIssuer(directory, service="http://localhost:5090").key_set()

    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(start, range(4)))
    assert all(key_set == seen[0] for key_set in seen)
    assert len(list(directory.iterdir())) == 1


async def test_a_platform_token_is_accepted_at_once(installation: Installation) -> None:
    assert status_of(await installation.admit_platform("e30.e30.e30")) == 401
    token = installation.issuer().platform_token("ttd")
    assert await installation.admit_platform(token) == Caller("ttd", app="local-app")
    assert await installation.admit_platform(installation.issuer().platform_token("ttd", "events")) == Caller(
        "ttd", app="events"
    )
    assert len(list((installation.data / "platform-keys").iterdir())) == 1


async def test_issuers_of_platform_tokens_are_registered_each_for_itself(installation: Installation) -> None:
    for name in ("ttd", "skd", "platform"):
        caller = await installation.admit_platform(installation.issuer().platform_token(name))
        assert caller == Caller(name, app="local-app")


def test_no_platform_token_is_issued_for_somebody_elses_registration(installation: Installation) -> None:
    directory = installation.data / "platform-keys"
    directory.mkdir()
    (directory / "skd-access-token-public-cert").write_bytes(rsa_key("other").public_pem)
    (directory / "nav-access-token-public-cert").write_bytes(b"junk")
    for name in ("skd", "nav"):
        with pytest.raises(CredentialError, match=f"{name}-access-token-public-cert holds"):
            installation.issuer().platform_token(name)


def test_platform_issuers_have_short_names(installation: Installation) -> None:
    with pytest.raises(CredentialError, match="letters"):
        installation.issuer().platform_token("../x")
    assert not (installation.data / "platform-keys").exists()
