"""Altinn's components over real HTTP: what is sent, and how answers are read (integrations.md section 2)."""

from collections.abc import AsyncIterator
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from tests.directories.asking import START, altinn_directory
from tests.directories.population import (
    CLERK,
    KARI,
    LONELY,
    MANAGER,
    OLA,
    ORG,
    PARTY_ID,
    RESOURCE,
    SELF,
    STRANGER,
    official,
    populate,
)
from tests.directories.population import PERSONS as PERSONS_KNOWN
from tests.support.altinn import (
    DECISION,
    EXTERNALS,
    NAMES,
    ORGANIZATIONS,
    PERSONS,
    UNITS,
    Altinn,
    Entry,
    Grant,
    decided,
    echo,
)
from tests.support.json_server import Reply
from varsel.contacts.altinn import (
    AltinnDirectory,
    PlatformAccessTokens,
    PlatformHeader,
    read_platform_key,
)
from varsel.contacts.altinn.decision import Pair, question
from varsel.contacts.protocol import Told
from varsel.errors import DependencyFailure, QuestionRefused
from varsel.model.clock import HandTurnedClock
from varsel.model.contacts import ExternalContact, OrganizationContact, PartyName, PersonContact, UserContact


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture
async def server() -> AsyncIterator[Altinn]:
    async with Altinn() as altinn:
        populate(altinn)
        yield altinn


@pytest.fixture
async def directory(server: Altinn) -> AsyncIterator[AltinnDirectory]:
    made = altinn_directory(server)
    yield made
    await made.close()


def contact_points(*entries: object) -> Reply:
    return Reply(body={"contactPointsList": list(entries)})


async def test_questions_have_the_documented_shapes(server: Altinn, directory: AltinnDirectory) -> None:
    await directory.persons([KARI, OLA, KARI], use_stale=True)
    await directory.external_identities([SELF])
    await directory.organizations([ORG])
    await directory.user_contacts([ORG], resource_id=RESOURCE, resource_action="sign")
    await directory.names(organization_numbers=[ORG], national_identity_numbers=[KARI])
    assert server.asked(PERSONS) == [{"nationalIdentityNumbers": [KARI, OLA], "useStaleContactInfo": True}]
    assert server.asked(EXTERNALS) == [{"externalIdentities": [SELF]}]
    assert server.asked(ORGANIZATIONS) == [{"organizationNumbers": [ORG]}]
    assert server.asked(UNITS) == [{"organizationNumbers": [ORG], "resourceId": RESOURCE}]
    assert server.asked(NAMES) == [{"parties": [{"orgNo": ORG}, {"ssn": KARI}]}]
    assert {call.headers["content-type"] for call in server.calls} == {"application/json"}


def attribute(identifier: str, value: str, *, kind: str, echoed: bool) -> Entry:
    return {
        "attributeId": identifier,
        "value": value,
        "issuer": "Altinn",
        "dataType": kind,
        "includeInResult": echoed,
    }


def test_the_decision_request_is_the_documented_one() -> None:
    string = "http://www.w3.org/2001/XMLSchema#string"
    user = [attribute("urn:altinn:userid", "20000021", kind=string, echoed=True)]
    action = "urn:oasis:names:tc:xacml:1.0:action:action-id"
    resource = [
        attribute("urn:altinn:resource", "my-resource", kind=string, echoed=False),
        attribute("urn:altinn:partyid", "50012345", kind=string, echoed=True),
    ]
    sent = question([Pair(50012345, 20000021)], "my-resource", "read")["request"]
    assert (sent["returnPolicyIdList"], sent["combinedDecision"]) == (False, False)
    assert sent["accessSubject"] == [{"id": "subject20000021", "attribute": tuple(user)}]
    assert sent["action"] == [
        {"id": "action", "attribute": (attribute(action, "read", kind="string", echoed=False),)},
    ]
    assert sent["resource"] == [{"id": "resource50012345", "attribute": tuple(resource)}]
    assert sent["multiRequests"] == {
        "requestReference": [{"referenceId": ["subject20000021", "action", "resource50012345"]}]
    }


