"""Settings → the directories that are asked for persons and organisations, and how sparingly."""

from collections.abc import Callable, Sequence
from itertools import groupby

from varsel.assembly.altinn import altinn_directory
from varsel.contacts.fixed import FixedDirectory
from varsel.contacts.protocol import Directory
from varsel.contacts.register import RegisterDirectory
from varsel.contacts.sequence import DirectorySequence, in_sequence
from varsel.contacts.sparing import Ages, Gathering, SparingDirectory, SparingOptions
from varsel.model.clock import Clock
from varsel.settings import Settings
from varsel.settings.choices import Directory as Choice
from varsel.storage.contacts import ContactRegister
from varsel.storage.directory_answers import DirectoryAnswers
from varsel.storage.pool import Pool


def directory(settings: Settings, pool: Pool, clock: Clock) -> Directory:
    """Return the chosen directories as one. Raises `SettingsError` if a file of one of them is wrong.

    The file is not asked sparingly: a look-up there costs nothing, and whoever edits it sees the change at once.
    Neighbours among the others gather and remember together. What the register says lies in the database already, so
    only with Altinn among them are answers left there for other processes.
    """
    chosen = settings.directory or ()
    runs = [(costly, list(some)) for costly, some in groupby(chosen, lambda choice: choice is not Choice.FIXED)]
    options = sparing_options(settings, shares=sum(costly for costly, _ in runs))
    joined: list[Directory] = []
    for costly, some in runs:
        made = in_sequence([_make(choice, settings, pool, clock) for choice in some])
        answers = DirectoryAnswers(pool) if settings.directory_shared and Choice.ALTINN in some else None
        joined.append(SparingDirectory(made, clock, options, answers) if costly else made)
    if not joined:
        return FixedDirectory(None)
    return DirectorySequence(joined)  # also of a single one, for it tells where answers are from


def single_directories(settings: Settings, pool: Pool, clock: Clock) -> Sequence[Directory]:
    """Return each chosen directory by itself, to look at. Raises `SettingsError` as `directory` does."""
    return [_make(choice, settings, pool, clock) for choice in settings.directory or ()]


def sparing_options(settings: Settings, *, shares: int) -> SparingOptions:
    """Return how batches are gathered and answers remembered, where memory is divided into so many shares."""
    return SparingOptions(
        gathering=Gathering(
            size=settings.directory_batch,
            quiet=settings.directory_quiet,
            longest=settings.directory_longest,
            calls_at_once=settings.directory_calls,
        ),
        ages=Ages(
            persons=settings.directory_age_persons,
            external_identities=settings.directory_age_external,
            organizations=settings.directory_age_organizations,
            user_contacts=settings.directory_age_users,
            names=settings.directory_age_names,
        ),
        memory=settings.directory_memory // max(1, shares),
    )


def _make(choice: Choice, settings: Settings, pool: Pool, clock: Clock) -> Directory:
    makers: dict[Choice, Callable[[], Directory]] = {
        Choice.FIXED: lambda: FixedDirectory(settings.fixed_directory_file),
        Choice.REGISTER: lambda: RegisterDirectory(ContactRegister(pool), clock),
        Choice.ALTINN: lambda: altinn_directory(settings, clock),
    }
    return makers[choice]()
