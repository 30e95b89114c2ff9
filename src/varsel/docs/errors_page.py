"""`docs/errors.md`: what callers and operators can meet, and what to do. The error tree is read from the code."""

from collections.abc import Iterable, Iterator, Sequence

from varsel import errors
from varsel.errors import VarselError

_HEAD = """\
<!-- Written by `make docs` from src/varsel/docs/errors_page.py and src/varsel/errors.py; change it there. -->

# Errors

What can go wrong, how it shows, and what to do. Error texts say the same in short; they never carry names, addresses,
numbers, message texts or tokens.

## Answers of the interface

A caller sees these statuses. A body, where there is one, is a problem document with a `traceId`. It is sent as
`application/json`, or as `application/problem+json` to callers whose `Accept` header names that type.

"""

_STATUSES = (
    (
        "400",
        (
            "The request is not as described. A body that cannot be read is reported with its first problem, under a "
            "key that begins with `$`. Otherwise `errors` names all fields that are missing or, if none is, all that "
            "break a rule; at most 199, and then an entry under the empty key."
        ),
        "problem with `errors`",
        "Correct the named fields and send the request again; a readable body may then show further faults.",
    ),
    (
        "401",
        (
            "No credential, or one that does not hold: malformed, expired, or signed by somebody unknown. The header "
            "`WWW-Authenticate` names the scheme."
        ),
        "empty",
        "Get a new token; in development `varsel token --org ttd`. Is the issuer that of `VARSEL_OPENID_ADDRESS`?",
    ),
    (
        "403",
        "The credential holds but lacks the scope, or names no organisation, or two credentials name different ones.",
        "empty",
        "Ask for the scope `altinn:serviceowner/notifications.create`, with a token of your organisation.",
    ),
    (
        "404",
        "No such address, or no such order of yours: an order of another organisation looks the same as none.",
        "empty; problem on cancel",
        "Check id, path and organisation.",
    ),
    (
        "405",
        "The address exists but not with this method.",
        "empty",
        "The header `Allow` lists the methods.",
    ),
    (
        "409",
        "The order cannot be cancelled any more: its send time is too near, or it is being processed.",
        "problem",
        "Nothing; `VARSEL_CANCEL_LIMIT` says how long before the send time cancelling ends.",
    ),
    (
        "413",
        "The body is larger than `VARSEL_HTTP_MAX_BODY`.",
        "empty",
        "Divide the recipients among several orders.",
    ),
    (
        "415",
        "The content type is missing or is not JSON.",
        "empty or problem",
        "Send `Content-Type: application/json`.",
    ),
    (
        "422",
        "A recipient of a notification order has no usable address.",
        "problem `NOT-00001`",
        "Give an address, or wait until the recipient has registered one.",
    ),
    (
        "499",
        "The caller went away before the answer.",
        "problem `NOT-00002`",
        "Repeat; idempotent orders are not doubled.",
    ),
    (
        "500",
        "A directory did not answer while an order was placed (with `Retry-After`), or a defect. Nothing was stored.",
        "empty",
        "Repeat later; the log tells the reason under the `traceId`.",
    ),
    (
        "503",
        "The token issuer's keys were never obtained, the database is away, or a provider refused at once.",
        "empty, or problem `NOT-00004`",
        "Repeat later. Operators: `varsel doctor`.",
    ),
)

_CODES = (
    (
        "`NOT-00001`",
        "422",
        "Missing contact information for recipient(s)",
        "No address was found for a recipient or a reminder's.",
    ),
    (
        "`NOT-00002`",
        "499",
        "The client disconnected or cancelled the request before the server could complete processing",
        "The caller closed the connection; nothing was stored.",
    ),
    (
        "`NOT-00003`",
        "404",
        "Shipment not found",
        "No such shipment, or it belongs to another organisation.",
    ),
    (
        "`NOT-00004`",
        "503",
        "A temporary network failure occurred",
        "An instant message could not be handed to its provider.",
    ),
)

_ADVICE: dict[type[VarselError], str] = {
    VarselError: "Read its sentence; it says what to do.",
    errors.SettingsError: "Mend the listed settings; [settings.md](settings.md) explains each.",
    errors.StorageError: "Look at the database's own log, then run `varsel doctor`.",
    errors.DatabaseUnavailable: (
        "Start PostgreSQL, or correct `VARSEL_DATABASE_URL`. Embedded: is the data folder writable and not full?"
    ),
    errors.SchemaMismatch: "Run `varsel migrate` of the newest version in use; older code refuses a newer schema.",
    errors.CredentialError: "The caller gets 401 and needs a new token.",
    errors.KeysUnavailable: "The caller gets 503. Make the address in `VARSEL_OPENID_ADDRESS` reachable.",
    errors.AddressNotFetched: "See its cases; the sentence names scheme and host, since path and query may be secret.",
    errors.AddressRefused: "The caller should name a public address; or allow this one in `VARSEL_OUTGOING_ALLOWED`.",
    errors.AddressUnreachable: "Nothing at once: it is tried again. If it lasts, tell whoever runs that address.",
    errors.AnswerIncomplete: "Nothing at once: it is tried again. If it lasts, tell whoever runs that address.",
    errors.NameNotLookedUp: "Nothing at once: it is tried again. If it lasts, look for slow name servers.",
    errors.AnswerTooLarge: "Tell whoever runs that address.",
    errors.AnswerUnreadable: "Tell whoever runs that address; for files, look at the `Content-Encoding` they have.",
    errors.DependencyFailure: "Nothing at once: the work is tried again. If it lasts, look at the named dependency.",
    errors.QuestionRefused: "Nothing at once: smaller questions follow. If it lasts, look at the named dependency.",
    errors.ProviderUnreachable: "Check the provider's address, account and the way there; messages wait meanwhile.",
}

_EXIT_CODES = (
    (
        "0",
        "Done. `varsel serve` and `varsel work` end so when told to stop.",
    ),
    (
        "1",
        "It did not succeed: an error of the tree above, or a failed check of `varsel doctor`.",
    ),
    (
        "2",
        "Wrong settings or wrong arguments; nothing was started.",
    ),
    (
        "130",
        "Interrupted from the keyboard.",
    ),
)


def errors_page() -> str:
    """Return the whole page."""
    return "\n".join(
        [
            _HEAD,
            _table(("Status", "Meaning", "Body", "What to do"), _STATUSES),
            "Problems with a code of their own:\n",
            _table(("`code`", "Status", "`title`", "Raised when"), _CODES),
            "## Errors of the code\n",
            "They appear in logs and, at the start, on standard error. Indentation shows what is a case of what.\n",
            _table(("Error", "Meaning", "What to do"), _tree(VarselError)),
            "## Exit codes of `varsel`\n",
            _table(("Code", "Meaning"), _EXIT_CODES),
        ]
    )


def _tree(error: type[VarselError], depth: int = 0) -> Iterator[tuple[str, str, str]]:
    sentence = (error.__doc__ or "").split("\n")[0]
    yield f"{'&emsp;' * depth}`{error.__name__}`", sentence, _ADVICE[error]
    for each in error.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from _tree(each, depth + 1)


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return _row(heading) + _row(["---"] * len(heading)) + "".join(map(_row, rows))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
