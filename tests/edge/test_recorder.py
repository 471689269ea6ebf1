"""The calibration recorder: what stays is good, different, whole, nobody's, and a data folder of the project's form."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.calibration.lint import lint
from convert.data.dataset import read_data_folder
from edge.commands.calibration_record import COMMAND
from edge.errors import SonoEdgeError, UsageError
from edge.frame import Frame, Pixels, Roi, Scan, Spacing
from edge.manifest import Thresholds
from edge.recorder import ALIKE, COPY, OUTDONE, TEXT_LEFT, Recording, Settings, Spread, new_code, record, thumbnail
from edge.screen.read import ScreenReader
from edge.screen.text import read_text
from tests.edge.test_screen_marks import FONTS, PHANTOMS, ink, painted, tissue
from tests.pictures import CENTRED, wrist

ROI = Roi(0, 0, 380, 300)
FIT = Thresholds(min_axial_sharpness=0.0, min_lateral_sharpness=0.0, min_echoes=0.0, min_brightness=0.0)


class Stills:
    """Pictures as a source; an exception among them is raised in its turn."""

    stream = False

    def __init__(self, *pictures: Pixels | None | BaseException) -> None:
        self._pictures = pictures

    def __len__(self) -> int:
        return len(self._pictures)

    def __iter__(self) -> Iterator[Frame]:
        for index, picture in enumerate(self._pictures):
            if isinstance(picture, BaseException):
                raise picture
            yield Frame(picture, index, index, name=f"SMITH-{index}.png")

    def close(self) -> None:
        """Nothing is open."""


def phantom(number: int) -> Pixels:
    return cv2.imread(str(PHANTOMS[number]), cv2.IMREAD_GRAYSCALE)


def scan(pixels: Pixels, mm_per_px: float = 0.1) -> Scan:
    return Scan(pixels, Spacing(mm_per_px, "ruler", 0.01), Roi(0, 0, *pixels.shape[::-1]))


def recording(folder: Path, count: int = 20, subject: str = "S01", **settings: str) -> Recording:
    return Recording(folder, Settings(subject, **settings), count, "/home/clinic/SMITH JOHN 1957/sweep.mp4")


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(newline="") as table:
        return list(csv.DictReader(table))


def test_spread_keeps_what_lies_far_apart():
    """Ten pictures in crowds of forty: one of each crowd stays, whatever the order."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(10, 1024))
    stream = [(at, centres[at] + 0.25 * rng.normal(size=1024)) for at in np.repeat(np.arange(10), 40)]
    for order in (np.arange(400), rng.permutation(400)):
        spread, kept = Spread(10), {}
        for number in order:
            crowd, values = stream[number]
            small = ((values - values.mean()) / np.linalg.norm(values - values.mean())).astype(np.float32)
            place = spread.place_for(small)
            if isinstance(place, int):
                spread.put(place, small)
                kept[place] = crowd
        assert sorted(kept.values()) == list(range(10))


def test_spread_refuses_copies_and_what_is_outdone():
    spread = Spread(2)
    one, other = thumbnail(phantom(0)), thumbnail(phantom(100))
    for small in (one, other):
        place = spread.place_for(small)
        assert isinstance(place, int)
        spread.put(place, small)
    noisy = np.clip(phantom(0) * 0.8 + np.random.default_rng(1).normal(12, 3, phantom(0).shape), 0, 255)
    assert float(thumbnail(noisy.astype(np.uint8)) @ one) > ALIKE
    assert spread.place_for(thumbnail(noisy.astype(np.uint8))) == COPY
    between = one + other
    between /= np.linalg.norm(between)
    assert spread.place_for(between.astype(np.float32)) == OUTDONE


def test_flat_pictures_are_no_trouble():
    assert not thumbnail(np.full((64, 64), 7, np.uint8)).any()


def test_recording_is_a_data_folder(tmp_path: Path):
    made = recording(tmp_path / "r", view="transverse", side="left", level="DWC+1", machine="logiq-e9", gain="62")
    for index in range(6):
        made.offer(Frame(None, 0, index), scan(phantom(20 * index), 0.125))
    made.close()
    folder = read_data_folder(tmp_path / "r")
    assert len(folder) == 6
    assert folder.subjects == ("S01",)
    for index, sample in enumerate(folder):
        assert np.array_equal(sample.image(), phantom(20 * index))
        assert (sample.view, sample.grade) == ("transverse", None)
        assert sample.spacing.mm_per_px == 0.125
        depth = f"{0.125 * phantom(20 * index).shape[0]:.1f}"
        assert sample.settings == {
            "side": "left", "level": "DWC+1", "machine": "logiq-e9", "depth_mm": depth, "gain": "62"
        }  # fmt: skip
    rules = {finding.rule: finding for finding in lint(folder, None, record=None, evaluation=[]).findings}
    assert rules["layout"].level == "ok"
    assert rules["duplicates"].level == "ok"


def test_a_replaced_picture_leaves_no_file(tmp_path: Path):
    made = recording(tmp_path, count=3)
    for index in range(30):
        made.offer(Frame(None, 0, index), scan(phantom(index)))
    made.close()
    files = sorted(path.name for path in (tmp_path / "images").iterdir())
    assert files == [row["file"] for row in rows(tmp_path)]
    assert len(files) == 3
    assert made.refused[OUTDONE] + made.refused[COPY] == 27


