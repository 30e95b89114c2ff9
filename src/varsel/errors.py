"""Every failure Varsel names, drawn as one tree.

    VarselError
    ├── SettingsError          a setting is missing or wrong; lists all of them at once
    ├── StorageError
    │   ├── DatabaseUnavailable    PostgreSQL cannot be reached or started
    │   └── SchemaMismatch         code and schema do not belong together
    ├── CredentialError        a presented credential does not hold
    │   └── KeysUnavailable        no key set was ever obtained, so nothing can be judged (503, not 401)
    ├── AddressNotFetched      an address that a caller chose gave nothing
    │   ├── AddressRefused         Varsel does not go there; trying again does not help
    │   ├── AddressUnreachable     no connection, no trusted certificate, or no complete answer in time
    │   │   └── AnswerIncomplete       a connection was made, so this says little of the host's other addresses
    │   ├── NameNotLookedUp        too many look-ups are under way; it was not even tried
    │   ├── AnswerTooLarge         it answers more than the limit allows
    │   └── AnswerUnreadable       its answer is compressed in a way that is not known, or wrongly
    ├── DependencyFailure      a directory or other look-up did not answer; the work is tried again later
    │   └── QuestionRefused        it finds fault with the question itself; a smaller question may be answered
    └── ProviderUnreachable    an e-mail or SMS provider cannot be reached

Sentences say what happened and what to do next; they never carry personal data or secrets.
"""

from collections.abc import Callable


class VarselError(Exception):
    """Base of all errors Varsel raises on purpose."""


class SettingsError(VarselError):
    """One or more settings are missing or wrong."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("Varsel cannot start with these settings:\n" + "\n".join(f"  - {p}" for p in problems))


class StorageError(VarselError):
    """The database could not do what was asked."""


class DatabaseUnavailable(StorageError):
    """PostgreSQL cannot be reached or started."""


class SchemaMismatch(StorageError):
    """The database's schema does not belong to this version of the code."""


class CredentialError(VarselError):
    """A presented credential does not hold."""


class KeysUnavailable(CredentialError):
    """No key set was ever obtained, so no token can be judged."""


class AddressNotFetched(VarselError):
    """An address that a caller chose gave nothing; texts name its scheme and host at most."""


class AddressRefused(AddressNotFetched):
    """The address cannot be read or lies where callers may not send Varsel."""


class AddressUnreachable(AddressNotFetched):
    """No connection, no trusted certificate, or no complete answer in time; another try may succeed."""


class AnswerIncomplete(AddressUnreachable):
    """A connection was made, but what came over it was late, broken off or no answer; another try may succeed."""


class NameNotLookedUp(AddressNotFetched):
    """Too many names are being looked up at this moment; says nothing of the host, and another try may succeed."""


class AnswerTooLarge(AddressNotFetched):
    """The answer is larger than the limit."""


class AnswerUnreadable(AddressNotFetched):
    """The answer is compressed in a way that is not known, or is not what its Content-Encoding says."""


class DependencyFailure(VarselError):
    """A directory or other look-up failed; `dependency` and `operation` name it for operators.

    `retry_after` is the header of that name in its answer, as it was written; empty without one.
    """

    def __init__(self, dependency: str, operation: str, reason: str, retry_after: str = "") -> None:
        self.dependency = dependency
        self.operation = operation
        self.reason = reason
        self.retry_after = retry_after
        super().__init__(f"{dependency} could not answer {operation}: {reason}")


class QuestionRefused(DependencyFailure):
    """A directory refuses a question for what is in it; the same question in smaller parts may be answered in part.

    It counts for nothing against the directory until `blame` is called, by whoever finds that everything is refused.
    """

    def __init__(self, dependency: str, operation: str, reason: str) -> None:
        super().__init__(dependency, operation, reason)
        self.blame: Callable[[], None] = _blame_nobody


def _blame_nobody() -> None:
    pass


class ProviderUnreachable(VarselError):
    """An e-mail or SMS provider cannot be reached."""
