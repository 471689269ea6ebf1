"""The program `sonoedge` in this process: TensorFlow is imported once, and the exit status is the real one."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest

from edge.cli import main


class Done(NamedTuple):
    """How a command ended, and all that it printed: what C++ libraries wrote past Python included."""

    status: int
    out: str
    err: str


Sonoedge: TypeAlias = Callable[..., Done]


@pytest.fixture
def sonoedge(capfd: pytest.CaptureFixture[str]) -> Iterator[Sonoedge]:
    """Runs one command with these words."""

    def run(*words: str | Path) -> Done:
        capfd.readouterr()
        try:
            status = main([str(word) for word in words])
        except SystemExit as end:  # argparse's way to refuse
            status = int(end.code or 0)
        return Done(status, *capfd.readouterr())

    handler = signal.getsignal(signal.SIGTERM)
    yield run
    signal.signal(signal.SIGTERM, handler)
