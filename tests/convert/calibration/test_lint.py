"""The calibration lint: frames that ship pass, and every way to spoil them is told by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.calibration.frames import calibration_set
from convert.calibration.lint import RULE_NAMES, Lint, as_json, as_text, lint
from convert.calibration.near_duplicates import first_alike, thumbnail
from convert.calibration.rules import Finding
from convert.data.dataset import read_data_folder
from convert.data.picture_file import fault_of, read_raw
from convert.data.samples import input_spec
from convert.errors import DataError
from convert.models import architecture
from convert.readers.preprocessing import Preprocessing
from edge.errors import UsageError
from edge.frame import Pixels
from tests.convert import calibration_frames as frames

IMAGENET = Preprocessing("bgr", 255.0, (104.0, 117.0, 123.0))


def judged(path: Path, task: str = "segment", **options: Any) -> Lint:
    """The lint of a folder for a reference network."""
    folder, record = read_data_folder(path), frames.record(task)
    calibration = calibration_set(folder, record.task, "transverse", input_spec(architecture(record.arch)))
    return lint(folder, calibration, record=record, progress=False, **options)


def finding(found: Lint, rule: str) -> Finding:
    (one,) = (f for f in found.findings if f.rule == rule)
    return one


RNG = np.random.default_rng(0)


def white_noise(picture: Pixels) -> Pixels:
    return RNG.integers(0, 256, picture.shape, np.uint8)


def soft_noise(picture: Pixels) -> Pixels:
    return cv2.GaussianBlur(white_noise(picture), (0, 0), 1.5)


@pytest.mark.parametrize(("task", "count"), [("segment", 130), ("grade", 90)])
def test_the_frames_that_ship_pass_without_a_warning(task: str, count: int) -> None:
    found = judged(frames.SHIPPED, task)
    assert found.passed and (found.frames, found.subjects) == (count, count)
    assert {f.rule: f.level for f in found.findings} == dict.fromkeys(RULE_NAMES, "ok") | {"leakage": "unknown"}


@pytest.mark.parametrize(
    ("change", "suffix", "fails", "told"),
    [
        (lambda p: p, ".png", (), "fit to calibrate with"),
        (lambda p: np.stack([p] * 3, axis=2), ".npy", (), "fit to calibrate with"),
        (white_noise, ".png", ("texture", "statistics"), "noise, no tissue: 000.png, 001.png, 002.png and 13"),
        (soft_noise, ".png", ("texture", "statistics"), "noise, no tissue"),
        (lambda p: p // 128, ".png", ("range", "statistics"), "the scale is 0..1, the device feeds 0..255"),
        (lambda p: p / np.float32(255), ".npy", ("layout", "range"), "float32 pixels, scale 0..1: multiply by 255"),
        (lambda p: p / 128.0 - 1, ".npy", ("layout",), "bring them to 0..255 and save as uint8"),
        (lambda p: np.stack([p] * 3), ".npy", ("layout",), "channel-first (3, 220, 320): transpose it"),
        (lambda p: p.astype(np.uint16) * 256, ".png", ("layout",), "uint16 pixels: export it with 8 bits"),
        (lambda p: 255 - p, ".png", ("polarity", "statistics"), "the grey levels are inverted"),
        (lambda p: (p * 0.3).astype(np.uint8), ".png", ("statistics",), "SD off"),
        (lambda p: np.full_like(p, 60), ".png", ("range", "texture", "statistics"), "one grey level all over: 000.png"),
    ],
    ids=["as is", "RGB array", "noise", "soft noise", "0..1", "float 0..1", "float -1..1", "channel first", "16 bit",
         "inverted", "dark", "constant"],
)  # fmt: skip
def test_spoilt_pixels_are_told_by_name(tmp_path: Path, change: Any, suffix: str, fails: Any, told: str) -> None:
    found = judged(frames.write(tmp_path / "set", change, suffix=suffix))
    assert found.failed == fails
    assert told in as_text(found)


@pytest.mark.parametrize("suffix", [".png", ".npy"])
def test_one_unreadable_file_is_a_finding_and_the_rest_is_judged(tmp_path: Path, suffix: str) -> None:
    path = frames.write(tmp_path / "set", suffix=suffix)
    (path / "images" / f"003{suffix}").write_bytes(b"neither this nor that")
    found = judged(path)
    assert found.failed == ("layout",) and "003" in finding(found, "layout").detail
    assert finding(found, "statistics").level == "ok"


def test_video_range_is_a_warning(tmp_path: Path) -> None:
    found = judged(frames.write(tmp_path / "set", lambda p: (16 + p * (219 / 255)).astype(np.uint8)))
    assert found.passed and finding(found, "range").level == "warning"
    assert "16..235" in finding(found, "range").detail


def test_one_subject_few_frames_and_copies_fail(tmp_path: Path) -> None:
    same = [{**row, "subject": "A"} for row in frames.rows()]
    assert judged(frames.write(tmp_path / "one subject", table=same)).failed == ("subjects",)
    few = judged(frames.write(tmp_path / "few", table=frames.rows(7)))
    assert few.failed == ("frames",) and finding(few, "subjects").level == "warning"

    rng = np.random.default_rng(2)

    def copy(picture: Pixels) -> Pixels:
        changed = picture * rng.uniform(0.8, 1.1) + rng.normal(0, 3, picture.shape)
        return changed.clip(0, 255).astype(np.uint8)

    copies = judged(frames.write(tmp_path / "copies", copy, table=frames.rows(2) * 12))
    assert "duplicates" in copies.failed
    assert "2 of 24 frames distinct; near copies: 002.png = 000.png" in finding(copies, "duplicates").detail


class TestChannelOrder:
    def coloured(self, path: Path, tint: tuple[float, float, float], suffix: str = ".npy") -> Lint:
        """Frames tinted red, green, blue as an array holds them, judged for a model of ImageNet's colours."""
        write = frames.write(path, lambda p: (p[..., None] * np.array(tint)).astype(np.uint8), suffix=suffix)
        folder = read_data_folder(write)
        return lint(folder, None, record=None, task="classify", preprocessing=IMAGENET, progress=False)

    def test_bgr_for_rgb_is_told_by_name(self, tmp_path: Path) -> None:
        right = self.coloured(tmp_path / "right", (1.0, 0.85, 0.7))
        assert right.passed and finding(right, "channel-order").level == "ok"
        swapped = self.coloured(tmp_path / "swapped", (0.7, 0.85, 1.0))
        assert swapped.failed == ("channel-order",)
        assert "BGR for RGB: 000.npy" in finding(swapped, "channel-order").detail

    def test_a_picture_is_read_in_its_own_order(self, tmp_path: Path) -> None:
        assert self.coloured(tmp_path / "a", (0.7, 0.85, 1.0), ".png").passed  # OpenCV writes BGR: red is the last

    def test_grey_frames_have_no_order(self, tmp_path: Path) -> None:
        assert "grey" in finding(self.coloured(tmp_path / "a", (1.0, 1.0, 1.0)), "channel-order").detail

    def test_one_number_for_every_channel_says_nothing(self, tmp_path: Path) -> None:
        folder = read_data_folder(frames.write(tmp_path / "a", lambda p: cv2.applyColorMap(p, cv2.COLORMAP_JET)))
        found = lint(folder, None, record=None, preprocessing=Preprocessing("rgb", 255.0, (127.5,)), progress=False)
        assert finding(found, "channel-order").level == "unknown"