@pytest.mark.parametrize(
    ("resource_id", "attributes"),
    [
        ("app_ttd_my_app", {"urn:altinn:org": "ttd", "urn:altinn:app": "my_app"}),
        ("app_ttd_app", {"urn:altinn:org": "ttd", "urn:altinn:app": "app"}),
        ("app_x", {"urn:altinn:resource": "app_x"}),
        ("APP_ttd_app", {"urn:altinn:resource": "APP_ttd_app"}),
        ("a_b_c", {"urn:altinn:resource": "a_b_c"}),
    ],
)
def test_apps_are_named_by_owner_and_name(resource_id: str, attributes: dict[str, str]) -> None:
    (resource,) = question([Pair(7, 1)], resource_id, "read")["request"]["resource"]
    assert {a["attributeId"]: a["value"] for a in resource["attribute"]} == attributes | {"urn:altinn:partyid": "7"}


def test_each_user_and_each_organisation_is_described_once() -> None:
    sent = question([Pair(7, 1), Pair(7, 2), Pair(8, 1)], RESOURCE, "read")["request"]
    assert [subject["id"] for subject in sent["accessSubject"]] == ["subject1", "subject2"]
    assert [resource["id"] for resource in sent["resource"]] == ["resource7", "resource8"]
    assert len(sent["multiRequests"]["requestReference"]) == 3


async def test_answers_are_read_in_any_letter_case_with_nulls_gaps_and_additions(
    server: Altinn, directory: AltinnDirectory
) -> None:
    entries = [
        None,
        {"NationalIdentityNumber": KARI, "EMAIL": "kari@example.com", "extra": [{"deep": {}}]},
        {"nationalIdentityNumber": OLA, "isReserved": None, "userId": None, "email": None, "mobileNumber": ""},
        {"nationalIdentityNumber": OLA, "email": "second@example.com"},
        {"email": "nobody@example.com"},
        {"nationalIdentityNumber": "99999999999", "email": "unasked@example.com"},
    ]
    server.script.append(Reply(body={"ContactPointsList": entries}))
    assert await directory.persons([KARI, OLA], use_stale=False) == {
        KARI: PersonContact(KARI, False, "kari@example.com"),
        OLA: PersonContact(OLA, False, None, ""),
    }


@pytest.mark.parametrize("empty", [None, {}, {"contactPointsList": None}, {"contactPointsList": []}])
async def test_nothing_answered_is_nobody_known(server: Altinn, directory: AltinnDirectory, empty: object) -> None:
    server.script.extend([Reply(body=empty)] * 4)
    assert await directory.persons([KARI], use_stale=False) == {}
    assert await directory.external_identities([SELF]) == {}
    assert await directory.organizations([ORG]) == {}
    assert await directory.user_contacts([ORG], resource_id=RESOURCE, resource_action="read") == {}


async def test_an_organisation_keeps_the_number_it_was_asked_by(server: Altinn, directory: AltinnDirectory) -> None:
    entry = {
        "organizationNumber": ORG,
        "addressOrigin": "310000000",
        "partyId": 9,
        "emailList": [None, "a@example.com"],
    }
    server.script.append(contact_points(entry))
    assert await directory.organizations([ORG]) == {ORG: OrganizationContact(ORG, 9, ("a@example.com",))}


async def test_external_identities_match_in_any_letter_case(server: Altinn, directory: AltinnDirectory) -> None:
    server.script.append(contact_points({"externalIdentity": SELF.upper(), "email": "kari@example.com"}))
    assert await directory.external_identities([SELF]) == {SELF: ExternalContact(SELF.upper(), "kari@example.com")}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 5000,
        b'"kari@example.com"',
        [],
        {"contactPointsList": {}},
        {"contactPointsList": [KARI]},
        {"contactPointsList": [{"nationalIdentityNumber": 16069412345}]},
        {"contactPointsList": [{"nationalIdentityNumber": n, "email": ["kari@example.com"]} for n in (KARI, OLA)]},
    ],
)
async def test_unreadable_answers_are_failures_that_tell_no_personal_data(
    server: Altinn, directory: AltinnDirectory, body: object
) -> None:
    server.script.append(Reply(body=body))
    with pytest.raises(DependencyFailure) as caught:
        await directory.persons([KARI], use_stale=False)
    assert caught.value.dependency == "ProfileClient"
    assert caught.value.operation == "persons"
    assert "kari@" not in str(caught.value)
    assert KARI not in str(caught.value)


