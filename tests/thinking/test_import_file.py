"""Import files of the contact register: what lines say, and that nothing of a bad line is lost but itself."""

import io
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varsel.contacts.import_file import LONGEST_LINE, FileFormat, ImportFileError, ReadLine, lines_of, read_lines
from varsel.model.register import (
    ListedLine,
    RefusedLine,
    RegisterEntry,
    RegisterExternal,
    RegisterOrganization,
    RegisterPerson,
    RegisterUser,
)

CSV, JSON = FileFormat.CSV, FileFormat.JSON_LINES
DOCUMENT = (Path(__file__).parents[2] / "docs" / "contact-register.md").read_text(encoding="utf-8")
KARI, OLA, STALE, ORG = "16069412345", "10987654321", "12345678901", "310123456"
SELF = "urn:altinn:person:idporten-email:kari@example.com"

PERSONS = [
    RegisterPerson(KARI, "Kari Nordmann", "kari@example.com", "+4799999999", confirmed=date(2026, 1, 31)),
    RegisterPerson(OLA, "Ola Nordmann", is_reserved=True),
    RegisterPerson(STALE, mobile_number="99999999", is_stale=True),
]
ORGANIZATIONS = [
    RegisterOrganization(ORG, "Eksempel AS", ("post@example.com", "varsel@example.com"), ("+4740000001",)),
    RegisterUser(ORG, 1, "daglig.leder@example.com", resources=("my-resource", "another-resource")),
    RegisterUser(ORG, 2, None, "+4740000000"),
]
EXTERNALS = [RegisterExternal(SELF, "kari@example.com")]


def read(content: str | bytes, file_format: FileFormat) -> list[ReadLine]:
    raw = content if isinstance(content, bytes) else content.encode()
    return list(read_lines(lines_of(io.BytesIO(raw)), file_format))


def entries(content: str | bytes, file_format: FileFormat) -> list[RegisterEntry]:
    return list(_listed(read(content, file_format)))


def _listed(lines: list[ReadLine]) -> Iterator[RegisterEntry]:
    for line in lines:
        assert isinstance(line, ListedLine), line
        yield from line.entries


def refusal(content: str | bytes, file_format: FileFormat = JSON) -> RefusedLine:
    (line,) = read(content, file_format)
    assert isinstance(line, RefusedLine)
    return line


