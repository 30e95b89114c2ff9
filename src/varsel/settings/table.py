"""Every setting of Varsel, declared once: its field, kind, default, and what it does.

`docs/settings.md` is written from here.
"""
# ruff: noqa: RUF009 - setting() is dataclasses.field() with a declaration in it

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from varsel.settings.address_kinds import (
    Network,
    address,
    addresses_by_name,
    email_address,
    host_names,
    network,
    postgresql_address,
    reachable_places,
    senders_by_creator,
    token_address,
)
from varsel.settings.choices import (
    Algorithm,
    AltinnComponent,
    ClientAuthentication,
    ConditionAuthentication,
    Directory,
    EmailProvider,
    Environment,
    LinkCharset,
    LinkUnicode,
    LogFormat,
    LogLevel,
    ReceiverFormat,
    Role,
    SmsProvider,
    TlsMode,
    Undecided,
    UnknownOutcome,
)
from varsel.settings.header_kinds import header_lines, header_name, header_value
from varsel.settings.kinds import (
    choice,
    duration,
    optional,
    path,
    ranked,
    rate,
    secret,
    series,
    several,
    size,
    text,
    text_or_nothing,
    time_zone,
    whole,
    yes_no,
)
from varsel.settings.reader import Derived, Group, setting
from varsel.settings.secret import Secret

SERVICE = Group("Service", "Where Varsel runs and what this process does.")
LOG = Group("Log", "What is written to standard error. Logs never carry names, addresses, numbers, texts or tokens.")
DATABASE = Group(
    "Database", "PostgreSQL holds everything. Without an address, an embedded one runs in the data folder."
)
HTTP = Group("HTTP", "What one caller may take of the machine.")
ORDERS = Group("Orders", "What is filled in for callers, and how orders are accepted and cancelled.")
TOKENS = Group("Tokens", "Whose credentials are accepted.")
SCHEDULE = Group("Schedule", "When messages may leave, and when waiting for news of them ends.")
WORKER = Group("Worker", "How orders are carried to their end.")
EMAIL = Group("E-mail", "How e-mail leaves. The `SMTP` settings count only with the `smtp` provider.")
ATTACHMENTS = Group("Attachments", "How the files of composed e-mails are fetched when the e-mails are sent.")
SMS = Group("SMS", "How SMS leaves. The `LINK` settings count only with the `link` provider.")
CONTACTS = Group("Contacts", "Where addresses and names of persons and organisations come from.")
LOOKUPS = Group(
    "Look-ups",
    "How sparingly the directories `register` and `altinn` are asked, in each process. The file is just read.",
)
ALTINN = Group(
    "Altinn", "Where Altinn's components are and how they are called. Counts only with the directory `altinn`."
)
OUTGOING = Group(
    "Outgoing calls", "Where Varsel goes when a caller names an address, for instance of a send condition."
)
CONDITIONS = Group(
    "Send conditions", "How the endpoint of an order that carries a send condition is asked, and what follows."
)
MASKINPORTEN = Group(
    "Maskinporten", "The client whose tokens show others who is calling. Counts only where its tokens are wanted."
)
OAUTH = Group("OAuth", "The client of any other token server. Counts only where its tokens are wanted.")
SANDBOX = Group("Sandbox", "The channels that keep messages instead of sending them, and the inbox that shows them.")
RETENTION = Group("Retention", "How long things are kept. Shorter means less personal data and smaller tables.")


def local_address(port: int) -> str:
    """Return the address of this machine at `port`; of port 0, which is not known yet, without one."""
    return f"http://localhost:{port}" if port else "http://localhost"


def _in_data_dir(name: str) -> Derived:
    return Derived(f"`{name}` in `VARSEL_DATA_DIR`", lambda values: str(values["data_dir"] / name))


def _by_environment(development: str, production: str) -> Derived:
    def pick(values: Mapping[str, Any]) -> str:
        return development if values["environment"] is Environment.DEVELOPMENT else production

    return Derived(f"`{development}` in development, `{production}` in production", pick)


