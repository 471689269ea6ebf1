"""The 18-byte places of an EDID: a detailed timing, or a display descriptor (VESA E-EDID A2, 3.10)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from firmware_bridge.edid_timing import (
    ESTABLISHED_3,
    DetailedTiming,
    cvt_modes,
    decode_detailed,
    established_modes,
    standard_modes,
)
from firmware_bridge.timing import Mode

SIZE = 18

SERIAL, TEXT, RANGE, NAME, DUMMY = 0xFF, 0xFE, 0xFD, 0xFC, 0x10
_NAMES = {
    SERIAL: "serial number",
    TEXT: "text",
    RANGE: "range limits",
    NAME: "product name",
    0xFB: "colour point",
    0xFA: "standard timings",
    0xF9: "colour management",
    0xF8: "CVT 3-byte timings",
    0xF7: "established timings III",
    DUMMY: "unused",
}
_FORMULAS = {0: "GTF", 1: "range limits only", 2: "secondary GTF", 4: "CVT"}


@dataclass(frozen=True)
class RangeLimits:
    """What the sink can follow."""

    vertical_hz: tuple[int, int]
    """Fields a second: least, most."""
    horizontal_khz: tuple[int, int]
    """Lines a millisecond: least, most."""
    max_clock_mhz: float | None
    """None where it is not said."""
    formula: str
    """Which formula other timings follow: `GTF`, `secondary GTF`, `CVT`, `range limits only`, `unknown`."""


@dataclass(frozen=True)
class Descriptor:
    """A display descriptor, kept as it came, with what could be read of it."""

    tag: int | None
    """None for 18 bytes that are neither a display descriptor nor a timing."""
    name: str
    """What the tag stands for; never empty."""
    data: bytes
    """All 18 bytes."""
    text: str = ""
    modes: tuple[Mode, ...] = ()
    limits: RangeLimits | None = None


def parse_descriptor(data: bytes, revision: int) -> DetailedTiming | Descriptor:
    """The 18 bytes of one place, in an EDID 1.`revision`."""
    if data[0] or data[1]:
        return decode_detailed(data) or Descriptor(None, "broken timing", data)
    tag = data[3]
    known = _NAMES.get(tag) or ("manufacturer's own" if tag < DUMMY else "unknown")
    return Descriptor(
        tag,
        "empty" if not any(data) else known,
        data,
        text=decode_text(data[5:]) if tag in (SERIAL, TEXT, NAME) else "",
        modes=tuple(_modes(tag, data, revision)),
        limits=_limits(data, revision) if tag == RANGE else None,
    )


def decode_text(data: bytes) -> str:
    """Text of up to 13 bytes: ASCII up to a line feed, or to the first byte that is none, as some write 00 or FF."""
    end = next((at for at, byte in enumerate(data) if not 0x20 <= byte <= 0x7E), len(data))
    return data[:end].decode("ascii").rstrip()


def _modes(tag: int, data: bytes, revision: int) -> Iterable[Mode]:
    if tag == 0xFA:
        return standard_modes(data[5:17], revision)
    if tag == 0xF8 and data[5] == 1:
        return cvt_modes(data[6:18])
    if tag == 0xF7:
        return established_modes(data[6:12], ESTABLISHED_3)
    return ()


def _limits(data: bytes, revision: int) -> RangeLimits:
    offsets = data[4] if revision >= 4 else 0
    # A least value is beyond 255 only where the largest is too.
    v_min, v_max = 255 * (offsets & 0x03 == 0x03), 255 * bool(offsets & 0x02)
    h_min, h_max = 255 * (offsets & 0x0C == 0x0C), 255 * bool(offsets & 0x08)
    cvt_correction = (data[12] >> 2) * 0.25 if data[10] == 4 else 0.0
    return RangeLimits(
        vertical_hz=(data[5] + v_min, data[6] + v_max),
        horizontal_khz=(data[7] + h_min, data[8] + h_max),
        max_clock_mhz=data[9] * 10 - cvt_correction if data[9] else None,
        formula=_FORMULAS.get(data[10], "unknown"),
    )
