"""Bench: how long each step takes on this device, and what the runtime adds to the interpreters' own time.

    replay       frames held in memory, given again and again: neither decoding nor the disk is measured
    steady       warming up, until batches of frames take the same time
    invokes      bare invokes of a model, the floor
    monitor      temperature, clock, throttling and energy, read between frames
    measure      a run of frames through the pipeline, with bare invokes before and after
    fresh        the first report and the memory of a process of its own; `child` is what runs there
    matrix       the same over graders, threads and heights of the screen
    result       all of it as one record, its JSON
    figures      measurements -> the record
    compare      two records side by side
    text, page   for the terminal; as HTML, with `plots`

The frames go to the pipeline back to back, each stamped when it is handed over, or at a frame rate, the newest first,
each stamped when it was due. A frame's age is then its wait, its way through the pipeline and into the report.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.bench.figures import bench as bench
    from edge.bench.result import as_json as as_json
    from edge.bench.text import as_text as as_text

_HOMES = {"bench": "figures", "as_json": "result", "as_text": "text"}


def __getattr__(name: str) -> object:
    # On use: `invokes` and `child` are wanted by processes whose own start is measured.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
