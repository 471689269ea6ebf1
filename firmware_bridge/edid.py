"""EDID 1.3 and 1.4 with its extension blocks: what a sink says of itself (VESA E-EDID A2, CTA-861-H).

What does not hold together is refused; what is only unknown is kept and named.
"""

from __future__ import annotations

from dataclasses import dataclass

from firmware_bridge import cta861, edid_descriptor
from firmware_bridge.cta861 import Cta861, Vic
from firmware_bridge.edid_descriptor import Descriptor, RangeLimits, parse_descriptor
from firmware_bridge.edid_timing import ESTABLISHED, DetailedTiming, established_modes, standard_modes
from firmware_bridge.errors import EdidError
from firmware_bridge.hdmi_block import Hdmi, HdmiForum
from firmware_bridge.timing import Mode, Timing

BLOCK = 128
MOST_BLOCKS = 256
HEADER = bytes.fromhex("00ffffffffffff00")

_EXTENSIONS = {
    0x10: "video timing (VTB-EXT)",
    0x40: "display information (DI-EXT)",
    0x50: "localized string (LS-EXT)",
    0x60: "digital packet video link (DPVL)",
    0x70: "DisplayID",
    0xF0: "block map",
    0xFF: "manufacturer's own",
}
_LEVELS = ("0.700 : 0.300 : 1.000 V", "0.714 : 0.286 : 1.000 V", "1.000 : 0.400 : 1.400 V", "0.700 : 0.000 : 0.700 V")
_INTERFACES = ("", "DVI", "HDMI-a", "HDMI-b", "MDDI", "DisplayPort")
_COLOURS = ("monochrome", "RGB", "other than RGB", "undefined")
_ENCODINGS = ("RGB 4:4:4", "RGB 4:4:4, YCbCr 4:4:4", "RGB 4:4:4, YCbCr 4:2:2", "RGB 4:4:4, YCbCr 4:4:4, YCbCr 4:2:2")


@dataclass(frozen=True)
class UnknownExtension:
    """An extension block of another kind, as it came."""

    tag: int
    name: str
    data: bytes
    """All 128 bytes."""


@dataclass(frozen=True)
class Edid:
    """What a sink says of itself."""

    revision: int
    """Of version 1: 3 is EDID 1.3."""
    manufacturer: str
    """Three letters of the registry of PNP identifiers."""
    product: int
    serial: int
    """0 where it has none."""
    week: int | None
    """Of manufacture; None where it is not said."""
    year: int
    """Of manufacture, or of the model."""
    model_year: bool
    digital: bool
    interface: str
    """Digital: by name, where EDID 1.4 says it, else empty. Analog: the levels of video, sync and both."""
    bits_per_colour: int | None
    """EDID 1.4, digital."""
    size_cm: tuple[int, int] | None
    """Width and height; None where it varies or is unknown."""
    aspect: float | None
    """Width over height where EDID 1.4 gives that instead of a size."""
    gamma: float | None
    """None where an extension has it."""
    colour: str
    """The encodings taken (EDID 1.4, digital), or the kind of display."""
    srgb: bool
    first_preferred: bool
    """The first detailed timing is the one preferred: in 1.4 always; there the flag says that it is native too."""
    first_native: bool
    continuous: bool
    """Any rate within the limits, by formula."""
    established: tuple[Mode, ...]
    standard: tuple[Mode, ...]
    """Those of display descriptors too."""
    detailed: tuple[DetailedTiming, ...]
    """Of the base block."""
    descriptors: tuple[Descriptor, ...]
    announced: int
    """Extension blocks, by the count that holds."""
    extensions: tuple[Cta861 | UnknownExtension, ...]
    """All that came, even more than were announced: some capture devices give everything twice."""

    @property
    def name(self) -> str:
        """The product's name; empty where it has none."""
        return self._text(edid_descriptor.NAME)

    @property
    def serial_text(self) -> str:
        return self._text(edid_descriptor.SERIAL)

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(place.text for place in self.descriptors if place.tag == edid_descriptor.TEXT)

    @property
    def limits(self) -> RangeLimits | None:
        return next((place.limits for place in self.descriptors if place.limits), None)

    @property
    def cta(self) -> tuple[Cta861, ...]:
        return tuple(block for block in self.extensions if isinstance(block, Cta861))

    @property
    def all_detailed(self) -> tuple[DetailedTiming, ...]:
        """Of the base block and then of the extensions, which is how they are counted."""
        return self.detailed + tuple(timing for block in self.cta for timing in block.detailed)

    @property
    def vics(self) -> tuple[Vic, ...]:
        return tuple(vic for block in self.cta for vic in block.vics)

    @property
    def hdmi(self) -> Hdmi | None:
        """None: a source will send DVI."""
        return next((block.hdmi for block in self.cta if block.hdmi), None)

    @property
    def hdmi_forum(self) -> HdmiForum | None:
        return next((block.hdmi_forum for block in self.cta if block.hdmi_forum), None)

    @property
    def preferred(self) -> Timing | None:
        """What a source should send if it can."""
        if self.first_preferred and self.detailed:
            return self.detailed[0].timing
        return next((vic.timing for vic in self.vics if vic.timing), None)

    @property
    def timings(self) -> tuple[Timing, ...]:
        """Every timing that is said in full or by its code, each once, detailed ones first."""
        codes = (vic.timing for vic in self.vics)
        return tuple(dict.fromkeys([*(place.timing for place in self.all_detailed), *(t for t in codes if t)]))

    def _text(self, tag: int) -> str:
        return next((place.text for place in self.descriptors if place.tag == tag), "")


