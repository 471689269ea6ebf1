"""DICOM: photometric kinds, depth, the spacing and region of the header, and files that are not what they claim."""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.errors import MissingExtraError, PictureError
from edge.frame import Frame, Roi
from tests.contracts.source_contract import Open, SourceContract
from tests.edge.sources.files import scene, shared

pydicom = pytest.importorskip("pydicom", reason="the extra dicom is not installed")

from pydicom.pixels.processing import convert_color_space  # noqa: E402  # after the check that it can be
from pydicom.uid import RLELossless  # noqa: E402

from edge.sources import open_source  # noqa: E402
from edge.sources.dicom import open_dicom, region_and_spacing  # noqa: E402
from tests.edge.sources.dicom_files import write_dicom  # noqa: E402

RGB = np.ascontiguousarray(scene(0)[..., ::-1])
GREY = scene(0)[..., 0]


class TestDicomClipContract(SourceContract):
    frames = 4
    stream = True

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Open:
        pixels = np.stack([scene(index)[..., ::-1] for index in range(self.frames)])
        path = write_dicom(tmp_path / "clip.dcm", pixels, "RGB", NumberOfFrames=self.frames)
        return lambda: open_dicom(str(path))


def only_frame(path: Path) -> Frame:
    source = open_dicom(str(path))
    assert not source.stream
    (frame,) = source
    assert frame.name == path.name
    return frame


def region(**given: Any) -> Any:
    """A tissue region of 100 x 80 px at (10, 5), 0.1 mm a pixel, with `given` replaced (None: left out)."""
    fields: dict[str, Any] = {
        "RegionSpatialFormat": 1,
        "RegionDataType": 1,
        "RegionLocationMinX0": 10,
        "RegionLocationMinY0": 5,
        "RegionLocationMaxX1": 109,
        "RegionLocationMaxY1": 84,
        "PhysicalUnitsXDirection": 3,
        "PhysicalUnitsYDirection": 3,
        "PhysicalDeltaX": 0.01,
        "PhysicalDeltaY": 0.01,
        **given,
    }
    item = pydicom.Dataset()
    for keyword, value in fields.items():
        if value is not None:
            setattr(item, keyword, value)
    return item


def header(*regions: Any, **elements: Any) -> Any:
    dataset = pydicom.Dataset()
    dataset.Rows, dataset.Columns = 96, 128
    if regions:
        dataset.SequenceOfUltrasoundRegions = list(regions)
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    ("photometric", "stored", "seen"),
    [
        ("MONOCHROME2", GREY, GREY),
        ("MONOCHROME1", 255 - GREY, GREY),
        ("RGB", RGB, scene(0)),
    ],
)
def test_pixels_look_as_on_the_screen(tmp_path: Path, photometric: str, stored: Any, seen: Any) -> None:
    frame = only_frame(write_dicom(tmp_path / "scan.dcm", stored, photometric))
    np.testing.assert_array_equal(frame.pixels, seen)


def test_a_dicom_file_is_found_by_its_suffix(tmp_path: Path) -> None:
    (frame,) = open_source(str(write_dicom(tmp_path / "scan.DCM", GREY)))
    assert frame.name == "scan.DCM"


def test_ybr_becomes_bgr(tmp_path: Path) -> None:
    ybr = convert_color_space(RGB, "RGB", "YBR_FULL")
    frame = only_frame(write_dicom(tmp_path / "scan.dcm", ybr, "YBR_FULL"))
    assert frame.pixels is not None
    assert np.abs(frame.pixels.astype(int) - scene(0)).max() <= 2


@pytest.mark.parametrize("bits", [8, 16])
def test_palette_colours_of_either_depth(tmp_path: Path, bits: int) -> None:
    kind = np.uint8 if bits == 8 else np.uint16
    ramp = np.arange(256, dtype=kind) << (bits - 8)
    tables = {"Red": ramp, "Green": ramp[::-1].copy(), "Blue": np.zeros_like(ramp)}
    elements = {f"{name}PaletteColorLookupTableDescriptor": [256, 0, bits] for name in tables}
    elements |= {f"{name}PaletteColorLookupTableData": table.tobytes() for name, table in tables.items()}
    frame = only_frame(write_dicom(tmp_path / "scan.dcm", GREY, "PALETTE COLOR", **elements))
    np.testing.assert_array_equal(frame.pixels, np.dstack([np.zeros_like(GREY), 255 - GREY, GREY]))