class TestLeakage:
    def test_subjects_and_pictures_in_the_evaluation(self, tmp_path: Path) -> None:
        table = frames.rows(30)
        calibration = frames.write(tmp_path / "calibration", table=table[:16])
        for other, level in ((table[16:], "ok"), (table[15:], "fail")):
            evaluation = read_data_folder(frames.write(tmp_path / level, table=other))
            assert finding(judged(calibration, evaluation=[evaluation]), "leakage").level == level
        detail = finding(judged(calibration, evaluation=[evaluation]), "leakage").detail
        assert table[15]["subject"] in detail and "015.png" in detail

    @pytest.mark.parametrize("known_as", ["subjects", "held_out_subjects"])
    def test_whom_the_model_was_trained_on_proves_nothing(self, tmp_path: Path, known_as: str) -> None:
        table = frames.rows(30)
        calibration = read_data_folder(frames.write(tmp_path / "calibration", table=table[:16]))
        gate = read_data_folder(frames.write(tmp_path / "gate", table=table[16:]))
        trained = frames.record(**{known_as: (table[20]["subject"],)})
        found = finding(lint(calibration, None, record=trained, evaluation=[gate], progress=False), "leakage")
        assert found.level == "fail" and f"of the model's training {table[20]['subject']}" in found.detail

    def test_the_same_picture_under_another_code_and_format(self, tmp_path: Path) -> None:
        calibration = frames.write(tmp_path / "calibration")
        recoded = [{**row, "subject": f"X{at}"} for at, row in enumerate(frames.rows())]
        other = frames.write(tmp_path / "other", lambda p: np.stack([p] * 3, axis=2), table=recoded, suffix=".npy")
        found = finding(judged(calibration, evaluation=[read_data_folder(other)]), "leakage")
        assert found.level == "fail" and "pictures 000.png" in found.detail and "subjects" not in found.detail

    def test_file_names_are_no_subjects(self, tmp_path: Path) -> None:
        table = frames.rows(32)
        calibration = frames.write(tmp_path / "calibration", table=table[:16], labels=False)
        other = frames.write(tmp_path / "other", table=table[16:], labels=False)
        assert finding(judged(calibration, evaluation=[read_data_folder(other)]), "leakage").level == "ok"