def documented(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


def test_the_documented_csv() -> None:
    assert [entries(example, CSV) for example in documented("csv")] == [PERSONS, ORGANIZATIONS, EXTERNALS]


def test_the_documented_json_lines() -> None:
    (example,) = documented("json")
    assert entries(example, JSON) == [*PERSONS, *ORGANIZATIONS, *EXTERNALS]


def test_every_column_and_member_is_documented() -> None:
    with pytest.raises(ImportFileError) as caught:
        read("nothing", CSV)
    columns = re.findall(r"\b[a-z]+[A-Z]?[A-Za-z]*\b", str(caught.value).split("one of ")[1].split(". ")[0])
    assert len(columns) == 13
    for name in (*columns, "users"):
        assert f"`{name}`" in DOCUMENT.split("## Columns and members")[1]


def test_the_entries_of_a_directory_file_can_be_read() -> None:
    directory_file = (Path(__file__).parents[2] / "docs" / "directory-file.md").read_text(encoding="utf-8")
    example = json.loads(re.findall(r"```json\n(.*?)```", directory_file, re.DOTALL)[0])
    lines = "\n".join(json.dumps(entry) for listing in example.values() for entry in listing)
    assert len(entries(lines, JSON)) == 7


def test_lines_keep_their_numbers_and_blank_ones_are_passed_over() -> None:
    content = f'\n{{"nationalIdentityNumber": "{KARI}"}}\r\n \n{{"nationalIdentityNumber": "{OLA}"}}'
    assert [line.number for line in read(content, JSON)] == [2, 4]
    assert [line.number for line in read(f"nationalIdentityNumber\n\n{KARI}\n", CSV)] == [3]


@pytest.mark.parametrize("file_format", [CSV, JSON])
def test_an_empty_file_of_json_lines_lists_nothing_and_one_of_csv_lacks_its_header(file_format: FileFormat) -> None:
    if file_format is CSV:
        with pytest.raises(ImportFileError, match="Column 1 of the header line"):
            read("", CSV)
    else:
        assert read("", JSON) == []


def test_what_spreadsheets_write_is_read() -> None:
    written = f'\ufefforganizationNumber;emails;name\r\n{ORG};"a@example.com; b@example.com";"Eksempel ""AS"""\r\n'
    assert entries(written, CSV) == [RegisterOrganization(ORG, 'Eksempel "AS"', ("a@example.com", "b@example.com"))]


def test_values_are_stripped_and_blank_ones_are_absent() -> None:
    line = {"nationalIdentityNumber": f" {KARI} ", "name": "  ", "email": " kari@example.com ", "mobileNumber": ""}
    assert entries(json.dumps(line), JSON) == [RegisterPerson(KARI, email="kari@example.com")]
    row = f'nationalIdentityNumber,name,email,mobileNumber\n {KARI} ,  , kari@example.com ,""'
    assert entries(row, CSV) == [RegisterPerson(KARI, email="kari@example.com")]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("urn:altinn:person:idporten-email:Kari%2Btest@x.no", "urn:altinn:person:idporten-email:kari+test@x.no"),
        ("urn:altinn:person:idporten-email:kari+test@x.no", "urn:altinn:person:idporten-email:kari+test@x.no"),
        ("URN:altinn:username:Kari", "urn:altinn:party:username:kari"),
    ],
)
def test_external_identities_are_kept_in_their_canonical_form(written: str, kept: str) -> None:
    assert entries(json.dumps({"externalIdentity": written}), JSON) == [RegisterExternal(kept)]


def test_letter_case_of_external_identities_is_folded() -> None:
    assert entries(json.dumps({"externalIdentity": SELF.upper()}), JSON) == [RegisterExternal(SELF)]


@pytest.mark.parametrize(
    ("resources", "stored"),
    [
        (None, None),
        (["*"], None),
        ([], ()),
        (["urn:altinn:resource:my-resource", "other"], ("my-resource", "other")),
    ],
)
def test_resources_in_json(resources: list[str] | None, stored: tuple[str, ...] | None) -> None:
    line = {"organizationNumber": ORG, "userId": 1, "resources": resources}
    assert entries(json.dumps(line), JSON) == [RegisterUser(ORG, 1, resources=stored)]


def test_csv_must_say_for_which_resources_a_user_is_authorised() -> None:
    content = f"organizationNumber,userId,resources\n{ORG},1,"
    assert refusal(content, CSV) == RefusedLine(
        2, "resources: expected resource ids divided by ;, or * for all of them", (f"{ORG}/1",)
    )


def person(**members: object) -> str:
    return json.dumps({"nationalIdentityNumber": KARI} | members)


def organization(**members: object) -> str:
    return json.dumps({"organizationNumber": ORG} | members)