def _fifth_of(length: timedelta | None) -> str:
    return f"{(length or timedelta(0)) // timedelta(milliseconds=5)}ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The fields of `Settings`."""

    environment: Environment = setting(
        SERVICE,
        choice(Environment),
        "development",
        "`development` starts with a token issuer of its own and with an inbox that shows what was sent. "
        "`production` refuses both, and anything else that would let strangers in. Set it to `production` wherever "
        "real messages leave.",
    )
    data_dir: Path = setting(
        SERVICE,
        path(),
        "./var",
        "Folder for the embedded database, the local issuer's keys and the default places of other files. It is "
        "created when missing. Give each installation its own.",
    )
    roles: frozenset[Role] = setting(
        SERVICE,
        several(Role),
        "api,worker",
        "What this process does: answer requests (`api`), carry orders to their end (`worker`), or both. Divide "
        "them when sending must not slow answering; any number of processes may share one database.",
    )
    host: str = setting(
        SERVICE,
        text("host name or IP address"),
        "127.0.0.1",
        "Address to listen on. `0.0.0.0` listens on all; do that behind a proxy that ends TLS.",
    )
    development_reachable: bool = setting(
        SERVICE,
        yes_no(),
        "no",
        "Whether an installation in development may listen on an address that other machines reach. Whoever reaches it "
        "can read the inbox and every message; say `yes` in a container whose port is "
        "published to its own machine only.",
    )
    port: int = setting(
        SERVICE,
        whole(0, 65535),
        "5090",
        "TCP port to listen on; `0` takes a free one and the `varsel ready` line tells which.",
    )
    share_port: bool = setting(
        SERVICE,
        yes_no(),
        "no",
        "Whether other processes of the same user may listen on the same address and port. The kernel then deals new "
        "connections out among them, so that an interface uses more than one core without a proxy in between. Set it "
        "for each of them; it needs Linux. `/metrics` shows the counts of the process that happens to answer.",
    )
    base_uri: str = setting(
        SERVICE,
        address("https", "http"),
        Derived("`http://localhost:` and `VARSEL_PORT`", lambda values: local_address(values["port"])),
        "Address callers know this service by. It begins every link and `Location` in answers, so set it to the "
        "public address in production.",
    )
    shutdown_wait: timedelta = setting(
        SERVICE,
        duration("0s", "10m"),
        "15s",
        "How long running requests and hand-overs may take to finish after SIGTERM. Keep it below the patience of "
        "whatever stops the process (Kubernetes: 30 s), which otherwise kills it.",
    )
    swagger: bool = setting(
        SERVICE,
        yes_no(),
        _by_environment("yes", "no"),
        "Whether `/swagger` shows the description of the interface. It reveals nothing secret; turn it on where "
        "callers should be able to read it.",
    )
    contact: str | None = setting(
        SERVICE,
        optional(email_address()),
        "",
        "E-mail address where callers of the interface get help. The description at `/swagger` shows it; without it, "
        "that shows `VARSEL_BASE_URI`.",
    )
    metrics: bool = setting(
        SERVICE,
        yes_no(),
        _by_environment("yes", "no"),
        "Whether `/metrics` shows counters for Prometheus, without any credential. They carry no personal data; turn "
        "it on where the network keeps strangers out.",
    )

    log_level: LogLevel = setting(
        LOG,
        choice(LogLevel),
        "info",
        "Least important kind of line that is written. `debug` while looking for a fault.",
    )
    log_format: LogFormat = setting(
        LOG,
        choice(LogFormat),
        _by_environment("text", "json"),
        "`text` reads well in a terminal; `json` writes one object per line for a log collector.",
    )
    log_lines_alike: int = setting(
        LOG,
        whole(0, 1_000_000, "lines a minute"),
        "100",
        "Lines of one kind that are written in a minute; the first one after it tells how many were left out. It keeps "
        "a caller without a token, or an outage, from filling a disk. `0` writes all of them.",
    )

    database_url: Secret | None = setting(
        DATABASE,
        optional(secret(postgresql_address())),
        "",
        "Address of PostgreSQL 14 or newer: `postgresql://user:password@host/name`. Empty starts the embedded one "
        "in the data folder, which suits trials and one machine; set it for everything else.",
    )
    database_pool_api: int = setting(
        DATABASE,
        whole(2, 200, "connections"),
        "8",
        "Connections the `api` role may hold. Requests share them in batches, so more rarely helps; lower it when "
        "many processes share a small server.",
    )
    database_pool_worker: int = setting(
        DATABASE,
        whole(2, 200, "connections"),
        "8",
        "Connections the `worker` role may hold. Raise it together with `VARSEL_CONCURRENT_CHUNKS`.",
    )
    database_connect_wait: timedelta = setting(
        DATABASE,
        duration("0s", "1h"),
        "30s",
        "How long the start waits for the database to answer before giving up. Raise it where the database starts "
        "later than Varsel does.",
    )
    database_statement_timeout: timedelta = setting(
        DATABASE,
        duration("1s", "1h"),
        "10s",
        "Longest time one statement may take before it counts as failed, and a transaction may stand still before it "
        "loses its locks. Two seconds later a database that says nothing counts as away. Raise it on slow disks.",
    )
    database_transaction_pooler: bool = setting(
        DATABASE,
        yes_no(),
        "no",
        "Say `yes` when the address leads to a pooler in transaction mode (PgBouncer, Odyssey): prepared statements "
        "are then not kept, which costs some speed.",
    )

    http_max_body: int = setting(
        HTTP,
        size("1kB", "200MB"),
        "30000000",
        "Largest request body; a larger one is answered 413. The default is that of Altinn Notifications.",
    )
    http_big_body: int = setting(
        HTTP,
        size("1kB", "200MB"),
        "1MB",
        "From which size a body counts as big, so that it waits for a place among the big ones and is read beside "
        "the others. Rarely worth changing.",
    )
    http_max_big_bodies: int = setting(
        HTTP,
        whole(1, 64, "requests"),
        "2",
        "Big bodies in memory at once, at most half of them of one creator; further ones wait. Each takes about three "
        "times its size, so raise it with memory.",
    )
    http_max_head: int = setting(
        HTTP,
        size("8kB", "1MB"),
        "32KiB",
        "Largest head of a request (its first line and all header fields); a larger one is answered 431. Raise it for "
        "callers whose cookies are that large.",
    )
    http_max_connections: int = setting(
        HTTP,
        whole(10, 100_000, "connections"),
        "2000",
        "Connections open at a time in each process. Beyond that, the one that has waited longest for a request is "
        "closed, or the new one answered 503. Each takes a file descriptor, so allow the process some 300 more "
        "(`ulimit -n`); the log warns when there are too few. Raise it for many callers without a proxy between.",
    )
    http_keep_alive: timedelta = setting(
        HTTP,
        duration("1s", "1h"),
        "75s",
        "How long a connection without a request is kept open. Set it longer than the proxy in front keeps its idle "
        "connections (usually 60 s): otherwise a request may be sent just when Varsel closes its connection, and is "
        "lost. Answers announce it as `Keep-Alive: timeout`, and Varsel itself waits 5 s longer.",
    )
    http_head_timeout: timedelta = setting(
        HTTP,
        duration("1s", "10m"),
        "30s",
        "How long the head of a request may take from its first byte to its last; then 408.",
    )
    http_least_rate: int = setting(
        HTTP,
        size("1B", "1MB"),
        "1kB",
        "Bytes per second that a caller must send of a body, on average and after 5 s, or is answered 408; and must "
        "read of an answer, after 30 s, or is cut off. Only the time counts in which Varsel waits for the caller.",
    )
    http_linger: timedelta = setting(
        HTTP,
        duration("0s", "10m"),
        Derived("a fifth of `VARSEL_SHUTDOWN_WAIT`", lambda values: _fifth_of(values["shutdown_wait"])),
        "How long requests are still answered after SIGTERM, each with `Connection: close`, before connections without "
        "a request are closed. It ends early when no connection is left. Set it longer than whatever sends requests "
        "here takes to notice the stop (Kubernetes: some seconds).",
    )
    http_request_timeout: timedelta = setting(
        HTTP,
        duration("1s", "1h"),
        "60s",
        "Longest time one request may take, the arrival of its body included. Raise it for callers who send large "
        "orders over slow lines.",
    )

    intake_batch: int = setting(
        ORDERS,
        whole(1, 1000, "orders"),
        "128",
        "Most orders that share one commit. Above some hundred the longer statements cost more than the saved "
        "commits bring.",
    )
    default_email_from: str = setting(
        ORDERS,
        email_address(),
        "noreply@altinn.cloud",
        "Sender of e-mails whose order names none. Set it to an address your mail server may send for.",
    )
    default_sms_sender: str = setting(
        ORDERS,
        text("text, at most 11 letters and digits, or a number"),
        "Altinn",
        "Sender of SMS whose order names none: a name of at most 11 letters and digits, or a number. Gateways may "
        "ask for it to be registered.",
    )
    email_senders: Mapping[str, tuple[str, ...]] = setting(
        ORDERS,
        senders_by_creator(),
        "",
        "Which sender addresses each creator may name in orders: `ttd=noreply@ttd.example.com|*@digdir.example.com, "
        "skd=*`. A creator called `*` stands for all that are not named. Empty allows all senders, as Altinn "
        "Notifications does; otherwise creators that are not named may use only the default sender.",
    )
    sms_senders: Mapping[str, tuple[str, ...]] = setting(
        ORDERS,
        senders_by_creator(),
        "",
        "Which sender names and numbers of SMS each creator may name in orders, written like "
        "`VARSEL_EMAIL_SENDERS`: `ttd=TTD|Digdir, *=Varsel`.",
    )
    cancel_limit: timedelta = setting(
        ORDERS,
        duration("0s", "30d"),
        "5m",
        "An order can be cancelled until this long before its requested send time. The default is part of the "
        "contract.",
    )

    instant_wait: timedelta = setting(
        ORDERS,
        duration("1s", "1h"),
        "40s",
        "How long the caller of an instant message waits for the provider's answer, before 503. What the provider says "
        "afterwards is still recorded, and the message is never sent twice. A repeated request waits as long for the "
        "hand-over that the first one has begun.",
    )
    instant_retry_after: tuple[timedelta, ...] = setting(
        ORDERS,
        series(duration("1s", "24h"), "1s,5s"),
        "2s,5s,15s,30s,60s",
        "How long an instant message rests after each hand-over that the provider refused for a moment; the last one "
        "repeats until the message expires. A pause that the provider asks for goes before it.",
    )
    feed_page_size: int = setting(
        ORDERS,
        whole(1, 10_000, "entries"),
        "500",
        "Most entries of the status feed in one answer, and how many a caller gets who names no number. The default is "
        "part of the contract.",
    )
    trigger_key: Secret | None = setting(
        ORDERS,
        optional(secret(text())),
        "",
        "Key that callers of the trigger endpoints present as `X-API-Key`. Varsel's workers need no triggers; set it, "
        "or the networks below, only for schedulers that still call them. Without either the endpoints answer 404.",
    )
    trigger_networks: tuple[Network, ...] | None = setting(
        ORDERS,
        optional(series(network(), "10.0.0.0/8")),
        "",
        "Networks whose callers may use the trigger endpoints without a key, for example `10.0.0.0/8`. What counts is "
        "who connects: behind a proxy that is the proxy, so use a key there.",
    )

    openid_address: str | None = setting(
        TOKENS,
        optional(address("https", "http")),
        "",
        "Address of the token issuer; its discovery document is there under `.well-known/openid-configuration`. For "
        "Altinn: `https://platform.altinn.no/authentication/api/v1/openid`. Empty means the local issuer of `varsel "
        "token`, which exists in development only.",
    )
    openid_check_issuer: bool = setting(
        TOKENS,
        yes_no(),
        _by_environment("no", "yes"),
        "Whether a token's `iss` must equal the issuer of the discovery document, as it does in Altinn's tokens. `no` "
        "does as Altinn Notifications, and accepts whatever is signed with a key of the set.",
    )
    openid_audiences: tuple[str, ...] | None = setting(
        TOKENS,
        optional(series(text(), "https://notify.example.com"), "any"),
        Derived(
            "`any` in development, `VARSEL_BASE_URI` in production",
            lambda values: "any" if values["environment"] is Environment.DEVELOPMENT else values["base_uri"],
        ),
        "Names this service goes by in the `aud` of tokens. A token that was made for others only is refused; one "
        "without `aud`, as Altinn's are, is not. `any` accepts tokens made for other services, as Altinn Notifications "
        "does.",
    )
    openid_algorithms: frozenset[Algorithm] = setting(
        TOKENS,
        several(Algorithm),
        "RS256",
        "Signature algorithms a token may use. Add one only when your issuer signs with it.",
    )
    openid_keys_fresh: timedelta = setting(
        TOKENS,
        duration("1m", "24h"),
        "1h",
        "How long a fetched key set counts as fresh; afterwards it is fetched anew in the background. An unknown "
        "key is looked for at once in any case.",
    )
    openid_keys_kept: timedelta = setting(
        TOKENS,
        duration("1h", "30d"),
        "24h",
        "How long the last good key set stays in use while the issuer cannot be reached. Longer survives longer "
        "outages; shorter forgets withdrawn keys sooner.",
    )
    openid_timeout: timedelta = setting(
        TOKENS, duration("1s", "60s"), "5s", "Longest wait for a discovery document or key set. Raise it on slow lines."
    )
    token_cookie: str = setting(
        TOKENS,
        text_or_nothing("cookie name, or empty"),
        "AltinnStudioRuntime",
        "Cookie a token is taken from when there is no `Authorization` header. Empty accepts no cookie, which is "
        "safer where no browser calls.",
    )
    platform_audiences: tuple[str, ...] | None = setting(
        TOKENS,
        optional(series(text(), "platform.altinn.no"), "any"),
        _by_environment("any", "platform.altinn.no"),
        "The same for platform access tokens. The default is the name that Altinn's own generator writes.",
    )
    platform_keys_dir: Path = setting(
        TOKENS,
        path(),
        _in_data_dir("platform-keys"),
        "Folder with certificates or public keys of those who sign platform access tokens, one file per issuer, "
        "named `<issuer>-access-token-public-cert.pem`.",
    )
    platform_key_sets: Mapping[str, str] = setting(
        TOKENS,
        addresses_by_name(),
        "",
        "Key sets of issuers of platform access tokens that publish theirs, for example "
        "`ttd=https://keys.example.com/ttd.json`. The folder above is asked first.",
    )
    platform_keys_fresh: timedelta = setting(
        TOKENS,
        duration("1m", "24h"),
        "1h",
        "How long a platform issuer's key is remembered before it is read again. Shorter notices replaced keys sooner.",
    )

    sms_window_start: int = setting(
        SCHEDULE, whole(0, 23, "o'clock"), "9", "Hour from which SMS with sending time policy `Daytime` may leave."
    )
    sms_window_end: int = setting(
        SCHEDULE, whole(1, 24, "o'clock"), "17", "Hour at which SMS with sending time policy `Daytime` no longer leave."
    )
    sms_window_zone: ZoneInfo = setting(
        SCHEDULE,
        time_zone(),
        "Europe/Oslo",
        "Time zone of the two hours above. Change it when recipients live elsewhere.",
    )
    notification_lifetime: timedelta = setting(
        SCHEDULE,
        duration("1h", "30d"),
        "48h",
        "How long after its requested send time a message may still be sent and reported on, instant e-mails included; "
        "the caller of an instant SMS says it himself. The default is part of the contract.",
    )
    expiry_grace: timedelta = setting(
        SCHEDULE,
        duration("0s", "24h"),
        "300s",
        "How long after its expiry a message still waits for a late report before it ends as `Failed_TTL`.",
    )
    due_look_ahead: timedelta = setting(
        SCHEDULE,
        duration("0s", "5m"),
        "0s",
        "How long before its requested send time an order may be taken. Altinn Notifications looks a minute ahead "
        "because its jobs start once a minute; Varsel looks all the time and need not send early.",
    )

    poll_interval: timedelta = setting(
        WORKER,
        duration("10ms", "60s"),
        "200ms",
        "Longest idle time between two looks for work. Longer spares an idle database, and messages leave that much "
        "later.",
    )
    lease_length: timedelta = setting(
        WORKER,
        duration("5s", "1h"),
        "60s",
        "How long work belongs to the process that took it. After a crash others take it over when this has passed, "
        "so shorter recovers sooner; too short, and slow work is done twice.",
    )
    order_retry_first: timedelta = setting(
        WORKER,
        duration("1s", "1h"),
        "60s",
        "How long an order rests after its first failed attempt, for instance when a directory does not answer. "
        "Each further rest is twice as long.",
    )
    order_retry_longest: timedelta = setting(
        WORKER, duration("1s", "24h"), "1h", "Longest rest of an order between two attempts."
    )
    orders_at_once: int = setting(
        WORKER,
        whole(1, 1000, "orders"),
        "1000",
        "Due orders taken together. Their recipients are looked up together too, so fewer means more calls of a "
        "directory; as many as `VARSEL_DIRECTORY_BATCH` fill a batch with orders to one person each.",
    )
    chunk_size: int = setting(
        WORKER,
        whole(1, 5000, "notifications"),
        "500",
        "Notifications taken, sent and recorded together. Larger chunks cost the database less and more is repeated "
        "after a crash.",
    )
    concurrent_chunks: int = setting(
        WORKER,
        whole(1, 64, "chunks"),
        "4",
        "Chunks in work at once in one process. Raise it when the provider is slow to answer and has room for more.",
    )
    send_retry_after: tuple[timedelta, ...] = setting(
        WORKER,
        series(duration("1s", "24h"), "1m,5m,15m"),
        "1m,5m,15m,30m,60m",
        "How long a message rests after each hand-over that certainly failed; the last one repeats until the "
        "message expires.",
    )
    provider_pause: timedelta = setting(
        WORKER,
        duration("1s", "1h"),
        "60s",
        "How long a channel rests when its provider is down or asks for less without saying for how long. A pause "
        "the provider names itself is kept instead.",
    )
    unknown_outcome: UnknownOutcome = setting(
        WORKER,
        choice(UnknownOutcome),
        "resend",
        "What follows when a provider's answer was lost, so that the message may or may not have been taken: "
        "`resend` risks that it arrives twice, `fail` that it never arrives.",
    )
    unknown_outcome_limit: int = setting(
        WORKER,
        whole(1, 100, "attempts"),
        "5",
        "Attempts of one message whose outcome may be lost, counted together for crashes, lost leases and lost "
        "answers. After the last one the message is not sent again and ends as `Failed`. It bounds how many copies one "
        "recipient may get. It has no effect with `VARSEL_UNKNOWN_OUTCOME=fail`, which allows none.",
    )

    report_patience: timedelta = setting(
        WORKER,
        duration("1m", "30d"),
        "72h",
        "How long a delivery report waits for the message it speaks of. Afterwards it is left alone and kept for "
        "inspection.",
    )

    email_provider: EmailProvider = setting(
        EMAIL,
        choice(EmailProvider),
        "sandbox",
        "`sandbox` keeps e-mails instead of sending; `smtp` sends by a mail server.",
    )
    assume_delivered_after: timedelta | None = setting(
        EMAIL,
        optional(duration("0s", "30d"), "off"),
        "24h",
        "Mail servers report failures but seldom success. An e-mail without bad news for so long counts as "
        "delivered; `0s` counts it so when the server takes it; `off` lets it end as expired. Counts only where no "
        "delivery reports arrive.",
    )
    smtp_host: str | None = setting(EMAIL, optional(text("host name")), "", "Name of the mail server.")
    smtp_port: int = setting(
        EMAIL,
        whole(1, 65535),
        "587",
        "Its port: 587 with `starttls`, 465 with `tls`, 25 for a relay on your own network.",
    )
    smtp_tls: TlsMode = setting(
        EMAIL,
        choice(TlsMode),
        "starttls",
        "How the connection is protected. `starttls` is required, not tried: a server without it is refused. `none` "
        "is for a relay on your own machine or network.",
    )
    smtp_username: str | None = setting(
        EMAIL, optional(text()), "", "Account at the mail server. Empty sends without authentication."
    )
    smtp_password: Secret | None = setting(EMAIL, optional(secret(text())), "", "Password of that account.")
    smtp_token_file: Path | None = setting(
        EMAIL,
        optional(path()),
        "",
        "File with an access token, which signs in instead of a password (XOAUTH2). It is read anew at every login; "
        "something else keeps the token in it fresh.",
    )
    smtp_token_address: str | None = setting(
        EMAIL,
        optional(token_address()),
        "",
        "Token endpoint whose access tokens sign in instead of a password (XOAUTH2), for Office 365 "
        "`https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token`. The user name is the sender's mailbox.",
    )
    smtp_client_id: str | None = setting(
        EMAIL, optional(text()), "", "Id under which the client is registered at that endpoint."
    )
    smtp_client_secret: Secret | None = setting(EMAIL, optional(secret(text())), "", "Secret of that client.")
    smtp_token_scope: str | None = setting(
        EMAIL,
        optional(text("scopes, divided by spaces")),
        "",
        "Scope of the tokens, for Office 365 `https://outlook.office365.com/.default`. Empty asks for none.",
    )
    smtp_client_secret_in: ClientAuthentication = setting(
        EMAIL,
        choice(ClientAuthentication),
        "body",
        "Where the secret is written: `body` is what Microsoft documents; `header` is what RFC 6749 has every server "
        "read.",
    )
    smtp_ca_file: Path | None = setting(
        EMAIL,
        optional(path()),
        "",
        "Certificates (PEM) the mail server's own is verified against. Empty uses the system's; set it for a "
        "private authority.",
    )
    smtp_connections: int = setting(
        EMAIL,
        whole(1, 1000, "connections"),
        "64",
        "Connections to the mail server at once. More send faster through a server that answers slowly; stay below "
        "its limit.",
    )
    smtp_rate: float | None = setting(
        EMAIL,
        optional(rate(0.1, 10_000, "messages")),
        "",
        "Messages per second the mail server takes, counted over all processes. Empty sends as fast as it takes them, "
        "and slows down for a while when it refuses many with 421, 432, 450, 451, 452 or 454. Set it when your "
        "agreement names a rate: then nothing is refused.",
    )
    smtp_messages_per_connection: int = setting(
        EMAIL,
        whole(1, 1_000_000, "messages"),
        "100",
        "Messages after which a connection is replaced. Lower it when the server closes connections sooner.",
    )
    smtp_connect_timeout: timedelta = setting(
        EMAIL, duration("1s", "5m"), "10s", "Longest wait for a connection, its TLS and its greeting."
    )
    smtp_command_timeout: timedelta = setting(
        EMAIL,
        duration("1s", "10m"),
        "60s",
        "Longest wait for the answer to a command. RFC 5321 advises up to 5 minutes.",
    )
    smtp_data_timeout: timedelta = setting(
        EMAIL,
        duration("1s", "15m"),
        "2m",
        "Longest wait for the answer to a message. Too short, and messages the server took are sent again; RFC 5321 "
        "advises up to 10 minutes.",
    )
    smtp_message_id_domain: str | None = setting(
        EMAIL,
        optional(text("domain name")),
        "",
        "Right side of `Message-ID`: a domain of your own. Empty takes the domain of the sender.",
    )
    smtp_return_path: str | None = setting(
        EMAIL,
        optional(email_address()),
        "",
        "Where mail servers return what they could not deliver. Empty returns it to the sender; set it when the "
        "sender is an address nobody reads.",
    )
    smtp_ehlo_name: str | None = setting(
        EMAIL,
        optional(text("host name")),
        "",
        "Name Varsel greets the mail server with. Empty greets with its network address; set it when the server "
        "wants a name.",
    )
    smtp_html_alone: bool = setting(
        EMAIL,
        yes_no(),
        "no",
        "`no` adds a plain text to HTML e-mails, which spam filters and old programs prefer; `yes` sends the HTML "
        "alone, as Altinn Notifications does.",
    )
    smtp_dsn: bool = setting(
        EMAIL,
        yes_no(),
        "no",
        "Whether delivery status notifications (RFC 3461) are asked for where the server offers them. They go to "
        "the sender's address; say `yes` when something reads them there.",
    )

    attachment_hosts: tuple[str, ...] = setting(
        ATTACHMENTS,
        host_names(),
        "",
        "Hosts where attachments may lie, besides `*.blob.core.windows.net`: `files.example.no`, `*.blobs.example.no`. "
        "What is not public must be named in `VARSEL_OUTGOING_ALLOWED` too.",
    )
    attachment_limit: int = setting(
        ATTACHMENTS,
        size("1kB", "100MB"),
        "7MB",
        "Largest sum of an e-mail's files; above it the e-mail ends as `Failed_PayloadTooLarge`. Files grow by a third "
        "on their way, so keep it below seven tenths of what your mail server takes.",
    )
    attachment_timeout: timedelta = setting(
        ATTACHMENTS,
        duration("1s", "10m"),
        "30s",
        "Longest time one file may take to arrive. An e-mail whose files do not arrive in time is tried again like "
        "one that its provider could not take.",
    )
    attachment_concurrency: int = setting(
        ATTACHMENTS, whole(1, 50, "files"), "5", "Files of one e-mail fetched at once."
    )
    attachment_emails: int = setting(
        ATTACHMENTS,
        whole(1, 100, "e-mails"),
        "4",
        "E-mails with attachments in work at once in one process. Each takes some one and a half times the limit of "
        "memory; raise it when many such e-mails are sent and memory allows.",
    )

    sms_provider: SmsProvider = setting(
        SMS,
        choice(SmsProvider),
        "sandbox",
        "`sandbox` keeps SMS instead of sending; `link` sends by the XML gateway of LINK Mobility.",
    )
    link_endpoint: str = setting(
        SMS,
        address("https", "http"),
        "https://xml.pswin.com",
        "Address of the gateway. Its second site is `https://xml2.pswin.com`, its test site "
        "`https://xml-test.pswin.com`.",
    )
    link_username: str | None = setting(SMS, optional(text()), "", "Account at the gateway.")
    link_password: Secret | None = setting(SMS, optional(secret(text())), "", "Password of that account.")
    link_timeout: timedelta = setting(
        SMS,
        duration("1s", "5m"),
        "30s",
        "Longest wait for the gateway's answer. Too short, and messages it took are sent again.",
    )
    link_receiver_format: ReceiverFormat = setting(
        SMS,
        choice(ReceiverFormat),
        "digits",
        "How numbers are written to the gateway: `digits` as its documentation asks, `plus` as Altinn Notifications "
        "does.",
    )
    link_charset: LinkCharset = setting(
        SMS,
        choice(LinkCharset),
        "utf-8",
        "Character set of requests. Change it only when letters such as ø arrive wrong.",
    )
    link_unicode: LinkUnicode = setting(
        SMS,
        choice(LinkUnicode),
        "never",
        "`auto` sends texts with characters outside the GSM alphabet as Unicode, of which 70 characters instead of "
        "160 fit in a part. `never` lets the gateway replace such characters, as with Altinn Notifications.",
    )
    link_messages_per_request: int = setting(
        SMS,
        whole(1, 100, "messages"),
        "1",
        "SMS in one request. More is faster; a lost answer then leaves as many in doubt.",
    )
    link_concurrency: int = setting(
        SMS, whole(1, 200, "requests"), "64", "Requests to the gateway at once; stay below what your agreement allows."
    )
    link_rate: float | None = setting(
        SMS,
        optional(rate(0.1, 10_000, "messages")),
        "",
        "SMS per second that may be handed to the gateway, counted over all processes. Empty sends as fast as it takes "
        "them; set it when your agreement names a rate.",
    )
    link_strict_states: bool = setting(
        SMS,
        yes_no(),
        "no",
        "`yes` reads delivery states as Altinn Notifications does, where every word it does not know means failed. "
        "`no` knows more words: what is still on its way stays open, and barred numbers are told as such. A word that "
        "is not known then changes nothing; it is kept, and counted at `/metrics`.",
    )
    sms_report_username: str | None = setting(
        SMS,
        optional(text()),
        "",
        "User name the gateway presents with delivery reports (Basic authentication). Empty refuses all reports.",
    )
    sms_report_password: Secret | None = setting(SMS, optional(secret(text())), "", "Password that belongs to it.")
    sms_report_previous_username: str | None = setting(
        SMS,
        optional(text()),
        "",
        "A second user name that is accepted too, while the gateway is moved from old credentials to new ones.",
    )
    sms_report_previous_password: Secret | None = setting(
        SMS, optional(secret(text())), "", "Password that belongs to the second user name."
    )

    directory: tuple[Directory, ...] | None = setting(
        CONTACTS,
        optional(ranked(Directory), "none"),
        "fixed",
        "Where persons and organisations are looked up: `fixed` in a file; `register` in Varsel's own register, which "
        "`varsel contacts import` fills; `altinn` in Altinn's Profile, Register and Authorization. Of several, as in "
        "`fixed,altinn`, each is asked for whom those before it do not know. `none` finds nobody, so that only direct "
        "addresses are reached.",
    )
    fixed_directory_file: Path = setting(
        CONTACTS,
        path(),
        _in_data_dir("directory.json"),
        "The file of the fixed directory: addresses, reservations, names and contacts registered by users. A "
        "missing file is an empty directory.",
    )
    placeholder_fallback: str | None = setting(
        CONTACTS,
        optional(text_or_nothing(), "keep"),
        "keep",
        "What stands for `$recipientName$` and `$recipientNumber$` when they are not known: `keep` leaves them in "
        "the text as the contract says; any other text, also an empty one, replaces them, and also where a whole "
        "text would be blank without it.",
    )
    escape_names: bool = setting(
        CONTACTS,
        yes_no(),
        "no",
        "Whether names are inserted into HTML e-mails as text. `no` inserts them as they are registered, as the "
        "contract says: a name such as `<b>A & B</b>` is then markup, and anyone who can choose the name of an "
        "organisation can put a link into your e-mails. Say `yes` unless a caller relies on it.",
    )

    count_user_contacts_at_registration: bool = setting(
        CONTACTS,
        yes_no(),
        "no",
        "Whether the look-up when an order is placed asks for contacts that users registered for an organisation too. "
        "`no` does as the contract says, which tells the caller that an organisation is missing although such users "
        "will be notified; `yes` knows better and asks more.",
    )

    directory_calls: int = setting(
        LOOKUPS,
        whole(1, 100, "calls"),
        "4",
        "Batches of one kind of question under way at once, and calls at once to each of Altinn's components. More is "
        "faster; stay within what the other side bears.",
    )
    directory_batch: int = setting(
        LOOKUPS,
        whole(1, 10_000, "identifiers"),
        "1000",
        "Most identifiers that are gathered into one question. Where a component takes fewer in one call, a batch "
        "becomes several calls.",
    )
    directory_quiet: timedelta = setting(
        LOOKUPS,
        duration("0s", "1s"),
        "20ms",
        "A batch leaves after so long without a newcomer, the sooner the fuller it is. Longer saves calls and makes "
        "every look-up slower; `0s` gathers only what waits already.",
    )
    directory_longest: timedelta = setting(
        LOOKUPS,
        duration("0s", "10s"),
        "500ms",
        "Longest time a batch is gathered, however many newcomers there are.",
    )
    directory_age_persons: timedelta = setting(
        LOOKUPS,
        duration("0s", "24h"),
        "15m",
        "How old an answer about a person may be when it is used, that nobody is known included. Longer saves calls; "
        "shorter sees changed addresses and reservations sooner; `0s` asks anew each time.",
    )
    directory_age_external: timedelta = setting(
        LOOKUPS, duration("0s", "24h"), "15m", "The same for external identities."
    )
    directory_age_organizations: timedelta = setting(
        LOOKUPS, duration("0s", "24h"), "1h", "The same for official addresses of organisations."
    )
    directory_age_users: timedelta = setting(
        LOOKUPS,
        duration("0s", "24h"),
        "5m",
        "The same for contacts that users registered, and for the decision who of them is authorised. Keep it short: "
        "so long does a withdrawn authorisation still count.",
    )
    directory_age_names: timedelta = setting(
        LOOKUPS, duration("0s", "7d"), "12h", "The same for names of persons and organisations."
    )
    directory_memory: int = setting(
        LOOKUPS,
        size("1MB", "100GB"),
        "160MB",
        "Memory that remembered answers may take; beyond it the oldest are forgotten. A person takes some 200 bytes.",
    )
    directory_shared: bool = setting(
        LOOKUPS,
        yes_no(),
        Derived(
            "`yes` with one of the two `VARSEL_ROLES` only or with `VARSEL_SHARE_PORT`, else `no`",
            lambda values: "no" if values["roles"] == frozenset(Role) and not values["share_port"] else "yes",
        ),
        "Whether answers of Altinn are left in the database, for as long as they may be used, so that other processes "
        "need not ask the same. Set it for all of them alike; with a single process it saves nothing.",
    )
    directory_failures: int = setting(
        LOOKUPS,
        whole(1, 1000, "failures"),
        "5",
        "After so many failures in a row one of Altinn's components is left alone for a while; orders that need it "
        "wait.",
    )
    directory_rest_first: timedelta = setting(
        LOOKUPS,
        duration("100ms", "1h"),
        "5s",
        "How long it is left alone the first time. After that one call tries; each further failure doubles the rest.",
    )
    directory_rest_longest: timedelta = setting(
        LOOKUPS,
        duration("100ms", "1h"),
        "60s",
        "Longest such rest. Shorter notices sooner that the other side is well again.",
    )

    altinn_profile: str | None = setting(
        ALTINN,
        optional(address("https", "http")),
        "",
        "Address of Profile, below which `users/contactpoint/lookup` and the other look-ups lie; in Altinn's own "
        "network it ends in `/profile/api/v1`.",
    )
    altinn_register: str | None = setting(
        ALTINN,
        optional(address("https", "http")),
        "",
        "Address of Register, below which `parties/nameslookup` lies; it ends in `/register/api/v1`.",
    )
    altinn_authorization: str | None = setting(
        ALTINN,
        optional(address("https", "http")),
        "",
        "Address of Authorization, below which `decision` lies; it ends in `/authorization/api/v1`.",
    )
    altinn_subscription_key: Secret | None = setting(
        ALTINN,
        optional(secret(text())),
        "",
        "Key of the API management, sent to Authorization as `Ocp-Apim-Subscription-Key`. Not needed inside Altinn's "
        "own network.",
    )
    altinn_token_key_file: Path | None = setting(
        ALTINN,
        optional(path()),
        "",
        "Private RSA key (PEM or PKCS#12) that signs the platform access token. Empty shows none.",
    )
    altinn_token_key_password: Secret | None = setting(
        ALTINN, optional(secret(text())), "", "Password of that file, if it has one."
    )
    altinn_platform_token_for: frozenset[AltinnComponent] = setting(
        ALTINN,
        several(AltinnComponent),
        "register",
        "Components that are shown the platform access token, if there is a key that signs it.",
    )
    altinn_maskinporten_for: frozenset[AltinnComponent] | None = setting(
        ALTINN,
        optional(several(AltinnComponent), "none"),
        "none",
        "Components that are shown a bearer token, had of Maskinporten for the client below. Register accepts one "
        "instead of the platform access token. A token that is answered 401 is replaced and the call made once more.",
    )
    altinn_scope: str = setting(
        ALTINN,
        text("scopes, divided by spaces"),
        "altinn:register/partylookup.admin",
        "Scope of these tokens; the default is the one that Register asks for.",
    )
    altinn_exchange: str | None = setting(
        ALTINN,
        optional(address("https", "http")),
        "",
        "Address of Altinn's authentication, below which `exchange/maskinporten` lies; it ends in "
        "`/authentication/api/v1`. There the token of Maskinporten is exchanged for one of Altinn, for components that "
        "know no other issuer. Empty shows the token as it is.",
    )
    altinn_profile_headers: Secret | None = setting(
        ALTINN,
        optional(secret(header_lines())),
        "",
        "Header fields sent to Profile, such as an API key or a token of your own. Altinn's own Profile wants none.",
    )
    altinn_register_headers: Secret | None = setting(
        ALTINN, optional(secret(header_lines())), "", "Header fields sent to Register."
    )
    altinn_authorization_headers: Secret | None = setting(
        ALTINN, optional(secret(header_lines())), "", "Header fields sent to Authorization."
    )
    altinn_identifiers_per_call: int = setting(
        ALTINN,
        whole(1, 1000, "identifiers"),
        "1000",
        "Most identifiers in one call of Profile. Fewer means more calls; lower it if Profile refuses so many, or is "
        "slow with them.",
    )
    altinn_pairs_per_call: int = setting(
        ALTINN,
        whole(1, 500, "pairs"),
        "500",
        "Most pairs of user and organisation in one call of Authorization.",
    )
    altinn_connect_timeout: timedelta = setting(
        ALTINN, duration("100ms", "60s"), "5s", "Longest wait for a connection to a component."
    )
    altinn_timeout: timedelta = setting(
        ALTINN,
        duration("100ms", "5m"),
        "30s",
        "Longest wait for an answer, a second try after a broken connection included. Keep it below "
        "`VARSEL_HTTP_REQUEST_TIMEOUT`.",
    )
    altinn_largest_answer: int = setting(
        ALTINN,
        size("10kB", "1GB"),
        "16MB",
        "Largest answer of a component that is read. A question whose answer is larger is asked again in halves.",
    )

    outgoing_allowed: tuple[str, ...] = setting(
        OUTGOING,
        reachable_places(),
        "",
        "What may be reached although it is not public: `apps.internal`, `*.internal.example.no`, `10.1.0.0/16`. "
        "Everything else that lies in a private, local or otherwise closed network is refused, because callers choose "
        "the addresses. Keep it as narrow as you can.",
    )
    outgoing_ports: tuple[int, ...] | None = setting(
        OUTGOING,
        optional(series(whole(1, 65535), "443,8443"), "any"),
        "any",
        "TCP ports that may be called. `443` alone is stricter than the contract, which sets no limit.",
    )

    condition_timeout: timedelta = setting(
        CONDITIONS,
        duration("100ms", "100s"),
        "10s",
        "Longest wait for an endpoint, from the connection to the last byte of its answer. Up to three redirects on "
        "the same host are followed in this time, without the token. Later answers count as none. The look-up of its "
        "name has 5 s of its own. Altinn Notifications waits 100 s.",
    )
    condition_concurrency: int = setting(
        CONDITIONS, whole(1, 1000, "questions"), "64", "Endpoints asked at once in one process."
    )
    condition_concurrency_per_host: int = setting(
        CONDITIONS,
        whole(1, 1000, "questions"),
        "8",
        "Of these, how many at the same host. Twice as many of its orders are under way at once; however many more "
        "wait for a slow host, they hold up nobody else's.",
    )
    condition_orders_at_once: int = setting(
        CONDITIONS,
        whole(1, 10_000, "orders"),
        "200",
        "Orders with a send condition under way at once in one process, asking or waiting for their turn to ask. Keep "
        "it above the number of questions at once. One creator gets at most three quarters of these places and of the "
        "questions, and several share them, so that slow endpoints of one delay nobody else's orders.",
    )
    condition_attempts: int = setting(
        CONDITIONS,
        whole(1, 100, "attempts"),
        "2",
        "After so many questions in a row without a clear answer the next setting decides. Between the first two lies "
        "a minute, then twice as long each time, at most an hour.",
    )
    condition_undecided: Undecided = setting(
        CONDITIONS,
        choice(Undecided),
        "send",
        "What becomes of an order whose condition stays undecided: `send` sends it, as the contract says; "
        "`do-not-send` ends it as `SendConditionNotMet`; `hold` goes on asking for 48 hours and then ends it so. "
        "It decides only about endpoints that were asked, or could not be for 24 hours (`hold`: 48): no token could be "
        "had, or their host cannot be reached or is asked too much already.",
    )
    condition_authentication: ConditionAuthentication = setting(
        CONDITIONS,
        choice(ConditionAuthentication),
        "none",
        "How endpoints are shown who is asking: `maskinporten` sends a token of the client below, as Altinn "
        "Notifications does; `oauth` one of another token server; `header` a header field that never changes; "
        "`signature` signs the question as Standard Webhooks does. A token that an endpoint answers 401 to is replaced "
        "and the question asked once more.",
    )
    condition_trusted_hosts: tuple[str, ...] = setting(
        CONDITIONS,
        host_names(),
        "",
        "Hosts that are shown it, such as `*.apps.altinn.no`; others are asked without. Empty shows everybody, which "
        "`oauth` and `header` refuse, because callers choose the addresses: whoever may place an order could have the "
        "secret sent to himself.",
    )
    condition_token_over_http: bool = setting(
        CONDITIONS,
        yes_no(),
        "no",
        "Whether tokens and the header field go to endpoints without TLS too, where anybody on the way can take them. "
        "`no` asks such endpoints without; production refuses `yes`. A signature gives nothing away and goes there "
        "too.",
    )
    condition_header_name: str | None = setting(
        CONDITIONS,
        optional(header_name()),
        "",
        "Name of the header field of `header`, such as `Authorization` or `X-Api-Key`.",
    )
    condition_header_value: Secret | None = setting(
        CONDITIONS, optional(secret(header_value())), "", "What stands in it, a word such as `Basic` included."
    )
    condition_signing_keys: Secret | None = setting(
        CONDITIONS,
        optional(secret(text("keys, divided by blanks"))),
        "",
        "Keys of `signature`: `whsec_…` is shared with the receivers (HMAC), of `whsk_…` they have the public half "
        "(Ed25519). With several, every question is signed with each, so that receivers can change keys one by one.",
    )

    maskinporten_issuer: str = setting(
        MASKINPORTEN,
        address("https", "http"),
        "https://maskinporten.no",
        "Who gives the tokens; for trials `https://test.maskinporten.no`.",
    )
    maskinporten_client_id: str | None = setting(
        MASKINPORTEN, optional(text()), "", "Id under which the client is registered."
    )
    maskinporten_scope: str = setting(
        MASKINPORTEN,
        text("scopes, divided by spaces"),
        "altinn:system/notifications.condition.check",
        "Scope of the tokens for send conditions. The default is the one endpoints of Altinn apps ask for.",
    )
    maskinporten_key: Secret | None = setting(
        MASKINPORTEN,
        optional(secret(text("private RSA key as a JWK, in JSON or in Base64"))),
        "",
        "Key that signs for the client; its public half is registered at Maskinporten.",
    )
    maskinporten_key_id: str | None = setting(
        MASKINPORTEN,
        optional(text()),
        "",
        "Id under which the key is registered. Empty takes the `kid` of the JWK.",
    )

    oauth_token_address: str | None = setting(
        OAUTH,
        optional(token_address()),
        "",
        "Address of the token endpoint, where a client's id and secret are exchanged for a token (RFC 6749, section "
        "4.4), for example `https://login.example.com/oauth2/token`.",
    )
    oauth_client_id: str | None = setting(OAUTH, optional(text()), "", "Id under which the client is registered there.")
    oauth_client_secret: Secret | None = setting(OAUTH, optional(secret(text())), "", "Secret of the client.")
    oauth_scope: str | None = setting(
        OAUTH,
        optional(text("scopes, divided by spaces")),
        "",
        "Scope of the tokens. Empty asks for none, and takes what the server gives by itself.",
    )
    oauth_secret_in: ClientAuthentication = setting(
        OAUTH,
        choice(ClientAuthentication),
        "header",
        "Where the secret is written: `header` is what every server must read; `body` is for those that do not.",
    )

    sandbox_inbox: bool = setting(
        SANDBOX,
        yes_no(),
        _by_environment("yes", "no"),
        "Whether `/dev/inbox` shows what the sandbox kept, without any credential. Production refuses it.",
    )
    sandbox_kept_messages: int = setting(
        SANDBOX,
        whole(0, 1_000_000, "messages"),
        "10000",
        "Messages the sandbox keeps; the oldest give way to new ones.",
    )
    sandbox_in_production: bool = setting(
        SANDBOX,
        yes_no(),
        "no",
        "Whether production may use a sandbox channel, for a rehearsal in which nothing must leave.",
    )

    retention_orders: timedelta | None = setting(
        RETENTION,
        optional(duration("7d"), "for-ever"),
        "400d",
        "How long after its end an order with its texts, recipients and notifications is kept. 400 days let a "
        "caller look at last year's; Altinn Notifications keeps them for ever, which `for-ever` does too. An "
        "idempotency id can be used again when the last order of its request is gone. The notification log has a time "
        "of its own, `VARSEL_RETENTION_LOG`.",
    )
    retention_log: timedelta | None = setting(
        RETENTION,
        optional(duration("7d"), "for-ever"),
        "1825d",
        "How long the notification log keeps what became of a message: who was notified where and when, and of which "
        "dialog, without the text. It remains as evidence when the order is gone, and holds addresses, national "
        "identity numbers and organisation numbers; make it as short as your purpose allows. Altinn Notifications "
        "keeps it for ever, which `for-ever` does too.",
    )
    retention_feed: timedelta | None = setting(
        RETENTION, optional(duration("1d"), "for-ever"), "90d", "How long entries of the status feed can be read."
    )
    retention_reports: timedelta | None = setting(
        RETENTION,
        optional(duration("1d"), "for-ever"),
        "90d",
        "How long delivery reports are kept as they arrived. They help to settle disputes with a provider.",
    )
    retention_sandbox: timedelta | None = setting(
        RETENTION, optional(duration("1m"), "for-ever"), "7d", "How long the sandbox keeps messages."
    )
    housekeeping_interval: timedelta = setting(
        RETENTION,
        duration("1s", "24h"),
        "60s",
        "How often expired messages are settled and old data is removed. Shorter shows `Failed_TTL` sooner.",
    )
