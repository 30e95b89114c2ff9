"""The words a setting may be chosen from. Members compare equal to the word an operator writes."""

from enum import StrEnum


class Environment(StrEnum):
    """Where Varsel runs: development brings its own issuer and inbox, production refuses to start with them."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Role(StrEnum):
    """What a process does: answer requests, or carry orders to their end."""

    API = "api"
    WORKER = "worker"


class LogLevel(StrEnum):
    """The least important kind of log line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How log lines look: for people, or one JSON object each for collectors."""

    TEXT = "text"
    JSON = "json"


class Algorithm(StrEnum):
    """Signature algorithms a token may use (integrations.md 1.3); symmetric ones and `none` never."""

    RS256 = "RS256"
    RS384 = "RS384"
    RS512 = "RS512"
    PS256 = "PS256"
    ES256 = "ES256"


class UnknownOutcome(StrEnum):
    """What follows when a provider's answer was lost: risk a duplicate, or risk a loss."""

    RESEND = "resend"
    FAIL = "fail"


class EmailProvider(StrEnum):
    """How e-mail leaves."""

    SANDBOX = "sandbox"
    SMTP = "smtp"


class SmsProvider(StrEnum):
    """How SMS leaves."""

    SANDBOX = "sandbox"
    LINK = "link"


class TlsMode(StrEnum):
    """How the connection to the mail server is protected: not at all, upgraded after greeting, or from the start."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class ReceiverFormat(StrEnum):
    """How a mobile number is written to the SMS gateway: `4799999999` or `+4799999999`."""

    DIGITS = "digits"
    PLUS = "plus"


class LinkCharset(StrEnum):
    """The character set of requests to the SMS gateway."""

    UTF_8 = "utf-8"
    ISO_8859_1 = "iso-8859-1"


class LinkUnicode(StrEnum):
    """When an SMS is sent as Unicode."""

    NEVER = "never"
    AUTO = "auto"


class Directory(StrEnum):
    """Who may be asked for the addresses and names of persons and organisations."""

    FIXED = "fixed"
    REGISTER = "register"
    ALTINN = "altinn"


class AltinnComponent(StrEnum):
    """The parts of Altinn that are asked by the directory of that name."""

    PROFILE = "profile"
    REGISTER = "register"
    AUTHORIZATION = "authorization"


class Undecided(StrEnum):
    """What becomes of an order whose send condition stays undecided."""

    SEND = "send"
    HOLD = "hold"
    DO_NOT_SEND = "do-not-send"


class ConditionAuthentication(StrEnum):
    """How condition endpoints are shown who is asking."""

    NONE = "none"
    MASKINPORTEN = "maskinporten"
    OAUTH = "oauth"
    HEADER = "header"
    SIGNATURE = "signature"


class ClientAuthentication(StrEnum):
    """Where a client of an OAuth server writes who it is: in the Authorization header, or in the form."""

    HEADER = "header"
    BODY = "body"
