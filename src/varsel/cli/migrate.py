"""`varsel migrate`: bring the database to the schema of this version."""

import argparse

from varsel.cli.arguments import Commands, add_command, run_to_end, settings_with

_LESSON = """\
examples:
  varsel migrate                      apply what is missing; running it twice does no harm

"varsel serve" does the same at its start, under a lock, so this command is for those who
want to see it done before new processes start. Migrations go forward only: take a backup.
"""


def add_to(commands: Commands) -> None:
    """Add the command."""
    add_command(commands, "migrate", "Bring the database to the schema of this version", _LESSON, run)


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - every command is called alike
    """Apply missing migrations and name them."""
    settings = settings_with()
    from varsel import assembly  # noqa: PLC0415 - the whole service loads only when it starts

    applied = run_to_end(assembly.migrate(settings))
    for name in applied:
        print(f"applied {name}")
    if not applied:
        print("nothing to do: the schema is that of this version")
    return 0
