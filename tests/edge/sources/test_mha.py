"""MetaImage sequences: the header's odd corners, truncation at every byte, and real frame-grabber recordings."""

from __future__ import annotations

import tracemalloc
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.errors import SourceError
from edge.sources.mha import MhaHeader, open_mha, read_header
from tests.contracts.source_contract import Open, SourceContract
from tests.edge.sources.files import mha_bytes, mha_frames, mha_header, shared


class TestMhaContract(SourceContract):
    frames = 6
    stream = True

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Open:
        path = tmp_path / "sweep.igs.mha"
        path.write_bytes(mha_bytes(mha_frames()))
        return lambda: open_mha(str(path))


class TestRawColourMhaContract(SourceContract):
    frames = 6
    stream = True

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Open:
        path = tmp_path / "sweep.mha"
        path.write_bytes(mha_bytes(mha_frames(channels=3), compressed=False, ElementNumberOfChannels="3"))
        return lambda: open_mha(str(path))


def header(**fields: str | None) -> MhaHeader:
    return read_header(BytesIO(mha_header(**fields)), "sweep.mha")


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_frames_come_out_as_they_went_in(tmp_path: Path, compressed: bool, channels: int) -> None:
    pixels = mha_frames(channels=channels)
    path = tmp_path / "sweep.mha"
    path.write_bytes(mha_bytes(pixels, compressed=compressed, ElementNumberOfChannels=str(channels)))
    for frame, stored in zip(open_mha(str(path)), pixels, strict=True):
        np.testing.assert_array_equal(frame.pixels, stored if channels == 1 else stored[..., ::-1])
        assert frame.spacing.provenance == "none"


@pytest.mark.parametrize("letters", ["MF", "MN", "UF", "UN", "MFA"])
def test_rows_stay_as_they_stood_on_the_screen(tmp_path: Path, letters: str) -> None:
    pixels = mha_frames()
    path = tmp_path / "sweep.mha"
    path.write_bytes(mha_bytes(pixels, UltrasoundImageOrientation=letters))
    np.testing.assert_array_equal(next(iter(open_mha(str(path)))).pixels, pixels[0])


def test_shapes_of_the_header() -> None:
    assert header().frames == 6
    assert header(Kinds=None).frames == 6
    assert header(NDims="4", DimSize="32 24 1 6", Kinds="domain domain domain list").frames == 6
    still = header(NDims="2", DimSize="32 24", Kinds="domain domain")
    assert (still.width, still.height, still.frames) == (32, 24, 1)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"ElementType": "MET_USHORT"}, "MET_USHORT, not MET_UCHAR"),
        ({"ElementType": None}, "of no stated type"),
        ({"ElementNumberOfChannels": "2"}, "2 channels"),
        ({"ElementDataFile": "sweep.raw"}, "in another file"),
        ({"BinaryData": "False"}, "written as text"),
        ({"Kinds": "domain domain domain"}, "a volume"),
        ({"DimSize": "32 24 0"}, "DimSize"),
        ({"DimSize": "32"}, "DimSize"),
        ({"DimSize": None}, "DimSize"),
        ({"DimSize": "-32 24 6"}, "DimSize"),
        ({"DimSize": "3.5 24 6"}, "DimSize"),
        ({"DimSize": "99999999 99999999 6"}, "DimSize"),
        ({"DimSize": "32 24 " + "9" * 5000}, "DimSize"),
    ],
)
def test_what_is_not_ours_to_read_is_refused_in_one_line(fields: dict[str, str | None], what: str) -> None:
    with pytest.raises(SourceError, match=r"^sweep\.mha: ") as raised:
        header(**fields)
    assert what in str(raised.value)
    assert len(str(raised.value)) < 200
    assert "\n" not in str(raised.value)


def test_a_frame_that_the_recorder_marked_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "sweep.mha"
    path.write_bytes(mha_bytes(mha_frames(), Seq_Frame0002_ImageStatus="INVALID"))
    frames = list(open_mha(str(path)))
    assert [frame.index for frame in frames if frame.pixels is None] == [2]
    assert "recorder" in frames[2].fault


@given(st.binary(max_size=400))
def test_random_bytes_give_a_source_error(data: bytes) -> None:
    with pytest.raises(SourceError):
        read_header(BytesIO(data), "sweep.mha")


KEYS = ["DimSize", "Kinds", "ElementType", "ElementNumberOfChannels", "BinaryData", "CompressedData", "NDims"]


@given(st.dictionaries(st.sampled_from(KEYS), st.text(st.characters(codec="latin-1"), max_size=20)))
def test_random_values_give_a_header_or_a_source_error(fields: dict[str, str]) -> None:
    data = mha_header(**{key: value.replace("\n", " ") for key, value in fields.items()})
    try:
        parsed = read_header(BytesIO(data), "sweep.mha")
    except SourceError as error:
        assert "\n" not in str(error)
    else:
        assert parsed.frame_bytes >= 1
        assert parsed.frames >= 1


@pytest.mark.parametrize("compressed", [True, False])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_cut_at_any_byte(tmp_path: Path, compressed: bool, data: st.DataObject) -> None:
    pixels = mha_frames()
    whole = mha_bytes(pixels, compressed=compressed)
    path = tmp_path / "sweep.mha"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    frames = []
    with pytest.raises(SourceError, match=r"^sweep\.mha: .*cut short"):
        for frame in open_mha(str(path)):
            frames.append(frame)  # kept up to the error
    for frame in frames:
        np.testing.assert_array_equal(frame.pixels, pixels[frame.index])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_damaged_byte_is_a_source_error(tmp_path: Path, data: st.DataObject) -> None:
    whole = bytearray(mha_bytes(mha_frames()))
    start = len(mha_header())
    whole[data.draw(st.integers(start, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "sweep.mha"
    path.write_bytes(whole)
    with pytest.raises(SourceError, match=r"damaged|cut short"):
        list(open_mha(str(path)))


def test_a_long_sequence_takes_the_memory_of_a_frame(tmp_path: Path) -> None:
    side, frames = 512, 100
    path = tmp_path / "sweep.mha"
    path.write_bytes(mha_header(DimSize=f"{side} {side} {frames}") + zlib.compress(bytes(side * side * frames)))
    tracemalloc.start()
    assert sum(1 for _ in open_mha(str(path))) == frames
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * side * side


@pytest.mark.parametrize(
    ("name", "frames", "shape"),
    [
        ("BoneUltrasound_L14.igs.mha", 21, (616, 820)),
        ("SegmentationTest_BKMedical_RandomStepperMotionData2_Trimmed.igs.mha", 6, (480, 640)),
        ("SegmentationTest_VLCUS_RandomStepperMotionData2.igs.mha", 201, (480, 640)),
        ("USTC_FrameGrabber_TemplateTranslationData.igs.mha", 100, (480, 640)),
    ],
)
def test_real_recordings(name: str, frames: int, shape: tuple[int, int]) -> None:
    seen = list(open_mha(str(shared(f"framegrabber/{name}"))))
    assert len(seen) == frames
    assert {frame.pixels.shape for frame in seen if frame.pixels is not None} == {shape}


def test_a_real_recording_marked_mn_stands_upright() -> None:
    # Its machine writes the depth and gain at the right from the top down; nothing is written at the lower right.
    source = open_mha(str(shared("framegrabber/USTC_FrameGrabber_ProbeRotationData.igs.mha")))
    pixels = next(iter(source)).pixels
    source.close()
    assert pixels is not None
    menu = pixels[:, 500:] > 128
    assert menu[60:240].sum() > 20 * max(1, menu[300:].sum())
