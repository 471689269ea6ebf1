"""Everything here needs compilers: `make test-firmware`."""

from __future__ import annotations

import ctypes

import pytest

from tests.firmware_bridge.c.c_probe import CProbe, library


@pytest.fixture(scope="session")
def code(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The link as it is."""
    return library(tmp_path_factory.mktemp("c"))


@pytest.fixture
def probe(code: ctypes.CDLL) -> CProbe:
    """One that was just switched on."""
    return CProbe(code)
