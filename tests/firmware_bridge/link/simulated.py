"""`sonoedge device simulate` as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.contracts.probe_contract import soon
from tests.program import INTERRUPTIBLE


@contextmanager
def simulated(place: Path, *words: str, **streams: Any) -> Iterator[subprocess.Popen[str]]:
    """It is there, at `place`, until it ends or is ended."""
    command = [
        *INTERRUPTIBLE,
        sys.executable,
        "-m",
        "edge.cli",
        "device",
        "simulate",
        "--port-link",
        str(place),
        *words,
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True, **streams) as process:
        try:
            assert soon(place.exists)
            yield process
        finally:
            process.terminate()
