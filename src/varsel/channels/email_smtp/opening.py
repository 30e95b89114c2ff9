"""From nothing to a connection that takes mail: TCP, greeting, EHLO, TLS, AUTH; and the leave-taking."""

import asyncio
import base64
import ssl
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address

from varsel.channels.email_smtp.extensions import Extensions, read_extensions
from varsel.channels.email_smtp.replies import ConnectionDropped, Reply, describe
from varsel.channels.email_smtp.settings import Security, SmtpSettings
from varsel.channels.email_smtp.wire import Wire
from varsel.errors import ProviderUnreachable, SettingsError

_QUIT_TIMEOUT = 5.0


class OpeningFailed(ProviderUnreachable):
    """No usable connection. `lasting` means that only a change of settings can help, here or at the server."""

    def __init__(self, reason: str, *, lasting: bool = False) -> None:
        self.lasting = lasting
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Connection:
    """A wire on which mail transactions may begin, and what the server offers on it."""

    wire: Wire
    offered: Extensions


def tls_context(settings: SmtpSettings) -> ssl.SSLContext | None:
    """Return the context all connections share, None without TLS. Raises `SettingsError` for an unreadable CA file."""
    if settings.security == Security.NONE:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        problem = f"the SMTP CA file {settings.ca_file} cannot be used ({error.strerror or error}): give a PEM file"
        raise SettingsError([problem]) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def open_connection(settings: SmtpSettings, tls: ssl.SSLContext | None) -> Connection:
    """Open a connection and make it ready. Raises `OpeningFailed` with what to do next."""
    where = f"{settings.host}:{settings.port}"
    try:
        wire = await _connect(settings, tls if settings.security == Security.TLS else None)
        return Connection(wire, await _prepare(wire, settings, tls))
    except TimeoutError as error:
        raise OpeningFailed(f"{where} did not answer in time: check host, port and firewall") from error
    except ConnectionDropped as dropped:
        raise OpeningFailed(f"{where}: {dropped}, before any mail: check port and security") from dropped
    except (OSError, UnicodeError) as error:
        raise _explain(error, where) from error


async def take_leave(wire: Wire) -> None:
    """Say QUIT, wait briefly for the answer (RFC 5321 section 4.1.1.10) and close."""
    wire.write(b"QUIT\r\n")
    with suppress(ConnectionDropped):
        await wire.reply(_QUIT_TIMEOUT)
    wire.abort()


async def _connect(settings: SmtpSettings, tls: ssl.SSLContext | None) -> Wire:
    async with asyncio.timeout(settings.connect_timeout.total_seconds()):
        _, wire = await asyncio.get_running_loop().create_connection(
            Wire, settings.host, settings.port, ssl=tls, server_hostname=settings.host if tls else None
        )
    return wire


async def _prepare(wire: Wire, settings: SmtpSettings, tls: ssl.SSLContext | None) -> Extensions:
    try:
        return await _Greeting(wire, settings).prepare(tls)
    except BaseException:
        wire.abort()
        raise


def _explain(error: OSError | UnicodeError, where: str) -> OpeningFailed:
    if isinstance(error, ssl.SSLCertVerificationError):
        advice = "set the CA file if its authority is a private one, and use the host name it is made out to"
        return OpeningFailed(f"{where} shows an untrusted certificate ({error.verify_message}): {advice}", lasting=True)
    if isinstance(error, ssl.SSLError):
        return OpeningFailed(f"TLS with {where} failed ({error.reason or 'no reason given'}): check port and security")
    reason = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
    return OpeningFailed(f"{where} cannot be reached ({reason}): check host, port and firewall")


class _Greeting:
    """The dialogue up to the first MAIL."""

    def __init__(self, wire: Wire, settings: SmtpSettings) -> None:
        self._wire = wire
        self._settings = settings
        self._timeout = settings.command_timeout.total_seconds()

    async def prepare(self, tls: ssl.SSLContext | None) -> Extensions:
        greeting = await self._wire.reply(self._timeout)
        if greeting.code != 220:
            raise OpeningFailed(f"the server does not welcome us: {describe('greeting', greeting)}")
        offered = await self._hello()
        if tls is not None and self._settings.security != Security.TLS:
            await self._start_tls(offered, tls)
            offered = await self._hello()  # what was offered in the clear no longer counts (RFC 3207 section 4.2)
        if self._settings.username is not None:
            await self._authenticate(offered, self._settings.username, self._settings.password or "")
        return offered

    async def _ask(self, command: str) -> Reply:
        self._wire.write(f"{command}\r\n".encode())
        return await self._wire.reply(self._timeout)

    async def _hello(self) -> Extensions:
        name = self._settings.ehlo_name or _literal(self._wire.local_address())
        reply = await self._ask(f"EHLO {name}")
        if reply.positive:
            return read_extensions(reply.text)
        if reply.code // 100 == 5 and (reply := await self._ask(f"HELO {name}")).positive:
            return Extensions()
        raise OpeningFailed(f"the server refuses our name: {describe('EHLO', reply)} (check the EHLO name)")

    async def _start_tls(self, offered: Extensions, tls: ssl.SSLContext) -> None:
        if not offered.starttls:
            raise OpeningFailed("the server does not offer STARTTLS: check port and security", lasting=True)
        reply = await self._ask("STARTTLS")
        if reply.code != 220:
            raise OpeningFailed(f"the server refuses STARTTLS: {describe('STARTTLS', reply)}")
        await self._wire.start_tls(tls, self._settings.host, self._settings.connect_timeout.total_seconds())

    async def _authenticate(self, offered: Extensions, username: str, password: str) -> None:
        if "PLAIN" in offered.auth:
            reply = await self._ask(f"AUTH PLAIN {_base64(chr(0).join(('', username, password)))}")
        elif "LOGIN" in offered.auth:
            reply = await self._login(username, password)
        else:
            known = ", ".join(sorted(offered.auth)) or "none"
            raise OpeningFailed(f"the server offers neither AUTH PLAIN nor LOGIN (but {known})", lasting=True)
        if reply.code != 235:
            # The words of the server are left out: they may repeat the user name.
            advice = "check the SMTP user name and password" if reply.code // 100 == 5 else "it is tried again later"
            raise OpeningFailed(
                f"the server did not accept our login ({reply.code}): {advice}", lasting=reply.code >= 500
            )

    async def _login(self, username: str, password: str) -> Reply:
        reply = await self._ask("AUTH LOGIN")
        for answer in (username, password):
            if reply.code != 334:
                break
            reply = await self._ask(_base64(answer))
        return reply


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _literal(address: str) -> str:
    """Return an address as the literal that EHLO takes where no name is known (RFC 5321 section 4.1.3)."""
    plain = address.partition("%")[0]
    return f"[IPv6:{plain}]" if ip_address(plain).version == 6 else f"[{plain}]"
