"""Wire shapes: one declaration per JSON object, serving reading, both validation phases and JSON Schema.

A shape is a frozen struct whose members say what they are::

    class SmsTemplate(Shape):
        sender_number: Annotated[str, member("The sender; empty means the default.")] = ""
        body: Annotated[str, member("The text.", not_blank, expected=True)] = ""

What a caller may leave out or set to null follows from the annotation (api.md, legend):

    no default                   the member must be present (M); a string must also say something
    `str`, shape or tuple        null is a presence error (NN, phase A2)
    any other type               null is a deserialization error (NN `$...`, phase A1)
    `... | None`                 optional: null and absent are the same
    `... | UnsetType`            optional, but never null
    `... | Undefined`            an integer the enumeration does not define breaks a rule (B) instead of A1
"""

from varsel.intake.shapes.body import BodyTooLarge, Decoding, check, decoder_for, read_and_check, read_body
from varsel.intake.shapes.declaration import Shape, Streamed, member, reader_of
from varsel.intake.shapes.findings import Invalid, Unreadable
from varsel.intake.shapes.rules import Rule, not_blank, rule
from varsel.intake.shapes.scalars import Undefined, UriText, read_loose_guid

__all__ = [
    "BodyTooLarge",
    "Decoding",
    "Invalid",
    "Rule",
    "Shape",
    "Streamed",
    "Undefined",
    "Unreadable",
    "UriText",
    "check",
    "decoder_for",
    "member",
    "not_blank",
    "read_and_check",
    "read_body",
    "read_loose_guid",
    "reader_of",
    "rule",
]
