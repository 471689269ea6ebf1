"""Fixtures of a machine's screen through the whole product: the packaged bundles, the pipeline, the program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.bundle import Bundle, packaged_bundle
from edge.cli import main
from edge.pipeline import Options, Pipeline
from edge.report import Report, decode
from tests.screens.shown import (
    Told,
)


@pytest.fixture(scope="module")
def transverse() -> Bundle:
    return Bundle.open(packaged_bundle("transverse"))


@pytest.fixture
def stream(transverse: Bundle) -> Pipeline:
    return Pipeline(transverse, Options(), stream=True)


@pytest.fixture
def sonoedge(capfd: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """The program."""

    def run(*words: str | Path) -> Told:
        capfd.readouterr()
        status = main([str(word) for word in words])
        return status, *capfd.readouterr()

    return run


@pytest.fixture
def examined(sonoedge: Callable[..., Told], tmp_path: Path) -> Callable[..., tuple[Report, str]]:
    """The report of `sonoedge COMMAND ...`, and what was printed."""

    def run(*words: str | Path) -> tuple[Report, str]:
        status, told, complained = sonoedge(*words, "--report", tmp_path / "r.json")
        assert status == 0, complained
        return decode((tmp_path / "r.json").read_bytes(), "r.json"), told + complained

    return run
