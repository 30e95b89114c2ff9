"""Settings as the rooms want them: plain values, each room its own."""

from datetime import timedelta

from varsel.assembly.attachments import attachment_hosts
from varsel.channels.protocol import EmailMessage, Provider
from varsel.intake.services import IntakeOptions
from varsel.model.results import Channel
from varsel.orders.condition import ConditionPolicy, Undecided
from varsel.orders.senders import SenderRules
from varsel.orders.texts import Defaults
from varsel.schedule import DaytimeWindow
from varsel.settings import Settings
from varsel.settings.choices import UnknownOutcome
from varsel.workers.apply_reports import ReportOptions
from varsel.workers.conditional_orders import ConditionOptions
from varsel.workers.crew import CrewOptions
from varsel.workers.expand_orders import ProcessOptions
from varsel.workers.housekeeping import RetentionOptions
from varsel.workers.send import SendOptions

_PARTS_AT_ONCE = 4
_REPORTS_AT_ONCE = 500
_FIRST_REPORT_PAUSE = timedelta(seconds=5)


def intake_options(settings: Settings) -> IntakeOptions:
    """Return what the endpoints want to know."""
    return IntakeOptions(
        base_uri=settings.base_uri.rstrip("/"),
        default_email_from=settings.default_email_from,
        default_sms_sender=settings.default_sms_sender,
        cancel_closes_before=settings.cancel_limit,
        max_body_bytes=settings.http_max_body,
        feed_page_size=settings.feed_page_size,
        attachment_hosts=attachment_hosts(settings),
        count_user_contacts=settings.count_user_contacts_at_registration,
        request_timeout=settings.http_request_timeout,
        contact=settings.contact,
        senders=SenderRules(
            settings.email_senders,
            settings.sms_senders,
            Defaults(settings.default_email_from, settings.default_sms_sender),
        ),
    )


def assumed_after(settings: Settings, email: Provider[EmailMessage]) -> timedelta | None:
    """Return after how long an e-mail without bad news counts as delivered: only where no reports will come."""
    return None if email.capabilities.reports else settings.assume_delivered_after


def crew_options(settings: Settings, email: Provider[EmailMessage]) -> CrewOptions:
    """Return what the workers want to know; `email` is the provider whose reports they may wait for."""
    window = DaytimeWindow(settings.sms_window_zone, settings.sms_window_start, settings.sms_window_end)
    return CrewOptions(
        process=_process_options(settings, window),
        condition=_condition_options(settings),
        send={
            Channel.Email: _send_options(settings, assumed_after(settings, email)),
            Channel.Sms: _send_options(settings, None),
        },
        reports=ReportOptions(
            lease=settings.lease_length,
            at_once=_REPORTS_AT_ONCE,
            first_pause=_FIRST_REPORT_PAUSE,
            give_up_after=settings.report_patience,
        ),
        retention=RetentionOptions(
            orders=settings.retention_orders,
            log=settings.retention_log,
            feed=settings.retention_feed,
            reports=settings.retention_reports,
            sandbox=settings.retention_sandbox,
            sandbox_messages=settings.sandbox_kept_messages,
        ),
        window=window,
        poll=settings.poll_interval,
        housekeeping_every=settings.housekeeping_interval,
    )


def _process_options(settings: Settings, window: DaytimeWindow) -> ProcessOptions:
    return ProcessOptions(
        lease=settings.lease_length,
        look_ahead=settings.due_look_ahead,
        orders_at_once=settings.orders_at_once,
        parts_at_once=_PARTS_AT_ONCE,
        chunk_size=settings.chunk_size,
        retry_first=settings.order_retry_first,
        retry_longest=settings.order_retry_longest,
        grace=settings.expiry_grace,
        window=window,
        lifetime=settings.notification_lifetime,
        placeholder_fallback=settings.placeholder_fallback,
        escape_names=settings.escape_names,
    )


def _condition_options(settings: Settings) -> ConditionOptions:
    undecided = Undecided(settings.condition_undecided.value)
    policy = ConditionPolicy(undecided, settings.condition_attempts)
    # As many again as are being asked, so that the next one is at hand when an answer comes.
    at_host = 2 * settings.condition_concurrency_per_host
    return ConditionOptions(settings.condition_orders_at_once, at_host, policy)


def _send_options(settings: Settings, assume_delivered_after: timedelta | None) -> SendOptions:
    return SendOptions(
        lease=settings.lease_length,
        bundle_size=settings.chunk_size,
        concurrency=settings.concurrent_chunks,
        retry_delays=settings.send_retry_after,
        pause=settings.provider_pause,
        grace=settings.expiry_grace,
        assume_delivered_after=assume_delivered_after,
        resend_unknown=settings.unknown_outcome is UnknownOutcome.RESEND,
        most_lost=settings.unknown_outcome_limit,
        instant_retry_delays=settings.instant_retry_after,
    )
