"""`varsel work`: carry orders to their end, without answering requests."""

import argparse

from varsel.cli.arguments import Commands, add_command, run_to_end, settings_with

_LESSON = """\
examples:
  varsel work                         one worker beside "varsel serve --roles api"
  varsel work & varsel work           two: they share the work, whichever dies

All processes of an installation need the same database and the same settings. A worker
that is killed loses nothing: others take its work over after VARSEL_LEASE_LENGTH.
"""


def add_to(commands: Commands) -> None:
    """Add the command."""
    add_command(commands, "work", "Start a worker alone: the same as serve --roles worker", _LESSON, run)


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - every command is called alike
    """Work until told to stop."""
    settings = settings_with(roles="worker")
    from varsel import assembly  # noqa: PLC0415 - the whole service loads only when it starts

    run_to_end(assembly.serve(settings, settings.roles))
    return 0
