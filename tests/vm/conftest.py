"""Tests against a true kernel driver: they run in the throw-away machine alone, which `tests/test_vm.py` boots.

`vivid` is the kernel's virtual HDMI receiver, with controls for what its source sends and for every fault.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from firmware_bridge.hdmi import Receiver
from firmware_bridge.v4l2 import Device
from tests.vm.vivid import INPUT, VIDEO, Source

collect_ignore_glob = [] if os.environ.get("HOSTVM") else ["test_*.py"]


@pytest.fixture(scope="session")
def vivid(request: pytest.FixtureRequest) -> Iterator[None]:
    """The receiver is plugged in; other parameters of its module come by indirect parametrization."""
    subprocess.run(["modprobe", "vivid", *getattr(request, "param", INPUT)], check=True)
    yield
    subprocess.run(["modprobe", "-r", "vivid"], check=True)


@pytest.fixture
def source(vivid: None) -> Iterator[Source]:
    """The far end of the cable."""
    source = Source()
    yield source
    source.close()


@pytest.fixture
def device(source: Source) -> Iterator[Device]:
    """The receiver's video node, set to 720p60 and UYVY."""
    with Device.open(VIDEO) as device:
        receiver = Receiver(device)
        timing = receiver.status().timing
        assert timing
        receiver.set_timing(timing)
        device.set_format(timing.width, timing.height, "UYVY")
        yield device


@pytest.fixture
def receiver(device: Device) -> Receiver:
    """The HDMI input of `device`."""
    return Receiver(device)
