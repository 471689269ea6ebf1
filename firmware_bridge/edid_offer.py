"""The EDID that our receiver offers: what the link behind it carries and no more, no sound, the best mode preferred."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from firmware_bridge import cta861, edid_descriptor
from firmware_bridge.edid import BLOCK, HEADER, checksum
from firmware_bridge.edid_timing import can_say, encode_detailed
from firmware_bridge.errors import EdidError
from firmware_bridge.link_capacity import PIXEL_BITS, LinkCapacity, carries
from firmware_bridge.timing import Timing
from firmware_bridge.vics import VIC_OF, VICS

MANUFACTURER, PRODUCT, YEAR = "SNE", 1, 2026  # letters that nobody holds in the registry, neither do we
PHYSICAL_ADDRESS = b"\x10\x00"  # 1.0.0.0: the first input of a display

SVGA_60 = Timing(800, 600, False, 40_000, 40, 128, 1056, 1, 4, 628, True, True)
XGA_60 = Timing(1024, 768, False, 65_000, 24, 136, 1344, 3, 6, 806, False, False)
SXGA_60 = Timing(1280, 1024, False, 108_000, 48, 112, 1688, 1, 3, 1066, True, True)
UXGA_60 = Timing(1600, 1200, False, 162_000, 64, 192, 2160, 1, 3, 1250, True, True)

MODES = (*(VICS[vic] for vic in (16, 31, 34, 33, 32, 4, 19, 17, 2, 1)), UXGA_60, SXGA_60, XGA_60, SVGA_60)
"""What ultrasound machines send: high and standard definition, and the computer formats of older ones."""

# What a source that reads the base block alone can be told in a bit (number) or two bytes, beside the detailed timings.
_ESTABLISHED_BIT = {VICS[1]: 5, SVGA_60: 0, XGA_60: 11}  # of bytes 35 and 36
_STANDARD = {SXGA_60: b"\x81\x80", UXGA_60: b"\xa9\x40"}

_YCBCR_FORMATS = ("UYVY", "YUYV", "NV12")
_SRGB = bytes.fromhex("ee91a3544c99260f5054")
_MOST_CODES, _LAST_NATIVE_CODE = 31, 64
_NAME_LENGTH = 13


def offer(link: LinkCapacity, pixel_format: str, modes: Sequence[Timing] = MODES, name: str = "SonoEdge") -> bytes:
    """256 bytes that offer those of `modes` which `link` carries as `pixel_format`, a key of `PIXEL_BITS`.

    Preferred and native is the largest of them that a detailed timing can say, of those the fastest; progressive goes
    before interlaced. YCbCr is offered when the pixels are wanted so.

    Raises:
        EdidError: no such pixel format, the link carries none of the modes, they do not all fit into 256 bytes, or
            `name` is no 1 to 13 printable ASCII characters.
    """
    if not (name.isascii() and name.isprintable() and name.strip() and len(name) <= _NAME_LENGTH):
        raise EdidError(f"EDID name {name!r}: give 1 to 13 printable ASCII characters")
    if pixel_format not in PIXEL_BITS:
        raise EdidError(f"EDID for {pixel_format}: the link's pixels are one of {', '.join(PIXEL_BITS)}")
    kept = sorted({mode for mode in modes if carries(link, mode, pixel_format)}, key=_rank, reverse=True)
    if not kept:
        raise EdidError(f"EDID: the link carries none of the {len(modes)} modes as {pixel_format}: offer smaller ones")
    others = [encode_detailed(mode) for mode in kept[1:] if mode not in VIC_OF]
    base = _base([encode_detailed(kept[0]), *others[:1]], kept, name)
    extension = _extension(others[1:], kept, link.max_clock_mhz, ycbcr=pixel_format in _YCBCR_FORMATS)
    return base + extension


def _rank(mode: Timing) -> tuple[bool, bool, int, float, int]:
    return (can_say(mode), not mode.interlaced, mode.width * mode.height, mode.refresh_hz, mode.clock_khz)


def _base(detailed: list[bytes], kept: Sequence[Timing], name: str) -> bytes:
    """The base block, with room for two detailed timings beside limits and name."""
    identity = _packed(MANUFACTURER) + PRODUCT.to_bytes(2, "little") + bytes(4) + bytes([0, YEAR - 1990])
    established = sum(1 << _ESTABLISHED_BIT[mode] for mode in kept if mode in _ESTABLISHED_BIT)
    standard = b"".join(code for mode, code in _STANDARD.items() if mode in kept)
    places = [*detailed, _limits(kept), _descriptor(edid_descriptor.NAME, name.encode("ascii"))]
    places += [_descriptor(edid_descriptor.DUMMY, bytes(_NAME_LENGTH))] * (4 - len(places))
    return _closed(
        HEADER
        + identity
        + bytes([1, 3])
        + bytes([0x80, 0, 0, 120, 0x0E])  # digital, no size, gamma 2.2, colour, sRGB, the first timing preferred
        + _SRGB
        + bytes([established & 0xFF, established >> 8, 0])
        + standard.ljust(16, b"\x01")
        + b"".join(places)
        + b"\x01"  # one extension block
    )


def _extension(detailed: list[bytes], kept: Sequence[Timing], max_clock_mhz: int, *, ycbcr: bool) -> bytes:
    codes = [VIC_OF[mode] for mode in kept if mode in VIC_OF]
    native = 0x80 if kept[0] in VIC_OF and codes[0] <= _LAST_NATIVE_CODE else 0
    blocks = b"".join(
        [
            _data_block(cta861.VIDEO, [codes[0] | native, *codes[1:]]) if codes else b"",
            _data_block(cta861.VENDOR, [*cta861.HDMI.to_bytes(3, "little"), *PHYSICAL_ADDRESS, 0, max_clock_mhz // 5]),
            # RGB of either range is taken as the source says, and no picture is cut at its edges
            _data_block(cta861.EXTENDED, [cta861.VIDEO_CAPABILITY & 0xFF, 0x4A]),
        ]
    )
    block = bytes([cta861.TAG, 3, 4 + len(blocks), 0x80 | 0x30 * ycbcr | 1]) + blocks + b"".join(detailed)
    if len(codes) > _MOST_CODES or len(block) >= BLOCK:
        raise EdidError(f"EDID: {len(kept)} modes do not fit into 256 bytes: offer fewer")
    return _closed(block.ljust(BLOCK - 1, b"\0"))


def _limits(kept: Sequence[Timing]) -> bytes:
    vertical = [mode.refresh_hz for mode in kept]
    horizontal = [mode.line_hz / 1000 for mode in kept]
    limits = (
        *(math.floor(min(vertical)), math.ceil(max(vertical))),
        *(math.floor(min(horizontal)), math.ceil(max(horizontal))),
        math.ceil(max(mode.clock_khz for mode in kept) / 10_000),
    )
    return _descriptor(edid_descriptor.RANGE, bytes(min(limit, 0xFF) for limit in limits) + b"\0")


def _descriptor(tag: int, data: bytes) -> bytes:
    """A display descriptor of up to 13 bytes of data, ended by a line feed and spaces where there is room."""
    ended = data if len(data) == _NAME_LENGTH else (data + b"\n").ljust(_NAME_LENGTH)
    return bytes([0, 0, 0, tag, 0]) + ended


def _data_block(tag: int, payload: Iterable[int]) -> bytes:
    data = bytes(payload)
    return bytes([tag << 5 | len(data) & 0x1F]) + data


def _packed(letters: str) -> bytes:
    first, second, third = (ord(letter) - ord("@") for letter in letters)
    return (first << 10 | second << 5 | third).to_bytes(2, "big")


def _closed(data: bytes) -> bytes:
    return data + bytes([checksum(data)])
