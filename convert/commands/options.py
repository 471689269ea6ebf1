"""What several commands ask for in the same words, and how the extra `convert` is imported."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from edge.errors import MissingExtraError
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