def odd_persons() -> list[object]:
    return [
        {"nationalIdentityNumber": OLA, "mobileNumber": 4799999999},
        {"nationalIdentityNumber": OLA, "email": ["ola@example.com"]},
        {"nationalIdentityNumber": OLA, "isReserved": "no"},
        {"nationalIdentityNumber": OLA, "email": "ola\0@example.com"},
    ]


@pytest.mark.parametrize("odd", odd_persons())
async def test_an_odd_entry_is_told_as_refused_and_spoils_nobody_elses(
    server: Altinn, directory: AltinnDirectory, odd: object, caplog: pytest.LogCaptureFixture
) -> None:
    server.script.append(contact_points(odd, server.persons[KARI], None, {"email": 1}))
    found = await directory.persons([OLA, KARI, STRANGER], use_stale=False)
    assert found == {KARI: PERSONS_KNOWN[KARI]}
    assert isinstance(found, Told)
    assert [key for key, origin in found.origins.items() if origin.refused] == [OLA]
    assert set(found.origins) == {OLA, KARI, STRANGER}
    assert "ProfileClient answered persons with 2 odd entries" in caplog.text
    assert "ola" not in caplog.text
    assert "4799999999" not in caplog.text


@pytest.mark.parametrize("party_id", [2**63, 2**64, 10**30, -1, "7"])
async def test_an_odd_party_id_spoils_nobody_elses_answer(
    server: Altinn, directory: AltinnDirectory, party_id: object
) -> None:
    odd = {"organizationNumber": LONELY, "partyId": party_id, "userContactPoints": [{"userId": 5}]}
    server.script.append(contact_points(odd, server.organizations[ORG]))
    assert await directory.organizations([LONELY, ORG]) == {ORG: official()}
    server.script.append(contact_points(odd, server.units[ORG]))
    users = await directory.user_contacts([LONELY, ORG], resource_id=RESOURCE, resource_action="read")
    assert users == {ORG: [MANAGER, CLERK]}
    assert isinstance(users, Told)
    assert users.origins[LONELY].refused


async def test_an_odd_name_spoils_nobody_elses(server: Altinn, directory: AltinnDirectory) -> None:
    names = [{"ssn": OLA, "name": {}}, {"ssn": KARI, "name": "Kari Nordmann"}]
    server.script.append(Reply(body={"partyNames": names}))
    found = await directory.names(organization_numbers=[], national_identity_numbers=[KARI, OLA])
    assert found == {KARI: PartyName(KARI, "Kari Nordmann")}
    assert isinstance(found, Told)
    assert found.origins[OLA].refused


@pytest.mark.parametrize("nameless", [KARI, {"nationalIdentityNumber": 10987654321, "email": "ola@example.com"}])
async def test_an_odd_entry_that_may_be_anybodys_asks_for_a_smaller_question(
    server: Altinn, directory: AltinnDirectory, nameless: object
) -> None:
    server.script.append(contact_points(nameless, server.persons[KARI]))
    with pytest.raises(QuestionRefused, match="undocumented shape") as caught:
        await directory.persons([OLA, KARI], use_stale=False)
    assert "ola@" not in str(caught.value)
    assert KARI not in str(caught.value)


async def test_large_questions_go_in_chunks_of_distinct_identifiers(server: Altinn) -> None:
    directory = altinn_directory(server, per_call=3)
    numbers = [f"{number:09}" for number in range(7)]
    server.names = {number: f"Name {number}" for number in numbers}
    found = await directory.names(organization_numbers=[*numbers, numbers[0], " "], national_identity_numbers=[])
    assert sorted(len(asked["parties"]) for asked in server.asked(NAMES)) == [1, 3, 3]
    assert found == {number: PartyName(number, f"Name {number}") for number in numbers}
    await directory.close()


