"""The reference of all settings: `docs/settings.md`, and what `varsel settings` prints."""

from itertools import groupby

from varsel.settings.reader import Derived, Setting, settings_of
from varsel.settings.table import Table

_HEAD = """\
<!-- Written by `make docs` from src/varsel/settings/table.py; change it there. -->

# Settings

Every setting is an environment variable. All of them are read and checked together at the start: whatever is wrong is
reported in one go, unknown `VARSEL_` names included (with the name that was probably meant), and nothing starts.
`varsel doctor` checks them without starting.

* An empty value counts as not set, except where the kind of value says that empty means something.
* Durations are written `200ms`, `30s`, `5m`, `24h`, `90d`; a bare number counts seconds.
* Sizes are written `500000`, `64kB`, `30MB` (powers of ten) or `64KiB`, `1GiB` (powers of two).
* Yes and no are also `true` and `false`, `on` and `off`, `1` and `0`.
* A **secret** can be given as a file too: `VARSEL_DATABASE_URL_FILE=/run/secrets/database` reads it from there,
  without the white space around it. Giving both is an error. Secrets are never shown, in logs or in error messages.

`VARSEL_ENVIRONMENT=production` refuses to start with the local issuer, with key addresses that are not https, with the
inbox of the sandbox, with a sandbox channel (unless allowed), with passwords or tokens that travel in clear, and with
secrets that everybody guesses.
"""


def settings_page() -> str:
    """Return the whole page."""
    parts = [_HEAD]
    for group, members in groupby(settings_of(Table), key=lambda each: each.group):
        parts += [f"## {group.title}\n\n{group.about}\n", *map(_entry, members)]
    return "\n".join(parts)


def entries(part: str) -> str:
    """Return the entries of settings that have `part` in their name, in any letter case; "" for none."""
    wanted = part.upper()
    return "\n".join(_entry(each) for each in settings_of(Table) if wanted in each.name)


def _entry(each: Setting) -> str:
    also = f" · also as `{each.file_name}`" if each.file_name else ""
    return f"### `{each.name}`\n\n{each.kind.written} · default: {_default(each)}{also}\n\n{each.says}\n"


def _default(each: Setting) -> str:
    if isinstance(each.default, Derived):
        return each.default.shown
    return f"`{each.default}`" if each.default else "empty"