def test_second_recording_adds_and_keeps_what_was_filled_in(tmp_path: Path):
    first = recording(tmp_path)
    first.offer(Frame(None, 0, 0), scan(phantom(0)))
    first.close()
    labels = tmp_path / "labels.csv"
    labels.write_text(labels.read_text().replace("S01,,", "S01,mild,"))
    second = recording(tmp_path, subject="S02")
    second.offer(Frame(None, 0, 0), scan(phantom(50)))
    second.close()
    assert [(row["subject"], row["grade"]) for row in rows(tmp_path)] == [("S01", "mild"), ("S02", "")]
    provenance = json.loads((tmp_path / "recording.json").read_text())
    assert [one["subject"] for one in provenance["recordings"]] == ["S01", "S02"]
    assert len(read_data_folder(tmp_path)) == 2


def test_folder_of_something_else_is_refused_and_stays(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="name a new folder"):
        recording(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(UsageError, match="no folder"):
        recording(tmp_path / "thesis.txt")


@pytest.mark.parametrize("subject", ["", "Smith John", "MÜLLER", "../../etc", "a/b", "x" * 33, "-rf"])
def test_subject_is_a_code(subject: str):
    with pytest.raises(UsageError, match="subject") as refused:
        Settings(subject)
    assert "\n" not in str(refused.value)


def test_made_up_codes_are_codes():
    codes = {new_code() for _ in range(20)}
    assert len(codes) > 15
    assert all(Settings(code) for code in codes)


def test_frames_are_counted_by_why_they_were_refused(tmp_path: Path):
    black, flat = np.zeros((300, 380), np.uint8), np.full((300, 380), 90, np.uint8)
    source = Stills(wrist(CENTRED, seed=1), black, None, flat, wrist(CENTRED, seed=1))
    made = recording(tmp_path)
    record(source, ScreenReader(stream=False, roi=ROI), FIT, made)
    made.close()
    assert made.seen == 5
    assert len(made) == 1
    assert sum(made.refused.values()) == 4
    assert made.refused[COPY] == 1
    provenance = json.loads((tmp_path / "recording.json").read_text())["recordings"][0]
    assert provenance["refused"] == dict(made.refused)
    assert provenance["source"] == "sweep.mp4"


def test_text_that_was_not_painted_over_is_not_written(tmp_path: Path):
    """A name typed after the layout was read: the scan still shows it."""
    made = recording(tmp_path)
    drawn = ink((480, 640), "SMITH John", 18, (0.5, 0.5), FONTS[0])
    made.offer(Frame(None, 0, 0), scan(painted(tissue(1), drawn, 230)))
    assert made.refused[TEXT_LEFT] == 1
    assert not list((tmp_path / "images").iterdir())
    made.offer(Frame(None, 0, 1), scan(tissue(1)))
    assert len(made) == 1


def test_nothing_written_can_be_read_as_text(tmp_path: Path):
    roi = Roi(160, 120, 640, 480)
    screens = []
    for seed in range(6):
        screen = np.full((720, 960), 40, np.uint8)
        cv2.putText(screen, "PATIENT: SMITH JOHN 12.03.1957", (30, 60), FONTS[0], 0.8, 255, 2, cv2.LINE_AA)
        drawn = ink((480, 640), "MUELLER, ANNA", 14 + seed, (seed / 6, 0.8), FONTS[seed % 4])
        roi.of(screen)[:] = painted(tissue(seed), drawn, 240)
        screens.append(screen)
    made = recording(tmp_path)
    record(Stills(*screens), ScreenReader(stream=False, roi=roi), FIT, made)
    made.close()
    assert len(made) >= 3
    for path in (tmp_path / "images").iterdir():
        picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
        assert picture.shape == (480, 640)
        assert not [line for line in read_text(picture) if sum(glyph.isalnum() for glyph in line.text) >= 2]
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"SMITH" not in written  # not of the frames' names, nor of the source's folder
    assert b"clinic" not in written


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    COMMAND.add_arguments(parser)
    return COMMAND.run(parser.parse_args(words))


def folder_of(path: Path, *pictures: Pixels) -> Path:
    path.mkdir()
    for number, picture in enumerate(pictures):
        cv2.imwrite(str(path / f"{number}.png"), picture)
    return path


def test_command_records_and_says_what(tmp_path: Path, capsys):
    source = folder_of(tmp_path / "in", phantom(0), phantom(40), np.zeros((173, 320), np.uint8))
    out = tmp_path / "out"
    assert run("--source", str(source), str(out), "--spacing-mm", "0.12", "--view", "transverse") == 0
    said = capsys.readouterr().out
    assert "2 kept of 3; 1 black screen" in said
    assert [row["spacing_mm"] for row in rows(out)] == ["0.12", "0.12"]
    assert rows(out)[0]["subject"].startswith("R-")


def test_nothing_kept_is_exit_1_with_the_reasons(tmp_path: Path, capsys):
    source = folder_of(tmp_path / "in", *[np.zeros((300, 380), np.uint8)] * 3)
    assert run("--source", str(source), str(tmp_path / "out")) == 1
    assert "0 kept of 3; 3 black screen" in capsys.readouterr().out


def test_ctrl_c_keeps_what_is_whole(tmp_path: Path, monkeypatch, capsys):
    source = Stills(phantom(0), phantom(40), KeyboardInterrupt(), phantom(80))
    monkeypatch.setattr("edge.sources.open_source", lambda address: source)
    assert run("--source", "device:0", str(tmp_path / "out")) == 0
    assert "2 kept of 2" in capsys.readouterr().out
    assert len(read_data_folder(tmp_path / "out")) == 2


def test_source_that_fails_midway_keeps_what_is_whole(tmp_path: Path, monkeypatch):
    source = Stills(phantom(0), SonoEdgeError("device: unplugged: plug it in"))
    monkeypatch.setattr("edge.sources.open_source", lambda address: source)
    with pytest.raises(SonoEdgeError, match="unplugged"):
        run("--source", "device:0", str(tmp_path / "out"))
    assert len(read_data_folder(tmp_path / "out")) == 1
