"""`varsel serve`: answer requests and carry orders to their end."""

import argparse

from varsel.cli.arguments import Commands, add_command, run_to_end, settings_with

_LESSON = """\
examples:
  varsel serve                        everything in one process, on http://127.0.0.1:5090
  varsel serve --port 0               on a free port; the line "varsel ready" tells which
  varsel serve --roles api            only answer requests; run "varsel work" beside it
  VARSEL_DATABASE_URL=postgresql://varsel:...@db/varsel varsel serve

Without VARSEL_DATABASE_URL an embedded PostgreSQL starts in VARSEL_DATA_DIR. Migrations
are applied first. Ctrl-C or SIGTERM lets running work finish, then stops everything.

what next: "varsel token" for a token, "varsel demo" to see it work.
"""


def add_to(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(commands, "serve", "Start Varsel: database, API and workers", _LESSON, run)
    parser.add_argument("--roles", metavar="LIST", help="api, worker or both: api,worker (VARSEL_ROLES)")
    parser.add_argument("--host", metavar="HOST", help="address to listen on (VARSEL_HOST, default 127.0.0.1)")
    parser.add_argument("--port", metavar="PORT", help="port to listen on (VARSEL_PORT, default 5090)")


def run(arguments: argparse.Namespace) -> int:
    """Serve until told to stop."""
    settings = settings_with(roles=arguments.roles, host=arguments.host, port=arguments.port)
    from varsel import assembly  # noqa: PLC0415 - the whole service loads only when it starts

    run_to_end(assembly.serve(settings, settings.roles))
    return 0
