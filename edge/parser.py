"""The words of the program `sonoedge`: one parser for all its sub-commands.

They come from the entry points `sonoedge.commands`, so that this file names none of the other houses and a third party
can add its own. A name of two words, `"calibration lint"`, is a sub-command of a group.
"""

from __future__ import annotations

import argparse
from importlib import metadata
from typing import NoReturn

from edge.cli import BAD_USE, DISTRIBUTION, Command
from edge.errors import SonoEdgeError

ENTRY_POINTS = "sonoedge.commands"


def make_parser() -> argparse.ArgumentParser:
    """The parser; `run` and `parser` are set in what it parses, `run` to None where no command was named."""
    parser = _Parser(
        prog="sonoedge",
        description="Find the median nerve, measure it, grade carpal tunnel syndrome, in time. "
        "For engineering and demonstration, not for diagnosis.",
    )
    parser.add_argument("--version", action="version", version=f"sonoedge {metadata.version(DISTRIBUTION)}")
    parser.set_defaults(run=None, parser=parser)
    top = parser.add_subparsers(metavar="COMMAND", title="commands")
    groups = {"": top}
    for entry in sorted(metadata.entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        command = _loaded(entry)
        group, _, name = entry.name.rpartition(" ")
        if group not in groups:
            words = top.add_parser(group, help=f"commands on {group}: see sonoedge {group} --help")
            words.set_defaults(run=None, parser=words)
            groups[group] = words.add_subparsers(metavar="COMMAND", title="commands")
        sub = groups[group].add_parser(name, help=command.help, description=command.help)
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return parser


class _Parser(argparse.ArgumentParser):
    """Bad words are answered in one line, as every other mistake is."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_USE, f"{self.prog}: {message}: see {self.prog} --help\n")


def _loaded(entry: metadata.EntryPoint) -> Command:
    """The command behind an entry point; one that cannot be loaded fails when it is called, and not the others."""
    try:
        command: Command = entry.load()
        return command
    except Exception as error:  # a third party's module may fail in any way
        reason = (
            f"the command {entry.name!r} cannot be loaded ({type(error).__name__}: {error}): install its package again"
        )

        def fail(args: argparse.Namespace) -> int:
            raise SonoEdgeError(reason)

        return Command("(cannot be loaded)", lambda parser: None, fail)
