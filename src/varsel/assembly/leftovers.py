"""What development leaves in a data folder, and production must not take over."""

from collections.abc import Iterator

from varsel.assembly.providers import issuer_folder
from varsel.errors import SettingsError
from varsel.intake.credentials import files_of_local_issuer, has_local_key
from varsel.settings import Settings
from varsel.settings.choices import Environment


def refuse_leftovers(settings: Settings) -> None:
    """Raise `SettingsError` if production would trust a key of development, or send what was ordered with one."""
    problems = list(leftovers(settings))
    if problems:
        raise SettingsError(problems)


def leftovers(settings: Settings) -> Iterator[str]:
    """Return a sentence for each thing of development that production with these settings would take over."""
    if settings.environment is not Environment.PRODUCTION:
        return
    folder = issuer_folder(settings)
    names = [path.name for path in files_of_local_issuer(folder, settings.platform_keys_dir)]
    if names:
        yield (
            f"{settings.platform_keys_dir} holds keys of development's token issuer, with which anybody could place "
            f"orders: remove {', '.join(names)}, or set VARSEL_PLATFORM_KEYS_DIR to a folder of production's own"
        )
    if settings.database_url is None and has_local_key(folder):
        yield (
            f"{settings.data_dir} was used by development, so its database may hold orders placed with tokens that "
            f"anybody could make, and production would send them: set VARSEL_DATA_DIR to a new folder, or remove "
            f"{folder} if you know what the database holds"
        )
