"""How an EDID names timings: in 18 bytes all of it, in two or three bytes, in one bit (VESA E-EDID A2, 3.8 to 3.10)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from firmware_bridge.errors import EdidError
from firmware_bridge.timing import Mode, Timing
from firmware_bridge.vics import VICS

LEAST_CLOCK_KHZ = 10_000  # what is slower is a descriptor out of step, found in capture devices, and no timing

_SYNC = ("analog composite", "bipolar analog composite", "digital composite", "digital separate")
_STEREO = {  # bits 6, 5 and 0 of the last byte
    0x20: "field sequential, right on sync",
    0x40: "field sequential, left on sync",
    0x21: "2-way interleaved, right on even lines",
    0x41: "2-way interleaved, left on even lines",
    0x60: "4-way interleaved",
    0x61: "side by side interleaved",
}


@dataclass(frozen=True)
class DetailedTiming:
    """A timing in full."""

    timing: Timing
    size_mm: tuple[int, int]
    """Width and height of the picture; zeros where it has none."""
    sync: str
    """How synchronization travels; the vertical polarity is said with `digital separate` alone, the horizontal with
    `digital composite` too."""
    stereo: str
    """Empty for an ordinary picture."""


def decode_detailed(data: bytes) -> DetailedTiming | None:
    """The 18 bytes of a detailed timing; None if they cannot be one: no picture, or less than 10 MHz.

    Blanking includes the borders, as EDID 1.3 has it and as EDIDs have it in practice.
    """
    clock_khz = int.from_bytes(data[:2], "little") * 10
    width = data[2] | (data[4] & 0xF0) << 4
    lines = data[5] | (data[7] & 0xF0) << 4
    if clock_khz < LEAST_CLOCK_KHZ or not width or not lines:
        return None
    v_blank = data[6] | (data[7] & 0x0F) << 8
    flags = data[17]
    interlaced = bool(flags & 0x80)
    digital, separate = bool(flags & 0x10), flags & 0x18 == 0x18
    timing = Timing(
        width=width,
        height=lines * 2 if interlaced else lines,
        interlaced=interlaced,
        clock_khz=clock_khz,
        h_front=data[8] | (data[11] & 0xC0) << 2,
        h_sync=data[9] | (data[11] & 0x30) << 4,
        h_total=width + (data[3] | (data[4] & 0x0F) << 8),
        v_front=data[10] >> 4 | (data[11] & 0x0C) << 2,
        v_sync=data[10] & 0x0F | (data[11] & 0x03) << 4,
        v_total=2 * (lines + v_blank) + 1 if interlaced else lines + v_blank,
        h_positive=digital and bool(flags & 0x02),
        v_positive=separate and bool(flags & 0x04),
    )
    if replace(timing, v_total=timing.v_total - 1) == VICS[39]:
        timing = VICS[39]  # the one interlaced format whose fields are not half a line apart
    return DetailedTiming(
        timing=timing,
        size_mm=(data[12] | (data[14] & 0xF0) << 4, data[13] | (data[14] & 0x0F) << 8),
        sync=_SYNC[(flags & 0x18) >> 3],
        stereo=_STEREO.get(flags & 0x61, ""),
    )


def encode_detailed(timing: Timing) -> bytes:
    """The 18 bytes that say `timing`, its clock rounded to 10 kHz, for a sink whose picture has no size.

    Raises:
        EdidError: a number is larger than its field, or what the bytes say is another timing.
    """
    lines = timing.height // 2 if timing.interlaced else timing.height
    v_blank = (timing.v_total - timing.height) // (2 if timing.interlaced else 1)
    h_blank = timing.h_total - timing.width
    clock = round(timing.clock_khz / 10)
    fields = (
        ("its clock in 10 kHz", clock, 16),
        ("width", timing.width, 12),
        ("horizontal blanking", h_blank, 12),
        ("height", lines, 12),
        ("vertical blanking", v_blank, 12),
        ("horizontal front porch", timing.h_front, 10),
        ("horizontal sync", timing.h_sync, 10),
        ("vertical front porch", timing.v_front, 6),
        ("vertical sync", timing.v_sync, 6),
    )
    for name, value, bits in fields:
        if not 0 <= value < 1 << bits:
            raise EdidError(
                f"{timing}: {name} is {value}, a detailed timing says at most {(1 << bits) - 1}: leave it out"
            )
    flags = 0x18 | timing.interlaced << 7 | timing.v_positive << 2 | timing.h_positive << 1
    data = clock.to_bytes(2, "little") + bytes(
        [
            timing.width & 0xFF,
            h_blank & 0xFF,
            timing.width >> 8 << 4 | h_blank >> 8,
            lines & 0xFF,
            v_blank & 0xFF,
            lines >> 8 << 4 | v_blank >> 8,
            timing.h_front & 0xFF,
            timing.h_sync & 0xFF,
            (timing.v_front & 0x0F) << 4 | timing.v_sync & 0x0F,
            timing.h_front >> 8 << 6 | timing.h_sync >> 8 << 4 | timing.v_front >> 4 << 2 | timing.v_sync >> 4,
            *(0, 0, 0, 0, 0),
            flags,
        ]
    )
    said = decode_detailed(data)
    if said is None or said.timing != replace(timing, clock_khz=clock * 10):
        raise EdidError(f"{timing}: a detailed timing cannot say it ({timing.clock_khz} kHz, {timing.v_total} lines)")
    return data


def can_say(timing: Timing) -> bool:
    """Whether a detailed timing can say `timing`."""
    try:
        encode_detailed(timing)
    except EdidError:
        return False
    return True


def standard_modes(data: bytes, revision: int) -> Iterator[Mode]:
    """Pairs of bytes, each a width, a shape and a rate; unused ones are left out."""
    shapes = ((16, 10) if revision >= 3 else (1, 1), (4, 3), (5, 4), (16, 9))
    for width_code, rate_code in zip(data[::2], data[1::2], strict=True):
        if width_code > 1:  # 01 01 is an unused place; capture devices write 01 00 and 00 00 too
            width = (width_code + 31) * 8
            across, down = shapes[rate_code >> 6]
            yield Mode(width, width * down // across, (rate_code & 0x3F) + 60)


def cvt_modes(data: bytes) -> Iterator[Mode]:
    """Triples of bytes, each a height, a shape and a set of rates; 60 Hz with reduced blanking comes last."""
    shapes = ((4, 3), (16, 9), (16, 10), (15, 9))
    for low, high, rates in zip(data[::3], data[1::3], data[2::3], strict=True):
        if low or high or rates:
            height = ((low | (high & 0xF0) << 4) + 1) * 2
            across, down = shapes[(high & 0x0C) >> 2]
            width = height * across // down // 8 * 8
            for bits, refresh_hz in ((0x10, 50), (0x08, 60), (0x04, 75), (0x02, 85), (0x01, 60)):
                if rates & bits:
                    yield Mode(width, height, refresh_hz)


def established_modes(data: bytes, table: tuple[Mode, ...]) -> Iterator[Mode]:
    """The modes of `table` whose bits are set, the highest bit of the first byte first."""
    for index, mode in enumerate(table):
        if data[index // 8] & 0x80 >> index % 8:
            yield mode


ESTABLISHED = (
    *(Mode(720, 400, 70), Mode(720, 400, 88), Mode(640, 480, 60), Mode(640, 480, 67)),
    *(Mode(640, 480, 72), Mode(640, 480, 75), Mode(800, 600, 56), Mode(800, 600, 60)),
    *(Mode(800, 600, 72), Mode(800, 600, 75), Mode(832, 624, 75), Mode(1024, 768, 87, interlaced=True)),
    *(Mode(1024, 768, 60), Mode(1024, 768, 70), Mode(1024, 768, 75), Mode(1280, 1024, 75)),
    Mode(1152, 870, 75),
)
"""Established timings I and II: bytes 35 to 37."""

ESTABLISHED_3 = (
    *(Mode(640, 350, 85), Mode(640, 400, 85), Mode(720, 400, 85), Mode(640, 480, 85)),
    *(Mode(848, 480, 60), Mode(800, 600, 85), Mode(1024, 768, 85), Mode(1152, 864, 75)),
    *(Mode(1280, 768, 60), Mode(1280, 768, 60), Mode(1280, 768, 75), Mode(1280, 768, 85)),
    *(Mode(1280, 960, 60), Mode(1280, 960, 85), Mode(1280, 1024, 60), Mode(1280, 1024, 85)),
    *(Mode(1360, 768, 60), Mode(1440, 900, 60), Mode(1440, 900, 60), Mode(1440, 900, 75)),
    *(Mode(1440, 900, 85), Mode(1400, 1050, 60), Mode(1400, 1050, 60), Mode(1400, 1050, 75)),
    *(Mode(1400, 1050, 85), Mode(1680, 1050, 60), Mode(1680, 1050, 60), Mode(1680, 1050, 75)),
    *(Mode(1680, 1050, 85), Mode(1600, 1200, 60), Mode(1600, 1200, 65), Mode(1600, 1200, 70)),
    *(Mode(1600, 1200, 75), Mode(1600, 1200, 85), Mode(1792, 1344, 60), Mode(1792, 1344, 75)),
    *(Mode(1856, 1392, 60), Mode(1856, 1392, 75), Mode(1920, 1200, 60), Mode(1920, 1200, 60)),
    *(Mode(1920, 1200, 75), Mode(1920, 1200, 85), Mode(1920, 1440, 60), Mode(1920, 1440, 75)),
)
"""Established timings III; a mode that is there twice is there with reduced blanking first."""