class TestCoverage:
    def test_a_column_that_is_not_there_is_unknown(self, tmp_path: Path) -> None:
        bare = [{key: row[key] for key in ("file", "subject", "grade", "view")} for row in frames.rows()]
        found = judged(frames.write(tmp_path / "set", table=bare))
        assert found.passed
        for column in ("machine", "depth_mm", "gain", "level", "side"):
            assert finding(found, column).level == "unknown"

    def test_what_is_missing_is_said(self, tmp_path: Path) -> None:
        table = [
            {**row, "machine": "m1", "side": "left", "grade": "mild" if at else ""}
            for at, row in enumerate(frames.rows())
        ]
        found = judged(frames.write(tmp_path / "set", table=table))
        assert found.passed
        assert finding(found, "machine") == Finding(
            "machine", "warning", "m1 16 alone", "add frames with another machine"
        )
        assert finding(found, "side").mend == "add frames with side right"
        assert finding(found, "grade").detail == "mild 15; none in 1 of 16 frames"
        assert finding(found, "grade").mend == "add frames with grade normal, moderate, severe"

    def test_a_grader_without_grades_is_warned(self, tmp_path: Path) -> None:
        table = [{**row, "grade": ""} for row in frames.rows()]
        assert finding(judged(frames.write(tmp_path / "set", table=table), "grade"), "grade").level == "warning"


def test_without_a_model_its_rules_are_unknown(tmp_path: Path) -> None:
    found = lint(read_data_folder(frames.write(tmp_path / "set", labels=False)), None, record=None, progress=False)
    assert found.passed and found.subjects == 0
    unknown = {f.rule for f in found.findings if f.level == "unknown"}
    assert {"feeding", "statistics", "subjects", "leakage"} <= unknown


def test_frames_that_cannot_be_fed_are_a_finding(tmp_path: Path) -> None:
    found = judged(frames.write(tmp_path / "set", masks=False), "grade")
    assert found.failed == ("feeding",)
    assert "no mask of that name" in finding(found, "feeding").detail


def test_a_rule_is_waived_by_its_name(tmp_path: Path) -> None:
    path = frames.write(tmp_path / "set", lambda p: 255 - p)
    found = judged(path, waive=("statistics",))
    assert found.failed == ("polarity",) and found.waived == ("statistics",)
    assert judged(path, waive=("statistics", "polarity")).passed
    with pytest.raises(UsageError, match="no rule is called 'colour'"):
        judged(path, waive=("colour",))


def test_json_holds_the_answer_and_reads_back(tmp_path: Path) -> None:
    found = judged(frames.write(tmp_path / "set"))
    assert msgspec.json.decode(as_json(found))["passed"] is True
    assert msgspec.json.decode(as_json(found), type=Lint) == found


@given(st.data())
def test_a_broken_array_file_is_one_line(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "broken.npy"
    np.save(path, np.arange(12, dtype=np.uint8).reshape(3, 4))
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    path.write_bytes(
        data.draw(st.sampled_from([whole[:at], whole[:at] + data.draw(st.binary(max_size=4)) + whole[at:]]))
    )
    try:
        raw = read_raw(path)
    except DataError as error:
        assert "broken.npy" in str(error) and "\n" not in str(error)
    else:
        assert isinstance(raw, np.ndarray) and isinstance(fault_of(raw), str)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.floats(0.5, 1.0), st.integers(0, 60))
def test_a_copy_is_that_of_the_first_whatever_its_gain(order: list[int], gain: float, offset: int) -> None:
    pictures = [np.random.default_rng(i).integers(0, 190, (40, 50), np.uint8) for i in range(5)]
    seen = [pictures[i] if at % 2 else (pictures[i] * gain + offset).astype(np.uint8) for at, i in enumerate(order)]
    assert first_alike([thumbnail(one) for one in seen]) == [order.index(i) for i in order]
