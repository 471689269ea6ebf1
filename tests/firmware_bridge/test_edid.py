"""EDIDs that are not whole are refused in one line; nothing else stops the parser, whatever the bytes are."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge.cta861 import Cta861
from firmware_bridge.edid import HEADER, UnknownExtension, checksum, parse
from firmware_bridge.edid_offer import offer
from firmware_bridge.edid_text import summary
from firmware_bridge.edid_timing import decode_detailed, encode_detailed
from firmware_bridge.errors import EdidError
from firmware_bridge.link_capacity import LINKS
from firmware_bridge.timing import Mode
from firmware_bridge.vics import HDMI_VICS, VIC_OF, VICS

KERNEL = Path("/usr/include/linux/v4l2-dv-timings.h")
SAMPLES = [path.read_bytes() for path in (Path(__file__).resolve().parents[3] / "shared/data/edid").glob("*.bin")]
OFFER = offer(LINKS["unlimited"], "UYVY")
MANY = settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))
FEW = settings(max_examples=200, deadline=None)


def closed(data: bytes) -> bytes:
    """`data` with the checksums of all its blocks put right."""
    return b"".join(data[at : at + 127] + bytes([checksum(data[at : at + 127])]) for at in range(0, len(data), 128))


def with_bytes(data: bytes, at: int, new: bytes) -> bytes:
    return closed(data[:at] + new + data[at + len(new) :])


def cta(blocks: bytes, timings: bytes = b"", flags: int = 0) -> bytes:
    """An extension block of revision 3 with these data blocks and detailed timings."""
    return (bytes([2, 3, 4 + len(blocks), flags]) + blocks + timings).ljust(128, b"\0")


def only_extension(*blocks: bytes) -> Cta861:
    edid = parse(closed(with_bytes(OFFER[:128], 126, bytes([len(blocks)])) + b"".join(blocks)))
    extension = edid.extensions[-1]
    assert isinstance(extension, Cta861)
    return extension


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes"),
        (OFFER[:200], "200 bytes"),
        (bytes(128 * 257), "32896 bytes"),
        (bytes(128), "begins with 00 00 00 00 00 00 00 00"),
        (OFFER[:20] + b"\x55" + OFFER[21:], "block 0 has checksum"),
        (OFFER[:200] + b"\x55" + OFFER[201:], "block 1 has checksum"),
        (OFFER[:128], "0 of 1 extension blocks are there"),
        (with_bytes(OFFER, 18, b"\x02\x00"), "version 2.0"),
        (closed(with_bytes(OFFER[:128], 126, b"\x01") + cta(b"\xe2\x78\x03")), "1 of 3 extension blocks are there"),
    ],
)
def test_what_is_not_whole_is_refused_in_one_line_with_its_name(data: bytes, words: str) -> None:
    with pytest.raises(EdidError) as refused:
        parse(data, "sink.bin")
    assert str(refused.value).startswith("sink.bin: ")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_version_1_4_says_more() -> None:
    base = with_bytes(OFFER, 16, b"\xff\x1e\x01\x04\xb5\x00\x4f\xff\x1b")
    edid = parse(base)
    assert (edid.revision, edid.model_year, edid.week, edid.year) == (4, True, None, 2020)
    assert (edid.interface, edid.bits_per_colour) == ("DisplayPort", 10)
    assert (edid.size_cm, edid.gamma) == (None, None)
    assert edid.aspect == pytest.approx(100 / 178)
    assert edid.colour == "RGB 4:4:4, YCbCr 4:4:4, YCbCr 4:2:2"
    assert (edid.first_native, edid.continuous) == (True, True)


def test_range_limits_beyond_255_in_version_1_4() -> None:
    limits = bytes.fromhex("000000fd0f 0102 0304 3c 04 11 f0 00 f8 00 00 3c".replace(" ", ""))
    place = {revision: with_bytes(with_bytes(OFFER, 90, limits), 19, bytes([revision])) for revision in (3, 4)}
    old, new = parse(place[3]).limits, parse(place[4]).limits
    assert old is not None
    assert new is not None
    assert (old.vertical_hz, old.horizontal_khz) == ((1, 2), (3, 4))
    assert (new.vertical_hz, new.horizontal_khz) == ((256, 257), (258, 259))
    assert (new.max_clock_mhz, new.formula) == (600 - 60 * 0.25, "CVT")


@pytest.mark.parametrize(
    ("descriptor", "modes"),
    [
        ("000000fa00 0101 8180 a940 0101 0000 d1c0 0a", [(1280, 1024, 60), (1600, 1200, 60), (1920, 1080, 60)]),
        ("000000f700 0a 80 02 00 00 00 10 000000000000", [(640, 350, 85), (1280, 1024, 60), (1920, 1440, 75)]),
        # the codes of 1920x1200, 1280x768 and 1400x1050 in VESA's list of monitor timings
        ("000000f800 01 572828 7f1c44 0c2021 000000", [(1920, 1200, 60), (1280, 768, 75), (1400, 1050, 60)]),
    ],
)
def test_modes_in_descriptors(descriptor: str, modes: list[tuple[int, int, int]]) -> None:
    before = parse(OFFER).standard
    edid = parse(with_bytes(OFFER, 72, bytes.fromhex(descriptor)))
    assert edid.standard == before + tuple(Mode(*mode) for mode in modes)


def test_shapes_of_standard_timings_before_1_3() -> None:
    data = with_bytes(OFFER, 38, b"\x81\x00")
    assert parse(data).standard[0] == Mode(1280, 800, 60)
    assert parse(with_bytes(data, 19, b"\x02")).standard[0] == Mode(1280, 1280, 60)


def test_text_ends_at_the_first_byte_that_is_none() -> None:
    name = OFFER.index(b"SonoEdge\n")
    for end in (b"\n", b"\0", b"\xff", b"\x80"):
        assert parse(with_bytes(OFFER, name, b"Sono" + end + b"dge ")).name == "Sono"
    assert parse(with_bytes(OFFER, name, b"SonoEdge 1234")).name == "SonoEdge 1234"


def test_eighteen_bytes_out_of_step_are_kept_and_are_no_timing() -> None:
    """As in a family of capture devices, whose limits come a byte and a line feed too late."""
    stray = bytes.fromhex("0a0000fd00173d19460f000a202020202020")
    edid = parse(with_bytes(OFFER, 72, stray))
    assert [place.name for place in edid.descriptors if place.tag is None] == ["broken timing"]
    assert stray in [place.data for place in edid.descriptors]


def test_unknown_things_are_kept_and_named() -> None:
    unknown = bytes([0x70]).ljust(128, b"\x11")
    blocks = b"\xe2\x30\x01" + b"\x64\x01\x02\x03\x04" + b"\x05abcde"
    data = closed(with_bytes(OFFER[:128], 126, b"\x02") + cta(blocks) + unknown)
    extension, other = parse(data).extensions
    assert isinstance(extension, Cta861)
    assert isinstance(other, UnknownExtension)
    assert (other.name, other.data) == ("DisplayID", data[256:])
    assert [(block.name, block.payload) for block in extension.data_blocks] == [
        ("unknown, extended tag 48", b"\x01"),
        ("vendor-specific, 030201", b"\x04"),
        ("unknown, tag 0", b"abcde"),
    ]
    assert any("DisplayID" in line for line in summary(parse(data)))


def test_a_data_block_that_runs_past_the_collection_ends_with_it() -> None:
    extension = only_extension(cta(b"\x5f\x90\x04", encode_detailed(VICS[16])))
    assert [vic.code for vic in extension.vics] == [16, 4]
    assert [place.timing for place in extension.detailed] == [VICS[16]]


def test_codes_of_the_video_data_block() -> None:
    extension = only_extension(cta(b"\x49" + bytes([0x90, 4, 192, 193, 0, 128, 65, 219, 250])))
    assert [(vic.code, vic.native) for vic in extension.vics] == [
        *((16, True), (4, False), (64, True), (193, False), (65, False), (219, False), (250, False)),
    ]
    assert extension.vics[-1].timing is None


def test_420_map_counts_over_all_video_data_blocks() -> None:
    first, second = cta(b"\x43\x10\x00\x1f"), cta(b"\x42\x61\x60" + b"\xe2\x0f\x1d" + b"\xe3\x0e\x65\x66")
    extension = only_extension(first, second)
    assert [vic.code for vic in extension.also_420] == [16, 31, 97, 96]  # bits 0, 2, 3, 4; entry 1 is reserved
    assert [vic.code for vic in extension.only_420] == [101, 102]
    assert [vic.code for vic in only_extension(cta(b"\x42\x61\x60" + b"\xe1\x0f")).also_420] == [97, 96]


def test_hdmi_block_with_and_without_its_optional_parts() -> None:
    least = only_extension(cta(bytes.fromhex("65 03 0c 00 21 34"))).hdmi
    assert least is not None
    assert (least.physical_address, least.max_tmds_mhz, least.vics) == ((2, 1, 3, 4), None, ())
    full = only_extension(cta(bytes.fromhex("71 030c00 1000 b9 3c ea 01020304 18 60 010204"))).hdmi
    assert full is not None
    assert (full.deep_colour_bits, full.deep_colour_ycbcr444, full.dvi_dual_link) == ((30, 36), True, True)
    assert (full.max_tmds_mhz, full.content_types, full.vics) == (300, ("photo", "game"), (1, 2, 4))
    assert (full.supports_ai, full.image_size_unit) == (True, 3)
    assert only_extension(cta(bytes.fromhex("63 03 0c 00"))).hdmi is None


def test_hdmi_forum_block_and_its_twin() -> None:
    payload = "01 78 80 13 00 30 78"
    for head in ("6a d85dc4", "eb 79 00 00"):
        data = bytes.fromhex(head + payload)
        forum = only_extension(cta(bytes([data[0] & 0xE0 | len(data) - 1]) + data[1:])).hdmi_forum
        assert forum is not None
        assert (forum.max_tmds_mhz, forum.scdc, forum.deep_colour_420_bits) == (600, True, (10, 12))
        assert (forum.max_fixed_rate_link, forum.vrr_hz) == (1, (48, 120))


@pytest.mark.parametrize("vic", sorted(VICS))
def test_every_format_comes_back_out_of_its_detailed_timing(vic: int) -> None:
    timing = VICS[vic]
    try:
        data = encode_detailed(timing)
    except EdidError:
        assert timing.width > 4095 or timing.clock_khz > 655_350 or timing.h_front > 1023
        return
    place = decode_detailed(data)
    assert place is not None
    assert place.timing == replace(timing, clock_khz=round(timing.clock_khz / 10) * 10)
    assert timing.refresh_hz == pytest.approx(round(timing.refresh_hz), rel=2e-3)


@pytest.mark.skipif(not KERNEL.exists(), reason="the kernel's headers are not installed")
def test_formats_are_those_of_the_kernel() -> None:
    """Its macros give each format's lengths, clock in Hz and code."""
    macros = KERNEL.read_text().replace("\\\n", " ")
    pattern = re.compile(
        r"define V4L2_DV_BT_CEA_\w+ \{.*?TIMINGS\((\d+), (\d+), (\d), +([^,]+),\s+(\d+), ([\d, \t]+?),\s+V4L2_DV_BT_STD"
        r".*?\{ ?0, ?0 ?\}, (\d+)"
    )
    rows = [row.groups() for row in map(pattern.search, macros.splitlines()) if row]
    assert len(rows) > 15
    for width, height, interlaced, signs, hertz, lengths, vic in rows:
        timing = VICS[int(vic)]
        assert (timing.width, timing.height, timing.interlaced) == (int(width), int(height), interlaced == "1")
        assert timing.clock_khz * 1000 == int(hertz)
        h_front, h_sync, h_back, v_front, v_sync, v_back = (int(part) for part in lengths.split(",")[:6])
        assert (timing.h_front, timing.h_sync, timing.h_back) == (h_front, h_sync, h_back)
        assert (timing.v_front, timing.v_sync, timing.v_back) == (v_front, v_sync, v_back)
        assert (timing.h_positive, timing.v_positive) == ("HSYNC_POS" in signs, "VSYNC_POS" in signs)


