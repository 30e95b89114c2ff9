"""Asking sparingly: many questions become few calls, and an answer is asked for once within its age."""

from varsel.contacts.sparing.coalesce import Gathering
from varsel.contacts.sparing.directory import Ages, SparingDirectory, SparingOptions

__all__ = ["Ages", "Gathering", "SparingDirectory", "SparingOptions"]
