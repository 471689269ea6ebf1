"""A screen profile: learned or written by hand, checked against the picture, and nobody's name in it."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.phantom.acquisition import draw_settings
from convert.phantom.frames import TRANSVERSE, render
from convert.phantom.screen import CONSOLES, Display, Screen, draw_screen
from convert.phantom.subject import draw_subject
from edge.commands.screen_learn import COMMAND
from edge.errors import ProfileError, UsageError
from edge.frame import Pixels, Roi, Spacing
from edge.screen.learn import learn
from edge.screen.profile import Profile, Ruler, load, ruler_at, signature, write
from edge.screen.text import read_text

SIZE = (1280, 720)
HAND_WRITTEN = """
name = "by hand"
screen = [1280, 720]
picture = [200, 60, 800, 600]
mm_per_px = 0.05
"""


def shown(subject: int, console: str = "console-a", *, mm_per_px: float | None = 0.08, at_s: float = 0.0) -> Screen:
    frame = render(draw_subject(subject, 5), draw_settings(2, 5, px_across=320), TRANSVERSE)
    return draw_screen(frame, Display(*SIZE, console, mm_per_px), index=subject, at_s=at_s)


def grey(screen: Screen) -> Pixels:
    return cv2.cvtColor(screen.pixels, cv2.COLOR_BGR2GRAY)


@pytest.fixture(scope="module")
def seen() -> list[Screen]:
    """Some seconds of one exam."""
    return [shown(1, at_s=second) for second in range(6)]


@pytest.fixture(scope="module")
def learned(seen: list[Screen]) -> Profile:
    return learn([grey(screen) for screen in seen], name="wrist", machine="Console A")


def test_learned_profile_comes_back_from_its_file(tmp_path: Path, learned: Profile):
    path = tmp_path / "p.toml"
    awkward = Profile(
        name='a "quoted" \\ name\n\x7f é',
        screen=learned.screen,
        picture=learned.picture,
        outline=((0.0, 0.5), (10.0, 0.0), (10.0, 20.25)),
        mm_per_px=learned.mm_per_px,
        uncertainty=0.011,
        still=learned.still,
        ruler=learned.ruler,
    )
    for profile in (learned, awkward):
        write(profile, path)
        assert load(path) == profile


def test_learns_picture_and_scale(learned: Profile, seen: list[Screen]):
    truth = seen[0].roi
    assert np.abs(np.array(learned.picture) - (truth.x, truth.y, truth.width, truth.height)).max() <= 12
    assert learned.mm_per_px == pytest.approx(0.08, rel=0.01)
    assert learned.ruler


def test_fits_its_machine_with_any_patient_and_at_any_time(learned: Profile):
    for subject in (1, 2, 3):
        screen = shown(subject, at_s=60.0 * subject).pixels
        assert learned.fits(screen)
        assert learned.fits(cv2.cvtColor(screen, cv2.COLOR_BGR2GRAY))
        assert learned.spacing(screen).mm_per_px == learned.mm_per_px
        assert learned.spacing(screen).provenance == "profile"


def test_fits_what_a_capture_makes_of_it(learned: Profile):
    screen = shown(1).pixels
    compressed = cv2.imdecode(cv2.imencode(".jpg", screen, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)
    assert learned.fits(compressed)
    assert learned.spacing(compressed).mm_per_px == learned.mm_per_px


@pytest.mark.parametrize("console", [name for name in CONSOLES if name != "console-a"])
def test_does_not_fit_another_machine_of_the_same_size(learned: Profile, console: str):
    assert not learned.fits(shown(1, console).pixels)


def test_does_not_fit_another_size_a_desktop_or_a_menu(learned: Profile):
    screen = shown(1).pixels
    assert not learned.fits(cv2.resize(screen, None, fx=1.5, fy=1.5))
    assert not learned.fits(np.full_like(screen, 128))
    assert not learned.fits(np.zeros_like(screen))


@pytest.mark.parametrize("mm_per_px", [0.07, 0.075, 0.085, 0.1])
def test_another_depth_gives_no_spacing_rather_than_a_wrong_one(learned: Profile, mm_per_px: float):
    assert learned.spacing(shown(1, mm_per_px=mm_per_px).pixels).mm_per_px is None


def test_no_text_can_be_read_back(learned: Profile, tmp_path: Path):
    path = tmp_path / "p.toml"
    write(learned, path)
    assert not re.search("PHANTOM|2026|Freeze", path.read_text())
    rows = [[0 if cell == "--" else int(cell, 16) for cell in re.findall("..", row)] for row in learned.still]
    for interpolation in (cv2.INTER_NEAREST, cv2.INTER_CUBIC):
        back = cv2.resize(np.array(rows, np.uint8), SIZE, interpolation=interpolation)
        assert not [line.text for line in read_text(back) if sum(glyph.isalnum() for glyph in line.text) >= 2]
    words = [line.text for line in read_text(grey(shown(1))) if sum(glyph.isalnum() for glyph in line.text) >= 2]
    assert len(words) > 5  # while of the screen itself it can


def test_what_moves_is_not_in_the_signature(seen: list[Screen]):
    still = signature([grey(screen) for screen in seen], seen[0].roi)
    changed = [grey(screen).copy() for screen in seen]
    for number, screen in enumerate(changed):
        screen[:60, :300] = 40 * number
    moving = signature(changed, seen[0].roi)
    assert moving[0][:8] == "-" * 8 != still[0][:8]
    assert moving[-1] == still[-1]


def test_strip_without_ticks_is_no_ruler(seen: list[Screen]):
    assert ruler_at([np.full((720, 1280), 40, np.uint8)], Roi(20, 60, 30, 600)) is None
    half = [grey(seen[0]), np.roll(grey(seen[0]), 7, axis=0)]
    assert ruler_at(half[:1], Roi(*learn(half[:1], name="x").ruler[0].place)) is not None
    assert ruler_at(half, Roi(*learn(half[:1], name="x").ruler[0].place)) is None


def test_hand_written_profile_is_checked_by_size_alone(tmp_path: Path):
    path = tmp_path / "hand.toml"
    path.write_text(HAND_WRITTEN)
    profile = load(path)
    assert profile.size_alone
    assert profile.roi == Roi(200, 60, 800, 600)
    assert profile.corners is None
    assert profile.fits(np.zeros((720, 1280), np.uint8))
    assert not profile.fits(np.zeros((1080, 1920), np.uint8))
    assert profile.spacing(np.zeros((720, 1280), np.uint8)) == Spacing(0.05, "profile", 0.02)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('name = "by hand"', ""), "name"),
        (("screen = [1280, 720]", ""), "screen"),
        (("mm_per_px", "mm_pr_px"), "mm_pr_px"),
        (("= 0.05", '= "0.05"'), "mm_per_px"),
        (("= 0.05", "= 0.00001"), "mm_per_px is 0.001 to 10"),
        (("= 0.05", "= 0.05\nuncertainty = 1.5"), "uncertainty"),
        (("[200, 60, 800, 600]", "[600, 60, 800, 600]"), "picture is [x, y, width, height] within the screen"),
        (("[200, 60, 800, 600]", "[200, 60, 800]"), "picture"),
        (("= 0.05", "= 0.05\noutline = [[0, 0], [1, 1]]"), "outline"),
        (("= 0.05", '= 0.05\nstill = ["00ff"]'), "still is"),
        (("= 0.05", '= 0.05\n[[ruler]]\nplace = [10, 60, 30, 600]\nline = "00"'), "ruler.line is 600 hex digits"),
        (("= 0.05", '= 0.05\n[[ruler]]\nplace = [1270, 60, 30, 600]\nline = "00"'), "ruler.place"),
        (("= 0.05", "= 0.05 0.06"), "TOML"),
    ],
)
def test_mistake_is_one_line_with_file_and_key(tmp_path: Path, change: tuple[str, str], says: str):
    path = tmp_path / "hand.toml"
    path.write_text(HAND_WRITTEN.replace(*change))
    with pytest.raises(ProfileError) as refused:
        load(path)
    line = str(refused.value)
    assert "\n" not in line
    assert "hand.toml" in line
    assert says in line


def test_missing_and_binary_files_are_refused(tmp_path: Path):
    with pytest.raises(ProfileError, match=r"none\.toml: cannot be read"):
        load(tmp_path / "none.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProfileError, match=r"b\.toml: is no TOML file"):
        load(tmp_path / "b.toml")


def test_spacing_without_a_ruler_is_not_learned(seen: list[Screen]):
    bare = grey(seen[0])
    roi = seen[0].roi
    bare[:, : roi.x] = bare[:, roi.x + roi.width :] = 20
    bare[: roi.y] = bare[roi.y + roi.height :] = 20
    with pytest.raises(ProfileError, match="change of depth"):
        learn([bare], name="x", roi=roi, spacing=Spacing(0.08, "manual"))
    assert learn([bare], name="x", roi=roi).mm_per_px is None


def test_spacing_that_the_ruler_contradicts_is_not_learned(seen: list[Screen]):
    with pytest.raises(ProfileError, match="do not agree"):
        learn([grey(seen[0])], name="x", spacing=Spacing(0.09, "manual"))


def test_screens_that_hold_nothing_are_refused():
    with pytest.raises(ProfileError, match="no ultrasound picture"):
        learn([np.full((720, 1280), 30, np.uint8)], name="x")
    with pytest.raises(ProfileError, match="one size"):
        learn([np.zeros((720, 1280), np.uint8), np.zeros((480, 640), np.uint8)], name="x")
    with pytest.raises(ProfileError, match="--ruler lies outside"):
        learn([np.zeros((480, 640), np.uint8)], name="x", roi=Roi(0, 0, 60, 60), ruler=Roi(600, 0, 60, 60))


def test_ruler_is_compared_at_its_place_only():
    strip = np.zeros((100, 40), np.uint8)
    strip[::10, 5:15] = 255
    ruler = ruler_at([strip], Roi(5, 0, 10, 100))
    assert ruler is not None
    assert ruler.holds(strip)
    assert not ruler.holds(np.roll(strip, 5, axis=0))
    assert not replace_place(ruler, (20, 0, 10, 100)).holds(strip)


def replace_place(ruler: Ruler, place: tuple[int, int, int, int]) -> Ruler:
    return Ruler(place, ruler.line)


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    COMMAND.add_arguments(parser)
    return COMMAND.run(parser.parse_args(words))


def test_command_learns_from_a_folder_and_says_what(tmp_path: Path, seen: list[Screen], capsys):
    folder = tmp_path / "screens"
    folder.mkdir()
    for number, screen in enumerate(seen[:3]):
        cv2.imwrite(str(folder / f"{number}.png"), screen.pixels)
    out = tmp_path / "wrist.toml"
    assert run("--source", str(folder), "--out", str(out), "--machine", "Console A") == 0
    said = capsys.readouterr().out
    assert "1280 x 720" in said
    assert re.search(r"scale +0\.0(80|79)\d* mm per px ±", said)
    assert "from 3 frames" in said
    profile = load(out)
    assert (profile.name, profile.machine) == ("wrist", "Console A")
    assert profile.fits(shown(2).pixels)
    with pytest.raises(ProfileError, match="screens: --roi lies outside"):
        run("--source", str(folder), "--out", str(tmp_path / "other.toml"), "--roi", "1200,0,200,200")
    kept = out.read_bytes()
    with pytest.raises(UsageError, match=r"wrist.toml: is there already: give another name"):
        run("--source", str(folder / "0.png"), "--out", str(out))
    assert out.read_bytes() == kept
    assert run("--source", str(folder / "0.png"), "--out", str(tmp_path / "one.toml")) == 0
    assert "one frame alone" in capsys.readouterr().out
