"""DICOM ultrasound, single and multi-frame, with the spacing and the region that its own header gives."""

from __future__ import annotations

import time
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.errors import MissingExtraError, PictureError, SonoEdgeError
from edge.frame import UNKNOWN_SPACING, Frame, FrameSource, Pixels, Roi, Spacing
from edge.sources.opened import OpenedSource
from edge.sources.paths import existing_file

try:
    from pydicom import Dataset, dcmread
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.pixels.processing import apply_color_lut
    from pydicom.pixels.utils import iter_pixels
except ImportError as error:
    raise MissingExtraError("a DICOM file", "dicom") from error

_KEPT_OUT = 4096  # bytes; a longer element (the pixels) stays on disk until a frame is asked for
_SQUARE = 0.005  # relative; where a pixel's sides differ by more, no one number turns pixels into mm²
_ROUNDED = 0.002  # share that a header's number is off at least: machines were seen to write three digits, as 0.00291
_PACE_MS = 40.0  # between frames where the header has no FrameTime

# PS3.3 C.8.5.5, SequenceOfUltrasoundRegions
_SPATIAL_2D = 1
_DATA_TISSUE = 1
_UNIT_CM = 3


def open_dicom(rest: str) -> FrameSource:
    """The frames of the DICOM file `rest`, (H, W) or (H, W, 3) BGR: a clip when it has several, else a still.

    `Frame.spacing` and `Frame.region` are the header's. PictureError when it is not DICOM, has no pixels, cannot be
    decoded or is deeper than 8 bits (palette colours apart); MissingExtraError without pydicom or a decoder.
    """
    path = existing_file(rest)
    with _translated(path):
        dataset = dcmread(path, defer_size=_KEPT_OUT)
        _refuse(path, dataset)
        count = int(dataset.get("NumberOfFrames") or 1)
        arrays = iter_pixels(path)
        # What cannot be decoded at all is told when it is opened, as with a picture.
        first = _to_bgr(next(arrays), dataset)
    frames = _frames(path, dataset, first, arrays, count)
    return OpenedSource(frames, count=count, stream=count > 1, release=arrays.close)  # type: ignore[attr-defined]


def _frames(
    path: Path, dataset: Dataset, first: Pixels, arrays: Iterator[npt.NDArray[Any]], count: int
) -> Generator[Frame, None, None]:
    with _translated(path):
        region, spacing = region_and_spacing(dataset)
        pace_ms = float(dataset.get("FrameTime") or _PACE_MS)
    pixels: Pixels | None = first
    index = 0
    while pixels is not None:
        name = path.name if count == 1 else ""
        taken_ns = round(index * pace_ms * 1e6)
        yield Frame(pixels, time.monotonic_ns(), index, name=name, spacing=spacing, region=region, taken_ns=taken_ns)
        index += 1
        with _translated(path):
            array = next(arrays, None)
            pixels = None if array is None else _to_bgr(array, dataset)
    if index < count:
        raise PictureError(f"{path.name}: ends after {index} of {count} frames: the file is cut short; copy it again")


def _refuse(path: Path, dataset: Dataset) -> None:
    """PictureError on what has no picture that we read, before a decoder is tried."""
    if "PixelData" not in dataset:
        if "Rows" in dataset:  # a picture is announced; pydicom leaves out an element that the file's end cuts off
            raise PictureError(f"{path.name}: cut short before its picture is whole; copy it again")
        raise PictureError(f"{path.name}: a DICOM file without a picture; export the images, not the report")
    bits = int(dataset.BitsAllocated)
    palette = dataset.PhotometricInterpretation == "PALETTE COLOR"
    if (bits != 8 and not palette) or int(dataset.get("PixelRepresentation", 0)):
        # A deeper picture needs a grey window, and which one is not ours to guess. A palette is itself that window.
        kind = "signed" if bits == 8 else f"{bits}-bit"
        raise PictureError(f"{path.name}: {kind} picture: export it as 8-bit")
    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as error:
        raise PictureError(f"{path.name}: compressed as {syntax.name}, not read here; export it as JPEG") from error
    if not decoder.is_available:
        raise MissingExtraError(f"{path.name}: a DICOM file compressed as {syntax.name}", "dicom")


