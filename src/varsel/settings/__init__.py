"""Settings: one frozen type, read from `VARSEL_*` variables. `table` declares every one of them.

Only `assembly`, `cli` and `docs` import this; rooms are handed plain values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from varsel.errors import SettingsError
from varsel.settings.checks import problems_of
from varsel.settings.choices import Environment
from varsel.settings.kubernetes import without_service_links
from varsel.settings.reader import PREFIX, names_of, read_values, settings_of
from varsel.settings.secret import Secret
from varsel.settings.table import Table, local_address

__all__ = ["Secret", "Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Table):
    """All settings of one process. Made by `Settings.read`; `dataclasses.replace` makes variants."""

    service_links: tuple[str, ...] = ()
    """Variables that were ignored, because Kubernetes adds them for a Service whose name begins like ours."""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Return the settings `environ` holds.

        Raises `SettingsError` with every problem: values, unknown names, and what does not go together.
        """
        declared = settings_of(Table)
        ours = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
        given, service_links = without_service_links(ours, names_of(declared))
        reading = read_values(declared, given)
        settings = cls(**reading.values, service_links=tuple(service_links))
        problems = reading.problems + problems_of(settings, reading.flawed)
        if problems:
            raise SettingsError(problems)
        return settings

    def listening_on(self, port: int) -> Self:
        """Return the settings of a process that took `port`; it differs from the one that is set where that is 0."""
        if self.port:
            return self
        derived = self.base_uri == local_address(0)
        return replace(self, port=port, base_uri=local_address(port) if derived else self.base_uri)

    @property
    def local_issuer(self) -> bool:
        """Whether tokens of the local issuer are accepted."""
        return self.environment is Environment.DEVELOPMENT and self.openid_address is None
