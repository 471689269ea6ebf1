"""The far end of the cable into vivid: what the source sends, and what goes wrong. And what tests ask of a device."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from firmware_bridge.v4l2 import Buffer, Device
from firmware_bridge.v4l2_node import Node

VIDEO = "/dev/video0"
# One HDMI input without the scaler that real receivers lack.
INPUT = ("n_devs=1", "num_inputs=1", "input_types=3", "node_types=1", "ccs_cap_mode=0")
# The same with an HDMI output, /dev/video1, that can be joined to it (control loop_video).
INPUT_AND_OUTPUT = (*INPUT[:3], "node_types=0x101", INPUT[4], "num_outputs=1", "output_types=1", "ccs_out_mode=0")

QUIET = {"osd_text_mode": 2, "test_pattern": 0, "percentage_of_dropped_buffers": 0, "brightness": 128}

# Items of its menus.
MODES = {"640x480p60": 0, "720p50": 8, "720p60": 9, "1080p30": 12, "1080p60": 16}
PATTERNS = {"75% bars": 0, "bars": 1, "black": 5, "white": 6, "red": 7, "green": 8, "blue": 9, "grey ramp": 20}
SIGNALS = {"as set": 0, "no signal": 1, "no lock": 2, "out of range": 3, "selected": 4}


class Source:
    """What drives vivid's input, by a second open handle on it: at first 720p60, bars without text, and no fault."""

    def __init__(self) -> None:
        self._node = Node(VIDEO)
        self._controls = self._node.controls()
        for control, value in QUIET.items():
            self.set(control, value)
        self.sends("720p60")

    def set(self, control: str, value: int = 1) -> None:
        """Sets one of vivid's controls; any value presses a button."""
        self._node.set_control(self._controls[control], value)

    def sends(self, mode: str) -> None:
        """A steady signal of one of `MODES`."""
        self.set("dv_timings_signal_mode", SIGNALS["selected"])
        self.set("dv_timings", MODES[mode])

    def signal(self, name: str) -> None:
        """One of `SIGNALS`."""
        self.set("dv_timings_signal_mode", SIGNALS[name])

    def shows(self, pattern: str) -> None:
        """One of `PATTERNS`."""
        self.set("test_pattern", PATTERNS[pattern])

    def close(self) -> None:
        """Lets go of the receiver; one that was disconnected is back when nobody holds it."""
        self._node.close()


def next_buffer(device: Device, timeout_s: float = 5.0) -> Buffer:
    """The next filled buffer, whatever events come meanwhile; it is out until it is given back."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if device.wait(0.5).event:
            device.events()
        if buffer := device.dequeue():
            return buffer
    raise AssertionError(f"no frame in {timeout_s} s")


def buffers(device: Device, count: int) -> Iterator[Buffer]:
    """The next filled buffers, each given back after its turn."""
    for _ in range(count):
        buffer = next_buffer(device)
        yield buffer
        device.requeue(buffer.slot)


def held() -> tuple[int, int]:
    """How many files this process has open, and how many buffers of video devices are mapped."""
    mapped = Path("/proc/self/maps").read_text("utf-8").count("/dev/video")
    return len(list(Path("/proc/self/fd").iterdir())), mapped