def _to_bgr(array: npt.NDArray[Any], dataset: Dataset) -> Pixels:
    """One decoded frame (YBR is RGB by now) as (H, W) or (H, W, 3) BGR uint8, dark where the screen was dark."""
    photometric = dataset.PhotometricInterpretation
    if photometric == "PALETTE COLOR":
        array = apply_color_lut(array, dataset)
        if array.dtype == np.uint16:
            array = (array >> 8).astype(np.uint8)
    elif photometric == "MONOCHROME1":
        array = 255 - array
    return np.ascontiguousarray(array[..., ::-1]) if array.ndim == 3 else array


def region_and_spacing(dataset: Dataset) -> tuple[Roi | None, Spacing]:
    """The one 2D tissue region and its spacing, as the header gives them; (None, unknown) where it does not.

    A region is where pixels have this size, and no more: some machines give the whole screen, ruler and patient line
    with it. Two tissue regions (side-by-side views) leave open which picture is meant, and give their spacing where it
    is one. A region of flow or spectrum alone gives neither. `PixelSpacing` counts only in a file without regions:
    with regions it would be a second opinion on the whole screen.
    """
    regions = dataset.get("SequenceOfUltrasoundRegions") or []
    if not regions:
        down, across = dataset.get("PixelSpacing") or (0.0, 0.0)
        return None, _square(float(across), float(down))
    tissue = [
        r for r in regions if r.get("RegionSpatialFormat") == _SPATIAL_2D and r.get("RegionDataType") == _DATA_TISSUE
    ]
    if not tissue:
        return None, UNKNOWN_SPACING
    spacings = [_spacing_of(region) for region in tissue]
    spacing = spacings[0] if all(_same(spacings[0], other) for other in spacings) else UNKNOWN_SPACING
    if len(tissue) > 1:
        return None, spacing
    roi = _corners(tissue[0], dataset)
    return roi, UNKNOWN_SPACING if roi is None else spacing


def _corners(region: Dataset, dataset: Dataset) -> Roi | None:
    """The region's box, or None when it lies outside the picture."""
    # Corners are inclusive, and some machines write the picture's width as the last column.
    left, top = int(region.RegionLocationMinX0), int(region.RegionLocationMinY0)
    right = min(int(region.RegionLocationMaxX1), int(dataset.Columns) - 1)
    bottom = min(int(region.RegionLocationMaxY1), int(dataset.Rows) - 1)
    return None if right < left or bottom < top else Roi(left, top, right - left + 1, bottom - top + 1)


def _spacing_of(region: Dataset) -> Spacing:
    if region.get("PhysicalUnitsXDirection") != _UNIT_CM or region.get("PhysicalUnitsYDirection") != _UNIT_CM:
        return UNKNOWN_SPACING
    # A delta is negative where the axis runs against the rows or columns; its size is what is meant here.
    across_mm = 10.0 * abs(float(region.get("PhysicalDeltaX") or 0.0))
    return _square(across_mm, 10.0 * abs(float(region.get("PhysicalDeltaY") or 0.0)))


def _same(one: Spacing, other: Spacing) -> bool:
    a, b = one.mm_per_px, other.mm_per_px
    return a is not None and b is not None and abs(a - b) <= _SQUARE * a


def _square(across_mm: float, down_mm: float) -> Spacing:
    """The spacing of a pixel with these sides; unknown when it is not square or not of ultrasound's size."""
    if not (0.001 <= across_mm <= 10.0 and abs(across_mm - down_mm) <= _SQUARE * across_mm):
        return UNKNOWN_SPACING
    return Spacing(across_mm, "dicom", max(_ROUNDED, abs(across_mm - down_mm) / across_mm))


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Whatever pydicom and its decoders raise, as one PictureError; their warnings are not for the operator."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except SonoEdgeError:
        raise
    except (
        Exception
    ) as error:  # the seam: on a damaged file the parser raises nearly anything, struct.error to KeyError
        raise PictureError(f"{path.name}: not a whole DICOM file; export it again from the machine") from error
