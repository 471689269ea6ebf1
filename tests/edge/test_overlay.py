"""What a person looks at: the contour lies where the nerve is, and nothing of the screen round the picture is drawn."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge import overlay
from edge.errors import OutputError
from edge.frame import Roi, Spacing
from edge.pipeline import Options, Pipeline
from tests.pictures import CENTRED, MM_PER_PX, SHAPE, frame, screen, tissue, wrist


def seen_on(bundle, pixels, **stated):
    return Pipeline(bundle, Options(allow_unscaled=True), stream=False)(frame(pixels, **stated))


def contour_of(picture):
    """Where the drawn contour lies: the only strong colour above the panel."""
    above = picture[: -overlay.PANEL_PX].astype(int)
    return np.argwhere(above.max(axis=2) - above.min(axis=2) > 60)


def test_the_contour_lies_on_the_nerves_outline(tiny_bundle):
    picture = overlay.draw(seen_on(tiny_bundle, wrist(CENTRED)))
    zoom = picture.shape[1] / SHAPE[1]
    y, x = (contour_of(picture) + 0.5).T / zoom * MM_PER_PX
    radius = np.hypot((x - CENTRED.x) / CENTRED.a, (y - CENTRED.y) / CENTRED.b)
    assert len(x) > 200
    assert np.percentile(np.abs(radius - 1), 95) < 0.15


def test_narrow_scans_are_enlarged_and_wide_ones_left(tiny_bundle):
    assert overlay.draw(seen_on(tiny_bundle, wrist(CENTRED))).shape[1] == overlay.MIN_WIDTH_PX
    wide = wrist(CENTRED, shape=(600, 900), mm_per_px=0.05)
    assert overlay.draw(seen_on(tiny_bundle, wide, mm_per_px=0.05)).shape == (600 + overlay.PANEL_PX, 900, 3)


@pytest.mark.parametrize("shape", [(1, 1), (900, 2), (2, 900), (64, 64)])
def test_odd_sizes_are_drawn_within_reason(tiny_bundle, shape):
    pixels = tissue(shape)
    pixels[0, 0] = 200
    seen = Pipeline(tiny_bundle, Options(), stream=False)(frame(pixels))
    picture = overlay.draw(seen)
    if seen.scan is None:
        assert picture is None
        return
    assert picture.shape[1] >= overlay.MIN_WIDTH_PX
    assert picture.size < 30_000_000


def test_nothing_is_drawn_where_there_is_no_scan(tiny_bundle):
    assert overlay.draw(seen_on(tiny_bundle, np.zeros(SHAPE, np.uint8))) is None
    assert overlay.draw(seen_on(tiny_bundle, None)) is None


def test_the_rest_of_the_screen_is_left_out(tiny_bundle):
    pixels = screen(wrist(CENTRED))
    cv2.putText(pixels, "DOE^JANE", (1200, 60), cv2.FONT_HERSHEY_SIMPLEX, 2.0, (0, 0, 255), 3)
    options = Options(roi=Roi(200, 90, SHAPE[1], SHAPE[0]), spacing=Spacing(MM_PER_PX, "manual"))
    on_screen = Pipeline(tiny_bundle, options, stream=False)(frame(pixels, mm_per_px=None, whole=False))
    assert np.array_equal(overlay.draw(on_screen), overlay.draw(seen_on(tiny_bundle, wrist(CENTRED))))


def test_the_panel_tells_one_finding_from_another(tiny_bundle):
    panels = [
        overlay.draw(seen_on(tiny_bundle, pixels, **stated))[-overlay.PANEL_PX :].tobytes()
        for pixels, stated in (
            (wrist(CENTRED), {}),
            (wrist(CENTRED), {"mm_per_px": None}),
            (tissue(), {}),
        )
    ]
    assert len(set(panels)) == 3


def written(monkeypatch, seen):
    """The lines of the panel, in order."""
    lines = []
    monkeypatch.setattr(overlay.cv2, "putText", lambda panel, text, *rest: lines.append(text))
    overlay.draw(seen)
    return lines


def test_the_panel_tells_what_can_be_done_and_by_what_number(tiny_bundle, monkeypatch):
    lines = written(monkeypatch, seen_on(tiny_bundle, cv2.GaussianBlur(wrist(CENTRED), (0, 0), 6)))
    assert lines[0] == "UNGRADABLE: blurred"
    assert lines[2].startswith("hold the probe still, set the focus to the nerve   (0.1")
    assert lines[2].endswith(", limit 0.22)")


def test_the_panel_tells_the_uncertainty_in_the_fonts_letters(tiny_bundle, monkeypatch):
    sure = seen_on(tiny_bundle, wrist(CENTRED))
    unsure = Pipeline(tiny_bundle, Options(), stream=False)(
        replace(frame(wrist(CENTRED)), spacing=Spacing(MM_PER_PX, "ruler", 0.02))
    )
    assert unsure.nerve.csa_uncertainty_mm2 == pytest.approx(0.04 * unsure.nerve.csa_mm2)
    assert written(monkeypatch, unsure)[1].startswith(f"CSA {unsure.nerve.csa_mm2:.1f} +- 1.1 mm2 ")
    assert written(monkeypatch, sure)[1].startswith(f"CSA {unsure.nerve.csa_mm2:.1f} mm2 ")


def test_drawing_leaves_the_scan_as_it_is(tiny_bundle):
    seen = seen_on(tiny_bundle, wrist(CENTRED))
    before = seen.scan.pixels.copy()
    overlay.draw(seen)
    assert np.array_equal(seen.scan.pixels, before)


def test_saves_a_png_that_reads_back(tiny_bundle, tmp_path):
    picture = overlay.draw(seen_on(tiny_bundle, wrist(CENTRED)))
    overlay.save(picture, tmp_path / "seen.png")
    assert np.array_equal(cv2.imread(str(tmp_path / "seen.png")), picture)
    with pytest.raises(OutputError):
        overlay.save(picture, tmp_path / "no-such-folder" / "seen.png")


def test_a_clip_holds_every_frame_that_had_a_scan(tiny_bundle, tmp_path):
    pictures = [wrist(CENTRED), None, wrist(CENTRED, shape=(200, 260)), tissue()]
    pipeline = Pipeline(tiny_bundle, Options(), stream=False)
    with overlay.clip_into(tmp_path / "clip.webm", 12.0) as watch:
        for index, pixels in enumerate(pictures):
            watch(pipeline(frame(pixels, index=index)))
    video = cv2.VideoCapture(str(tmp_path / "clip.webm"))
    frames = []
    while (read := video.read())[0]:
        frames.append(read[1])
    assert len(frames) == 3
    first = overlay.draw(pipeline(frame(pictures[0])))
    assert np.abs(frames[0].astype(int) - first[: frames[0].shape[0], : frames[0].shape[1]]).mean() < 8


def test_a_clip_that_fails_leaves_nothing_behind(tiny_bundle, tmp_path):
    pipeline = Pipeline(tiny_bundle, Options(), stream=False)
    with pytest.raises(KeyboardInterrupt), overlay.clip_into(tmp_path / "clip.webm", 12.0) as watch:
        watch(pipeline(frame(wrist(CENTRED))))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
