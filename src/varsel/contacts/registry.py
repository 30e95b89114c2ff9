"""The directories there are. A new one is its file, its place in the conformance suite, and a line here."""

from varsel.contacts.altinn import AltinnDirectory
from varsel.contacts.fixed import FixedDirectory
from varsel.contacts.protocol import Directory
from varsel.contacts.register import RegisterDirectory

DIRECTORIES: dict[str, type[Directory]] = {
    "fixed": FixedDirectory,
    "register": RegisterDirectory,
    "altinn": AltinnDirectory,
}
