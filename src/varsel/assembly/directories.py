"""Settings → the directories that are asked for persons and organisations, and how sparingly."""

from collections.abc import Callable, Sequence
from itertools import groupby

from varsel.contacts.altinn import (
    AltinnDirectory,
    AltinnOptions,
    CallOptions,
    Headers,
    PlatformAccessTokens,
    Service,
    fixed_headers,
    platform_header,
    read_platform_key,
)
from varsel.contacts.fixed import FixedDirectory
from varsel.contacts.limits import Limits
from varsel.contacts.protocol import Directory
from varsel.contacts.register import RegisterDirectory
from varsel.contacts.sequence import DirectorySequence, in_sequence
from varsel.contacts.sparing import Ages, Gathering, SparingDirectory, SparingOptions
from varsel.errors import SettingsError
from varsel.model.clock import Clock
from varsel.settings import Settings
from varsel.settings.choices import Directory as Choice
from varsel.storage.contacts import ContactRegister
from varsel.storage.pool import Pool

_SUBSCRIPTION_KEY = "Ocp-Apim-Subscription-Key"


def directory(settings: Settings, pool: Pool, clock: Clock) -> Directory:
    """Return the chosen directories as one. Raises `SettingsError` if a file of one of them is wrong.

    The file is not asked sparingly: a look-up there costs nothing, and whoever edits it sees the change at once.
    Neighbours among the others gather and remember together.
    """
    chosen = settings.directory or ()
    runs = [(costly, list(some)) for costly, some in groupby(chosen, lambda choice: choice is not Choice.FIXED)]
    options = sparing_options(settings, shares=sum(costly for costly, _ in runs))
    joined: list[Directory] = []
    for costly, some in runs:
        made = in_sequence([_make(choice, settings, pool, clock) for choice in some])
        joined.append(SparingDirectory(made, clock, options) if costly else made)
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


def altinn_options(settings: Settings, clock: Clock) -> AltinnOptions:
    """Return where Altinn's components are and how they are asked; the settings have made sure of their addresses."""
    return AltinnOptions(
        profile=Service(f"{settings.altinn_profile}/"),
        register=Service(f"{settings.altinn_register}/", _register_headers(settings, clock)),
        authorization=Service(f"{settings.altinn_authorization}/", _authorization_headers(settings)),
        identifiers_per_call=settings.altinn_identifiers_per_call,
        pairs_per_call=settings.altinn_pairs_per_call,
        limits=Limits(
            calls_at_once=settings.directory_calls,
            failures=settings.directory_failures,
            first_rest=settings.directory_rest_first,
            longest_rest=settings.directory_rest_longest,
        ),
        call=CallOptions(
            connect_timeout=settings.altinn_connect_timeout,
            timeout=settings.altinn_timeout,
            largest_answer=settings.altinn_largest_answer,
        ),
    )


def _make(choice: Choice, settings: Settings, pool: Pool, clock: Clock) -> Directory:
    makers: dict[Choice, Callable[[], Directory]] = {
        Choice.FIXED: lambda: FixedDirectory(settings.fixed_directory_file),
        Choice.REGISTER: lambda: RegisterDirectory(ContactRegister(pool), clock),
        Choice.ALTINN: lambda: AltinnDirectory(altinn_options(settings, clock), clock),
    }
    return makers[choice]()


def _authorization_headers(settings: Settings) -> Headers:
    key = settings.altinn_subscription_key
    return fixed_headers({_SUBSCRIPTION_KEY: key.reveal()} if key else {})


def _register_headers(settings: Settings, clock: Clock) -> Headers:
    """Show a platform access token where there is a key that signs one (integrations.md 2.7)."""
    file, password = settings.altinn_token_key_file, settings.altinn_token_key_password
    if file is None:
        return fixed_headers({})
    try:
        key = read_platform_key(file.read_bytes(), password.reveal() if password else None)
    except OSError as failure:
        raise SettingsError([f"VARSEL_ALTINN_TOKEN_KEY_FILE cannot be read: {failure.strerror}"]) from None
    except ValueError as flaw:
        raise SettingsError([f"VARSEL_ALTINN_TOKEN_KEY_FILE cannot be used: {flaw}"]) from None
    return platform_header(PlatformAccessTokens(key, clock))
