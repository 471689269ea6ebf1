"""The program `sonoedge`: runs one sub-command, and turns errors into one line and an exit status.

Exit status: 0 done; 1 the job ran and the answer is no; 2 bad use or bad input; 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, NamedTuple

from edge.errors import SonoEdgeError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

DISTRIBUTION = "sonoedge"

DONE, ANSWER_IS_NO, BAD_USE, INTERRUPTED = 0, 1, 2, 130


class Command(NamedTuple):
    """One sub-command. `run` imports what it needs when it runs, so that asking for help costs nothing."""

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; the exit status."""
    # A service is stopped with SIGTERM: what Ctrl-C ends in good order, that ends too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        # Only here, as nearly all there is: Ctrl-C while Python loads a module is answered like any other.
        from edge.installed import check_packages

        check_packages()
        from edge.parser import make_parser

        args = make_parser().parse_args(argv)
        if args.run is None:
            args.parser.print_help()
            return DONE
        status: int = args.run(args)
        sys.stdout.flush()
        return status
    except (SonoEdgeError, ImportError, KeyboardInterrupt) as error:
        if _interrupted(error):
            print("sonoedge: interrupted: nothing was written", file=sys.stderr)
            return INTERRUPTED
        if isinstance(error, ImportError):
            raise
        print(f"sonoedge: {error}", file=sys.stderr)
        return BAD_USE
    except BrokenPipeError:  # the reader of our output has gone (`sonoedge inspect B | head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _interrupted(error: BaseException | None) -> bool:
    """Whether it is Ctrl-C, or that is behind it: a compiled module that it meets while it is loaded says that it
    cannot be imported."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


if __name__ == "__main__":
    sys.exit(main())
