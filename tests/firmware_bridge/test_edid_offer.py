"""The EDID that we offer: whole, with the modes that the link carries and no others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.cta861 import Vic
from firmware_bridge.edid import parse
from firmware_bridge.edid_offer import MODES, SVGA_60, SXGA_60, UXGA_60, XGA_60, offer
from firmware_bridge.edid_timing import can_say
from firmware_bridge.errors import EdidError
from firmware_bridge.link_capacity import LINKS, PIXEL_BITS, LinkCapacity, carries, load
from firmware_bridge.timing import Mode, Timing
from firmware_bridge.vics import VICS

P1080_60, P1080_50, P1080_30, P720_60, I1080_60 = VICS[16], VICS[31], VICS[34], VICS[4], VICS[5]
every_link = pytest.mark.parametrize("link", LINKS.values(), ids=list(LINKS))
every_format = pytest.mark.parametrize("pixel_format", PIXEL_BITS)


@pytest.mark.parametrize(
    ("name", "pixel_format", "best"),
    [
        ("tc358743-2-lanes", "UYVY", P1080_50),  # 1080p60 needs 1037 Mbit/s a lane, and the bridge does 972
        ("tc358743-2-lanes", "RGB3", P1080_30),
        ("tc358743-4-lanes", "UYVY", P1080_60),
        ("tc358743-4-lanes", "RGB3", P1080_60),
        ("csi2-2-lanes", "UYVY", P1080_60),
        ("csi2-2-lanes", "RGB3", P1080_50),
        ("csi2-4-lanes", "RGB3", P1080_60),
        ("unlimited", "RGB3", P1080_60),
    ],
)
def test_the_best_that_fits_is_preferred_and_native(name: str, pixel_format: str, best: Timing) -> None:
    edid = parse(offer(LINKS[name], pixel_format))
    assert edid.preferred == best
    assert (edid.first_preferred, edid.detailed[0].timing, edid.cta[0].native_detailed) == (True, best, 1)
    assert [vic.timing for vic in edid.vics if vic.native] == [best]


def test_a_line_of_1080p60_in_its_own_time() -> None:
    link = LinkCapacity(max_clock_mhz=165, lanes=2, lane_mbps=1000)
    assert load(link, P1080_60, "UYVY") == pytest.approx(1920 * 16 * 67_500 / 2e9 / 0.95)
    assert load(LINKS["unlimited"], P1080_60, "RGB3") == 0


def test_the_receiver_has_limits_of_its_own() -> None:
    assert not carries(LINKS["tc358743-4-lanes"], VICS[95], "GREY")  # 297 MHz
    assert not carries(LINKS["tc358743-4-lanes"], I1080_60, "GREY")
    assert carries(LINKS["unlimited"], I1080_60, "RGB3")


@every_link
@every_format
def test_what_is_offered_is_what_the_link_carries(link: LinkCapacity, pixel_format: str) -> None:
    edid = parse(offer(link, pixel_format))
    assert set(edid.timings) == {mode for mode in MODES if carries(link, mode, pixel_format)}
    in_short = {Mode(640, 480, 60): VICS[1], Mode(800, 600, 60): SVGA_60, Mode(1024, 768, 60): XGA_60}
    in_short |= {Mode(1280, 1024, 60): SXGA_60, Mode(1600, 1200, 60): UXGA_60}
    assert {in_short[mode] for mode in edid.established + edid.standard} == set(edid.timings) & set(in_short.values())


def test_it_says_hdmi_without_sound_and_its_name() -> None:
    data = offer(LINKS["tc358743-2-lanes"], "UYVY", name="Room 3")
    edid = parse(data)
    extension = edid.cta[0]
    assert (len(data), edid.revision, edid.name) == (256, 3, "Room 3")
    assert edid.hdmi is not None
    assert (edid.hdmi.physical_address, edid.hdmi.max_tmds_mhz) == ((1, 0, 0, 0), 165)
    assert not extension.audio
    assert extension.underscan
    assert extension.selectable_rgb_range


@pytest.mark.parametrize(("pixel_format", "ycbcr"), [("UYVY", True), ("NV12", True), ("RGB3", False), ("GREY", False)])
def test_ycbcr_is_offered_when_it_is_wanted(pixel_format: str, ycbcr: bool) -> None:
    extension = parse(offer(LINKS["unlimited"], pixel_format)).cta[0]
    assert (extension.ycbcr422, extension.ycbcr444) == (ycbcr, ycbcr)


def test_limits_cover_what_is_offered() -> None:
    limits = parse(offer(LINKS["unlimited"], "UYVY", [P1080_60, P1080_30])).limits
    assert limits is not None
    assert (limits.vertical_hz, limits.horizontal_khz, limits.max_clock_mhz) == ((30, 60), (33, 68), 150)


def test_a_mode_without_a_code_may_be_the_best() -> None:
    edid = parse(offer(LINKS["unlimited"], "UYVY", [P720_60, UXGA_60]))
    assert edid.preferred == UXGA_60
    assert edid.vics == (Vic(4, native=False),)
    assert parse(offer(LINKS["unlimited"], "UYVY", [SXGA_60])).vics == ()


def test_what_only_a_code_can_say_is_offered_and_not_preferred() -> None:
    """3840x2160p24 has a front porch of 1276 pixels, and a detailed timing has ten bits for it."""
    edid = parse(offer(LINKS["unlimited"], "UYVY", [P720_60, VICS[93]]))
    assert (edid.preferred, edid.vics) == (P720_60, (Vic(4, native=True), Vic(93, native=False)))


@pytest.mark.parametrize(
    ("modes", "pixel_format", "name", "words"),
    [
        ([VICS[97]], "UYVY", "SonoEdge", "carries none of the 1 modes"),
        ([], "UYVY", "SonoEdge", "carries none of the 0 modes"),
        (MODES, "MJPG", "SonoEdge", "MJPG"),
        (MODES, "UYVY", "", "1 to 13"),
        (MODES, "UYVY", "fourteen chars", "1 to 13"),
        (MODES, "UYVY", "Ø", "1 to 13"),
        (MODES, "UYVY", "a\nb", "1 to 13"),
        (tuple(VICS.values()), "UYVY", "SonoEdge", "offer fewer"),
        ([VICS[98]], "UYVY", "SonoEdge", "width is 4096"),
        ([P1080_60, replace(SXGA_60, h_sync=1024)], "UYVY", "SonoEdge", "horizontal sync is 1024"),
    ],
)
def test_what_cannot_be_offered_is_refused(modes: Sequence[Timing], pixel_format: str, name: str, words: str) -> None:
    with pytest.raises(EdidError) as refused:
        offer(LINKS["unlimited"], pixel_format, modes, name)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


_CODES = sorted({VICS[vic] for vic in VICS if VICS[vic].clock_khz % 10 == 0 and VICS[vic].width < 4096}, key=str)


@st.composite
def timings(draw: st.DrawFn) -> Timing:
    """What a detailed timing can say, and a link take."""
    interlaced = draw(st.booleans())
    fields = 2 if interlaced else 1
    width, lines = draw(st.integers(64, 4095)), draw(st.integers(64, 2160))
    h_front, h_sync, v_front, v_sync = (draw(st.integers(1, most)) for most in (1023, 1023, 63, 63))
    h_back, v_back = draw(st.integers(0, 2000)), draw(st.integers(0, 1000))
    return Timing(
        *(width, lines * fields, interlaced, draw(st.integers(1000, 34_000)) * 10),
        *(h_front, h_sync, width + h_front + h_sync + h_back),
        *(v_front, v_sync, (lines + v_front + v_sync + v_back) * fields + interlaced),
        *(draw(st.booleans()), draw(st.booleans())),
    )


@given(
    st.lists(timings(), max_size=6, unique=True),
    st.lists(st.sampled_from(_CODES), max_size=12, unique=True),
    st.sampled_from(list(LINKS.values())),
    st.sampled_from(list(PIXEL_BITS)),
)
def test_what_is_built_parses_to_the_modes_that_fit(
    own: list[Timing], coded: list[Timing], link: LinkCapacity, pixel_format: str
) -> None:
    fitting = {mode for mode in own + coded if carries(link, mode, pixel_format)}
    in_full = {mode for mode in fitting if can_say(mode)}
    if not in_full:
        with pytest.raises(EdidError):
            offer(link, pixel_format, own + coded)
        return
    edid = parse(offer(link, pixel_format, own + coded))
    assert set(edid.timings) == fitting
    assert edid.preferred == max(
        in_full, key=lambda mode: (not mode.interlaced, mode.width * mode.height, mode.refresh_hz, mode.clock_khz)
    )
