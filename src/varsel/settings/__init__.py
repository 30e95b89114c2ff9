"""Settings: one frozen type, read from `VARSEL_*` variables. `table` declares every one of them.

Only `assembly`, `cli` and `docs` import this; rooms are handed plain values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from varsel.errors import SettingsError
from varsel.settings.checks import problems_of
from varsel.settings.choices import Environment
from varsel.settings.reader import read_values, settings_of
from varsel.settings.secret import Secret
from varsel.settings.table import Table

__all__ = ["Secret", "Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Table):
    """All settings of one process. Made by `Settings.read`; `dataclasses.replace` makes variants."""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Return the settings `environ` holds.

        Raises `SettingsError` with every problem: values, unknown names, and what does not go together.
        """
        reading = read_values(settings_of(cls), environ)
        settings = cls(**reading.values)
        problems = reading.problems + problems_of(settings, reading.flawed)
        if problems:
            raise SettingsError(problems)
        return settings

    @property
    def local_issuer(self) -> bool:
        """Whether tokens of the local issuer are accepted."""
        return self.environment is Environment.DEVELOPMENT and self.openid_address is None
