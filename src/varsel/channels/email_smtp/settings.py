"""What the SMTP provider must be told."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path


class Security(StrEnum):
    """How the connection is protected. Certificates are always verified."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """One submission server and how to treat it.

    `ca_file` (PEM) replaces the system's certificate authorities. `ehlo_name` defaults to the address literal of the
    connection, `message_id_domain` to the domain of the sender, `return_path` (bounces) to the sender.

    `max_connections` are opened on demand; one that idles for `idle_timeout` or has carried `messages_per_connection`
    is closed. `connect_timeout` covers TCP and TLS, `command_timeout` each reply, `data_timeout` each piece of the
    content and its final reply (RFC 5321 section 4.5.3.2 recommends up to 10 minutes for that; what takes longer ends
    as unknown outcome).

    After `failure_threshold` failed connections in a row nothing is tried for `pause_first`, doubling to `pause_max`.

    `html_alone` sends HTML without a plain alternative. `dsn_notify` (of SUCCESS, FAILURE, DELAY, or NEVER) asks for
    delivery status notifications where the server offers them (RFC 3461); `dsn_return` is HDRS or FULL.
    """

    host: str
    port: int = 587
    security: Security = Security.STARTTLS
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    ehlo_name: str | None = None
    message_id_domain: str | None = None
    return_path: str | None = None
    max_connections: int = 64
    messages_per_connection: int = 100
    idle_timeout: timedelta = timedelta(seconds=30)
    connect_timeout: timedelta = timedelta(seconds=10)
    command_timeout: timedelta = timedelta(seconds=60)
    data_timeout: timedelta = timedelta(seconds=120)
    failure_threshold: int = 3
    pause_first: timedelta = timedelta(seconds=5)
    pause_max: timedelta = timedelta(minutes=5)
    html_alone: bool = False
    dsn_notify: tuple[str, ...] = ()
    dsn_return: str = "HDRS"
