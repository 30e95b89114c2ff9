"""SMTP servers for tests: a real one (aiosmtpd) with scripted refusals, and a puppet that says whatever it is told.

The real one proves that ordinary software understands us; the puppet plays what no ordinary software does.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DROP: Final = "drop the connection"
USERNAME: Final = "varsel"
PASSWORD: Final = "synthetic-password"


@dataclass(frozen=True)
class Received:
    """One message the server took."""

    mail_from: str
    rcpt_to: str
    content: bytes
    mail_options: tuple[str, ...]
    rcpt_options: tuple[str, ...]


@dataclass
class RealServer:
    """An aiosmtpd server: what it took, and what it is to answer instead of 250.

    `refusals` maps a fragment of an address (sender at MAIL, recipient at RCPT and DATA) to a reply or `DROP`, by
    stage `MAIL`, `RCPT`, `DATA` (after the content was read).
    """

    port: int = 0
    pipelining: bool = False
    received: list[Received] = field(default_factory=list)
    refusals: dict[tuple[str, str], str] = field(default_factory=dict)
    logins: list[str] = field(default_factory=list)
    connections: int = 0

    def connection(self, options: dict[str, Any]) -> SMTP:
        """Make the protocol for a new connection."""
        self.connections += 1
        loop = asyncio.get_running_loop()
        # With an own host name, as the default would ask the resolver.
        return SMTP(self, loop=loop, hostname="mx.example.com", enable_SMTPUTF8=True, timeout=30, **options)

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        """Accept the one synthetic account."""
        self.logins.append(mechanism)
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (USERNAME.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=False)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]] if self.pipelining else responses

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self._refusal(server, "MAIL", address):
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self._refusal(server, "RCPT", address):
            return answer
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        (recipient,) = envelope.rcpt_tos
        if answer := self._refusal(server, "DATA", recipient):
            return answer
        content = envelope.original_content or b""
        options = tuple(envelope.mail_options), tuple(envelope.rcpt_options)
        self.received.append(Received(envelope.mail_from or "", recipient, content, *options))
        return "250 2.0.0 Ok: queued as 4XAMPLE"

    def _refusal(self, server: SMTP, stage: str, address: str) -> str | None:
        for (at, fragment), answer in self.refusals.items():
            if at == stage and fragment in address:
                if answer is DROP and isinstance(server.transport, asyncio.Transport):
                    server.transport.abort()
                return answer
        return None


@contextlib.asynccontextmanager
async def real_server(
    *, pipelining: bool = False, implicit_tls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[RealServer]:
    """Run aiosmtpd on 127.0.0.1; `options` go to its `SMTP` class (tls_context, require_starttls, data_size_limit…)."""
    state = RealServer(pipelining=pipelining)
    if options.pop("with_login", False):
        options |= {"authenticator": state.authenticate, "auth_required": options.get("auth_require_tls", True)}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: state.connection(options), "127.0.0.1", 0, ssl=implicit_tls)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()


Script = Callable[[str], str]
"""From a command line (`.` for the end of content, `` for the connection's beginning) to the reply, `DROP`, or ``."""


def obliging(line: str) -> str:
    """Answer like an ordinary server with pipelining; scripts fall back on it."""
    replies = {
        "": "220 puppet ESMTP",
        "EHLO": "250-puppet\r\n250-PIPELINING\r\n250 ENHANCEDSTATUSCODES",
        "DATA": "354 Go ahead",
        ".": "250 2.0.0 Taken",
        "QUIT": "221 Bye",
    }
    return replies.get(line.partition(" ")[0], "250 2.0.0 Ok")


def stepwise(line: str) -> str:
    """Answer like an ordinary server without any extension."""
    return "250 puppet" if line.startswith("EHLO") else obliging(line)


@dataclass
class Puppet:
    """A server moved by a script, with everything it heard: `lines` of commands and `contents` as they travelled."""

    script: Script
    port: int = 0
    lines: list[str] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def heard(self, verb: str) -> int:
        """Count the commands that began with `verb`."""
        return sum(line.startswith(verb) for line in self.lines)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Play one connection."""
        self.connections += 1
        self.open += 1
        self._writers.add(writer)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._converse(reader, writer)
        finally:
            self.open -= 1
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = ""
        while (answer := self.script(line)) != DROP:
            if answer:
                writer.write(f"{answer}\r\n".encode())
            if answer.startswith("221"):
                return
            if answer.startswith("354"):
                self.contents.append(await self._content(reader))
                line = "."
            else:
                line = (await reader.readuntil(b"\r\n")).decode().removesuffix("\r\n")
                self.lines.append(line)

    async def _content(self, reader: asyncio.StreamReader) -> bytes:
        content = b""
        while (line := await reader.readuntil(b"\r\n")) != b".\r\n":
            content += line
        return content

    def hang_up(self) -> None:
        """Close every connection from the server's side."""
        for writer in self._writers:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def puppet(script: Script = obliging, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Puppet]:
    """Run a puppet on loopback."""
    state = Puppet(script)
    server = await asyncio.start_server(state.serve, host, port, limit=1 << 20)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
        state.hang_up()


@dataclass(frozen=True)
class Certificate:
    """A self-made certificate for 127.0.0.1, as files."""

    certificate: Path
    key: Path

    def server_context(self) -> ssl.SSLContext:
        """Return the server's side of TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def make_certificate(directory: Path) -> Certificate:
    """Write a certificate for 127.0.0.1, its own authority, and its key into `directory`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.example.com")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = Certificate(directory / "certificate.pem", directory / "key.pem")
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files
