"""The published document as a whole: valid, complete, and in forms that client generators understand."""

import re
from collections.abc import Iterator
from enum import IntEnum
from typing import Annotated, Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from tests.support.described import SPECS, published, validator
from varsel.intake.documents import Document
from varsel.intake.openapi_document import build_document
from varsel.intake.shapes import Shape
from varsel.intake.shapes.named import Enumeration, References
from varsel.intake.shapes.schema import schema_of

DOCUMENT = published()
SCHEMAS: dict[str, dict[str, Any]] = DOCUMENT["components"]["schemas"]
OPERATIONS: dict[str, dict[str, Any]] = {
    operation["operationId"]: operation for path in DOCUMENT["paths"].values() for operation in path.values()
}

# Defaults of the contract's tables (api.md 3.5 to 3.14), by schema and member. "Now" for a send time and the service's
# own sender are no values; absent is not false where the answer shows what was sent.
DEFAULTS = {
    ("ComposedSettings", "contentType"): "Plain",
    ("ComposedSettings", "sendingTimePolicy"): "Anytime",
    ("EmailOrderRequest", "contentType"): "Plain",
    ("EmailSettings", "contentType"): "Plain",
    ("EmailSettings", "sendingTimePolicy"): "Anytime",
    ("EmailTemplate", "contentType"): "Plain",
    ("EmailTemplate", "fromAddress"): "",
    ("InstantEmailSettings", "contentType"): "Plain",
    ("PersonRequest", "ignoreReservation"): False,
    ("PersonRequest", "useStaleContactInformation"): False,
    ("SmsSettings", "sendingTimePolicy"): "Daytime",
    ("SmsTemplate", "senderNumber"): "",
}
MEMBERS = [(name, member) for name, schema in SCHEMAS.items() for member in schema.get("properties", ())]


def within(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every object of the document with its place in it, but not what examples consist of."""
    if isinstance(value, dict):
        yield path, value
        for name, item in value.items():
            if name not in ("example", "examples"):
                yield from within(item, f"{path}/{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from within(item, f"{path}/{index}")


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every body that is described: its name and its media type."""
    for name, operation in OPERATIONS.items():
        for media in operation.get("requestBody", {}).get("content", {}).values():
            yield f"{name} request", media
        for status, response in operation["responses"].items():
            for media in response.get("content", {}).values():
                yield f"{name} {status}", media


BODIES = dict(bodies())


def test_the_document_is_valid_openapi() -> None:
    validate(DOCUMENT, cls=OpenAPIV31SpecValidator)


@pytest.mark.parametrize("body", BODIES)
def test_every_body_has_examples_that_are_what_its_schema_says(body: str) -> None:
    media = BODIES[body]
    assert media["examples"]
    for example in media["examples"].values():
        assert example["summary"]
        errors = [error.message for error in validator(DOCUMENT, media["schema"]).iter_errors(example["value"])]
        assert errors == []


def test_every_parameter_and_header_has_an_example_that_is_what_its_schema_says() -> None:
    described = [parameter for operation in OPERATIONS.values() for parameter in operation.get("parameters", ())]
    for operation in OPERATIONS.values():
        for response in operation["responses"].values():
            described += response.get("headers", {}).values()
    assert described
    for each in described:
        assert validator(DOCUMENT, each["schema"]).is_valid(each["example"]), each


def test_a_shipment_is_never_answered_400() -> None:
    assert "400" not in OPERATIONS["readShipment"]["responses"]


def test_an_example_of_a_400_names_what_is_wrong() -> None:
    for name, operation in OPERATIONS.items():
        for media in operation["responses"].get("400", {"content": {}})["content"].values():
            assert media["examples"]["invalid"]["value"]["errors"], name


def test_everything_is_described() -> None:
    assert DOCUMENT["info"]["license"] == {"name": "MIT", "identifier": "MIT"}
    for name, operation in OPERATIONS.items():
        assert operation["summary"], name
        assert len(operation["description"]) > len(operation["summary"]), name
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], name
    for name, schema in SCHEMAS.items():
        assert schema["description"], name
    for name, member in MEMBERS:
        assert SCHEMAS[name]["properties"][member].get("description"), f"{name}.{member}"


def test_every_tag_is_declared_and_described_once() -> None:
    declared = [tag["name"] for tag in DOCUMENT["tags"]]
    assert len(declared) == len(set(declared))
    assert {tag for operation in OPERATIONS.values() for tag in operation["tags"]} == set(declared)
    assert all(tag["description"] for tag in DOCUMENT["tags"])


def test_the_contact_is_the_operators() -> None:
    without = DOCUMENT["info"]["contact"]
    assert without == {"name": "Operator of this service", "url": "https://varsel.example.no"}
    named = build_document(SPECS, title="", version="0", server="https://x.example", contact="help@x.example")
    assert named["info"]["contact"] == {"name": "Operator of this service", "email": "help@x.example"}
    validate(named, cls=OpenAPIV31SpecValidator)


