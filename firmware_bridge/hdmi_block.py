"""What HDMI adds to an EDID: its own data block (HDMI 1.4b, 8.3.2) and that of the HDMI Forum (HDMI 2.0, 10.3.2)."""

from __future__ import annotations

from dataclasses import dataclass

_DEEP_COLOUR = ((0x10, 30), (0x20, 36), (0x40, 48))
_CONTENT = ((0x01, "graphics"), (0x02, "photo"), (0x04, "cinema"), (0x08, "game"))
_DEEP_420 = ((0x01, 10), (0x02, 12), (0x04, 16))


@dataclass(frozen=True)
class Hdmi:
    """The block by which a source knows that it may send HDMI and not DVI alone."""

    physical_address: tuple[int, int, int, int]
    """Which input of which device, as CEC counts them; 1.0.0.0 is the first input of a display."""
    supports_ai: bool = False
    deep_colour_bits: tuple[int, ...] = ()
    """Bits a pixel beyond 24."""
    deep_colour_ycbcr444: bool = False
    dvi_dual_link: bool = False
    max_tmds_mhz: int | None = None
    """None where it is not said: then 165 MHz."""
    content_types: tuple[str, ...] = ()
    vics: tuple[int, ...] = ()
    """HDMI's own format codes."""
    image_size_unit: int = 0
    """How the base block's size is meant: 0 not said, 1 a ratio alone, 2 in cm, 3 in units of 5 cm."""


@dataclass(frozen=True)
class HdmiForum:
    """What HDMI 2 can do."""

    version: int
    max_tmds_mhz: int | None
    """None where it is not said: then no more than HDMI 1.4."""
    scdc: bool
    deep_colour_420_bits: tuple[int, ...]
    """Bits a component in 4:2:0 beyond 8."""
    max_fixed_rate_link: int
    """0 none; 1 to 6 the rates of HDMI 2.1."""
    vrr_hz: tuple[int, int] | None
    """Variable refresh: least, most (0: not said)."""


def parse_hdmi(payload: bytes) -> Hdmi | None:
    """The data after the identifier 00-0C-03; None if they are too few to hold the address."""
    if len(payload) < 2:
        return None
    flags = payload[2] if len(payload) > 2 else 0
    tmds = payload[3] if len(payload) > 3 else 0
    unit, vics = _extended(payload)
    return Hdmi(
        physical_address=(payload[0] >> 4, payload[0] & 0x0F, payload[1] >> 4, payload[1] & 0x0F),
        supports_ai=bool(flags & 0x80),
        deep_colour_bits=tuple(bits for bit, bits in _DEEP_COLOUR if flags & bit),
        deep_colour_ycbcr444=bool(flags & 0x08),
        dvi_dual_link=bool(flags & 0x01),
        max_tmds_mhz=tmds * 5 or None,
        content_types=tuple(name for bit, name in _CONTENT if len(payload) > 4 and payload[4] & bit),
        vics=vics,
        image_size_unit=unit,
    )


def _extended(payload: bytes) -> tuple[int, tuple[int, ...]]:
    """The unit of the image's size and HDMI's own format codes, which follow latencies that may be there or not."""
    present = payload[4] if len(payload) > 4 else 0
    at = 5 + 2 * bool(present & 0x80) + 2 * (present & 0xC0 == 0xC0)
    if not present & 0x20 or len(payload) < at + 2:
        return 0, ()
    count = payload[at + 1] >> 5
    return (payload[at] & 0x18) >> 3, tuple(payload[at + 2 : at + 2 + count])


def parse_hdmi_forum(payload: bytes) -> HdmiForum | None:
    """The data after the identifier C4-5D-D8 (or a sink capability block's two reserved bytes); None if too few."""
    if len(payload) < 4:
        return None
    vrr = None
    if len(payload) > 6 and payload[5] & 0x3F:
        vrr = (payload[5] & 0x3F, (payload[5] & 0xC0) << 2 | payload[6])
    return HdmiForum(
        version=payload[0],
        max_tmds_mhz=payload[1] * 5 or None,
        scdc=bool(payload[2] & 0x80),
        deep_colour_420_bits=tuple(bits for bit, bits in _DEEP_420 if payload[3] & bit),
        max_fixed_rate_link=payload[3] >> 4,
        vrr_hz=vrr,
    )