def test_a_clip_is_a_stream_and_its_run_length_coding_is_undone(tmp_path: Path) -> None:
    pixels = np.stack([scene(index)[..., 0] for index in range(3)])
    path = write_dicom(tmp_path / "clip.dcm", pixels, NumberOfFrames=3)
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless)
    dataset.save_as(path)
    source = open_dicom(str(path))
    assert (source.stream, len(source)) == (True, 3)
    for frame, stored in zip(source, pixels, strict=True):
        np.testing.assert_array_equal(frame.pixels, stored)
        assert frame.name == ""


def test_a_clip_with_fewer_frames_than_it_says(tmp_path: Path) -> None:
    pixels = np.stack([scene(index)[..., 0] for index in range(3)])
    path = write_dicom(tmp_path / "clip.dcm", pixels, NumberOfFrames=3)
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless)
    dataset.NumberOfFrames = 5
    dataset.save_as(path)
    frames = []
    with pytest.raises(PictureError, match=r"^clip\.dcm: "):
        for frame in open_dicom(str(path)):
            frames.append(frame)  # kept up to the error
    assert len(frames) == 3


def test_16_bit_grey_is_refused_and_told_how(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "scan.dcm", GREY.astype(np.uint16))
    with pytest.raises(PictureError, match=r"^scan\.dcm: 16-bit picture: export it as 8-bit$"):
        open_dicom(str(path))


def test_no_pixels_and_no_dicom(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "report.dcm", GREY)
    dataset = pydicom.dcmread(path)
    del dataset.PixelData
    dataset.save_as(path)
    with pytest.raises(PictureError, match=r"^report\.dcm: cut short"):
        open_dicom(str(path))
    del dataset.Rows
    dataset.save_as(path)
    with pytest.raises(PictureError, match=r"^report\.dcm: a DICOM file without a picture"):
        open_dicom(str(path))
    path.write_text("not DICOM")
    with pytest.raises(PictureError, match=r"^report\.dcm: not a whole DICOM file"):
        open_dicom(str(path))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(data=st.data())
def test_cut_anywhere_is_a_picture_error_or_whole_frames(tmp_path: Path, data: st.DataObject) -> None:
    pixels = np.stack([scene(index)[..., 0] for index in range(3)])
    path = write_dicom(tmp_path / "clip.dcm", pixels, NumberOfFrames=3)
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    frames = []
    with pytest.raises(PictureError), warnings.catch_warnings():
        warnings.simplefilter("error")
        for frame in open_dicom(str(path)):
            frames.append(frame)  # kept up to the error
    for frame in frames:
        np.testing.assert_array_equal(frame.pixels, pixels[frame.index])


def test_a_video_inside_dicom_is_refused_by_its_name(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "clip.dcm", GREY)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.MPEG4HP41
    dataset["PixelData"].is_undefined_length = True
    dataset.PixelData = pydicom.encaps.encapsulate([b"\0\0"])
    dataset.save_as(path)
    with pytest.raises(PictureError, match="MPEG-4"):
        open_dicom(str(path))


def test_region_and_spacing_of_the_header() -> None:
    roi, spacing = region_and_spacing(header(region()))
    assert roi == Roi(10, 5, 100, 80)
    assert spacing.provenance == "dicom"
    assert spacing.mm_per_px == pytest.approx(0.1)
    assert spacing.uncertainty == 0.002  # three digits, rounded


def test_the_difference_of_a_pixels_sides_is_part_of_the_uncertainty() -> None:
    _, spacing = region_and_spacing(header(region(PhysicalDeltaY=0.01004)))
    assert spacing.uncertainty == pytest.approx(0.004)


def test_two_views_of_one_scale_give_it_and_leave_open_which_is_meant() -> None:
    roi, spacing = region_and_spacing(header(region(), region(RegionLocationMinX0=60)))
    assert roi is None
    assert spacing.mm_per_px == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("dataset", "has_region"),
    [
        (header(region(PhysicalDeltaY=0.0101)), True),
        (header(region(PhysicalUnitsXDirection=4)), True),
        (header(region(PhysicalDeltaX=None)), True),
        (header(region(PhysicalDeltaX=0.0, PhysicalDeltaY=0.0)), True),
        (header(region(PhysicalDeltaX=9.0, PhysicalDeltaY=9.0)), True),
        (header(region(), region(PhysicalDeltaX=0.02, PhysicalDeltaY=0.02)), False),
        (header(region(), region(PhysicalUnitsXDirection=4)), False),
        (header(region(RegionSpatialFormat=2)), False),
        (header(region(RegionDataType=2)), False),
        (header(region(RegionDataType=2), PixelSpacing=[0.1, 0.1]), False),
        (header(region(RegionLocationMinX0=500)), False),
        (header(PixelSpacing=[0.1, 0.2]), False),
        (header(), False),
    ],
    ids=[
        "1 % from square",
        "seconds",
        "no delta",
        "zero",
        "90 mm a pixel",
        "two views of two scales",
        "two views, one without a scale",
        "a spectrum",
        "flow alone",
        "flow alone, whatever PixelSpacing says",
        "outside the picture",
        "PixelSpacing not square",
        "nothing",
    ],
)
def test_no_spacing_where_the_header_leaves_doubt(dataset: Any, has_region: bool) -> None:
    roi, spacing = region_and_spacing(dataset)
    assert (roi is not None) == has_region
    assert spacing.mm_per_px is None


