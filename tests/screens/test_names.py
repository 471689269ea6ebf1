"""Whose is it? Of what stands beside the picture, or in it, nothing legible is written."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.findings import Reason
from edge.frame import Pixels, Roi
from edge.overlay import PANEL_PX
from edge.screen.text import read_text
from edge.sources import open_source
from tests.screens.shown import (
    BK,
    BK_ANONYMIZED,
    FPS,
    SIZE,
    VLCUS,
    living,
    needs_shared,
    shown,
    wrist,
    write_video,
)


def written(folder: Path) -> dict[int, Pixels]:
    """Every file that `--overlays` left, by its frame: the scan, above the panel with our own words."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {int(path.name[:5]): cv2.imread(str(path), cv2.IMREAD_COLOR)[:-PANEL_PX] for path in files}


def legible(original: Pixels, copy: Pixels) -> float:
    """How much of the strokes in `original` a picture shows that may be enlarged: 1 all of them, 0 none."""
    copy = cv2.resize(copy, original.shape[1::-1], interpolation=cv2.INTER_AREA)
    greys = [each if each.ndim == 2 else cv2.cvtColor(each, cv2.COLOR_BGR2GRAY) for each in (original, copy)]
    strokes = [grey.astype(np.float32) - cv2.blur(grey.astype(np.float32), (15, 15)) for grey in greys]
    return float((strokes[0] * strokes[1]).sum() / np.square(strokes[0]).sum())


def words(picture: Pixels) -> list[str]:
    grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return [line.text for line in read_text(grey) if sum(glyph.isalnum() for glyph in line.text) > 1]


@needs_shared
class TestNames:
    """Wires in water: nearly black, so that no box is found; and boxes of a user's that include the patient's lines."""

    @pytest.mark.parametrize("recording", [BK, BK_ANONYMIZED, VLCUS], ids=["bk", "bk-after", "vlcus"])
    def test_nothing_is_written_of_a_screen_on_which_no_picture_is_found(self, examined, recording, tmp_path):
        report, _ = examined("run", "--source", recording, "--frames", 30, "--overlays", tmp_path / "o")
        assert {(frame.roi, frame.reason) for frame in report.frames} == {(None, Reason.MENU)}
        assert not written(tmp_path / "o")

    @pytest.mark.parametrize(
        ("recording", "box", "line", "least", "most"),
        [
            (VLCUS, Roi(0, 0, 640, 480), Roi(20, 0, 610, 32), 1, 30),  # painted over, and written
            (VLCUS, Roi(60, 2, 560, 440), Roi(60, 2, 560, 30), 1, 30),  # through the middle of a word
            (BK, Roi(0, 0, 640, 480), Roi(48, 26, 216, 22), 0, 6),  # in doubt, withheld
            (BK, Roi(40, 20, 300, 100), Roi(48, 26, 216, 22), 0, 6),
            (BK_ANONYMIZED, Roi(40, 20, 300, 100), Roi(48, 26, 216, 22), 6, 6),  # nothing to hide: written
        ],
        ids=["vlcus", "vlcus-cut", "bk", "bk-name", "bk-after"],
    )
    def test_no_line_of_text_in_the_box_is_legible(self, examined, recording, box, line, least, most, tmp_path):
        originals = [frame.pixels for frame in open_source(str(recording))][:30]
        roi = f"{box.x},{box.y},{box.width},{box.height}"
        report, told = examined(
            "run", "--source", recording, "--roi", roi, "--frames", 30, "--overlays", tmp_path / "o"
        )
        scans = {frame.index for frame in report.frames if frame.roi}
        kept = written(tmp_path / "o")
        assert least <= len(kept) <= most and set(kept) <= scans
        assert {frame.reason for frame in report.frames if not frame.roi} <= {Reason.FROZEN}  # wires hardly move
        assert ("what may be text is left" in told) == (len(kept) < len(scans))
        for index, picture in kept.items():
            shown_before = box.of(originals[index])
            in_box = Roi(line.x - box.x, line.y - box.y, line.width, line.height)
            enlarged = cv2.resize(picture, shown_before.shape[1::-1], interpolation=cv2.INTER_AREA)
            if recording is not BK_ANONYMIZED:
                assert legible(in_box.of(shown_before), in_box.of(shown_before)) > 0.99
                assert legible(in_box.of(shown_before), in_box.of(enlarged)) < 0.1
            assert not words(picture)
        told_in_report = (tmp_path / "r.json").read_text()
        assert not any(word in told_in_report for word in ("PROVENA", "COVENANT", "CAROLINA", "AMS"))


