"""Keep the chatter of C++ libraries off the terminal: they write to file descriptor 2, past Python."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Show nothing that is written to standard error inside; what matters comes as an exception.

    It holds for the whole process, so wrap only what is short (loading a model), never a loop over frames.
    """
    try:
        saved = os.dup(2)
    except OSError:  # a service without a standard error: nothing to keep quiet
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
