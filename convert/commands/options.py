"""What several commands ask for in the same words, and how the extra `convert` is imported."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edge.errors import MissingExtraError, OutputError
from edge.output import replacing
from edge.quiet import quiet_stderr

VIEWS = ("transverse", "longitudinal")


@contextmanager
def heavy_imports(what: str) -> Iterator[None]:
    """Import what the extra `convert` brings: its chatter is kept off the terminal, its absence is one line."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with quiet_stderr():
            yield
    except ModuleNotFoundError as error:
        raise MissingExtraError(what, "convert") from error


def check_outputs(*paths: Path | None) -> None:
    """Refuse now what could not be written after minutes of work; a device or a pipe is not tried.

    Raises:
        OutputError: a file of that name cannot be made there.
    """
    for path in paths:
        if path is not None and not _is_stream(path):
            with suppress(_OnlyTriedError), replacing(path):
                raise _OnlyTriedError


class _OnlyTriedError(Exception):
    """Ends a trial so that what was there stays as it was."""


def _is_stream(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:  # the trial does not tell: its temporary file has a name of its own
        raise OutputError(f"{path}: cannot be written: {error.strerror}: choose another place") from error
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)
