"""`varsel settings`: the reference of all settings, for those who have no copy of the repository."""

import argparse
import sys

from varsel.cli.arguments import Commands, add_command
from varsel.settings.reference import entries, settings_page

_LESSON = """\
examples:
  varsel settings                     every setting, as docs/settings.md has them
  varsel settings smtp                those with smtp in their name
  varsel settings VARSEL_PORT         one

It prints what there is to set, not what is set; varsel doctor looks at that.
"""


def add_to(commands: Commands) -> None:
    """Add the command and its arguments."""
    parser = add_command(commands, "settings", "Explain every setting", _LESSON, run)
    parser.add_argument("part", metavar="PART", nargs="?", default="", help="part of a setting's name")


def run(arguments: argparse.Namespace) -> int:
    """Print the settings asked for; 1 when there is none."""
    found = entries(arguments.part) if arguments.part else settings_page()
    if not found:
        print(f"no setting has {arguments.part} in its name; varsel settings lists all of them", file=sys.stderr)
        return 1
    print(found)
    return 0
