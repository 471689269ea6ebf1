"""The extension block of CTA-861-H: formats, colour, sound and what HDMI adds (7.3 to 7.5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from firmware_bridge import edid_descriptor
from firmware_bridge.edid_descriptor import Descriptor, parse_descriptor
from firmware_bridge.edid_timing import DetailedTiming
from firmware_bridge.hdmi_block import Hdmi, HdmiForum, parse_hdmi, parse_hdmi_forum
from firmware_bridge.timing import Timing
from firmware_bridge.vics import VICS

TAG = 0x02

AUDIO, VIDEO, VENDOR, EXTENDED = 1, 2, 3, 7
VIDEO_CAPABILITY, COLORIMETRY, HDR, ONLY_420, MAP_420 = 0x700, 0x705, 0x706, 0x70E, 0x70F
EXTENSION_COUNT, SINK_CAPABILITY = 0x778, 0x779
HDMI, HDMI_FORUM = 0x000C03, 0xC45DD8

_BLOCKS = {
    AUDIO: "audio",
    VIDEO: "video",
    VENDOR: "vendor-specific",
    4: "speaker allocation",
    5: "VESA display transfer characteristic",
    6: "video format",
    VIDEO_CAPABILITY: "video capability",
    0x701: "vendor-specific video",
    0x702: "VESA video display device",
    0x703: "VESA video timing",
    COLORIMETRY: "colorimetry",
    HDR: "HDR static metadata",
    0x707: "HDR dynamic metadata",
    0x708: "native video resolution",
    0x70D: "video format preference",
    ONLY_420: "YCbCr 4:2:0 video",
    MAP_420: "YCbCr 4:2:0 capability map",
    0x711: "vendor-specific audio",
    0x712: "HDMI audio",
    0x713: "room configuration",
    0x714: "speaker location",
    0x720: "InfoFrame",
    0x721: "product information",
    0x722: "DisplayID type VII timing",
    0x723: "DisplayID type VIII timing",
    0x72A: "DisplayID type X timing",
    EXTENSION_COUNT: "HDMI Forum extension count",
    SINK_CAPABILITY: "HDMI Forum sink capability",
    0x77A: "HDMI Forum tone mapping",
}
_WITH_VENDOR = (VENDOR, 0x701, 0x711)
_VENDORS = {
    HDMI: "HDMI",
    HDMI_FORUM: "HDMI Forum",
    0x00001A: "AMD",
    0x00D046: "Dolby",
    0x90848B: "HDR10+",
    0x0010FA: "Apple",
    0xCA125C: "Microsoft",
    0x00044B: "Nvidia",
}
_AUDIO_FORMATS = (
    *("", "Linear PCM", "AC-3", "MPEG-1", "MP3", "MPEG-2", "AAC LC", "DTS", "ATRAC", "One Bit Audio", "Enhanced AC-3"),
    *("DTS-HD", "MAT (MLP)", "DST", "WMA Pro", "extended"),
)
_COLORIMETRY = (  # the first byte's bits from 0 up
    *("xvYCC601", "xvYCC709", "sYCC601", "opYCC601", "opRGB", "BT2020cYCC", "BT2020YCC", "BT2020RGB"),
)
_ALL = b"\xff" * 1024  # an empty 4:2:0 map
_TRANSFER_FUNCTIONS = ("SDR", "HDR gamma", "SMPTE ST2084", "hybrid log-gamma")


@dataclass(frozen=True)
class DataBlock:
    """One block of the data block collection, as it came."""

    tag: int
    """1 to 6, or 0x700 and the extended tag."""
    vendor: int | None
    """The IEEE identifier of a vendor's block."""
    name: str
    """What tag and vendor stand for; never empty."""
    payload: bytes
    """What follows tag and vendor; less than was promised where the block ends early."""


@dataclass(frozen=True)
class Vic:
    """One entry of the video data block."""

    code: int
    native: bool

    @property
    def timing(self) -> Timing | None:
        """None for a code that the standard reserves."""
        return VICS.get(self.code)


@dataclass(frozen=True)
class Cta861:
    """One extension block."""

    revision: int
    underscan: bool
    basic_audio: bool
    ycbcr444: bool
    ycbcr422: bool
    native_detailed: int
    """How many of the EDID's detailed timings, from the first, are native."""
    vics: tuple[Vic, ...]
    only_420: tuple[Vic, ...]
    """Formats taken as YCbCr 4:2:0 and in no other way."""
    also_420: tuple[Vic, ...]
    """Formats out of the video data blocks that are taken as YCbCr 4:2:0 too."""
    audio_formats: tuple[str, ...]
    colorimetry: tuple[str, ...]
    transfer_functions: tuple[str, ...]
    """Of the HDR block."""
    hdmi: Hdmi | None
    hdmi_forum: HdmiForum | None
    selectable_rgb_range: bool
    """RGB is taken with the range that the source says."""
    data_blocks: tuple[DataBlock, ...]
    """All of them, in their order, unknown ones too."""
    detailed: tuple[DetailedTiming, ...]
    descriptors: tuple[Descriptor, ...]

    @property
    def audio(self) -> bool:
        return self.basic_audio or bool(self.audio_formats)


