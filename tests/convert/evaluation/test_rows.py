"""What is kept of each answer, on pictures whose nerve is known."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.data.dataset import DataFolder
from convert.errors import DataError
from convert.evaluation.cascade import cascade_clips, cascade_rows
from convert.evaluation.grades import grade_rows
from convert.evaluation.masks import MEASURES, MaskRows, mask_rows
from convert.evaluation.sides import Network
from convert.evaluation.sizes import measured_sizes, true_sizes
from convert.evaluation.worst import worst_masks, worst_wrists
from convert.quantizing.parity import Predict, int8_predictor
from edge.frame import UNKNOWN_SPACING
from edge.interpreter import open_model
from edge.pipeline import Options, Pipeline
from tests import tiny_tflite
from tests.conftest import CUTS, GRADE_SPEC, SEGMENT_SPEC
from tests.convert.scans import AREAS_MM2, row, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return write(tmp_path_factory.mktemp("rows") / "labelled", [row(n) for n in range(16)])


def segmenter(grey_level: int = 140) -> Predict:
    return int8_predictor(open_model(tiny_tflite.segmenter(SEGMENT_SPEC.width, grey_level)))


def column(rows: MaskRows, name: str) -> np.ndarray:
    return rows.measures[:, MEASURES.index(name)]


class TestMasks:
    def test_a_good_one(self, folder: DataFolder) -> None:
        rows = mask_rows(segmenter(), folder.samples, SEGMENT_SPEC, "transverse")
        assert rows.subjects[:4] == ("S0", "S0", "S1", "S1") and rows.files[3] == "3.png"
        assert column(rows, "dsc").min() > 0.95 and column(rows, "auc").min() > 0.999
        assert column(rows, "hd_px").max() <= 2.0
        assert column(rows, "hd95_mm") == pytest.approx(column(rows, "hd95_px") * SEGMENT_SPEC.pixel_mm)
        assert not column(rows, "zero_overlap").any() and not column(rows, "no_nerve").any()
        assert rows.sizes[:, 1].reshape(8, 2).mean(axis=1) == pytest.approx(AREAS_MM2 * 2, rel=0.02)
        assert rows.sizes[:, 0] == pytest.approx(rows.sizes[:, 1], rel=0.05)

    def test_one_that_finds_nothing_lies_as_far_off_as_the_canvas_is_long(self, folder: DataFolder) -> None:
        rows = mask_rows(segmenter(250), folder.samples[:2], SEGMENT_SPEC, "transverse")
        for name in ("dsc", "precision", "recall"):
            assert not column(rows, name).any()
        assert column(rows, "no_nerve").tolist() == column(rows, "zero_overlap").tolist() == [1.0, 1.0]
        assert column(rows, "hd_px") == pytest.approx(math.hypot(192, 192))
        assert not rows.sizes[:, 0].any() and rows.sizes[:, 1].all()

    def test_two_empty_masks_agree(self, folder: DataFolder, tmp_path: Path) -> None:
        cv2.imwrite(str(tmp_path / "empty.png"), np.zeros((300, 380), np.uint8))
        bare = [replace(folder.samples[0], mask_path=tmp_path / "empty.png")]
        rows = mask_rows(segmenter(250), bare, SEGMENT_SPEC, "transverse")
        assert (column(rows, "dsc")[0], column(rows, "hd_px")[0], column(rows, "precision")[0]) == (1.0, 0.0, 1.0)
        assert math.isnan(column(rows, "auc")[0])

    def test_without_a_spacing_there_are_no_millimetres(self, folder: DataFolder) -> None:
        rows = mask_rows(segmenter(), [replace(folder.samples[0], spacing=UNKNOWN_SPACING)], SEGMENT_SPEC, "transverse")
        assert np.isnan(rows.sizes).all() and np.isnan(column(rows, "hd95_mm")).all()
        assert column(rows, "dsc")[0] > 0.95

    def test_longitudinal_size_is_a_thickness(self, folder: DataFolder) -> None:
        rows = mask_rows(segmenter(), folder.samples[:1], SEGMENT_SPEC, "longitudinal")
        assert 1.5 < rows.sizes[0, 1] < 3.5  # an ellipse of 8 mm², twice as long as thick

    def test_a_mask_of_another_size_is_named(self, folder: DataFolder, tmp_path: Path) -> None:
        cv2.imwrite(str(tmp_path / "small.png"), np.ones((30, 38), np.uint8))
        with pytest.raises(DataError, match=r"small\.png: 38 x 30, its image 380 x 300"):
            mask_rows(
                segmenter(), [replace(folder.samples[0], mask_path=tmp_path / "small.png")], SEGMENT_SPEC, "transverse"
            )


class TestGrades:
    def test_one_answer_a_wrist(self, folder: DataFolder) -> None:
        grader = int8_predictor(open_model(tiny_tflite.grader(GRADE_SPEC.width, CUTS)))
        rows = grade_rows(grader, folder.samples, GRADE_SPEC)
        assert rows.probabilities.shape == (8, 4) and rows.predicted.tolist() == rows.truth.tolist() == [0, 1, 2, 3] * 2
        assert rows.files[1] == "2.png"
        unsure = grade_rows(grader, folder.samples, GRADE_SPEC, temperature=100.0)
        assert unsure.probabilities.max() < rows.probabilities.max()

    def test_the_cascade_says_why_it_gives_no_grade(self, tiny_bundle, folder: DataFolder) -> None:
        samples = [*folder.samples[:6], replace(folder.samples[6], spacing=UNKNOWN_SPACING)]
        (clips,) = cascade_clips([Pipeline(tiny_bundle, Options(), stream=False)], samples)
        rows = cascade_rows(samples, clips)
        assert rows.predicted.tolist() == [0, 1, 2, -1]
        assert rows.reasons == ("", "", "", "no spacing")
        measured = measured_sizes(samples, clips, "transverse").sizes
        assert measured[:3] == pytest.approx(AREAS_MM2[:3], rel=0.05) and math.isnan(measured[3])
        assert true_sizes(samples[:6], "transverse").sizes == pytest.approx(AREAS_MM2[:3], rel=0.02)


class TestWorst:
    def test_the_worst_masks_come_first(self, folder: DataFolder) -> None:
        samples = [*folder.samples[:4], replace(folder.samples[4], mask_path=folder.samples[6].mask_path)]
        network = Network("tiny", segmenter(), SEGMENT_SPEC)
        cases = worst_masks(network, samples, mask_rows(network.predict, samples, SEGMENT_SPEC, "transverse"))
        assert len(cases) == 5 and cases[0].told.startswith("4.png: DSC 0.")
        assert cases[0].truth.any() and cases[0].answer.any() and not np.array_equal(cases[0].truth, cases[0].answer)

    def test_wrong_wrists_by_how_far_off(self, tiny_bundle, folder: DataFolder) -> None:
        said = {0: "moderate", 2: "mild", 4: "normal"}
        samples = [replace(folder.samples[n], grade=grade) for n, grade in said.items()]
        samples.append(replace(folder.samples[6], spacing=UNKNOWN_SPACING))
        pipeline = Pipeline(tiny_bundle, Options(), stream=False)
        (clips,) = cascade_clips([pipeline], samples)
        cases = worst_wrists(pipeline, samples, cascade_rows(samples, clips))
        assert {case.told.partition(":")[0] for case in cases[:2]} == {"0.png", "4.png"}
        assert cases[2].told == "6.png: true severe, no grade: no spacing"
        assert len(cases) == 3 and cases[0].truth is not None and cases[0].picture.shape == cases[0].truth.shape
