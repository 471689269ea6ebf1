"""Real EDIDs, 18 of them of capture devices, against what `edid-decode` says of each in the text beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from firmware_bridge import edid_descriptor
from firmware_bridge.cta861 import Cta861
from firmware_bridge.edid import Edid, parse
from firmware_bridge.edid_text import summary
from firmware_bridge.edid_timing import DetailedTiming
from firmware_bridge.errors import EdidError
from firmware_bridge.timing import Timing
from tests.firmware_bridge import edid_said as said

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "edid"
BLOBS = sorted(DATA.glob("*.bin"))
TEXTS = {path: path.with_suffix(".txt").read_text(errors="replace") for path in BLOBS}
WHOLE = [path for path in BLOBS if not said.invalid(TEXTS[path])]

pytestmark = pytest.mark.skipif(not BLOBS, reason="no ../shared/data/edid beside the checkout")
whole = pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.stem)


def both(path: Path) -> tuple[Edid, list[list[str]]]:
    return parse(path.read_bytes(), path.name), said.blocks(TEXTS[path])


@pytest.mark.parametrize("path", BLOBS, ids=lambda path: path.stem)
def test_what_the_text_calls_broken_is_refused_and_nothing_else(path: Path) -> None:
    try:
        parse(path.read_bytes(), path.name)
    except EdidError as error:
        assert said.invalid(TEXTS[path])
        assert str(error).startswith(path.name)
    else:
        assert not said.invalid(TEXTS[path])


@whole
def test_identity(path: Path) -> None:
    edid, (base, *_) = both(path)
    assert f"1.{edid.revision}" == said.value(base, r"Version & Revision: (\S+)")
    assert edid.manufacturer == said.value(base, r"Manufacturer: (\S+)")
    assert str(edid.product) == said.value(base, r"Model: (\d+)")
    assert str(edid.year) == said.value(base, r"(?:Made in:|Model year:).*?(\d{4})$")
    assert str(edid.week or "") == (said.value(base, r"Made in: week (\d+)") or "")
    assert edid.model_year == any("Model year" in line for line in base)
    assert bool(edid.serial) == any(line.startswith("    Serial Number:") for line in base)
    if (number := said.value(base, r"^    Serial Number: (\d+)")) is not None:
        assert str(edid.serial) == number
    assert edid.name == (said.value(base, r"Display Product Name: '(.*?)\s*'$") or "")


@whole
def test_the_display(path: Path) -> None:
    edid, (base, *_) = both(path)
    assert edid.digital == any("Digital display" in line for line in base)
    size = re.search(r"Maximum image size: (\d+) cm x (\d+) cm", "\n".join(base))
    assert edid.size_cm == ((int(size[1]), int(size[2])) if size else None)
    gamma = said.value(base, r"Gamma: ([\d.]+)")
    assert (f"{edid.gamma:.2f}" if edid.gamma else None) == gamma
    assert str(edid.bits_per_colour or "") == (said.value(base, r"Bits per primary color channel: (\d+)") or "")
    if formats := said.value(base, r"Supported color formats: (.*)"):
        assert edid.colour == formats.replace("YCrCb", "YCbCr")
    if edid.digital and edid.revision >= 4 and "unknown" not in edid.interface and edid.interface:
        assert f"{edid.interface} interface" in "\n".join(base)
    if not edid.digital:
        assert (said.value(base, r"Signal Level Standard: (.*) p-p") or "").startswith(edid.interface)
    native = "First detailed timing includes the native"
    preferred = "First detailed timing is the preferred"
    assert edid.first_native == any(native in line or preferred in line for line in base)
    assert edid.srgb == any("is primary color space" in line for line in base)
    limits = re.search(r"Monitor ranges \((.*)\): (\d+)-(\d+) Hz V, (\d+)-(\d+) kHz H", "\n".join(base))
    assert (edid.limits is not None) == (limits is not None)
    if edid.limits and limits:
        v_min, v_max, h_min, h_max = map(int, limits.groups()[1:])
        assert (edid.limits.vertical_hz, edid.limits.horizontal_khz) == ((v_min, v_max), (h_min, h_max))
        clock = said.value(base, r"Real max dotclock: ([\d.]+)") or said.value(base, r", max dotclock (\d+)")
        assert (edid.limits.max_clock_mhz or 0) == float(clock or 0)


@whole
def test_modes_by_bit_and_by_two_bytes(path: Path) -> None:
    edid, (base, *_) = both(path)
    own, places = said.under(base, "Standard Timings"), said.under(base, "Detailed Timing Descriptors")
    for ours, lines in (
        (edid.established, said.under(base, "Established Timings I & II")),
        (edid.standard, own + [line for line in places if not line.startswith("DTD")]),
    ):
        expected = said.modes(lines)
        assert [(mode.width, mode.height, mode.interlaced) for mode in ours] == [words[:3] for words in expected]
        assert [mode.refresh_hz for mode in ours] == pytest.approx([words[3] for words in expected], abs=0.9)  # nominal


@whole
def test_detailed_timings(path: Path) -> None:
    edid, texts = both(path)
    own = [(edid.detailed, texts[0])]
    rest = [(block.detailed, texts[at]) for at, block in enumerate(edid.extensions, 1) if isinstance(block, Cta861)]
    for ours, lines in own + rest:
        expected = said.detailed(lines)
        assert len(ours) == len(expected)
        for place, words in zip(ours, expected, strict=True):
            check_detailed(place, words)


def check_detailed(place: DetailedTiming, words: dict[str, object]) -> None:
    timing = place.timing
    check_timing(timing, words["timing"])
    assert place.size_mm == words["size_mm"]
    assert (timing.h_front, timing.h_sync) == words["h"]
    assert (timing.v_front, timing.v_sync) == words["v"]
    if words["back"]:
        assert (timing.h_back, timing.v_back) == words["back"]
    if place.sync == "digital separate":
        assert (timing.h_positive, timing.v_positive) == words["positive"]


def check_timing(timing: Timing | None, words: object) -> None:
    if timing is None:
        assert words is None
        return
    assert isinstance(words, tuple)
    assert (timing.width, timing.height, timing.interlaced) == words[:3]
    assert timing.refresh_hz == pytest.approx(words[3], abs=2e-6)
    assert timing.clock_khz / 1000 == pytest.approx(words[4], abs=1e-9)


@whole
def test_extensions(path: Path) -> None:
    edid, (base, *others) = both(path)
    assert edid.announced == int(said.value(base, r"Extension blocks: (\d+)") or 0)
    assert [isinstance(block, Cta861) for block in edid.extensions] == ["CTA-861" in lines[0] for lines in others]
    for block, lines in zip(edid.extensions, others, strict=True):
        if isinstance(block, Cta861):
            check_header(block, lines)
            check_formats(block, lines)
            check_hdmi(block, lines)


def check_header(block: Cta861, lines: list[str]) -> None:
    assert str(block.revision) == said.value(lines, r"Revision: (\d+)")
    assert block.underscan == any("Underscans IT" in line for line in lines)
    assert block.basic_audio == any("Basic audio support" in line for line in lines)
    assert block.ycbcr444 == any("Supports YCbCr 4:4:4" in line for line in lines)
    assert block.ycbcr422 == any("Supports YCbCr 4:2:2" in line for line in lines)
    assert str(block.native_detailed) == (said.value(lines, r"Native detailed modes: (\d+)") or "0")
    assert len(block.data_blocks) == sum(bool(re.match(r"  \S.*Data Block.*:$", line)) for line in lines)
    names = [name for name in said.under(lines, "Colorimetry Data Block") if name.startswith(("xv", "BT2020"))]
    assert [name for name in block.colorimetry if name.startswith(("xv", "BT2020"))] == names
    functions = said.under(lines, "Electro optical transfer functions")
    assert ("SMPTE ST2084" in block.transfer_functions) == ("SMPTE ST2084" in functions)


def check_formats(block: Cta861, lines: list[str]) -> None:
    for ours, heading in (
        (block.vics, "Video Data Block"),
        (block.only_420, "YCbCr 4:2:0 Video Data Block"),
        (block.also_420, "YCbCr 4:2:0 Capability Map Data Block"),
    ):
        expected = said.vics(said.under(lines, heading))
        if heading.endswith("Capability Map Data Block") and "All VDB SVDs" in said.under(lines, heading):
            expected = said.vics(said.under(lines, "Video Data Block"))
        assert [vic.code for vic in ours] == [words["code"] for words in expected]
        for vic, words in zip(ours, expected, strict=True):
            check_timing(vic.timing, words["timing"])
    expected = said.vics(said.under(lines, "Video Data Block"))
    assert [vic.native for vic in block.vics] == [words["native"] for words in expected]


def check_hdmi(block: Cta861, lines: list[str]) -> None:
    lines = [line for line in lines if line.strip()]
    own = said.under(lines, "Vendor-Specific Data Block (HDMI), OUI 00-0C-03")
    address = said.value(own, r"Source physical address: (\S+)")
    assert (block.hdmi is not None) == (address is not None)
    if block.hdmi:
        assert ".".join(f"{part:x}" for part in block.hdmi.physical_address) == address
        assert str(block.hdmi.max_tmds_mhz or 0) == (said.value(own, r"Maximum TMDS clock: (\d+)") or "0")
        assert block.hdmi.supports_ai == ("Supports_AI" in own)
        assert block.hdmi.deep_colour_ycbcr444 == ("DC_Y444" in own)
        assert block.hdmi.dvi_dual_link == ("DVI_Dual" in own)
        assert {f"DC_{bits}bit" for bits in block.hdmi.deep_colour_bits} == {
            line for line in own if re.fullmatch(r"DC_\d+bit", line)
        }
        codes = [int(code) for code in re.findall(r"HDMI VIC (\d+)", "\n".join(own))]
        assert list(block.hdmi.vics) == codes
        assert [name.capitalize() for name in block.hdmi.content_types] == [
            line for line in own if line in ("Graphics", "Photo", "Cinema", "Game")
        ]
    forum = said.under(lines, "Vendor-Specific Data Block (HDMI Forum)") + said.under(lines, "HDMI Forum Sink Capab")
    assert (block.hdmi_forum is not None) == any(line.startswith("Version:") for line in forum)
    if block.hdmi_forum:
        rate = said.value(forum, r"Maximum TMDS Character Rate: (\d+)")
        assert str(block.hdmi_forum.max_tmds_mhz or 0) == (rate or "0")
        assert block.hdmi_forum.scdc == ("SCDC Present" in forum)
        depths = re.findall(r"Supports (\d+)-bits/component Deep Color 4:2:0", "\n".join(forum))
        assert sorted(block.hdmi_forum.deep_colour_420_bits) == sorted(map(int, depths))
        least = said.value(forum, r"VRRmin: (\d+)")
        assert str(block.hdmi_forum.vrr_hz[0] if block.hdmi_forum.vrr_hz else "") == (least or "")


@whole
def test_descriptors_are_all_kept_and_named(path: Path) -> None:
    edid, _ = both(path)
    assert len(edid.detailed) + len(edid.descriptors) == 4
    assert all(place.name and len(place.data) == edid_descriptor.SIZE for place in edid.descriptors)


@whole
def test_the_summary_names_sink_and_preferred_timing(path: Path) -> None:
    edid, _ = both(path)
    lines = summary(edid)
    assert all(line.isprintable() for line in lines)
    assert any(edid.manufacturer in line and edid.name in line for line in lines)
    assert any(line.startswith("preferred") and str(edid.preferred) in line for line in lines)