def test_spacing_survives_signs_flow_regions_and_a_last_column_too_far() -> None:
    tissue = region(PhysicalDeltaY=-0.01, RegionLocationMaxX1=128, RegionLocationMaxY1=96)
    roi, spacing = region_and_spacing(header(tissue, region(RegionDataType=2)))
    assert roi == Roi(10, 5, 118, 91)
    assert spacing.mm_per_px == pytest.approx(0.1)
    assert region_and_spacing(header(PixelSpacing=[0.1, 0.1]))[1].mm_per_px == pytest.approx(0.1)


numbers = st.one_of(st.none(), st.integers(0, 3000), st.floats(allow_nan=False, allow_infinity=False, width=32))


@given(
    st.builds(dict, PhysicalDeltaX=numbers, PhysicalDeltaY=numbers),
    st.lists(st.integers(0, 4000), min_size=4, max_size=4),
)
def test_any_numbers_in_a_region_give_a_region_inside_the_picture(deltas: dict[str, Any], corners: list[int]) -> None:
    names = ["RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1"]
    dataset = header(region(**deltas, **dict(zip(names, corners, strict=True))))
    roi, _ = region_and_spacing(dataset)
    assert roi is None or roi.fits(GREY)


def test_without_pydicom_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydicom", None)
    monkeypatch.delitem(sys.modules, "edge.sources.dicom")
    with pytest.raises(MissingExtraError, match=r"the extra 'dicom'"):
        importlib.import_module("edge.sources.dicom")


@pytest.mark.parametrize(
    ("name", "frames", "mm_per_px", "roi"),
    [
        ("dicom_us/JPGLosslessP14SV1_1s_1f_8b.dcm", 1, 0.25477, Roi(14, 38, 997, 721)),
        ("dicom_us/OBXXXX1A.dcm", 1, 0.26229, Roi(120, 60, 680, 459)),
        ("dicom_us/OBXXXX1A_rle_2frame.dcm", 2, 0.26229, Roi(120, 60, 680, 459)),
        ("dicom_us/US1_J2KR.dcm", 1, None, None),
        ("dicom_us/US1_UNCR.dcm", 1, None, None),
        ("dicom_us/gdcm-US-ALOKA-16.dcm", 1, 0.38265, None),  # two views side by side
        ("screens/itkpocus/sonoque_anechoic-3mm-3mm.dcm", 1, 0.0291, Roi(0, 0, 2083, 1455)),
        ("screens/itkpocus/sonoque_axial-lateral-resolution-2020.dcm", 1, 0.0291, Roi(0, 0, 2083, 1455)),
    ],
)
def test_real_files(name: str, frames: int, mm_per_px: float | None, roi: Roi | None) -> None:
    path = shared(name)
    if path.name.startswith(("JPG", "US1_J2KR", "sonoque")):
        pytest.importorskip("gdcm", reason="python-gdcm, of the extra dicom, is not installed")
    seen = list(open_dicom(str(path)))
    assert len(seen) == frames
    for frame in seen:
        assert frame.pixels is not None
        assert frame.region == roi
        assert frame.spacing.mm_per_px == (None if mm_per_px is None else pytest.approx(mm_per_px, rel=1e-4))


def test_a_lossless_and_an_uncompressed_copy_of_one_picture_agree() -> None:
    pytest.importorskip("gdcm", reason="python-gdcm, of the extra dicom, is not installed")
    (packed,) = open_dicom(str(shared("dicom_us/US1_J2KR.dcm")))
    (plain,) = open_dicom(str(shared("dicom_us/US1_UNCR.dcm")))
    np.testing.assert_array_equal(packed.pixels, plain.pixels)
