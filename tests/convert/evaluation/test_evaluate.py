"""The record of an evaluation, with models whose answers can be worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from convert.data.dataset import DataFolder
from convert.data.subjects import subject_mark
from convert.errors import DataError, ModelError
from convert.evaluation.evaluate import evaluate
from convert.evaluation.record import as_json, as_text
from convert.evaluation.sides import Side, float_side, int8_side, read_float
from edge.errors import UsageError
from tests.conftest import CUTS, GRADE_SPEC, SEGMENT_SPEC
from tests.convert.scans import float_grader, float_segmenter, row, write

FRAMES = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    return write(tmp_path_factory.mktemp("evaluate") / "labelled", [row(n) for n in range(FRAMES)])


def floats(path: Path, bundle=None, *models: bytes) -> list:
    files = []
    for number, model in enumerate(models or (float_segmenter(), float_grader())):
        (path / f"{number}.tflite").write_bytes(model)
        files.append(read_float(path / f"{number}.tflite", bundle=bundle))
    return files


def test_every_section_in_both_columns(tiny_bundle, folder: DataFolder, tmp_path: Path) -> None:
    sides = {"int8": int8_side(tiny_bundle), "float": float_side(floats(tmp_path, tiny_bundle), tiny_bundle)}
    record = evaluate(folder, "transverse", sides).record
    found = json.loads(as_json(record))
    assert (found["n_images"], found["n_subjects"]) == (FRAMES, FRAMES // 2)
    assert found["counts"]["grade"] == {"images": FRAMES, "subjects": FRAMES // 2, "wrists": FRAMES // 2}
    for section in ("segment", "grade", "cascade"):
        assert list(found[section]) == ["int8", "float"]
        for figures in found[section].values():
            assert all(set(figure) == {"value", "ci95"} and len(figure["ci95"]) == 2 for figure in figures.values())
    assert list(found["size"]) == ["true", "int8", "float"]
    assert found["segment"]["int8"]["dsc"]["value"] > 0.95
    assert found["segment"]["int8"]["csa_error_mm2"]["value"] < 1.0
    for section in ("grade", "cascade"):
        assert found[section]["int8"]["accuracy"] == {"value": 1.0, "ci95": [1.0, 1.0]}
        assert found["confusion"][section]["float"] == [
            [2, 0, 0, 0, 0],
            [0, 2, 0, 0, 0],
            [0, 0, 2, 0, 0],
            [0, 0, 0, 2, 0],
        ]
    assert found["size"]["true"]["mann_whitney_p"]["ci95"] is None
    assert found["models"]["int8"][1:] == ["tiny", "tiny"]
    assert "simulated" in found["disclaimer"] and found["ungradable"] == {"int8": {}, "float": {}}
    assert "cascade: the whole bundle" in as_text(record)


def test_float_stands_beside_only_what_was_given(tiny_bundle, folder: DataFolder, tmp_path: Path) -> None:
    side = float_side(floats(tmp_path, tiny_bundle, float_grader()), tiny_bundle)
    record = evaluate(folder, "transverse", {"int8": int8_side(tiny_bundle), "float": side}).record
    assert list(record.grade) == ["int8", "float"]
    assert list(record.segment) == list(record.cascade) == ["int8"]


def test_masks_alone_are_segmented_and_grades_alone_go_through_the_cascade(tiny_bundle, folder: DataFolder) -> None:
    ungraded = DataFolder(folder.path, tuple(replace(s, grade=None) for s in folder), True)
    record = evaluate(ungraded, "transverse", {"int8": int8_side(tiny_bundle)}).record
    assert record.segment and not (record.grade or record.cascade or record.size)
    assert record.notes == (f"{FRAMES} of {FRAMES} frames have no grade: left out of the grading",)
    unmasked = DataFolder(folder.path, tuple(replace(s, mask_path=None) for s in folder), True)
    record = evaluate(unmasked, "transverse", {"int8": int8_side(tiny_bundle)}).record
    assert record.cascade["int8"]["accuracy"].value == 1.0 and list(record.size) == ["int8"]
    assert not (record.segment or record.grade)


def test_a_bundle_that_only_measures_gives_sizes(measuring_bundle, folder: DataFolder) -> None:
    record = evaluate(folder, "transverse", {"int8": int8_side(measuring_bundle)}).record
    assert record.segment and not (record.grade or record.cascade)
    assert record.size["int8"]["auc"].value == 1.0


def test_folds_give_mean_and_sd(folder: DataFolder, tmp_path: Path) -> None:
    files = []
    for name, cuts in (("fold1", CUTS), ("fold2", (*CUTS[:2], 250.0))):
        (tmp_path / f"{name}.tflite").write_bytes(float_grader(cuts))
        files.append(read_float(tmp_path / f"{name}.tflite", GRADE_SPEC.mm_per_px, [subject_mark("S0"), "elsewhere"]))
    record = evaluate(folder, "transverse", {"float": float_side(files)}).record
    accuracy = record.grade["float"]["accuracy"]
    assert (accuracy.value, accuracy.sd) == pytest.approx((0.875, 0.1767767))
    assert record.notes[0] == "fold1.tflite was trained on 1 of the 8 subjects: its figures flatter"
    assert "±" in as_text(record)


def test_against_another(tiny_bundle, folder: DataFolder) -> None:
    other = int8_side(tiny_bundle, "darkness")
    record = evaluate(folder, "transverse", {"int8": int8_side(tiny_bundle)}, ("dark", other)).record
    against = record.against
    assert against.difference["segment"]["dsc"].value == 0.0
    assert against.difference["grade"]["accuracy"].value == pytest.approx(0.75)
    test = against.delong["grade"]
    assert (test.auc, test.auc_against) == (record.grade["int8"]["auc"].value, against.grade["auc"].value)
    assert "DeLong, grade" in as_text(record)


@pytest.mark.parametrize(
    ("lacks", "told"),
    [
        ({"grade": None, "mask_path": None}, "no frame has a mask .* and no frame has a grade"),
        ({"grade": None}, None),
    ],
)
def test_nothing_to_evaluate_is_one_line(tiny_bundle, folder: DataFolder, lacks: dict, told: str | None) -> None:
    bare = DataFolder(folder.path, tuple(replace(s, **lacks) for s in folder), True)
    graders_alone = replace(int8_side(tiny_bundle), segmenters=(), cascade=None)
    side = graders_alone if told is None else int8_side(tiny_bundle)
    with pytest.raises(DataError, match=told or "nothing to evaluate: no frame has a grade to") as caught:
        evaluate(bare, "transverse", {"int8": side})
    assert "\n" not in str(caught.value)


def test_a_grader_alone_needs_masks_to_crop_about(tiny_bundle, folder: DataFolder) -> None:
    unmasked = DataFolder(folder.path, tuple(replace(s, mask_path=None) for s in folder), True)
    with pytest.raises(DataError, match="no graded frame has a mask of a nerve"):
        evaluate(unmasked, "transverse", {"int8": Side(graders=int8_side(tiny_bundle).graders)})


def test_another_view_is_one_line(tiny_bundle, folder: DataFolder) -> None:
    with pytest.raises(DataError, match="holds no longitudinal frame"):
        evaluate(folder, "longitudinal", {"int8": int8_side(tiny_bundle)})


def test_a_float_model_must_be_the_bundles_own(tiny_bundle, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(float_segmenter())
    other_scale = read_float(tmp_path / "m.tflite", 0.1)
    with pytest.raises(ModelError, match=r"192 x 192 at 0\.1 mm, the bundle's tiny 192 x 192 at 0\.2 mm"):
        float_side([other_scale], tiny_bundle)
    other_network = read_float(tmp_path / "m.tflite", SEGMENT_SPEC.mm_per_px, (), "sa_unet")
    with pytest.raises(ModelError, match="is a sa_unet, the bundle's is tiny"):
        float_side([other_network], tiny_bundle)
    with pytest.raises(ModelError, match=r"no m\.train\.json beside it"):
        read_float(tmp_path / "m.tflite")


def test_a_grader_that_is_not_there_is_named(tiny_bundle) -> None:
    with pytest.raises(UsageError, match="has no grader 'nosuch': it has brightness, darkness"):
        int8_side(tiny_bundle, "nosuch")
