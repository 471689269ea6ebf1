"""What the way from an HDMI socket to memory can carry: arithmetic over a table of links."""

from __future__ import annotations

from dataclasses import dataclass

from firmware_bridge.timing import Timing

PIXEL_BITS = {"GREY": 8, "NV12": 12, "UYVY": 16, "YUYV": 16, "BGR3": 24, "RGB3": 24}
"""Bits a pixel on the link, by the kernel's name of the format."""

USABLE = 0.95
"""Of a line's time. The rest goes to a packet's header and footer and to each lane's way into and out of high speed."""


@dataclass(frozen=True)
class LinkCapacity:
    """A receiver and the lanes behind it."""

    max_clock_mhz: int
    """The fastest pixel clock that the receiver locks to."""
    lanes: int = 0
    """CSI-2 lanes; 0: as many as it takes."""
    lane_mbps: int = 0
    """Megabits a second and lane."""
    interlaced: bool = False
    """The receiver takes interlaced pictures."""


LINKS = {
    "tc358743-2-lanes": LinkCapacity(max_clock_mhz=165, lanes=2, lane_mbps=972),
    "tc358743-4-lanes": LinkCapacity(max_clock_mhz=165, lanes=4, lane_mbps=972),
    "csi2-2-lanes": LinkCapacity(max_clock_mhz=300, lanes=2, lane_mbps=1500),
    "csi2-4-lanes": LinkCapacity(max_clock_mhz=300, lanes=4, lane_mbps=1500),
    "unlimited": LinkCapacity(max_clock_mhz=340, interlaced=True),
}
"""TC358743 at the Raspberry Pi's lane rate; any bridge at D-PHY's 1.5 Gbit/s; HDMI 1.4 and no limit behind it."""


def load(link: LinkCapacity, timing: Timing, pixel_format: str) -> float:
    """The share of the link that `timing` takes as `pixel_format`, of what is usable; above 1 it does not fit.

    Counted over the active part of a line in a line's whole time: a bridge buffers about one line, so a frame's
    vertical blanking is of no use to it.
    """
    if not link.lanes:
        return 0.0
    return timing.width * PIXEL_BITS[pixel_format] * timing.line_hz / (link.lanes * link.lane_mbps * 1e6 * USABLE)


def carries(link: LinkCapacity, timing: Timing, pixel_format: str) -> bool:
    """Whether `timing` comes through `link` as `pixel_format` (a key of `PIXEL_BITS`)."""
    if timing.interlaced and not link.interlaced:
        return False
    return timing.clock_khz <= link.max_clock_mhz * 1000 and load(link, timing, pixel_format) <= 1