@pytest.mark.parametrize(
    ("line", "reason", "keys"),
    [
        ("{", "expected one JSON object in the line", ()),
        ('{"name": "\\ud800"}', "expected one JSON object in the line", ()),
        (f"{person()} {person()}", "expected one JSON object in the line", ()),
        ("[]", "Expected `object`, got `array`", ()),
        ("{}", "expected one of nationalIdentityNumber, externalIdentity and organizationNumber", ()),
        (person(nationalIdentityNumber="1606941234"), "expected 11 digits (a spreadsheet may have taken", ()),
        (person(nationalIdentityNumber="1606941234x"), "nationalIdentityNumber: expected 11 digits", ()),
        (person(nationalIdentityNumber="١٦٠٦٩٤١٢٣٤٥"), "nationalIdentityNumber: expected 11 digits", ()),
        (organization(organizationNumber="3101234567"), "organizationNumber: expected 9 digits", ()),
        (
            '{"externalIdentity": "urn:altinn:username:kari%00"}',
            "externalIdentity: expected text without control characters",
            (),
        ),
        ('{"externalIdentity": "kari"}', "externalIdentity: expected a URN that begins with urn:altinn:", ()),
        (person(organizationNumber=ORG), "organizationNumber does not belong to a person", ()),
        (person(emails=[]), "emails does not belong to a person", (KARI,)),
        (organization(isReserved=False), "isReserved does not belong to an organisation", (ORG,)),
        (organization(userId=1, name="Kari"), "name does not belong to a user of an organisation", (f"{ORG}/1",)),
        (person(nmae="Kari"), "Object contains unknown field `nmae`", (KARI,)),
        (person(isReserved="yes"), "Expected `bool | null`, got `str` - at `$.isReserved`", (KARI,)),
        (person(confirmed="31.01.2026"), "at `$.confirmed`", (KARI,)),
        (person(email="secret at home"), "email: expected an e-mail address", (KARI,)),
        (person(email=f"{'k' * 243}@example.com"), "email: expected at most 254 characters", (KARI,)),
        (person(mobileNumber="12345"), "mobileNumber: expected a mobile number", (KARI,)),
        (person(name="Kari\u0000"), "name: expected text without control characters", (KARI,)),
        (person(name="Kari\u0085Nordmann"), "name: expected text without control characters", (KARI,)),
        (person(name="K" * 301), "name: expected at most 300 characters", (KARI,)),
        (organization(emails=["a@example.com", "x"]), "emails[1]: expected an e-mail address", (ORG,)),
        (organization(mobileNumbers=["x"]), "mobileNumbers[0]: expected a mobile number", (ORG,)),
        (organization(users=[{"userId": 1}] * 2), "users: expected each userId once", (ORG, f"{ORG}/1", f"{ORG}/1")),
        (organization(users=[{"userId": 1, "email": "x"}]), "users[0].email: expected an e-mail", (ORG, f"{ORG}/1")),
        (organization(users=[{"email": "x"}]), "missing required field `userId` - at `$.users[0]`", ()),
        (organization(userId=2**63), "Expected `int`", ()),
        (organization(userId=1, resources=["*", "x"]), "or * alone for all of them", (f"{ORG}/1",)),
        (organization(userId=1, resources=[" "]), "resources[0]: expected a resource id", (f"{ORG}/1",)),
        (b'{"name": "\xff"}', "expected text in UTF-8", ()),
        (person(name="x" * LONGEST_LINE), f"expected at most {LONGEST_LINE} bytes in a line", ()),
    ],
)
def test_a_bad_line_of_json_says_why_and_whom_it_is_about(
    line: str | bytes, reason: str, keys: tuple[str, ...]
) -> None:
    refused = refusal(line)
    assert reason in refused.reason
    assert refused.keys == keys