async def test_one_failing_chunk_fails_the_question(server: Altinn) -> None:
    directory = altinn_directory(server, per_call=1)
    server.script.append(Reply(500))
    with pytest.raises(DependencyFailure, match="status 500"):
        await directory.persons([KARI, OLA], use_stale=False)
    await directory.close()


async def test_users_without_permit_id_or_organisation_are_left_out(server: Altinn, directory: AltinnDirectory) -> None:
    users = [{"userId": 1, "email": "a@example.com"}, {"userId": 2}, {"userId": None, "email": "c@example.com"}, None]
    server.units = {
        ORG: {"organizationNumber": ORG, "partyId": PARTY_ID, "userContactPoints": users},
        "1" * 9: {"organizationNumber": "1" * 9, "partyId": None, "userContactPoints": users},
        "2" * 9: {"organizationNumber": "2" * 9, "partyId": 8, "userContactPoints": None},
    }
    server.grants = {Grant(1, PARTY_ID, RESOURCE, "sign"), Grant(2, PARTY_ID, RESOURCE, "read")}
    found = await directory.user_contacts(server.units, resource_id=RESOURCE, resource_action="sign")
    assert found == {ORG: [UserContact(1, "a@example.com")], "1" * 9: [], "2" * 9: []}
    (asked,) = server.asked(DECISION)
    assert len(asked["request"]["multiRequests"]["requestReference"]) == 2


async def test_without_users_nobody_is_asked_for_a_decision(server: Altinn, directory: AltinnDirectory) -> None:
    server.units = {}
    assert await directory.user_contacts([ORG], resource_id=RESOURCE, resource_action="read") == {}
    assert server.asked(DECISION) == []


async def test_pairs_of_one_organisation_may_be_spread_over_calls(server: Altinn) -> None:
    directory = altinn_directory(server, per_call=2)
    users = [{"userId": number} for number in range(1, 6)]
    server.units = {ORG: {"organizationNumber": ORG, "partyId": PARTY_ID, "userContactPoints": users}}
    server.grants = {Grant(number, PARTY_ID, RESOURCE) for number in (1, 3, 5)}
    found = await directory.user_contacts([ORG], resource_id=RESOURCE, resource_action="read")
    assert [user.user_id for user in found[ORG]] == [1, 3, 5]
    assert len(server.asked(DECISION)) == 3
    await directory.close()


@pytest.mark.parametrize("decision", ["Deny", "NotApplicable", "Indeterminate", "permit", "", None])
async def test_only_exactly_permit_keeps_a_user(server: Altinn, directory: AltinnDirectory, decision: str) -> None:
    server.script.append(contact_points(server.units[ORG]))
    server.script.append(
        Reply(body={"response": [decided(decision, echo("1", PARTY_ID)), decided("Permit", echo(2, str(PARTY_ID)))]})
    )
    found = await directory.user_contacts([ORG], resource_id=RESOURCE, resource_action="read")
    assert found == {ORG: [CLERK]}


async def test_odd_decisions_are_passed_over(server: Altinn, directory: AltinnDirectory) -> None:
    odd = [
        None,
        decided("Permit", []),
        decided("Permit", echo("1", None)),
        decided("Permit", echo("one", PARTY_ID)),
        decided("Permit", echo("3", PARTY_ID)),  # nobody asked
        decided("Permit", echo("2", PARTY_ID)),
        decided("Deny", echo("2", PARTY_ID)),  # two answers that contradict each other are none
        {"decision": "Permit", "category": None},
        "Permit",
        {"decision": 1, "category": []},
        decided("Permit", echo("1" * 5000, PARTY_ID)),
        decided("Permit", echo("1", PARTY_ID)),
        decided("Permit", echo("1", PARTY_ID)),
    ]
    server.script.extend([contact_points(server.units[ORG]), Reply(body={"response": odd})])
    found = await directory.user_contacts([ORG], resource_id=RESOURCE, resource_action="read")
    assert found == {ORG: [MANAGER]}


