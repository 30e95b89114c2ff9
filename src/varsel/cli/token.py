"""`varsel token`: a token of the local issuer, for development."""

import argparse
import os
import sys
from datetime import timedelta

from varsel.cli.arguments import Commands, add_command, settings_with
from varsel.errors import VarselError
from varsel.intake.credentials.issuer import CREATE_SCOPE, LocalIssuer
from varsel.settings import Settings
from varsel.settings.choices import Environment

_LESSON = f"""\
examples:
  TOKEN=$(varsel token --org ttd --org-number 991825827)
  curl -H "Authorization: Bearer $TOKEN" "http://127.0.0.1:5090/notifications/api/v1/orders?sendersReference=1"

  varsel token                                    a caller without organisation (403)
  varsel token --org ttd --scope altinn:other     a caller without the right (403)
  varsel token --org ttd --expires-in -60         a token that ran out a minute ago (401)
  varsel token --org ttd --claim client_amr=virksomhetssertifikat
  varsel token --platform --issuer ttd            for the header PlatformAccessToken

The default scope is {CREATE_SCOPE}.
Nothing but the token is printed to standard output. The keys lie in VARSEL_DATA_DIR, so use
the same folder as the service that is to accept the token. The local issuer exists only
while VARSEL_ENVIRONMENT is development; in production tokens come from VARSEL_OPENID_ADDRESS.
"""
_ORDINARY_LIFE = 1800


def add_to(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(commands, "token", "Print a token to call a development installation with", _LESSON, run)
    parser.add_argument("--org", metavar="NAME", help="short name of the calling organisation, such as ttd")
    parser.add_argument("--org-number", metavar="DIGITS", help="its organisation number, such as 991825827")
    parser.add_argument(
        "--scope", metavar="SCOPE", nargs="+", action="extend", help="scopes instead of the default one"
    )
    parser.add_argument(
        "--claim",
        metavar="NAME=VALUE",
        nargs="+",
        action="extend",
        type=claim,
        help="further claims of text, which may replace ordinary ones",
    )
    parser.add_argument("--expires-in", metavar="SECONDS", type=int, help="life (default 1800); negative: already over")
    parser.add_argument("--platform", action="store_true", help="print a platform access token instead")
    parser.add_argument("--issuer", metavar="NAME", help="who signs the platform access token, such as ttd")
    parser.add_argument("--app", metavar="NAME", default="demo", help="app named in it (default demo)")
    parser.set_defaults(complain=parser.error)


def claim(text: str) -> tuple[str, str]:
    """Read `NAME=VALUE`."""
    name, divider, value = text.partition("=")
    if not divider or not name:
        raise argparse.ArgumentTypeError(f"{text!r} must be NAME=VALUE")
    return name, value


def run(arguments: argparse.Namespace) -> int:
    """Print the token, or refuse where the local issuer does not exist."""
    if os.environ.get("VARSEL_ENVIRONMENT") == Environment.PRODUCTION:
        print("varsel: there is no local issuer in production; get a token from VARSEL_OPENID_ADDRESS", file=sys.stderr)
        return 2
    _refuse_mixtures(arguments)
    print(_platform_token(arguments) if arguments.platform else _bearer_token(arguments))
    return 0


def _refuse_mixtures(arguments: argparse.Namespace) -> None:
    bearer_only = ("org", "org_number", "scope", "claim", "expires_in")
    if arguments.platform and any(getattr(arguments, name) is not None for name in bearer_only):
        arguments.complain("--platform goes with --issuer and --app only")
    if arguments.platform and not arguments.issuer:
        arguments.complain("--platform needs --issuer, such as --issuer ttd")
    if arguments.issuer and not arguments.platform:
        arguments.complain("--issuer goes with --platform only")


def _bearer_token(arguments: argparse.Namespace) -> str:
    life = _ORDINARY_LIFE if arguments.expires_in is None else arguments.expires_in
    return local_issuer(settings_with()).token(
        arguments.org,
        arguments.org_number,
        arguments.scope or [CREATE_SCOPE],
        dict(arguments.claim or ()),
        timedelta(seconds=life),
    )


def _platform_token(arguments: argparse.Namespace) -> str:
    return local_issuer(settings_with()).platform_token(arguments.issuer, arguments.app)


def local_issuer(settings: Settings) -> LocalIssuer:
    """Return the issuer whose tokens an installation with these settings accepts. Raises VarselError without one."""
    if not settings.local_issuer:
        where = settings.openid_address
        raise VarselError(f"this installation accepts tokens of {where} only; get one there")
    return LocalIssuer(
        settings.data_dir / "issuer", service=settings.base_uri, platform_keys=settings.platform_keys_dir
    )