@pytest.mark.parametrize(
    ("row", "reason", "keys"),
    [
        (f"{KARI},,", "expected 6 cells, as in the header line, and found 3", ()),
        (f'{KARI},"Kari,,,,', "expected quotation marks in pairs", ()),
        (f"{KARI},,maybe,,,", "isReserved: expected true or false, or nothing for false", (KARI,)),
        (f"{KARI},,,31.01.2026,,", "confirmed: expected a date such as 2026-05-31", (KARI,)),
        (f"{KARI},,,2026-02-30,,", "confirmed: expected a date such as 2026-05-31", (KARI,)),
        (f",,,,{ORG},{2**63}", "userId: expected a whole number", ()),
        (f",,,,{ORG},-1", "userId: expected a whole number", ()),
        (f"{KARI},Kari\tNordmann,,,,", "name: expected text without control characters", (KARI,)),
        (f"{KARI},,,,{ORG},", "organizationNumber does not belong to a person", ()),
        (",Kari,,,,", "expected one of nationalIdentityNumber, externalIdentity and organizationNumber", ()),
    ],
)
def test_a_bad_line_of_csv_says_why_and_whom_it_is_about(row: str, reason: str, keys: tuple[str, ...]) -> None:
    header = "nationalIdentityNumber,name,isReserved,confirmed,organizationNumber,userId"
    refused = refusal(f"{header}\n{row}", CSV)
    assert refused.number == 2
    assert reason in refused.reason
    assert refused.keys == keys


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (f"{KARI},Kari Nordmann", "Column 1 of the header line is not one of nationalIdentityNumber, "),
        ("nationalIdentityNumber,telephone", "Column 2 of the header line"),
        ("organizationNumber,users", "Column 2 of the header line"),
        ("nationalIdentityNumber,name,name", "names the column name twice"),
        ("name,email", "names no column that tells whom a line is about"),
        ('nationalIdentityNumber,"name', "The header line cannot be read: expected quotation marks"),
        (b"\xff\xfen\x00", "save the file as UTF-8"),
    ],
)
def test_a_bad_header_refuses_the_file_without_repeating_it(header: str | bytes, says: str) -> None:
    raw = header if isinstance(header, bytes) else header.encode()
    with pytest.raises(ImportFileError) as caught:
        read(raw + b"\n" + KARI.encode(), CSV)
    assert says in str(caught.value)
    assert "Kari" not in str(caught.value)
    assert KARI not in str(caught.value)


def test_a_bad_line_costs_nothing_but_itself() -> None:
    lines = [person(), '{"name": "open', person(nationalIdentityNumber="1"), "x" * (3 * LONGEST_LINE), person()]
    assert [type(line) for line in read("\n".join(lines), JSON)] == [
        ListedLine,
        RefusedLine,
        RefusedLine,
        RefusedLine,
        ListedLine,
    ]
    rows = ["nationalIdentityNumber,name", f"{KARI},Kari", f'{KARI},"Kari', f"{KARI},Kari"]
    assert [type(line) for line in read("\n".join(rows), CSV)] == [ListedLine, RefusedLine, ListedLine]


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_the_longest_line_is_taken_and_one_byte_more_is_not(end: str) -> None:
    padding = " " * (LONGEST_LINE - len(person()))
    assert [type(line) for line in read(person() + padding + end, JSON)] == [ListedLine]
    assert [type(line) for line in read(person() + padding + " " + end, JSON)] == [RefusedLine]


SECRET = "hemmelig-7"


@given(
    st.lists(st.sampled_from(['"', ",", ";", "\t", "{", "}", ":", "@", "+", SECRET, f'"{SECRET}"', KARI, "name"])),
    st.sampled_from([CSV, JSON]),
)
def test_no_reason_repeats_a_value(pieces: list[str], file_format: FileFormat) -> None:
    header = "nationalIdentityNumber,email\n" if file_format is CSV else ""
    for line in read(header + "".join(pieces), file_format):
        if isinstance(line, RefusedLine):
            assert KARI not in line.reason
            assert SECRET not in line.reason


@pytest.mark.parametrize("name", ["kari@example.com", "16069412345", "a`b", "Kari Nordmann", "x\ny"])
def test_a_member_whose_name_may_be_a_value_is_not_named(name: str) -> None:
    assert refusal(person(**{name: 1})).reason == "Object contains a member of unknown name"


@given(st.text())
def test_any_text_is_read_to_its_end(text: str) -> None:
    assert len(read(text + "\n" + person(), JSON)) >= 1
    last = read(text + "\n" + person(), JSON)[-1]
    assert isinstance(last, ListedLine)
    assert last.number == len(re.findall("\n", text)) + 2