def test_no_text_refers_to_what_the_public_cannot_read() -> None:
    texts = [str(value) for _, each in within(DOCUMENT) for value in each.values() if isinstance(value, str)]
    assert [text for text in texts if re.search(r"\.md\b|\.py\b|\bapi \d|[Ii]tem \d", text)] == []


def test_every_enumeration_is_a_named_schema() -> None:
    places = [path for path, each in within(DOCUMENT) if isinstance(each.get("enum"), list)]
    assert places
    assert [path for path in places if not re.fullmatch(r"/components/schemas/\w+", path)] == []


def test_a_reference_that_may_be_null_is_one_of_with_null_first() -> None:
    """NSwag makes an empty class of any other form, and of several references."""
    found = [each for _, each in within(DOCUMENT) if {"oneOf", "anyOf"} & each.keys()]
    assert found
    for each in found:
        null, reference = each["oneOf"]
        assert null == {"type": "null"}
        assert list(reference) == ["$ref"]


def test_nothing_but_a_description_stands_beside_a_reference() -> None:
    """Several generators ignore it."""
    for path, each in within(DOCUMENT):
        if "$ref" in each:
            assert each.keys() <= {"$ref", "description"}, path


def test_every_default_of_the_contract_is_stated() -> None:
    stated = {
        (name, member): SCHEMAS[name]["properties"][member]["default"]
        for name, member in MEMBERS
        if "default" in SCHEMAS[name]["properties"][member]
    }
    assert stated == DEFAULTS
    feed = {each["name"]: each["schema"]["default"] for each in OPERATIONS["readFeed"]["parameters"]}
    assert feed == {"seq": 0, "pageSize": 500, "orderBy": "asc"}


@pytest.mark.parametrize(("name", "member"), DEFAULTS)
def test_a_default_is_what_its_schema_says(name: str, member: str) -> None:
    schema = SCHEMAS[name]["properties"][member]
    assert validator(DOCUMENT, schema).is_valid(schema["default"])


def test_the_type_of_an_attachment_is_a_text_whose_description_lists_the_types() -> None:
    described = SCHEMAS["AttachmentRequest"]["properties"]["mimeType"]
    assert (described["type"], described["pattern"]) == ("string", r"\S")
    assert "`application/pdf`" in described["description"]
    assert "`video/x-msvideo`" in described["description"]


def test_numbers_of_the_feed_have_64_bits_and_counts_32() -> None:
    assert SCHEMAS["FeedEntry"]["properties"]["sequenceNumber"]["format"] == "int64"
    formats = {each["name"]: each["schema"].get("format") for each in OPERATIONS["readFeed"]["parameters"]}
    assert (formats["seq"], formats["pageSize"]) == ("int64", "int32")
    for path, each in within(DOCUMENT):
        if each.get("type") == "integer":
            assert each["format"] in ("int32", "int64"), path


def test_every_id_in_a_path_is_a_guid() -> None:
    for name, operation in OPERATIONS.items():
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                assert parameter["schema"] == {"type": "string", "format": "uuid"}, name


def test_an_email_can_only_be_sent_at_any_time() -> None:
    assert SCHEMAS["EmailSendingTimePolicy"]["enum"] == ["Anytime"]
    assert SCHEMAS["SendingTimePolicy"]["enum"] == ["Anytime", "Daytime"]


def test_what_is_deprecated_says_what_to_use_instead() -> None:
    old = {name: operation for name, operation in OPERATIONS.items() if operation.get("deprecated")}
    assert len(old) == 9
    for name, operation in old.items():
        advice = operation["description"].rpartition("\n\nDeprecated. ")[2]
        named = re.findall(r"`(\w+)`", advice)
        assert named, name
        assert set(named) <= OPERATIONS.keys() - old.keys(), name


def test_two_things_cannot_share_a_name() -> None:
    class Twice(Document, frozen=True, kw_only=True):
        """A document."""

    document = Twice

    class Twice(Shape, frozen=True):  # type: ignore[no-redef]  # the clash is what is tested
        """A shape."""

    references = References()
    schema_of(document, references)
    with pytest.raises(TypeError, match="Twice"):
        schema_of(Twice, references)
    schema_of(Annotated[str, Enumeration("Choice", "A choice.", ("a",))], references)
    with pytest.raises(TypeError, match="Choice"):
        schema_of(Annotated[str, Enumeration("Choice", "A choice.", ("b",))], references)


def test_an_enumeration_is_named_after_its_class() -> None:
    class Colour(IntEnum):
        """What it looks like.

        Not for the public.
        """

        Red = 1

    assert Enumeration.of(Colour) == Enumeration("Colour", "What it looks like.", ("Red",))