def parse(data: bytes, where: str = "EDID") -> Edid:
    """What `data` says. `where` names it in errors: a file, a device.

    Raises:
        EdidError: not whole blocks of 128 bytes, no EDID header, a wrong checksum, an extension that is announced and
            missing, or a version other than 1.
    """
    blocks = _whole_blocks(data, where)
    base = blocks[0]
    revision = base[19]
    places = [parse_descriptor(base[at : at + edid_descriptor.SIZE], revision) for at in range(54, 126, 18)]
    descriptors = tuple(place for place in places if isinstance(place, Descriptor))
    digital = bool(base[20] & 0x80)
    exact = digital and revision >= 4
    modes = tuple(mode for place in descriptors for mode in place.modes)
    return Edid(
        revision=revision,
        manufacturer=_manufacturer(base[8:10]),
        product=int.from_bytes(base[10:12], "little"),
        serial=int.from_bytes(base[12:16], "little"),
        week=base[16] if base[16] not in (0, 0xFF) else None,
        year=1990 + base[17],
        model_year=base[16] == 0xFF,
        digital=digital,
        interface=_interface(base[20], revision),
        bits_per_colour=((base[20] >> 3 & 0x0E) + 4 if exact and base[20] >> 4 & 7 not in (0, 7) else None),
        size_cm=(base[21], base[22]) if base[21] and base[22] else None,
        aspect=_aspect(base[21], base[22]) if revision >= 4 else None,
        gamma=(base[23] + 100) / 100 if base[23] != 0xFF else None,
        colour=(_ENCODINGS if exact else _COLOURS)[base[24] >> 3 & 3],
        srgb=bool(base[24] & 0x04),
        first_preferred=revision >= 4 or bool(base[24] & 0x02),
        first_native=bool(base[24] & 0x02),
        continuous=bool(base[24] & 0x01),
        established=tuple(established_modes(base[35:38], ESTABLISHED)),
        standard=(*standard_modes(base[38:54], revision), *modes),
        detailed=tuple(place for place in places if isinstance(place, DetailedTiming)),
        descriptors=descriptors,
        announced=_announced(blocks),
        extensions=_extensions(blocks, revision),
    )


def checksum(data: bytes) -> int:
    """The byte that makes the sum of a block, whose first 127 bytes are `data`, a multiple of 256."""
    return -sum(data) & 0xFF


def _whole_blocks(data: bytes, where: str) -> list[bytes]:
    if not data or len(data) % BLOCK or len(data) > BLOCK * MOST_BLOCKS:
        raise EdidError(f"{where}: {len(data)} bytes, and an EDID is 1 to 256 whole blocks of 128: read it again")
    if data[:8] != HEADER:
        raise EdidError(f"{where}: begins with {data[:8].hex(' ')} and not as an EDID does: is it one, and in binary?")
    blocks = [data[at : at + BLOCK] for at in range(0, len(data), BLOCK)]
    for index, block in enumerate(blocks):
        right = checksum(block[:-1])
        if block[-1] != right:
            raise EdidError(f"{where}: block {index} has checksum {block[-1]:#04x}, not {right:#04x}: read it again")
    if data[18] != 1:
        raise EdidError(f"{where}: EDID version {data[18]}.{data[19]}, only 1.x is known: take the sink's other EDID")
    announced = _announced(blocks)
    if len(blocks) <= announced:
        raise EdidError(f"{where}: {len(blocks) - 1} of {announced} extension blocks are there: read it to its end")
    return blocks


def _announced(blocks: list[bytes]) -> int:
    override = cta861.extension_count(blocks[1]) if len(blocks) > 1 and blocks[1][0] == cta861.TAG else None
    return override or blocks[0][126]


def _extensions(blocks: list[bytes], revision: int) -> tuple[Cta861 | UnknownExtension, ...]:
    found: list[Cta861 | UnknownExtension] = []
    entries: tuple[Vic, ...] = ()
    for block in blocks[1:]:
        if block[0] == cta861.TAG:
            found.append(cta861.parse_cta861(block, revision, entries))
            entries += cta861.video_entries(block)
        else:
            found.append(UnknownExtension(block[0], _EXTENSIONS.get(block[0], "unknown"), block))
    return tuple(found)


def _manufacturer(data: bytes) -> str:
    packed = int.from_bytes(data, "big")
    return "".join(chr(ord("@") + (packed >> shift & 0x1F)) for shift in (10, 5, 0))


def _interface(code: int, revision: int) -> str:
    if not code & 0x80:
        return _LEVELS[code >> 5 & 3]
    if revision >= 4:
        kind = code & 0x0F
        return _INTERFACES[kind] if kind < len(_INTERFACES) else f"unknown ({kind})"
    return "DFP 1.x" if revision >= 2 and code & 0x01 else ""


def _aspect(width: int, height: int) -> float | None:
    if bool(width) == bool(height):
        return None
    return (width + 99) / 100 if width else 100 / (height + 99)