def test_codes_without_a_shape_of_their_own_share_a_timing() -> None:
    assert VICS[2] == VICS[3]
    assert VIC_OF[VICS[3]] == 2
    assert [str(HDMI_VICS[code]) for code in (1, 2, 3, 4)] == [
        "3840x2160p30",
        "3840x2160p25",
        "3840x2160p24",
        "4096x2160p24",
    ]


@st.composite
def blobs(draw: st.DrawFn) -> bytes:
    """Anything; a header and right checksums with anything between; an EDID with some bytes changed, mended or not."""
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return draw(st.binary(max_size=600))
    if kind == 1:
        extensions = draw(st.lists(st.binary(min_size=127, max_size=127), max_size=3))
        base = (
            HEADER + draw(st.binary(min_size=10, max_size=10)) + b"\x01" + draw(st.binary(min_size=107, max_size=107))
        )
        return closed(b"".join([base, bytes([len(extensions), 0]), *(b"\x02" + block for block in extensions)]))
    data = bytearray(draw(st.sampled_from([OFFER, *SAMPLES])))
    for at, value in draw(st.lists(st.tuples(st.integers(8, len(data) - 1), st.integers(0, 255)), max_size=12)):
        data[at] = value
    return closed(bytes(data)) if kind == 2 else bytes(data)


def parses_or_refuses(data: bytes) -> None:
    try:
        edid = parse(data, "blob")
    except EdidError as error:
        assert str(error).startswith("blob: ")
        assert str(error).isprintable()
        return
    assert all(line.isprintable() for line in summary(edid))
    assert len(edid.extensions) >= edid.announced
    assert all(timing.refresh_hz > 0 for timing in edid.timings)
    assert repr(edid)


@FEW
@given(blobs())
def test_no_bytes_bring_the_parser_down(data: bytes) -> None:
    parses_or_refuses(data)


@pytest.mark.slow
@MANY
@given(blobs())
def test_twenty_thousand_blobs_do_not_bring_the_parser_down(data: bytes) -> None:
    parses_or_refuses(data)
