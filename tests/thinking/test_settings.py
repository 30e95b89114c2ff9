"""Reading settings: every kind of value, every problem at once, and secrets that stay hidden."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from varsel.errors import SettingsError
from varsel.settings import Secret, Settings
from varsel.settings.address_kinds import postgresql_address
from varsel.settings.checks import problems_of
from varsel.settings.choices import AltinnComponent
from varsel.settings.header_kinds import header_fields
from varsel.settings.kinds import Kind, duration, optional, series, size, whole, yes_no
from varsel.settings.reader import Setting, read_values, settings_of

DECLARED = settings_of(Settings)
REAL_CHANNELS = {
    "VARSEL_EMAIL_PROVIDER": "smtp",
    "VARSEL_SMTP_HOST": "smtp.example.com",
    "VARSEL_SMS_PROVIDER": "link",
    "VARSEL_LINK_USERNAME": "account",
    "VARSEL_LINK_PASSWORD": "fjord-42-lamp",
}
PRODUCTION = {
    "VARSEL_ENVIRONMENT": "production",
    "VARSEL_OPENID_ADDRESS": "https://issuer.example.com/openid/",
    **REAL_CHANNELS,
}
ALTINN = {
    "VARSEL_ALTINN_PROFILE": "http://profile.example.com/profile/api/v1/",
    "VARSEL_ALTINN_REGISTER": "http://register.example.com/register/api/v1/",
    "VARSEL_ALTINN_AUTHORIZATION": "http://authorization.example.com/authorization/api/v1/",
}

HEADER = {
    "VARSEL_CONDITION_AUTHENTICATION": "header",
    "VARSEL_CONDITION_TRUSTED_HOSTS": "*.example.com",
    "VARSEL_CONDITION_HEADER_NAME": "X-Api-Key",
    "VARSEL_CONDITION_HEADER_VALUE": "fjord-42-lamp",
}
OAUTH = {
    "VARSEL_CONDITION_AUTHENTICATION": "oauth",
    "VARSEL_CONDITION_TRUSTED_HOSTS": "*.example.com",
    "VARSEL_OAUTH_TOKEN_ADDRESS": "https://login.example.com/oauth2/token/",
    "VARSEL_OAUTH_CLIENT_ID": "varsel",
    "VARSEL_OAUTH_CLIENT_SECRET": "fjord-42-lamp",
}

SHOWN = {
    "VARSEL_DIRECTORY": "altinn",
    **{name: address.replace("http:", "https:") for name, address in ALTINN.items()},
    "VARSEL_ALTINN_MASKINPORTEN_FOR": "register, profile",
    "VARSEL_MASKINPORTEN_CLIENT_ID": "client",
    "VARSEL_MASKINPORTEN_KEY": json.dumps(
        RSAAlgorithm.to_jwk(generate_private_key(65537, 2048), as_dict=True) | {"kid": "1"}
    ),
}


def problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.read(environ)
    return caught.value.problems


def test_an_empty_environment_gives_the_defaults_of_the_contract() -> None:
    settings = Settings.read({})
    assert (settings.host, settings.port, settings.base_uri) == ("127.0.0.1", 5090, "http://localhost:5090")
    assert settings.roles == {"api", "worker"}
    assert settings.data_dir == Path("var").absolute()
    assert (settings.default_email_from, settings.default_sms_sender) == ("noreply@altinn.cloud", "Altinn")
    assert settings.cancel_limit == timedelta(minutes=5)
    assert (settings.sms_window_start, settings.sms_window_end) == (9, 17)
    assert settings.sms_window_zone == ZoneInfo("Europe/Oslo")
    assert settings.notification_lifetime == timedelta(hours=48)
    assert settings.expiry_grace == timedelta(seconds=300)
    assert settings.token_cookie == "AltinnStudioRuntime"
    assert settings.http_max_body == 30_000_000
    assert settings.placeholder_fallback is None
    assert settings.local_issuer


def test_defaults_follow_from_what_is_set() -> None:
    settings = Settings.read({"VARSEL_DATA_DIR": "/srv/varsel", "VARSEL_PORT": "8080"})
    assert settings.platform_keys_dir == Path("/srv/varsel/platform-keys")
    assert settings.fixed_directory_file == Path("/srv/varsel/directory.json")
    assert settings.base_uri == "http://localhost:8080"
    assert settings.sandbox_inbox
    assert not settings.directory_shared
    for several in ({"VARSEL_ROLES": "api"}, {"VARSEL_ROLES": "worker"}, {"VARSEL_SHARE_PORT": "yes"}):
        assert Settings.read(several).directory_shared
    production = Settings.read(PRODUCTION)
    assert not production.sandbox_inbox
    assert not production.swagger
    assert production.log_format == "json"
    assert (settings.openid_check_issuer, settings.openid_audiences, settings.platform_audiences) == (False, None, None)
    assert production.openid_check_issuer
    assert production.openid_audiences == ("http://localhost:5090",)
    assert production.platform_audiences == ("platform.altinn.no",)
    named = {**PRODUCTION, "VARSEL_BASE_URI": "https://notify.example.com/"}
    assert Settings.read(named).openid_audiences == ("https://notify.example.com",)
    assert not production.local_issuer


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (yes_no(), "Yes", True),
        (yes_no(), "0", False),
        (whole(0, 9), "9", 9),
        (duration(), "200ms", timedelta(milliseconds=200)),
        (duration(), "30s", timedelta(seconds=30)),
        (duration(), "1.5h", timedelta(minutes=90)),
        (duration(), "90d", timedelta(days=90)),
        (duration(), "45", timedelta(seconds=45)),
        (size("1B", "1GiB"), "30MB", 30_000_000),
        (size("1B", "1GiB"), "64KiB", 65_536),
        (size("1B", "1GiB"), "12", 12),
        (series(duration(), "1m,5m"), "1m, 5m", (timedelta(minutes=1), timedelta(minutes=5))),
        (optional(duration(), "off"), "off", None),
        (optional(duration(), "off"), "0", timedelta(0)),
        (
            postgresql_address(),
            "postgresql:///varsel?host=/run/postgresql",
            "postgresql:///varsel?host=/run/postgresql",
        ),
    ],
)
def test_values_are_read_as_written(kind: Kind[Any], text: str, value: object) -> None:
    assert kind.parse(text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("VARSEL_PORT", "65536"),
        ("VARSEL_PORT", "-1"),
        ("VARSEL_PORT", "5e3"),
        ("VARSEL_PORT", "\N{ARABIC-INDIC DIGIT FIVE}"),
        ("VARSEL_ROLES", "api,admin"),
        ("VARSEL_ROLES", ","),
        ("VARSEL_LEASE_LENGTH", "1s"),
        ("VARSEL_LEASE_LENGTH", "soon"),
        ("VARSEL_LEASE_LENGTH", "60 s"),
        ("VARSEL_HTTP_MAX_BODY", "30mb"),
        ("VARSEL_HTTP_MAX_BODY", "1TB"),
        ("VARSEL_SWAGGER", "maybe"),
        ("VARSEL_BASE_URI", "notify.example.com"),
        ("VARSEL_BASE_URI", "https://"),
        ("VARSEL_BASE_URI", "https://[broken"),
        ("VARSEL_BASE_URI", "https://notify.example.com:99999"),
        ("VARSEL_SMS_WINDOW_ZONE", "Norway/Bergen"),
        ("VARSEL_SMS_WINDOW_ZONE", "../zones"),
        ("VARSEL_DEFAULT_EMAIL_FROM", "Varsel <noreply@example.com>"),
        ("VARSEL_PLATFORM_KEY_SETS", "https://keys.example.com"),
        ("VARSEL_PLATFORM_KEY_SETS", "../ttd=https://keys.example.com"),
        ("VARSEL_SEND_RETRY_AFTER", ","),
        ("VARSEL_DATABASE_URL", "mysql://db.example.com/varsel"),
        ("VARSEL_OUTGOING_ALLOWED", "10.1.0.0/33"),
        ("VARSEL_OUTGOING_ALLOWED", "apps.internal, https://apps.internal"),
        ("VARSEL_OUTGOING_PORTS", "https"),
        ("VARSEL_CONDITION_UNDECIDED", "perhaps"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_variable(name: str, text: str) -> None:
    [problem] = problems({name: text})
    assert problem.startswith(f"{name} must ")


def test_all_problems_are_reported_at_once() -> None:
    found = problems(
        {
            "VARSEL_PORT": "none",
            "VARSEL_ROLES": "cook",
            "VARSEL_PROT": "5090",
            "VARSEL_EMAIL_PROVIDER": "smtp",
            "VARSEL_SMS_WINDOW_START": "18",
            "PATH": "/bin",
        }
    )
    assert len(found) == 5
    assert "VARSEL_PROT is no setting of Varsel; did you mean VARSEL_PORT?" in found


def test_an_unknown_name_like_no_other_points_to_the_reference() -> None:
    assert problems({"VARSEL_QZX": "1"}) == ["VARSEL_QZX is no setting of Varsel; varsel settings lists them all"]


def test_an_empty_value_counts_as_not_set_unless_empty_means_something() -> None:
    settings = Settings.read({"VARSEL_PORT": "", "VARSEL_TOKEN_COOKIE": "", "VARSEL_PLACEHOLDER_FALLBACK": ""})
    assert settings.port == 5090
    assert settings.token_cookie == ""
    assert settings.placeholder_fallback == ""


def test_platform_key_sets_are_a_list_of_names_and_addresses() -> None:
    settings = Settings.read({"VARSEL_PLATFORM_KEY_SETS": "ttd=https://a.example.com/k?x=1, skd=https://b.example.com"})
    assert settings.platform_key_sets == {"ttd": "https://a.example.com/k?x=1", "skd": "https://b.example.com"}


def test_directories_are_named_in_the_order_they_are_asked() -> None:
    assert Settings.read({}).directory == ("fixed",)
    assert Settings.read({"VARSEL_DIRECTORY": "register, fixed"}).directory == ("register", "fixed")
    assert Settings.read({"VARSEL_DIRECTORY": "none"}).directory is None
    for wrong in ("fixed,fixed", "fixed,none", "phone-book", ","):
        [problem] = problems({"VARSEL_DIRECTORY": wrong})
        assert problem.startswith("VARSEL_DIRECTORY must ")


def test_places_that_may_be_reached_and_ports_are_lists() -> None:
    settings = Settings.read({"VARSEL_OUTGOING_ALLOWED": "apps.internal, *.example.no,10.1.0.0/16,::1"})
    assert settings.outgoing_allowed == ("apps.internal", "*.example.no", "10.1.0.0/16", "::1")
    assert settings.outgoing_ports is None
    assert Settings.read({"VARSEL_OUTGOING_PORTS": "443, 8443"}).outgoing_ports == (443, 8443)


def test_a_secret_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "database"
    file.write_text("postgresql://varsel:fjord@db.example.com/varsel\n")
    settings = Settings.read({"VARSEL_DATABASE_URL_FILE": str(file)})
    assert settings.database_url == Secret("postgresql://varsel:fjord@db.example.com/varsel")


def test_unreadable_secret_files_are_problems(tmp_path: Path) -> None:
    empty, binary, huge = tmp_path / "empty", tmp_path / "binary", tmp_path / "huge"
    empty.write_text("\n")
    binary.write_bytes(b"\xff\xfe")
    huge.write_text("x" * 70_000)
    for file, word in (
        (empty, "empty"),
        (binary, "UTF-8"),
        (huge, "more than"),
        (tmp_path / "gone", "cannot be read"),
        (tmp_path, "cannot be read"),
    ):
        [problem] = problems({"VARSEL_DATABASE_URL_FILE": str(file)})
        assert problem.startswith("VARSEL_DATABASE_URL_FILE names ")
        assert word in problem


def test_a_secret_given_twice_is_a_problem_and_its_file_is_for_secrets_only(tmp_path: Path) -> None:
    found = problems(
        {
            "VARSEL_DATABASE_URL": "postgresql://db.example.com/varsel",
            "VARSEL_DATABASE_URL_FILE": str(tmp_path),
            "VARSEL_PORT_FILE": str(tmp_path),
        }
    )
    assert found == [
        "VARSEL_DATABASE_URL and VARSEL_DATABASE_URL_FILE are both given; keep one of them",
        "VARSEL_PORT_FILE is no setting of Varsel; only secrets can be given as a file, so set VARSEL_PORT itself",
    ]


def test_secrets_never_show() -> None:
    password = "fjord-42-lamp"
    settings = Settings.read(REAL_CHANNELS)
    assert settings.link_password is not None
    assert settings.link_password.reveal() == password
    assert password not in f"{settings} {settings!r} {settings.link_password} {settings.link_password!r}"
    assert not any(password in problem for problem in problems({"VARSEL_DATABASE_URL": password}))


def test_every_secret_can_be_given_as_a_file_and_nothing_else_can() -> None:
    hints = get_type_hints(Settings)
    assert {each.attribute for each in DECLARED if each.file_name} == {
        name for name, hint in hints.items() if "Secret" in str(hint)
    }


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"VARSEL_EMAIL_PROVIDER": "smtp"}, "VARSEL_SMTP_HOST"),
        ({"VARSEL_SMTP_USERNAME": "account"}, "belong together"),
        ({"VARSEL_SMTP_TOKEN_FILE": "/token"}, "VARSEL_SMTP_USERNAME must be set"),
        (
            {
                "VARSEL_SMTP_USERNAME": "a",
                "VARSEL_SMTP_CLIENT_SECRET": "fjord-42",
                "VARSEL_SMTP_TOKEN_ADDRESS": "https://login.example.com/token",
            },
            "VARSEL_SMTP_CLIENT_ID must be set",
        ),
        (
            {"VARSEL_SMTP_USERNAME": "a", "VARSEL_SMTP_PASSWORD": "fjord-42", "VARSEL_SMTP_TOKEN_FILE": "/token"},
            "keep one of them",
        ),
        ({"VARSEL_SMTP_RATE": "0"}, "VARSEL_SMTP_RATE"),
        ({"VARSEL_EMAIL_SENDERS": "ttd"}, "VARSEL_EMAIL_SENDERS"),
        ({"VARSEL_SMS_SENDERS": "ttd=A, TTD=B"}, "VARSEL_SMS_SENDERS"),
        ({"VARSEL_LINK_RATE": "14/s"}, "VARSEL_LINK_RATE"),
        ({"VARSEL_SMS_REPORT_PASSWORD": "fjord"}, "belong together"),
        ({"VARSEL_SMS_WINDOW_END": "9"}, "earlier hour"),
        ({"VARSEL_ASSUME_DELIVERED_AFTER": "48h"}, "VARSEL_NOTIFICATION_LIFETIME"),
        ({"VARSEL_ORDER_RETRY_LONGEST": "30s"}, "VARSEL_ORDER_RETRY_FIRST"),
        (
            {"VARSEL_CONDITION_AUTHENTICATION": "maskinporten", "VARSEL_MASKINPORTEN_CLIENT_ID": "client"},
            "VARSEL_MASKINPORTEN_KEY must be set",
        ),
        (
            {"VARSEL_DIRECTORY": "fixed,altinn", **ALTINN, "VARSEL_ALTINN_REGISTER": ""},
            "VARSEL_ALTINN_REGISTER must be",
        ),
        ({"VARSEL_DIRECTORY_REST_FIRST": "2m"}, "must not be longer than VARSEL_DIRECTORY_REST_LONGEST"),
        ({"VARSEL_DIRECTORY_QUIET": "600ms"}, "must not be longer than VARSEL_DIRECTORY_LONGEST"),
        ({"VARSEL_CONDITION_AUTHENTICATION": "signature"}, "signature, so VARSEL_CONDITION_SIGNING_KEYS must be set"),
        ({"VARSEL_CONDITION_SIGNING_KEYS": "whsec_AAEC"}, "VARSEL_CONDITION_SIGNING_KEYS cannot be used: a secret"),
        ({**HEADER, "VARSEL_CONDITION_HEADER_VALUE": ""}, "header, so VARSEL_CONDITION_HEADER_VALUE must be set"),
        ({**HEADER, "VARSEL_CONDITION_TRUSTED_HOSTS": ""}, "header, so VARSEL_CONDITION_TRUSTED_HOSTS must name"),
        ({**OAUTH, "VARSEL_OAUTH_CLIENT_SECRET": ""}, "oauth, so VARSEL_OAUTH_CLIENT_SECRET must be set"),
        ({**OAUTH, "VARSEL_CONDITION_TRUSTED_HOSTS": ""}, "oauth, so VARSEL_CONDITION_TRUSTED_HOSTS must name"),
        (
            {**SHOWN, "VARSEL_MASKINPORTEN_KEY": ""},
            "FOR names profile, register, so VARSEL_MASKINPORTEN_KEY must be set",
        ),
        (
            {**SHOWN, "VARSEL_ALTINN_REGISTER_HEADERS": "X-Api-Key: fjord\nAUTHORIZATION: Bearer fjord"},
            "VARSEL_ALTINN_REGISTER_HEADERS and VARSEL_ALTINN_MASKINPORTEN_FOR both send authorization",
        ),
        (
            {"VARSEL_ALTINN_REGISTER_HEADERS": "PlatformAccessToken: fjord", "VARSEL_ALTINN_TOKEN_KEY_FILE": "key.pem"},
            "VARSEL_ALTINN_REGISTER_HEADERS and VARSEL_ALTINN_TOKEN_KEY_FILE both send platformaccesstoken",
        ),
        (
            {
                "VARSEL_ALTINN_AUTHORIZATION_HEADERS": "ocp-apim-subscription-key: fjord",
                "VARSEL_ALTINN_SUBSCRIPTION_KEY": "lamp",
            },
            "VARSEL_ALTINN_AUTHORIZATION_HEADERS and VARSEL_ALTINN_SUBSCRIPTION_KEY both send ocp-",
        ),
        ({"VARSEL_MASKINPORTEN_KEY": '{"kty": "RSA", "n": "AQAB"}'}, "VARSEL_MASKINPORTEN_KEY cannot be used: "),
    ],
)
def test_what_does_not_go_together_is_a_problem(changes: dict[str, str], word: str) -> None:
    [problem] = problems(changes)
    assert word in problem


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"VARSEL_OPENID_ADDRESS": ""}, "no local issuer"),
        ({"VARSEL_OPENID_ADDRESS": "http://issuer.example.com"}, "by https only"),
        ({"VARSEL_PLATFORM_KEY_SETS": "ttd=http://keys.example.com"}, "by https only"),
        ({"VARSEL_SANDBOX_INBOX": "yes"}, "VARSEL_SANDBOX_INBOX"),
        ({"VARSEL_EMAIL_PROVIDER": "sandbox"}, "VARSEL_EMAIL_PROVIDER is sandbox"),
        ({"VARSEL_SMS_PROVIDER": "sandbox"}, "VARSEL_SMS_PROVIDER is sandbox"),
        ({"VARSEL_LINK_PASSWORD": "Change-Me"}, "everybody guesses"),
        ({"VARSEL_DATABASE_URL": "postgresql://varsel:postgres@localhost/varsel"}, "everybody guesses"),
        ({"VARSEL_DATABASE_URL": "postgresql://varsel:fjord@db.example.com/varsel"}, "sslmode=verify-full"),
        ({"VARSEL_DATABASE_URL": "postgresql:///varsel?host=127.0.0.1,db.example.com"}, "sslmode=verify-full"),
        ({"VARSEL_DATABASE_URL": "postgresql://varsel@[fd00::8]:5432/varsel"}, "sslmode=verify-full"),
        ({"VARSEL_SMTP_TLS": "none", "VARSEL_SMTP_USERNAME": "a", "VARSEL_SMTP_PASSWORD": "fjord"}, "in clear"),
        ({"VARSEL_LINK_ENDPOINT": "http://sms.example.com"}, "in clear"),
        ({"VARSEL_CONDITION_TOKEN_OVER_HTTP": "yes"}, "in clear"),
        ({"VARSEL_OAUTH_TOKEN_ADDRESS": "http://login.example.com/token"}, "change VARSEL_OAUTH_TOKEN_ADDRESS"),
        ({"VARSEL_CONDITION_SIGNING_KEYS_FILE": "/nowhere/keys"}, "cannot be read"),
        ({**HEADER, "VARSEL_CONDITION_HEADER_VALUE": "change-me"}, "everybody guesses"),
        ({"VARSEL_MASKINPORTEN_ISSUER": "http://maskinporten.example.com"}, "by https only"),
        ({**ALTINN, "VARSEL_ALTINN_SUBSCRIPTION_KEY": "fjord-42"}, "VARSEL_ALTINN_AUTHORIZATION must be https"),
        ({**ALTINN, "VARSEL_ALTINN_PROFILE_HEADERS": "X-Key: fjord-42"}, "VARSEL_ALTINN_PROFILE must be https"),
        ({**ALTINN, "VARSEL_ALTINN_MASKINPORTEN_FOR": "register"}, "VARSEL_ALTINN_REGISTER must be https"),
        ({"VARSEL_ALTINN_EXCHANGE": "http://altinn.example.com"}, "change VARSEL_ALTINN_EXCHANGE"),
    ],
)
def test_production_refuses_what_would_let_strangers_in(changes: dict[str, str], word: str) -> None:
    [problem] = problems({**PRODUCTION, **changes})
    assert word in problem


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://varsel@localhost/varsel",
        "postgresql://varsel:fjord@127.0.0.1:5433/varsel",
        "postgresql://varsel@[::1]:5432/varsel",
        "postgresql:///varsel?host=/run/postgresql",
        "postgresql://varsel@db.example.com/varsel?sslmode=verify-full",
        "postgresql://varsel@db.internal.example.com/varsel?sslmode=disable",
    ],
)
def test_production_takes_a_local_database_or_one_whose_protection_is_named(url: str) -> None:
    assert Settings.read({**PRODUCTION, "VARSEL_DATABASE_URL": url}).database_url is not None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "varsel.example.com"])  # noqa: S104 - nothing is bound
def test_development_listens_beyond_this_machine_only_when_told(host: str) -> None:
    [problem] = problems({"VARSEL_HOST": host})
    assert "VARSEL_DEVELOPMENT_REACHABLE=yes" in problem
    assert Settings.read({"VARSEL_HOST": host, "VARSEL_DEVELOPMENT_REACHABLE": "yes"}).host == host
    assert Settings.read({**PRODUCTION, "VARSEL_HOST": host}).host == host


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"VARSEL_CONDITION_HEADER_NAME": "X Api Key"}, "must be the name of a header field"),
        ({"VARSEL_CONDITION_HEADER_NAME": "X-Key:"}, "must be the name of a header field"),
        ({"VARSEL_CONDITION_HEADER_NAME": "Content-length"}, "Varsel does not write itself"),
        ({"VARSEL_CONDITION_HEADER_NAME": "hOST"}, "Varsel does not write itself"),
        ({"VARSEL_CONDITION_HEADER_VALUE": "fjord\r\nX-More: 1"}, "must be one line of ASCII"),
        ({"VARSEL_CONDITION_HEADER_VALUE": "fjørd"}, "must be one line of ASCII"),
        ({"VARSEL_ALTINN_PROFILE_HEADERS": "fjord"}, "must be header fields such as"),
        ({"VARSEL_ALTINN_PROFILE_HEADERS": "X-Key: a\nx-key: X-More"}, "must be header fields such as"),
        ({"VARSEL_ALTINN_PROFILE_HEADERS": "X-Key:"}, "must be header fields such as"),
        ({"VARSEL_ALTINN_PROFILE_HEADERS": "Host: X-More"}, "must be header fields such as"),
        ({"VARSEL_ALTINN_MASKINPORTEN_FOR": "registry"}, "must be one of profile, register, authorization, or none"),
        (
            {"VARSEL_ALTINN_MASKINPORTEN_FOR": "none,register"},
            "must be one of profile, register, authorization, or none",
        ),
        ({"VARSEL_OAUTH_TOKEN_ADDRESS": "https://login.example.com/token#fjord"}, "has no #"),
        ({"VARSEL_OAUTH_TOKEN_ADDRESS": "login.example.com"}, "names a host"),
        ({"VARSEL_CONDITION_TRUSTED_HOSTS": "https://example.com"}, "must be a list such as"),
    ],
)
def test_what_could_not_be_sent_is_a_problem(changes: dict[str, str], word: str) -> None:
    [problem] = problems(changes)
    assert word in problem
    assert "X-More" not in problem


@pytest.mark.parametrize("complete", [HEADER, OAUTH])
def test_production_shows_secrets_to_named_hosts(complete: dict[str, str]) -> None:
    settings = Settings.read({**PRODUCTION, **complete})
    assert settings.condition_trusted_hosts == ("*.example.com",)
    assert "fjord-42-lamp" not in repr(settings)


def test_altinn_may_be_shown_tokens_and_fields_where_they_are_protected() -> None:
    headers = {"VARSEL_ALTINN_REGISTER_HEADERS": "X-One: fjord: 42\n\n  X-Two :lamp  "}
    settings = Settings.read({**PRODUCTION, **SHOWN, **headers})
    assert settings.altinn_maskinporten_for == frozenset({AltinnComponent.REGISTER, AltinnComponent.PROFILE})
    assert settings.altinn_register_headers is not None
    assert header_fields(settings.altinn_register_headers.reveal()) == {"X-One": "fjord: 42", "X-Two": "lamp"}
    assert "fjord" not in repr(settings)
    assert Settings.read({**PRODUCTION, **ALTINN, "VARSEL_DIRECTORY": "altinn"}).altinn_maskinporten_for is None


def test_the_address_of_a_token_endpoint_keeps_its_last_slash() -> None:
    assert Settings.read(OAUTH).oauth_token_address == "https://login.example.com/oauth2/token/"


def test_production_starts_with_real_channels_and_may_rehearse_with_the_sandbox() -> None:
    assert Settings.read(PRODUCTION).openid_address == "https://issuer.example.com/openid"
    rehearsal = {"VARSEL_EMAIL_PROVIDER": "sandbox", "VARSEL_SANDBOX_IN_PRODUCTION": "yes"}
    assert not Settings.read({**PRODUCTION, **rehearsal}).sandbox_inbox


def test_one_mistake_does_not_bring_problems_that_follow_from_it() -> None:
    [problem] = problems({**PRODUCTION, "VARSEL_OPENID_ADDRESS": "issuer.example.com"})
    assert problem.startswith("VARSEL_OPENID_ADDRESS must be")


@pytest.mark.parametrize("each", DECLARED, ids=lambda each: each.name)
def test_every_setting_explains_itself_and_takes_its_own_default(each: Setting) -> None:
    assert each.says[0].isupper() or each.says[0] == "`"
    assert each.says.endswith(".")
    defaults = Settings.read({})
    rested_on = ("environment", "data_dir", "port", "default_email_from", "roles", "share_port", "shutdown_wait")
    values = {name: getattr(defaults, name) for name in rested_on}
    assert Settings.read({each.name: each.default_text(values)}) == defaults


@given(st.dictionaries(st.sampled_from([each.name for each in DECLARED]), st.text(max_size=30), max_size=6))
def test_whatever_is_written_gives_settings_or_problems(environ: dict[str, str]) -> None:
    reading = read_values(DECLARED, environ)
    assert set(reading.values) == {each.attribute for each in DECLARED}
    assert len(reading.problems) == len(reading.flawed)
    problems_of(Settings(**reading.values), reading.flawed)