@pytest.mark.parametrize(
    "reply", [Reply(201, {"response": []}), Reply(204, b""), Reply(body=None), Reply(body={}), Reply(500)]
)
async def test_decisions_need_a_200_and_a_response(server: Altinn, directory: AltinnDirectory, reply: Reply) -> None:
    server.script.extend([contact_points(server.units[ORG]), reply])
    with pytest.raises(DependencyFailure) as caught:
        await directory.user_contacts([ORG], resource_id=RESOURCE, resource_action="read")
    assert caught.value.dependency == "AuthorizationService"


async def test_names_match_exactly_and_only_who_was_asked_for(server: Altinn, directory: AltinnDirectory) -> None:
    names = [
        {"orgNo": ORG, "name": "Eksempel AS"},
        {"ssn": OLA, "name": "Ola"},
        {"name": "Nobody"},
        None,
        {"orgNo": ORG},
    ]
    server.script.append(Reply(body={"partyNames": names}))
    found = await directory.names(organization_numbers=[ORG], national_identity_numbers=[KARI])
    assert found == {ORG: PartyName(ORG, "Eksempel AS")}


async def test_registers_failures_name_the_register(server: Altinn, directory: AltinnDirectory) -> None:
    server.script.append(Reply(401))
    with pytest.raises(DependencyFailure) as caught:
        await directory.names(organization_numbers=[ORG], national_identity_numbers=[])
    assert (caught.value.dependency, caught.value.operation) == ("RegisterClient", "GetPartyDetails")


async def test_the_platform_token_is_signed_and_used_until_shortly_before_its_end(key: RSAPrivateKey) -> None:
    clock = HandTurnedClock(START)
    async with Altinn(token_key=key.public_key()) as server:
        directory = altinn_directory(
            server, clock, credentials=PlatformHeader(PlatformAccessTokens(lambda: key, clock))
        )
        for wait in (0, 294, 1, 5):
            clock.turn(timedelta(seconds=wait))
            await directory.names(organization_numbers=[ORG], national_identity_numbers=[])
        now = int(START.timestamp())
        assert [claims["iat"] - now for claims in server.tokens] == [0, 0, 295, 295]
        first = server.tokens[0]
        assert (first["iss"], first["urn:altinn:app"], first["nbf"], first["exp"]) == (
            "platform",
            "notifications",
            now - 5,
            now + 300,
        )
        assert jwt.get_unverified_header(server.calls[0].headers["platformaccesstoken"])["alg"] == "RS256"
        await directory.close()


def test_keys_are_read_from_pem_and_pkcs12(key: RSAPrivateKey) -> None:
    locked = BestAvailableEncryption(b"secret")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    locked_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)
    archive = pkcs12.serialize_key_and_certificates(b"varsel", key, None, None, locked)
    for content, password in ((pem, None), (locked_pem, "secret"), (archive, "secret")):
        assert read_platform_key(content, password).private_numbers() == key.private_numbers()


def test_unusable_keys_are_refused(key: RSAPrivateKey) -> None:
    archive = pkcs12.serialize_key_and_certificates(b"varsel", key, None, None, BestAvailableEncryption(b"secret"))
    weak = generate_private_key(65537, 1024)  # noqa: S505 - too short is what is tested
    short = weak.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    cases = [(b"", "neither"), (b"-----BEGIN NOTHING-----", "neither"), (archive, "password"), (short, "shorter")]
    for content, says in cases:
        with pytest.raises(ValueError, match=says):
            read_platform_key(content)


async def test_the_check_reaches_all_three_components(server: Altinn, directory: AltinnDirectory) -> None:
    assert await directory.check() == "Profile, Register and Authorization answer"
    assert set(server.counts) == {PERSONS, NAMES, DECISION}
    server.script.append(Reply(403))
    with pytest.raises(DependencyFailure, match="status 403; check its address and the credentials"):
        await directory.check()
