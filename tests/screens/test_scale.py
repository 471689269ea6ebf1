"""What is a millimetre, and what is black? Range, rulers, depth and profiles."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.phantom.ruler import RulerStyle
from convert.phantom.screen import CONSOLES, Display, Screen, finest_scale
from edge.cli import main
from edge.findings import Reason
from edge.pipeline import Options, Pipeline
from edge.report import FrameReport
from tests.screens.shown import (
    FPS,
    SIZE,
    first,
    frames,
    looped,
    parts,
    play,
    reasons,
    shown,
    wrist,
    write_video,
)


@pytest.mark.parametrize("is_stream", [False, True], ids=["still", "stream"])
@pytest.mark.parametrize("console", CONSOLES)
def test_limited_range_gives_the_same_grade_and_area(transverse, console, is_stream):
    full = [shown(wrist(console, speckle), at_s=speckle / FPS).pixels for speckle in range(2)]
    limited = [np.rint(pixels * (219 / 255) + 16).astype(np.uint8) for pixels in full]
    pipelines = [Pipeline(transverse, Options(), stream=is_stream) for _ in range(2)]
    for pair in zip(frames(full), frames(limited), strict=True):
        one, other = (pipeline(frame) for pipeline, frame in zip(pipelines, pair, strict=True))
        assert one.grade.gradable and one.grade.grade == other.grade.grade
        assert other.nerve.csa_mm2 == pytest.approx(one.nerve.csa_mm2, rel=0.01)
        apart = np.abs(one.scan.pixels.astype(np.int16) - other.scan.pixels)
        if CONSOLES[console].background == (
            0,
            0,
            0,
        ):  # without black on the screen the range is not known to be limited
            assert np.percentile(apart, 99) <= 1  # corrected, and once


class TestScale:
    @pytest.mark.parametrize("console", CONSOLES)
    def test_ruler_on_the_screen_measures_as_the_true_spacing_does(self, examined, console, tmp_path):
        screen = shown(wrist(console))
        path = tmp_path / "screen.png"
        cv2.imwrite(str(path), screen.pixels)
        report, told = examined("grade", path)
        (read,) = report.frames
        assert read.spacing.provenance == "ruler" and read.spacing.mm_per_px == pytest.approx(
            screen.mm_per_px, rel=0.01
        )
        bare = shown(wrist(console), rulers=(), depth=None)
        cv2.imwrite(str(path), bare.pixels)
        (stated,) = examined("grade", path, "--spacing-mm", f"{bare.mm_per_px:.9f}")[0].frames
        assert stated.spacing.provenance == "manual"
        assert read.grade == stated.grade != "UNGRADABLE"
        assert read.nerve.csa_mm2 == pytest.approx(stated.nerve.csa_mm2, rel=0.03)
        assert 0 < read.nerve.csa_uncertainty_mm2 < 0.05 * read.nerve.csa_mm2 and "±" in told
        (nobody,) = examined("grade", path)[0].frames
        assert nobody.reason is Reason.NO_SPACING and nobody.nerve.csa_mm2 is None

    def test_wrong_word_on_the_spacing_is_a_conflict_with_both_numbers(self, examined, tmp_path):
        screen = shown(wrist())
        cv2.imwrite(str(tmp_path / "screen.png"), screen.pixels)
        wrong = 1.1 * screen.mm_per_px
        report, told = examined("grade", tmp_path / "screen.png", "--spacing-mm", f"{wrong:.6f}")
        (frame,) = report.frames
        assert frame.reason is Reason.SPACING_CONFLICT and frame.grade == "UNGRADABLE" and frame.nerve is None
        for text in (frame.conflict, told):
            assert f"ruler says {screen.mm_per_px:.3g}" in text and f"manual says {wrong:.3g}" in text

    @pytest.mark.parametrize("zoom", [1.08, pytest.param(1.25, marks=pytest.mark.slow)])
    @pytest.mark.parametrize(
        ("console", "ruler"),
        [
            ("console-a", RulerStyle("left")),
            ("handheld-d", RulerStyle("right", (10.0,))),
            ("console-e", RulerStyle("bottom", marks="dots")),
        ],
        ids=["left", "right", "bottom"],
    )
    def test_another_depth_in_mid_stream_never_leaves_the_old_scale(self, stream, console, ruler, zoom):
        """The new picture has the very box of the old one; the ruler alone tells, and no depth in words."""
        finest = [
            finest_scale(wrist(console, 0, 36.0, scale), Display(*SIZE, console)) / scale for scale in (1.0, zoom)
        ]
        truths = [1.03 * max(finest) * scale for scale in (1.0, zoom)]
        near, far = (
            [
                shown(wrist(console, speckle, 36.0, scale), mm_per_px=truth, rulers=(ruler,), depth=None)
                for speckle in range(3)
            ]
            for scale, truth in zip((1.0, zoom), truths, strict=True)
        )
        assert abs(near[0].roi.width - far[0].roi.width) <= 2 and abs(near[0].roi.height - far[0].roi.height) <= 2
        pictures = [screen.pixels for screens in (near, far) for screen in looped(screens, 1.2)]
        before, after = parts(play(stream, pictures), 1.2)
        assert reasons(before) == {None}
        assert first(after, lambda each: each.grade.gradable) <= 1.0
        for seen, truth in ((before, truths[0]), (after, truths[1])):
            said = {each.scan.spacing.mm_per_px for each in seen if each.scan} - {None}
            assert said and max(abs(mm_per_px / truth - 1) for mm_per_px in said) < 0.02


UNLABELLED = {"rulers": (RulerStyle("left", (5.0, 10.0), label_mm=None),), "depth": None}


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    screens = [shown(wrist("console-a", speckle), at_s=speckle, **UNLABELLED) for speckle in range(4)]
    folder = tmp_path_factory.mktemp("taught")
    clip = write_video(folder / "clip.mp4", looped([screen.pixels for screen in screens], 1.0))
    spacing = f"{screens[0].mm_per_px:.6f}"
    words = ["screen", "learn", "--source", clip, "--out", folder / "p.toml", "--spacing-mm", spacing]
    assert main([str(word) for word in words]) == 0
    return folder / "p.toml"


class TestProfile:
    """Of a ruler without a number, whose scale a person states once."""

    def graded(self, examined, screen: Screen, profile: Path | None, folder: Path) -> FrameReport:
        cv2.imwrite(str(folder / "screen.png"), screen.pixels)
        taught = ("--profile", profile) if profile else ()
        (frame,) = examined("grade", folder / "screen.png", *taught)[0].frames
        return frame

    def test_grades_its_machine_at_the_taught_scale(self, examined, taught, tmp_path):
        screen = shown(wrist("console-a", 7), at_s=99.0, **UNLABELLED)
        assert self.graded(examined, screen, None, tmp_path).reason is Reason.NO_SPACING
        frame = self.graded(examined, screen, taught, tmp_path)
        assert frame.reason is None and frame.spacing.provenance == "profile"
        assert frame.spacing.mm_per_px == pytest.approx(screen.mm_per_px, rel=0.005)
        assert frame.nerve.csa_uncertainty_mm2 > 0

    @pytest.mark.parametrize("console", ["console-b", "portable-c", "handheld-d", "console-e"])
    def test_knows_another_machine(self, examined, taught, console, tmp_path):
        screen = shown(wrist(console), **UNLABELLED)
        assert self.graded(examined, screen, taught, tmp_path).reason is Reason.NOT_THE_PROFILE

    def test_has_no_scale_at_another_depth(self, examined, taught, tmp_path):
        taught_at = shown(wrist("console-a"), **UNLABELLED).mm_per_px
        deeper = shown(wrist("console-a"), mm_per_px=1.15 * taught_at, **UNLABELLED)
        frame = self.graded(examined, deeper, taught, tmp_path)
        assert frame.reason in {Reason.NO_SPACING, Reason.NOT_THE_PROFILE} and frame.spacing.mm_per_px is None
