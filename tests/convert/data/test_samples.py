"""Training, calibration and the device must see the same pixels."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.data.dataset import Sample
from convert.data.samples import grade_input, input_spec, segment_input
from convert.errors import DataError
from convert.models import architecture
from convert.phantom.acquisition import draw_settings
from convert.phantom.frames import TRANSVERSE, render
from convert.phantom.subject import draw_subject
from edge.frame import Frame, Spacing
from edge.screen.read import ScreenReader
from edge.stages.crop import place_crop
from edge.stages.segment import place_scan

SEGMENT = input_spec(architecture("sa_unet"))
GRADE = input_spec(architecture("mobilenet_v2"))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("sample")
    frame = render(draw_subject(2, 5), draw_settings(2, 5), TRANSVERSE)
    cv2.imwrite(str(folder / "image.png"), frame.pixels)
    cv2.imwrite(str(folder / "mask.png"), frame.mask * 255)
    spacing = Spacing(frame.mm_per_px, "manual")
    return Sample("image.png", folder / "image.png", folder / "mask.png", "S", "moderate", "transverse", spacing, {})


def test_segment_input_is_the_device_s_canvas(sample: Sample) -> None:
    picture, mask = segment_input(sample, SEGMENT)
    scan = ScreenReader(stream=False)(Frame(sample.image(), 0, 0, spacing=sample.spacing)).scan
    assert scan is not None
    canvas = np.zeros((SEGMENT.height, SEGMENT.width), np.uint8)
    height, width = scan.pixels.shape
    place_scan((height, width), scan.spacing, SEGMENT).paint(scan.pixels, canvas)
    assert np.array_equal(picture, canvas)
    true_mm2 = sample.mask().sum() * (sample.spacing.mm_per_px or 0) ** 2
    assert mask.sum() * SEGMENT.mm_per_px**2 == pytest.approx(true_mm2, rel=0.03)


def test_grade_input_is_the_device_s_crop(sample: Sample) -> None:
    crop = grade_input(sample, GRADE)
    scan = ScreenReader(stream=False)(Frame(sample.image(), 0, 0, spacing=sample.spacing)).scan
    assert scan is not None
    rows, columns = np.nonzero(scan.roi.of(sample.mask()))
    canvas = np.zeros((GRADE.height, GRADE.width), np.uint8)
    place_crop(scan, (columns.mean(), rows.mean()), GRADE, 0.4).paint(scan.pixels, canvas)
    assert np.array_equal(crop, canvas)


def test_margin_shows_the_same_nerve_with_more_round_it(sample: Sample) -> None:
    wide = grade_input(sample, GRADE, 1.3)
    assert wide.shape == (208, 208)
    inner = wide[24:-24, 24:-24].astype(float)
    assert np.corrcoef(inner.ravel(), grade_input(sample, GRADE).astype(float).ravel())[0, 1] > 0.9


def test_an_empty_mask_is_told(sample: Sample, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "empty.png"), np.zeros(sample.mask().shape, np.uint8))
    empty = Sample(
        "image.png", sample.image_path, tmp_path / "empty.png", "S", "mild", "transverse", sample.spacing, {}
    )
    with pytest.raises(DataError, match="the mask is empty"):
        grade_input(empty, GRADE)
    cv2.imwrite(str(tmp_path / "small.png"), np.ones((9, 9), np.uint8))
    small = Sample(
        "image.png", sample.image_path, tmp_path / "small.png", "S", "mild", "transverse", sample.spacing, {}
    )
    with pytest.raises(DataError, match="9 x 9, its image"):
        segment_input(small, SEGMENT)
