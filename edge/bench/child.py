"""What runs in a process of its own to time its start: `python -m edge.bench.child MARKS run|bare ...`.

`run` is `sonoedge run` with the rest as its words; `bare` opens models and runs each once, and nothing else. MARKS is
the file that gets the times, all by the monotonic clock, which is one for all processes.
"""

# When what is imported is the point.
# ruff: noqa: E402, PLC0415
import time

BEGAN_NS = time.monotonic_ns()  # Python runs our first line

import json
import sys
from pathlib import Path

from edge.host import peak_rss_mib


def run(words: list[str]) -> dict[str, int]:
    """Imports first what the command imports when it runs, so that it can be told from the rest."""
    import edge.commands.exam
    import edge.report
    import edge.sources  # noqa: F401
    from edge.cli import main

    imported_ns = time.monotonic_ns()
    if status := main(["run", *words]):
        sys.exit(status)
    return {"imported_ns": imported_ns}


def bare(words: list[str]) -> dict[str, int]:
    """Words: interpreter, threads, model files."""
    import numpy as np

    from edge.interpreter import open_model, picture_shape

    backend, threads, *files = words
    models = [open_model(Path(file).read_bytes(), threads=int(threads), backend=backend) for file in files]
    opened_ns = time.monotonic_ns()
    for model in models:
        model.write_input(np.zeros(picture_shape(model.input_shape), np.uint8))
        model.invoke()
    return {"opened_ns": opened_ns, "invoked_ns": time.monotonic_ns()}


if __name__ == "__main__":
    marks, what, *words = sys.argv[1:]
    told = {"run": run, "bare": bare}[what](words)
    Path(marks).write_text(json.dumps({"began_ns": BEGAN_NS, **told, "rss_mib": peak_rss_mib()}))
