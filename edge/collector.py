"""Python's garbage collector, kept out of the way from capture to report.

It may stop a frame for as long as it takes to look at every object there is. What a frame leaves behind is freed
without it, by counting references; it is there for cycles, and those can wait until a frame has been reported.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY = 64  # frames; what came since then is looked at, never what was there before: some ten microseconds


@contextmanager
def collected_between_frames() -> Iterator[Callable[[], None]]:
    """Within it nothing is collected but by what it gives: to be called once a frame, after its report."""
    if not gc.isenabled():  # somebody else's business
        yield lambda: None
        return
    gc.collect()
    gc.freeze()
    gc.disable()
    frames = 0

    def after_a_frame() -> None:
        nonlocal frames
        frames += 1
        if frames % EVERY == 0:
            gc.collect(1)

    try:
        yield after_a_frame
    finally:
        gc.unfreeze()
        gc.enable()