class TestWhatIsWritten:
    def test_the_picture_and_nothing_beside_it(self, examined, tmp_path):
        screens = [shown(wrist("console-b", speckle), at_s=speckle / FPS) for speckle in range(3)]
        for number, screen in enumerate(screens):
            cv2.imwrite(str(tmp_path / f"{number}.png"), screen.pixels)
        files = [tmp_path / f"{number}.png" for number in range(3)]
        report, _ = examined("grade", *files, "--overlays", tmp_path / "o")
        kept = written(tmp_path / "o")
        assert sorted(kept) == [0, 1, 2]
        for index, picture in kept.items():
            found, truth = report.frames[index].roi, screens[index].roi
            assert truth.x <= found.x and truth.y <= found.y
            assert found.x + found.width <= truth.x + truth.width and found.y + found.height <= truth.y + truth.height
            zoom = picture.shape[1] / found.width
            assert picture.shape[0] == pytest.approx(zoom * found.height, abs=1)
            assert legible(found.of(screens[index].pixels), picture) > 0.5  # it is the picture
            assert not words(picture)

    def test_box_that_takes_in_the_banner(self, examined, tmp_path):
        screen = shown(wrist("console-a"))
        cv2.imwrite(str(tmp_path / "a.png"), screen.pixels)
        box = Roi(0, 0, SIZE[0], screen.roi.y + screen.roi.height)
        report, told = examined(
            "grade", tmp_path / "a.png", "--roi", f"0,0,{box.width},{box.height}", "--overlays", tmp_path / "o"
        )
        kept = written(tmp_path / "o")
        assert report.frames[0].roi == box and ("what may be text is left" in told) == (not kept)
        for picture in kept.values():
            for line in screen.text_boxes:
                if line.y + line.height < box.height:
                    assert legible(line.of(screen.pixels), line.of(cv2.resize(picture, (box.width, box.height)))) < 0.1

    def test_corner_between_outline_and_box_is_black(self, examined, tmp_path):
        """A trapezoid, as a steered linear probe shows it, with a name in the free corner."""
        screen = shown(wrist("console-a"))
        pixels, roi = screen.pixels.copy(), screen.roi
        slant = roi.width // 4
        corner = np.array([(roi.x, roi.y), (roi.x + slant, roi.y), (roi.x, roi.y + roi.height)], np.int32)
        cv2.fillConvexPoly(pixels, corner - 1, (0, 0, 0))
        cv2.putText(pixels, "DOE J", (roi.x + 8, roi.y + 40), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (230,) * 3, 1, cv2.LINE_AA)
        cv2.imwrite(str(tmp_path / "a.png"), pixels)
        report, _ = examined("grade", tmp_path / "a.png", "--overlays", tmp_path / "o")
        (picture,) = written(tmp_path / "o").values()
        found = report.frames[0].roi
        assert found.x <= roi.x + 8
        free = np.zeros(pixels.shape[:2], np.uint8)
        cv2.fillConvexPoly(free, corner + np.array([(0, 0), (-12, 0), (0, -48)], np.int32), 1)
        small = cv2.resize(picture, (found.width, found.height), interpolation=cv2.INTER_AREA)
        assert np.count_nonzero(found.of(free)) > 0.05 * found.width * found.height
        assert small[found.of(free) > 0].max() <= 16

    def test_name_typed_over_the_picture_after_it_was_read(self, examined, sonoedge, tmp_path):
        """Until it is read anew nothing is painted over there: what would be written is withheld."""
        screens, typed_at = living(), 6
        roi = shown(wrist()).roi
        line = Roi(roi.x + 60, roi.y + 200, 200, 30)

        def typed(number: int) -> Pixels:
            pixels = screens[number % len(screens)].copy()
            if number >= typed_at:
                origin = line.x + 4, line.y + 22
                cv2.putText(pixels, "DOE JOHN 1961", origin, cv2.FONT_HERSHEY_SIMPLEX, 0.7, (235,) * 3, 1, cv2.LINE_AA)
            return pixels

        pictures = [typed(number) for number in range(36)]
        strokes = cv2.absdiff(line.of(pictures[10]), line.of(screens[0]))
        clip = write_video(tmp_path / "clip.mp4", pictures)
        report, told = examined("run", "--source", clip, "--overlays", tmp_path / "o")
        kept = written(tmp_path / "o")
        assert set(range(typed_at)) <= set(kept) and len(kept) < len(pictures)
        assert "what may be text is left" in told
        found = report.frames[0].roi
        in_box = Roi(line.x - found.x, line.y - found.y, line.width, line.height)
        assert legible(strokes, strokes) == 1.0
        for index, picture in kept.items():
            small = cv2.resize(picture, (found.width, found.height), interpolation=cv2.INTER_AREA)
            assert abs(legible(strokes, in_box.of(small))) < 0.3, index

        status, told, complained = sonoedge("calibration", "record", tmp_path / "kept", "--source", clip)
        recorded = [cv2.imread(str(path), cv2.IMREAD_COLOR) for path in (tmp_path / "kept").rglob("*.png")]
        assert status == 0 and recorded, told + complained
        for picture in recorded:
            assert picture.shape[:2] == (found.height, found.width) and not words(picture)
            assert abs(legible(strokes, in_box.of(picture))) < 0.3