def parse_cta861(block: bytes, revision: int, before: tuple[Vic, ...] = ()) -> Cta861:
    """The 128 bytes of one block (its checksum is the caller's care), in an EDID 1.`revision`.

    `before`: the `video_entries` of earlier extension blocks; a 4:2:0 map counts from the first of them.
    """
    flags = block[3] if block[1] >= 2 else 0
    blocks = tuple(data_blocks(block))
    entries = video_entries(block)
    places = tuple(parse_descriptor(data, revision) for data in _places(block))
    capability = _payload(blocks, VIDEO_CAPABILITY)
    transfer = _payload(blocks, HDR)
    forum = _payload(blocks, VENDOR, HDMI_FORUM) or _payload(blocks, SINK_CAPABILITY)[2:]
    return Cta861(
        revision=block[1],
        underscan=bool(flags & 0x80),
        basic_audio=bool(flags & 0x40),
        ycbcr444=bool(flags & 0x20),
        ycbcr422=bool(flags & 0x10),
        native_detailed=flags & 0x0F,
        vics=tuple(vic for vic in entries if vic.code),
        only_420=tuple(
            vic for data in blocks if data.tag == ONLY_420 for code in data.payload if (vic := _vic(code)).code
        ),
        also_420=_mapped(blocks, before + entries),
        audio_formats=tuple(
            _AUDIO_FORMATS[code >> 3 & 0x0F] or "reserved"
            for data in blocks
            if data.tag == AUDIO
            for code in data.payload[: len(data.payload) // 3 * 3 : 3]
        ),
        colorimetry=_bits(_payload(blocks, COLORIMETRY), _COLORIMETRY),
        transfer_functions=_bits(transfer, _TRANSFER_FUNCTIONS),
        hdmi=parse_hdmi(_payload(blocks, VENDOR, HDMI)),
        hdmi_forum=parse_hdmi_forum(forum),
        selectable_rgb_range=bool(capability and capability[0] & 0x40),
        data_blocks=blocks,
        detailed=tuple(place for place in places if isinstance(place, DetailedTiming)),
        descriptors=tuple(place for place in places if isinstance(place, Descriptor)),
    )


def video_entries(block: bytes) -> tuple[Vic, ...]:
    """All entries of the video data blocks in their order; an entry that is reserved has the code 0."""
    return tuple(_vic(code) for data in data_blocks(block) if data.tag == VIDEO for code in data.payload)


def extension_count(block: bytes) -> int | None:
    """How many extension blocks there are by HDMI Forum's count, which overrides the base block's; None without it."""
    return next((data.payload[0] for data in data_blocks(block) if data.tag == EXTENSION_COUNT and data.payload), None)


def data_blocks(block: bytes) -> Iterator[DataBlock]:
    """The data block collection of one extension block; none before revision 3."""
    end = min(block[2], 127) if block[1] >= 3 else 0
    at = 4
    while at < end:
        tag, length = block[at] >> 5, block[at] & 0x1F
        data = block[at + 1 : min(at + 1 + length, end)]
        at += 1 + length
        if tag == EXTENDED and data:
            tag, data = EXTENDED << 8 | data[0], data[1:]
        vendor = None
        if tag in _WITH_VENDOR and len(data) >= 3:
            vendor, data = int.from_bytes(data[:3], "little"), data[3:]
        yield DataBlock(tag, vendor, _name(tag, vendor), data)


def _name(tag: int, vendor: int | None) -> str:
    shown = f"extended tag {tag & 0xFF}" if tag >> 8 else f"tag {tag}"
    name = _BLOCKS.get(tag, f"unknown, {shown}")
    return name if vendor is None else f"{name}, {_VENDORS.get(vendor) or f'{vendor:06X}'}"


def _places(block: bytes) -> Iterator[bytes]:
    """The 18-byte places from the offset on, to the end of the block or the first that is all zero."""
    first = block[2] if block[2] >= 4 else 127
    for at in range(first, 127 - edid_descriptor.SIZE + 1, edid_descriptor.SIZE):
        data = block[at : at + edid_descriptor.SIZE]
        if not any(data):
            return
        yield data


def _payload(blocks: tuple[DataBlock, ...], tag: int, vendor: int | None = None) -> bytes:
    return next((data.payload for data in blocks if (data.tag, data.vendor) == (tag, vendor)), b"")


def _vic(code: int) -> Vic:
    """Bit 7 says native for the codes to 64, which were all there were when it was given away; 0 is no code."""
    native = 129 <= code <= 192
    return Vic(code & 0x7F if native or code == 128 else code, native)


def _mapped(blocks: tuple[DataBlock, ...], entries: tuple[Vic, ...]) -> tuple[Vic, ...]:
    """The entries whose bits are set in the 4:2:0 map; all where the map is empty, none where there is no map."""
    bits = next((int.from_bytes(data.payload or _ALL, "little") for data in blocks if data.tag == MAP_420), 0)
    return tuple(vic for at, vic in enumerate(entries) if vic.code and bits >> at & 1)


def _bits(payload: bytes, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for bit, name in enumerate(names) if payload and payload[0] >> bit & 1)
