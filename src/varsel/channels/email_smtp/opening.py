"""From nothing to a connection that takes mail: TCP, greeting, EHLO, TLS, AUTH; and the leave-taking."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address

from varsel.channels.email_smtp.extensions import Extensions, read_extensions
from varsel.channels.email_smtp.login import Login, Tokens
from varsel.channels.email_smtp.replies import ConnectionDropped, OpeningFailed, Reply, describe
from varsel.channels.email_smtp.settings import Security, SmtpSettings
from varsel.channels.email_smtp.wire import Wire
from varsel.errors import SettingsError
from varsel.mechanisms.addresses import AddressMemory, connect_first

_QUIT_TIMEOUT = 5.0
_MOST = 16
"""Addresses of the server that are tried."""


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


class Opener:
    """Opens connections to one server, by whichever of its addresses works; those that failed lately come last."""

    def __init__(self, settings: SmtpSettings, tokens: Tokens | None = None) -> None:
        self._settings = settings
        self._login = Login(settings.username, settings.password or "", tokens) if settings.username else None
        self._tls = tls_context(settings)
        self._where = f"{settings.host}:{settings.port}"
        self._each = settings.connect_timeout.total_seconds()
        self._memory = AddressMemory[str]()

    async def open(self) -> Connection:
        """Open a connection and make it ready. Raises `OpeningFailed` with what to do next.

        An address that connects and then does not get as far as a login is a failed one too.
        """
        addresses = await self._addresses()
        while True:
            address, wire = await self._connect(addresses)
            try:
                connection = Connection(wire, await self._prepare(wire))
            except (ConnectionDropped, OpeningFailed, OSError, UnicodeError) as error:
                self._failed(address)
                addresses.remove(address)
                failure = self._explained(error)
                if failure.lasting or not addresses:
                    raise failure from error
            else:
                self._memory.worked(address)
                return connection

    async def _addresses(self) -> list[str]:
        """Return the server's addresses in the system's order (RFC 6724), as far as they did not fail lately."""
        settings, loop = self._settings, asyncio.get_running_loop()
        if _is_address(settings.host):
            return [settings.host]
        try:
            async with asyncio.timeout(self._each):
                found = await loop.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise self._explained(error) from error
        return self._memory.ordered(list(dict.fromkeys(str(place[0]) for *_, place in found))[:_MOST], loop.time())

    async def _connect(self, addresses: Sequence[str]) -> tuple[str, Wire]:
        """Connect to the first of `addresses` that answers, with TLS if that comes first."""
        host, port = self._settings.host, self._settings.port
        tls = self._tls if self._settings.security == Security.TLS else None
        loop = asyncio.get_running_loop()

        async def dial(address: str) -> Wire:
            _, wire = await loop.create_connection(Wire, address, port, ssl=tls, server_hostname=host if tls else None)
            return wire

        try:
            return await connect_first(addresses, dial, each=self._each, close=Wire.abort, failed=self._failed)
        except (OSError, UnicodeError) as error:
            raise self._explained(error) from error

    async def _prepare(self, wire: Wire) -> Extensions:
        try:
            return await _Greeting(wire, self._settings, self._login).prepare(self._tls)
        except BaseException:
            wire.abort()
            raise

    def _failed(self, address: str) -> None:
        self._memory.failed(address, asyncio.get_running_loop().time())

    def _explained(self, error: ConnectionDropped | OpeningFailed | OSError | UnicodeError) -> OpeningFailed:
        match error:
            case OpeningFailed():
                return error
            case TimeoutError():
                return OpeningFailed(f"{self._where} did not answer in time: check host, port and firewall")
            case ConnectionDropped():
                return OpeningFailed(f"{self._where}: {error}, before any mail: check port and security")
            case _:
                return _explain(error, self._where)


async def take_leave(wire: Wire) -> None:
    """Say QUIT, wait briefly for the answer (RFC 5321 section 4.1.1.10) and close."""
    wire.write(b"QUIT\r\n")
    with suppress(ConnectionDropped):
        await wire.reply(_QUIT_TIMEOUT)
    wire.abort()


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

    def __init__(self, wire: Wire, settings: SmtpSettings, login: Login | None) -> None:
        self._wire = wire
        self._settings = settings
        self._login = login
        self._timeout = settings.command_timeout.total_seconds()

    async def prepare(self, tls: ssl.SSLContext | None) -> Extensions:
        greeting = await self._wire.reply(self._timeout)
        if greeting.code != 220:
            raise OpeningFailed(f"the server does not welcome us: {describe('greeting', greeting)}")
        offered = await self._hello()
        if tls is not None and self._settings.security != Security.TLS:
            await self._start_tls(offered, tls)
            offered = await self._hello()  # what was offered in the clear no longer counts (RFC 3207 section 4.2)
        if self._login is not None:
            await self._login.sign_in(self._ask, offered)
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


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _literal(address: str) -> str:
    """Return an address as the literal that EHLO takes where no name is known (RFC 5321 section 4.1.3)."""
    plain = address.partition("%")[0]
    return f"[IPv6:{plain}]" if ip_address(plain).version == 6 else f"[{plain}]"
