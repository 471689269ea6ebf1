"""The program `sonoedge`: finds its sub-commands, runs one, and turns errors into one line and an exit status.

Sub-commands come from the entry points `sonoedge.commands`, so that this file names none of the other houses and a
third party can add its own. A name of two words, `"calibration lint"`, is a sub-command of a group.

Exit status: 0 done; 1 the job ran and the answer is no; 2 bad use or bad input; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import NoReturn

from edge.errors import SonoEdgeError

DISTRIBUTION = "sonoedge"
PACKAGES = ("edge", "convert", "firmware_bridge")
ENTRY_POINTS = "sonoedge.commands"

DONE, ANSWER_IS_NO, BAD_USE, INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True)
class Command:
    """One sub-command. `run` imports what it needs when it runs, so that asking for help costs nothing."""

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    # A service is stopped with SIGTERM: what Ctrl-C ends in good order, that ends too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _check_packages()
        parser = _parser()
        args = parser.parse_args(argv)
        if args.run is None:
            args.parser.print_help()
            return DONE
        status: int = args.run(args)
        sys.stdout.flush()
        return status
    except SonoEdgeError as error:
        print(f"sonoedge: {error}", file=sys.stderr)
        return BAD_USE
    except KeyboardInterrupt:
        print("sonoedge: interrupted: nothing was written", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone (`sonoedge inspect B | head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _parser() -> argparse.ArgumentParser:
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


def _check_packages() -> None:
    """Refuse to run with somebody else's `edge` or `convert`: the names are generic, and taken on the public index.

    Raises:
        SonoEdgeError: one of our packages was not loaded from where our distribution has it.
    """
    try:
        ours = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        raise SonoEdgeError("sonoedge is not installed here: pip install . in an environment of its own") from None
    home = _home_of(ours)
    for package in PACKAGES:
        spec = util.find_spec(package)
        found = Path(spec.origin).resolve().parent.parent if spec and spec.origin else None
        if found != home:
            raise SonoEdgeError(
                f"the package {package!r} here is not sonoedge's ({found or 'not found'}): "
                "install sonoedge in an environment of its own"
            )


def _home_of(distribution: metadata.Distribution) -> Path | None:
    """The folder that holds our packages: site-packages, or the checkout of an editable install."""
    import json
    from urllib.parse import unquote, urlparse

    direct = json.loads(distribution.read_text("direct_url.json") or "{}")
    if direct.get("dir_info", {}).get("editable"):
        return Path(unquote(urlparse(direct["url"]).path)).resolve()
    return Path(str(distribution.locate_file(""))).resolve()


if __name__ == "__main__":
    sys.exit(main())
