"""An EDID for people: one line a thing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from firmware_bridge.cta861 import Cta861, Vic
from firmware_bridge.edid import Edid
from firmware_bridge.hdmi_block import Hdmi


def summary(edid: Edid) -> list[str]:
    """The lines that `sonoedge device edid` prints."""
    lines = [f"EDID 1.{edid.revision}, {len(edid.extensions)} extension blocks ({edid.announced} announced)"]
    lines += [f"{label:<13}{text}" for label, text in _base(edid) if text]
    for number, block in enumerate(edid.extensions, 1):
        if isinstance(block, Cta861):
            lines += [f"{label:<13}{text}" for label, text in _cta(number, block) if text]
        else:
            lines.append(f"{f'block {number}':<13}{block.name}, tag {block.tag:#04x}, not read")
    return lines


def _base(edid: Edid) -> Iterator[tuple[str, str]]:
    yield "sink", f"{edid.manufacturer} {edid.product:#06x} {edid.name}".rstrip()
    yield "serial", edid.serial_text or (str(edid.serial) if edid.serial else "")
    yield "text", "; ".join(edid.texts)
    week = f"week {edid.week} of " if edid.week else ""
    yield "made", f"model of {edid.year}" if edid.model_year else f"{week}{edid.year}"
    depth = f"{edid.bits_per_colour} bits a colour" if edid.bits_per_colour else ""
    yield "input", _listed(["digital" if edid.digital else "analog", edid.interface, depth, edid.colour])
    yield "size", f"{edid.size_cm[0]} x {edid.size_cm[1]} cm" if edid.size_cm else ""
    yield "aspect", f"{edid.aspect:.2f}" if edid.aspect else ""
    yield "gamma", f"{edid.gamma:.2f}" if edid.gamma else ""
    if limits := edid.limits:
        clock = f", {limits.max_clock_mhz:g} MHz" if limits.max_clock_mhz else ""
        vertical, horizontal = limits.vertical_hz, limits.horizontal_khz
        yield "limits", f"{vertical[0]}-{vertical[1]} Hz, {horizontal[0]}-{horizontal[1]} kHz{clock}"
    yield "preferred", str(edid.preferred or "")
    yield "established", _listed(edid.established)
    yield "standard", _listed(edid.standard)
    for place in edid.all_detailed:
        yield "detailed", f"{place.timing}, {place.timing.clock_khz / 1000:.2f} MHz"
    yield "other", _listed(place.name for place in edid.descriptors if not (place.text or place.modes or place.limits))


def _cta(number: int, block: Cta861) -> Iterator[tuple[str, str]]:
    formats = ["YCbCr 4:4:4" * block.ycbcr444, "YCbCr 4:2:2" * block.ycbcr422, "sound" * block.audio]
    yield f"block {number}", _listed([f"CTA-861 revision {block.revision}", *formats])
    yield "  VIC", _listed(_vic(vic) for vic in block.vics)
    yield "  only 4:2:0", _listed(_vic(vic) for vic in block.only_420)
    yield "  also 4:2:0", _listed(_vic(vic) for vic in block.also_420)
    yield "  HDMI", _hdmi(block.hdmi) if block.hdmi else ""
    if forum := block.hdmi_forum:
        yield "  HDMI 2", _listed([f"TMDS {forum.max_tmds_mhz} MHz" if forum.max_tmds_mhz else "", "SCDC" * forum.scdc])
    yield "  colour", _listed(block.colorimetry)
    yield "  HDR", _listed(block.transfer_functions)
    yield "  sound", _listed(block.audio_formats)
    yield "  blocks", _listed(data.name for data in block.data_blocks)


def _vic(vic: Vic) -> str:
    return f"{vic.code}{'*' if vic.native else ''} {vic.timing or 'reserved'}"


def _hdmi(hdmi: Hdmi) -> str:
    address = ".".join(f"{part:x}" for part in hdmi.physical_address)
    tmds = f"TMDS {hdmi.max_tmds_mhz} MHz" if hdmi.max_tmds_mhz else ""
    return _listed([f"address {address}", tmds, *(f"{bits} bits a pixel" for bits in hdmi.deep_colour_bits)])


def _listed(things: Iterable[object]) -> str:
    return ", ".join(text for text in map(str, things) if text)
