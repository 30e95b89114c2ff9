"""Everything that reaches outside, chosen by the settings: channels, credentials; the directory comes from beside."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from varsel.assembly.directories import directory
from varsel.assembly.tokens import smtp_tokens
from varsel.channels.email_smtp import Security, SmtpProvider, SmtpSettings
from varsel.channels.paced import AHEAD, SLACK, PacedProvider, SharedRate
from varsel.channels.protocol import EmailMessage, Provider, Report, SmsMessage
from varsel.channels.sandbox import KeptRow, SandboxEmail, SandboxSms
from varsel.channels.sms_link import LinkProvider, LinkSettings
from varsel.contacts.protocol import Directory
from varsel.intake.credentials import (
    AltinnTokens,
    CertificateDirectory,
    CredentialReader,
    DocumentFetcher,
    Gatekeeper,
    KeySource,
    LocalIssuer,
    PlatformTokens,
    PublishedIssuers,
    RefreshRules,
    discovered_keys,
    read_key_file,
    read_key_file_of_others,
)
from varsel.model.clock import Clock
from varsel.model.results import Channel
from varsel.settings import Settings
from varsel.settings.choices import EmailProvider, Environment, SmsProvider
from varsel.storage import reports, sandbox
from varsel.storage.pool import Pool
from varsel.storage.rates import ProviderRate
from varsel.storage.reports import ArrivedReport
from varsel.workers.hints import Hints


@dataclass(frozen=True, slots=True)
class Outside:
    """What messages leave by and contacts come from."""

    email: Provider[EmailMessage]
    sms: Provider[SmsMessage]
    directory: Directory


@asynccontextmanager
async def open_outside(settings: Settings, pool: Pool, clock: Clock, hints: Hints) -> AsyncIterator[Outside]:
    """Make channels and directory for the time of the block, and let go of their connections after it."""
    async with AsyncExitStack() as stack:
        outside = Outside(
            email=_email(settings, pool, clock, hints),
            sms=_sms(settings, pool, clock, hints),
            directory=directory(settings, pool, clock),
        )
        for part in (outside.email, outside.sms, outside.directory):
            stack.push_async_callback(part.close)
        yield outside


class _SandboxStore:
    """Where sandbox channels put messages and the reports they tell of."""

    def __init__(self, pool: Pool, clock: Clock, hints: Hints) -> None:
        self._pool = pool
        self._clock = clock
        self._hints = hints

    async def keep(self, rows: Sequence[KeptRow]) -> None:
        await sandbox.keep(self._pool, rows)

    async def tell(self, channel: Channel, told: Sequence[Report]) -> None:
        arrived = [ArrivedReport(channel, r.reference, r.notification_id, r.result, r.raw) for r in told]
        await reports.keep(self._pool, arrived, now=self._clock.now())
        self._hints.reports_kept()


def _email(settings: Settings, pool: Pool, clock: Clock, hints: Hints) -> Provider[EmailMessage]:
    if settings.email_provider is EmailProvider.SANDBOX:
        store = _SandboxStore(pool, clock, hints)
        return SandboxEmail(store.keep, store.tell, clock)
    provider = SmtpProvider(smtp_settings(settings), clock, smtp_tokens(settings, clock))
    shared = _shared_rate(settings.smtp_rate, provider.name, pool, clock)
    return PacedProvider(provider, clock, shared=shared, recall=provider.recall)


def _sms(settings: Settings, pool: Pool, clock: Clock, hints: Hints) -> Provider[SmsMessage]:
    if settings.sms_provider is SmsProvider.SANDBOX:
        store = _SandboxStore(pool, clock, hints)
        return SandboxSms(store.keep, store.tell, clock)
    provider = LinkProvider(link_settings(settings), clock)
    shared = _shared_rate(settings.link_rate, provider.name, pool, clock)
    return PacedProvider(provider, clock, shared=shared) if shared else provider


def _shared_rate(per_second: float | None, provider: str, pool: Pool, clock: Clock) -> SharedRate | None:
    if per_second is None:
        return None
    kept = ProviderRate(pool, clock, provider=provider, rate=per_second, ahead=AHEAD, slack=SLACK)
    return SharedRate(per_second, kept.reserve)


def smtp_settings(settings: Settings) -> SmtpSettings:
    """Return the mail server as its channel wants to know it; the settings have made sure that there is one."""
    return SmtpSettings(
        host=settings.smtp_host or "",
        port=settings.smtp_port,
        security=Security(settings.smtp_tls.value),
        username=settings.smtp_username,
        password=settings.smtp_password.reveal() if settings.smtp_password else None,
        ca_file=settings.smtp_ca_file,
        ehlo_name=settings.smtp_ehlo_name,
        message_id_domain=settings.smtp_message_id_domain,
        return_path=settings.smtp_return_path,
        max_connections=settings.smtp_connections,
        messages_per_connection=settings.smtp_messages_per_connection,
        connect_timeout=settings.smtp_connect_timeout,
        command_timeout=settings.smtp_command_timeout,
        data_timeout=settings.smtp_data_timeout,
        html_alone=settings.smtp_html_alone,
        dsn_notify=("FAILURE", "DELAY") if settings.smtp_dsn else (),
    )


def link_settings(settings: Settings) -> LinkSettings:
    """Return the SMS gateway as its channel wants to know it."""
    return LinkSettings(
        username=settings.link_username or "",
        password=settings.link_password.reveal() if settings.link_password else "",
        url=settings.link_endpoint + "/",
        timeout=settings.link_timeout,
        concurrency=settings.link_concurrency,
        messages_per_request=settings.link_messages_per_request,
        receiver_format=settings.link_receiver_format.value,
        charset=settings.link_charset.value,
        unicode=settings.link_unicode.value,
    )


def local_issuer(settings: Settings) -> LocalIssuer | None:
    """Return the issuer of development, or None where the settings do not allow it."""
    if settings.environment is not Environment.DEVELOPMENT:
        return None
    return LocalIssuer(issuer_folder(settings), service=settings.base_uri, platform_keys=settings.platform_keys_dir)


def issuer_folder(settings: Settings) -> Path:
    """Return where the local issuer keeps its key."""
    return settings.data_dir / "issuer"


@asynccontextmanager
async def open_gatekeeper(settings: Settings, clock: Clock, issuer: LocalIssuer | None) -> AsyncIterator[Gatekeeper]:
    """Make the judge of credentials for the time of the block."""
    development = settings.environment is Environment.DEVELOPMENT
    timeout = settings.openid_timeout.total_seconds()
    rules = RefreshRules(lifetime=settings.openid_keys_fresh, last_good=settings.openid_keys_kept)
    async with AsyncExitStack() as stack:
        fetcher = DocumentFetcher(allow_http=development, timeout=timeout)
        stack.push_async_callback(fetcher.aclose)
        sources: list[KeySource] = [issuer.source()] if issuer else []
        if settings.openid_address:
            discovered = discovered_keys(settings.openid_address, fetcher, clock, rules)
            stack.push_async_callback(discovered.aclose)
            sources.append(discovered)
        # A key set that is no longer fresh serves on while it cannot be renewed, as the token issuer's does.
        of_platform = replace(rules, lifetime=settings.platform_keys_fresh)
        published = PublishedIssuers(settings.platform_key_sets, fetcher, clock, of_platform)
        stack.push_async_callback(published.aclose)
        yield Gatekeeper(
            AltinnTokens(
                sources,
                clock,
                algorithms=[algorithm.value for algorithm in settings.openid_algorithms],
                check_issuer=settings.openid_check_issuer,
                audiences=settings.openid_audiences,
            ),
            PlatformTokens([_registered(settings, clock), published], clock, audiences=settings.platform_audiences),
            clock,
            CredentialReader(settings.token_cookie),
        )


def _registered(settings: Settings, clock: Clock) -> CertificateDirectory:
    """Return the issuers registered by files; production takes none that the local issuer registered itself."""
    read = read_key_file_of_others if settings.environment is Environment.PRODUCTION else read_key_file
    return CertificateDirectory(settings.platform_keys_dir, clock, read)
