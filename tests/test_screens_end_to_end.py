"""A machine's screen through the whole product: the packaged bundles, the pipeline, the program.

No grade comes from a picture that does not live, from one that is no picture, or at a scale that is not the picture's;
and of what stands beside the picture nothing is written.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from convert.phantom.acquisition import draw_settings
from convert.phantom.frames import PhantomFrame, render
from convert.phantom.ruler import RulerStyle
from convert.phantom.screen import CONSOLES, Display, Screen, draw_screen, finest_scale
from convert.phantom.subject import draw_subject
from edge.bundle import Bundle, packaged_bundle
from edge.cli import main
from edge.findings import Reason
from edge.frame import Frame, Pixels, Roi, Spacing
from edge.overlay import PANEL_PX
from edge.pipeline import Observation, Options, Pipeline
from edge.report import FrameReport, Report, decode
from edge.screen.text import read_text
from edge.sources import open_source
from tests.program import ROOT

SHARED = ROOT.parent / "shared" / "data"
GRABBED, DICOM, OWN_SCREENS = SHARED / "framegrabber", SHARED / "dicom_us", SHARED / "screens"
PHOTOGRAPHS = SHARED / "public_models" / "coral"
BK = GRABBED / "SegmentationTest_BKMedical_RandomStepperMotionData2_Trimmed.igs.mha"
BK_ANONYMIZED = BK.with_name(BK.name.replace("Trimmed", "Trimmed_Anonymized"))
VLCUS = GRABBED / "SegmentationTest_VLCUS_RandomStepperMotionData2.igs.mha"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the real screens of ../shared/data are not here")

FPS = 30
SIZE = (1280, 720)
WRIST = 1  # of the population below, one that the packaged bundle grades on every console
SETTINGS_SEED = 7
Told = tuple[int, str, str]  # exit status, what was printed, what was complained of


# --- what is shown -----------------------------------------------------------------------------------------------


@functools.lru_cache
def wrist(
    console: str = "console-a", speckle: int = 0, width_mm: float | None = None, zoom: float = 1.0
) -> PhantomFrame:
    """A wrist on a console; `width_mm` is the probe's, `zoom` shows more tissue on the same pixels."""
    settings = draw_settings(WRIST, SETTINGS_SEED, machine_name=console)
    if width_mm is not None:
        settings = replace(settings, width_mm=width_mm * zoom, depth_mm=28.0 * zoom)
    return render(draw_subject(WRIST, SETTINGS_SEED), settings, seed=speckle)


def shown(frame: PhantomFrame, *, at_s: float = 0.0, **display: object) -> Screen:
    return draw_screen(frame, Display(*SIZE, **display), index=round(at_s * FPS), at_s=at_s)


@functools.lru_cache
def living(console: str = "console-a") -> tuple[Pixels, ...]:
    """Screens between which the tissue moves; looped they are a live stream of any length."""
    return tuple(shown(wrist(console, speckle), at_s=speckle / FPS).pixels for speckle in range(7))


def looped(pictures: Sequence[Pixels], seconds: float) -> list[Pixels]:
    return [pictures[number % len(pictures)] for number in range(round(seconds * FPS))]


def with_clock(picture: Pixels, seconds: float, at: tuple[int, int]) -> Iterator[Pixels]:
    """One picture, a clock with hundredths running beside it."""
    for number in range(round(seconds * FPS)):
        screen = picture.copy()
        clock = f"12:34:{number / FPS:05.2f}"
        cv2.putText(screen, clock, at, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (210,) * 3, 1, cv2.LINE_AA)
        yield screen


def frames(pictures: Sequence[Pixels]) -> Iterator[Frame]:
    """A recording at 30 images a second."""
    for number, pixels in enumerate(pictures):
        yield Frame(pixels, 0, number, taken_ns=number * 1_000_000_000 // FPS)


def play(pipeline: Pipeline, pictures: Sequence[Pixels]) -> list[Observation]:
    return [pipeline(frame) for frame in frames(pictures)]


def parts(seen: Sequence[Observation], *seconds: float) -> list[Sequence[Observation]]:
    """What was seen, cut after so many seconds, and so many, and the rest."""
    cuts = [0, *np.cumsum([round(each * FPS) for each in seconds]), len(seen)]
    return [seen[begin:end] for begin, end in itertools.pairwise(cuts)]


def reasons(seen: Sequence[Observation]) -> set[Reason | None]:
    return {each.grade.reason for each in seen}


def first(seen: Sequence[Observation], wanted: Callable[[Observation], bool]) -> float:
    """Seconds until the first that is wanted."""
    return next((number / FPS for number, each in enumerate(seen) if wanted(each)), np.inf)


@pytest.fixture(scope="module")
def transverse() -> Bundle:
    return Bundle.open(packaged_bundle("transverse"))


@pytest.fixture
def stream(transverse: Bundle) -> Pipeline:
    return Pipeline(transverse, Options(), stream=True)


@pytest.fixture
def sonoedge(capfd: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """The program."""

    def run(*words: str | Path) -> Told:
        capfd.readouterr()
        status = main([str(word) for word in words])
        return status, *capfd.readouterr()

    return run


@pytest.fixture
def examined(sonoedge: Callable[..., Told], tmp_path: Path) -> Callable[..., tuple[Report, str]]:
    """The report of `sonoedge COMMAND ...`, and what was printed."""

    def run(*words: str | Path) -> tuple[Report, str]:
        status, told, complained = sonoedge(*words, "--report", tmp_path / "r.json")
        assert status == 0, complained
        return decode((tmp_path / "r.json").read_bytes(), "r.json"), told + complained

    return run


def write_video(path: Path, pictures: Sequence[Pixels]) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), FPS, pictures[0].shape[1::-1])
    for picture in pictures:
        writer.write(picture)
    writer.release()
    return path


# --- is it alive? ------------------------------------------------------------------------------------------------

HISS = (
    np.random.default_rng(1).normal(0, 1.5, (SIZE[1], SIZE[0], 3)).round().clip(-8, 8).astype(np.int8).astype(np.uint8)
)
CAPTURES: dict[str, Callable[[Pixels, np.random.Generator], Pixels]] = {
    "digital": lambda pixels, rng: pixels,
    "analog": lambda pixels, rng: np.roll(HISS, int(rng.integers(HISS.size))) + np.clip(pixels, 8, 247),
    "JPEG": lambda pixels, rng: cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 1),
}


class TestFrozen:
    @pytest.mark.parametrize("capture", ["digital", "analog", pytest.param("JPEG", marks=pytest.mark.slow)])
    def test_no_grade_from_a_still_picture_whatever_its_clock_says(self, stream: Pipeline, capture: str):
        rng = np.random.default_rng(5)
        still = [shown(wrist(), at_s=10 + number / FPS).pixels for number in range(2 * FPS)]
        pictures = [*looped(living(), 1.2), *still, *looped(living(), 2.1)]
        seen = play(stream, [CAPTURES[capture](each, rng) for each in pictures])
        before, frozen, after = parts(seen, 1.2, 2.0)
        assert reasons(before) == {None}
        assert first(frozen, lambda each: each.signal == "frozen") <= 1.0
        assert reasons(frozen[FPS:]) == {Reason.FROZEN}
        assert first(after, lambda each: each.grade.gradable) <= 2.0 and reasons(after[2 * FPS :]) == {None}

    @needs_shared
    @pytest.mark.parametrize(
        ("recording", "clock"),
        [
            (GRABBED / "BoneUltrasound_L14.igs.mha", (8, 24)),
            (OWN_SCREENS / "itkpocus/butterfly-ocular-phantom.mp4", (8, 150)),
        ],
        ids=["bone", "eye"],
    )
    def test_real_recording_that_stands_still(self, stream: Pipeline, recording: Path, clock: tuple[int, int]):
        there = [frame.pixels for frame in open_source(str(recording))][:20]
        alive = looped([*there, *there[::-1]], 1.5)
        still = with_clock(there[10], 2.0, clock)
        before, frozen, after = parts(play(stream, [*alive, *still, *alive]), 1.5, 2.0)
        assert {each.signal for each in before} == {"live"}
        assert {each.signal for each in frozen[FPS:]} == {"frozen"} and reasons(frozen[FPS:]) == {Reason.FROZEN}
        assert first(after, lambda each: each.scan is not None) <= 0.5  # looked at again
        assert {each.signal for each in after[FPS:]} == {"live"}


def no_signal(number: int) -> Pixels:
    """What a capture device shows when nothing is plugged in: a box that wanders."""
    screen = np.full((SIZE[1], SIZE[0], 3), (120, 30, 10), np.uint8)
    x, y = 80 + 3 * number % 800, 60 + 2 * number % 500
    cv2.rectangle(screen, (x, y), (x + 300, y + 90), (230, 230, 230), cv2.FILLED)
    cv2.putText(screen, "NO SIGNAL", (x + 40, y + 60), cv2.FONT_HERSHEY_DUPLEX, 1.2, (20, 20, 20), 2, cv2.LINE_AA)
    return screen


def colour_bars(number: int) -> Pixels:
    colours = np.array([(191,) * 3, (0, 191, 191), (191, 191, 0), (0, 191, 0), (191, 0, 191), (0, 0, 191), (191, 0, 0)])
    row = colours[np.arange(SIZE[0]) * len(colours) // SIZE[0]].astype(np.uint8)
    return np.broadcast_to(row, (SIZE[1], *row.shape))


def one_colour(*colour: int) -> Callable[[int], Pixels]:
    return lambda number: np.full((SIZE[1], SIZE[0], 3), colour, np.uint8)


@pytest.mark.parametrize(
    ("reason", "seconds", "screen"),
    [
        (Reason.NO_SIGNAL, 30.0, no_signal),
        (Reason.BLACK, 5.0, one_colour(16, 16, 16)),
        (Reason.FLAT, 5.0, one_colour(200, 40, 10)),
        (Reason.COLOUR_BARS, 5.0, colour_bars),
    ],
)
def test_sweep_with_the_signal_lost_in_its_middle(stream: Pipeline, reason, seconds, screen):
    some = [screen(10 * number) for number in range(10)]
    seen = play(stream, [*looped(living(), 1.2), *looped(some, seconds), *looped(living(), 2.1)])
    before, without, after = parts(seen, 1.2, seconds)
    assert reasons(before) == {None}
    assert reasons(without) == {reason} and not any(each.grade.gradable or each.scan for each in without)
    assert first(after, lambda each: each.grade.gradable) <= 2.0 and reasons(after[2 * FPS :]) == {None}


def test_video_that_freezes_and_loses_its_signal(examined: Callable[..., tuple[Report, str]], tmp_path: Path):
    still = [shown(wrist(), at_s=10 + number / FPS).pixels for number in range(2 * FPS)]
    gone = [no_signal(number) for number in range(FPS)]
    alive = looped(living(), 1.0)
    clip = write_video(tmp_path / "clip.mp4", [*alive, *still, *alive, *gone, *alive])
    report, told = examined("run", "--source", clip)
    seen = [(frame.signal, frame.reason) for frame in report.frames]
    assert len(seen) == 6 * FPS
    assert set(seen[2 * FPS : 3 * FPS]) == {("frozen", Reason.FROZEN)}
    assert set(seen[4 * FPS : 5 * FPS]) == {("no signal", Reason.NO_SIGNAL)}
    for alive_again in (seen[:FPS], seen[3 * FPS + 3 : 4 * FPS], seen[5 * FPS + 3 :]):
        assert set(alive_again) == {("live", None)}
    assert "frozen picture" in told and report.clip.frames_graded == report.clip.frames_total - sum(
        reason is not None for _, reason in seen
    )


# --- whose is it? ------------------------------------------------------------------------------------------------


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
        assert not any(word in told_in_report for word in ("PROVENA", "COVENANT", "CAROLINA", "AMS", "8558"))


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
                cv2.putText(pixels, "DOE JOHN 1961", origin, FONTS[0], 0.7, (235,) * 3, 1, cv2.LINE_AA)
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


# --- is it a picture? --------------------------------------------------------------------------------------------

SHAPES = ((480, 640), (600, 800), (720, 1280), (512, 512), (768, 1024), (360, 300))
WORDS = ("the", "nerve", "lies", "between", "two", "tendons", "and", "is", "measured", "where", "it", "is", "largest")
FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX_SMALL, cv2.FONT_HERSHEY_PLAIN)
Draw = np.random.Generator


def noise(rng: Draw) -> Pixels:
    """Of any grain, even or as a beam's, level or fading with depth, as it is or as the logarithm of an envelope."""
    shape = SHAPES[rng.integers(len(SHAPES))]
    across, down = np.exp(rng.uniform(np.log(0.3), np.log(12), 2))
    waves = [cv2.GaussianBlur(rng.standard_normal(shape), (0, 0), sigmaX=across, sigmaY=down) for _ in range(2)]
    grain = waves[0] / waves[0].std()
    if rng.random() < 0.3:
        grain = 2 * np.log(np.hypot(*waves) / waves[0].std() + 1e-3)
    fading = np.linspace(1.4, 0.3, shape[0])[:, None] if rng.random() < 0.3 else 1.0
    return np.clip((grain * rng.uniform(5, 60) + rng.uniform(10, 160)) * fading, 0, 255).astype(np.uint8)


def page(rng: Draw) -> Pixels:
    paper, ink = (
        (rng.integers(0, 60), rng.integers(150, 256)) if rng.random() < 0.4 else rng.integers((190, 0), (256, 90))
    )
    picture = np.full(SHAPES[rng.integers(len(SHAPES))], paper, np.uint8)
    size, font, left = rng.uniform(0.4, 1.6), FONTS[rng.integers(len(FONTS))], int(rng.integers(2, 100))
    for y in range(30, picture.shape[0], round(size * rng.uniform(22, 44))):
        line = " ".join(rng.choice(WORDS, rng.integers(0, 16)))
        cv2.putText(picture, line, (left, y), font, size, int(ink), 1 + int(rng.random() < 0.4), cv2.LINE_AA)
    return picture


def gradient(rng: Draw) -> Pixels:
    height, width = SHAPES[rng.integers(len(SHAPES))]
    y, x = np.mgrid[:height, :width] / width
    way = x * rng.normal() + y * rng.normal() if rng.random() < 0.6 else np.hypot(x - rng.random(), y - rng.random())
    way = (way - way.min()) / np.ptp(way)
    way = 0.5 + 0.5 * np.sin(way * rng.uniform(4, 60)) if rng.random() < 0.3 else way
    one, other = rng.uniform(0, 255, (2, 3))
    coloured = one + (other - one) * way[..., None] + rng.normal(0, rng.choice([0, 0, 2, 8]), (height, width, 1))
    return np.clip(coloured, 0, 255).astype(np.uint8)


def bars(rng: Draw) -> Pixels:
    height, width = SHAPES[rng.integers(len(SHAPES))]
    count = int(rng.integers(2, 17))
    colours = rng.integers(0, 256, (2, count, 3))
    upper, lower = colours[:, np.arange(width) * count // width]
    rows = np.where((np.arange(height) < height * rng.uniform(0.5, 1.4))[:, None, None], upper, lower)
    rows = rows.transpose(1, 0, 2) if rng.random() < 0.3 else rows
    return np.clip(rows + rng.normal(0, rng.choice([0, 3, 10]), (*rows.shape[:2], 1)), 0, 255).astype(np.uint8)


@functools.lru_cache
def all_photographs() -> tuple[Pixels, ...]:
    skimage = pytest.importorskip("skimage", reason="photographs are scikit-image's")
    folder = Path(skimage.__file__).parent / "data"
    paths = sorted(
        [*folder.glob("*.png"), *folder.glob("*.jpg"), *PHOTOGRAPHS.glob("*.bmp"), *PHOTOGRAPHS.glob("*.jpg")]
    )
    pictures = [cv2.imread(str(path), cv2.IMREAD_COLOR) for path in paths]
    return tuple(picture for picture in pictures if min(picture.shape[:2]) >= 100)


def photograph(rng: Draw) -> Pixels:
    """A part of one at another size and gamma, in colour or grey, perhaps turned, perhaps on a black screen."""
    whole = all_photographs()[rng.integers(len(all_photographs()))]
    high, wide = (int(side * share) for side, share in zip(whole.shape, rng.uniform(0.3, 1, 2), strict=False))
    top, left = rng.integers(0, whole.shape[0] - high + 1), rng.integers(0, whole.shape[1] - wide + 1)
    part = whole[top : top + high, left : left + wide]
    zoom = min(rng.uniform(0.5, 4.0), 1100 / max(high, wide))
    part = cv2.resize(part, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    part = (255 * (part / 255.0) ** rng.uniform(0.5, 2.2)).astype(np.uint8)
    part = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY) if rng.random() < 0.5 else part
    part = np.rot90(part) if rng.random() < 0.25 else part
    if rng.random() < 0.3:
        beside = [(20, 20), tuple(rng.integers(10, 200, 2))] + [(0, 0)] * (part.ndim - 2)
        part = np.pad(part, beside)
        cv2.putText(part, "12:34 Gain 50", (4, 14), FONTS[0], 0.4, (220,) * 3, 1, cv2.LINE_AA)
    return np.ascontiguousarray(part)


def desktop(rng: Draw) -> Pixels:
    """Windows with pages, photographs and noise in them, icons, and a bar with a clock."""
    picture = np.full((*SHAPES[rng.integers(2, 5)], 3), rng.integers(0, 256, 3), np.uint8)
    height, width = picture.shape[:2]
    for kind in rng.choice([page, photograph, noise, gradient], rng.integers(1, 6)):
        high, wide = (int(rng.integers(side // 8, side * 3 // 4)) for side in (height, width))
        y, x = int(rng.integers(0, height - high)), int(rng.integers(0, width - wide))
        inside = cv2.resize(kind(rng), (wide, high), interpolation=cv2.INTER_AREA)
        picture[y : y + high, x : x + wide] = inside if inside.ndim == 3 else inside[..., None]
        picture[y : y + 26, x : x + wide] = rng.integers(40, 220, 3)
        cv2.putText(picture, str(rng.choice(WORDS)), (x + 6, y + 18), FONTS[0], 0.5, (250,) * 3, 1, cv2.LINE_AA)
    for y in range(40, int(rng.integers(41, height)), 100):
        cv2.rectangle(picture, (30, y), (78, y + 48), rng.integers(0, 256, 3).tolist(), cv2.FILLED)
        cv2.putText(picture, str(rng.choice(WORDS)), (30, y + 66), FONTS[0], 0.45, (255,) * 3, 1, cv2.LINE_AA)
    picture[-40:] = rng.integers(0, 256, 3)
    cv2.putText(picture, "12:34", (width - 70, height - 14), FONTS[0], 0.5, (255,) * 3, 1, cv2.LINE_AA)
    return picture


NONSENSE = (noise, page, photograph, gradient, bars, desktop, noise, photograph)  # the likeliest twice


def nonsense(number: int) -> Pixels:
    rng = np.random.default_rng([number, 55])
    picture = NONSENSE[number % len(NONSENSE)](rng)
    quality = (100, 100, 90, 60, 30)[rng.integers(5)]
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_UNCHANGED)


WAYS = {"plain": Options(), "scaled": Options(spacing=Spacing(0.1, "manual")), "unscaled": Options(allow_unscaled=True)}


@pytest.mark.parametrize(
    "numbers", [range(24), pytest.param(range(24, 1024), marks=pytest.mark.slow)], ids=["some", "a thousand"]
)
def test_nonsense_is_never_graded(numbers: range):
    bundles = [Bundle.open(packaged_bundle(view)) for view in ("transverse", "longitudinal")]
    pipelines = {
        f"{bundle.manifest.view} {way}": Pipeline(bundle, options, stream=False)
        for bundle in bundles
        for way, options in WAYS.items()
    }
    why: Counter[str] = Counter()
    graded = []
    for number in numbers:
        frame = Frame(nonsense(number), 0, number)
        for way, pipeline in pipelines.items():
            grade = pipeline(frame).grade
            why[grade.reason.value if grade.reason else "graded"] += 1
            if grade.gradable:
                graded.append((number, NONSENSE[number % len(NONSENSE)].__name__, way, grade.grade))
    print(*(f"{count:6d} {reason}" for reason, count in why.most_common()), sep="\n")
    assert not graded
    assert sum(why.values()) == len(numbers) * len(pipelines)


# --- is it B-mode, and which picture? ----------------------------------------------------------------------------


def with_flow(screen: Screen) -> Pixels:
    """Colour Doppler over the middle of the picture."""
    pixels, roi = screen.pixels.copy(), screen.roi
    middle, axes = (roi.x + roi.width // 2, roi.y + roi.height // 2), (roi.width // 5, roi.height // 6)
    cv2.ellipse(pixels, middle, axes, 0, 0, 360, (20, 40, 220), cv2.FILLED)
    cv2.ellipse(pixels, middle, (axes[0] // 2, axes[1] // 2), 0, 0, 360, (40, 200, 250), cv2.FILLED)
    cv2.rectangle(
        pixels,
        (roi.x + roi.width // 5, roi.y + roi.height // 5),
        (roi.x + roi.width * 4 // 5, roi.y + roi.height * 4 // 5),
        (240,) * 3,
        1,
    )
    return pixels


def two_views(left: Pixels, right: Pixels) -> Pixels:
    """Two pictures side by side on one machine's screen."""
    screen = np.full((SIZE[1], SIZE[0], 3), 12, np.uint8)
    for word, at in (("CONSOLE", (20, 30)), ("Gain 50", (20, 700)), ("Dual", (1150, 700))):
        cv2.putText(screen, word, at, FONTS[0], 0.6, (210,) * 3, 1, cv2.LINE_AA)
    for picture, x in ((left, 60), (right, 680)):
        screen[90 : 90 + picture.shape[0], x : x + picture.shape[1]] = picture[..., None]
    return screen


class TestWhichPicture:
    def test_colour_doppler_is_not_graded(self, transverse, stream):
        flowing = [with_flow(shown(wrist("console-b", speckle), at_s=speckle / FPS)) for speckle in range(4)]
        assert reasons([Pipeline(transverse, Options(), stream=False)(frame) for frame in frames(flowing)]) == {
            Reason.NOT_B_MODE
        }
        assert reasons(play(stream, flowing)) == {Reason.NOT_B_MODE}
        without = [shown(wrist("console-b", speckle), at_s=speckle / FPS).pixels for speckle in range(4)]
        assert None in reasons(play(Pipeline(transverse, Options(), stream=False), without))

    def test_two_views_are_ambiguous_until_one_of_them_moves_alone(self, transverse):
        pictures = [wrist("console-b", speckle).pixels for speckle in range(7)]
        small = [cv2.resize(picture, (500, 440), interpolation=cv2.INTER_AREA) for picture in pictures]
        options = Options(spacing=Spacing(0.09, "manual"))
        still, both, one = (Pipeline(transverse, options, stream=streams) for streams in (False, True, True))
        two = [two_views(small[number], small[(number + 2) % 7]) for number in range(7)]
        assert reasons(play(still, two)) == {Reason.AMBIGUOUS_VIEWS}
        assert reasons(play(both, looped(two, 2.5))) == {Reason.AMBIGUOUS_VIEWS}
        seen = play(one, looped([two_views(small[0], picture) for picture in small], 3.0))
        assert reasons(seen[:5]) == {Reason.AMBIGUOUS_VIEWS}
        assert all(each.scan and each.scan.roi.x > SIZE[0] // 2 for each in seen[round(2.5 * FPS) :])


@needs_shared
@pytest.mark.parametrize(
    ("file", "mm_per_px", "reasons_allowed"),
    [
        ("US1_UNCR.dcm", None, {Reason.NOT_B_MODE, Reason.AMBIGUOUS_VIEWS}),  # power Doppler over a seam
        ("US1_J2KR.dcm", None, {Reason.NOT_B_MODE, Reason.AMBIGUOUS_VIEWS}),  # the same in JPEG 2000
        ("gdcm-US-ALOKA-16.dcm", 0.38265, {Reason.AMBIGUOUS_VIEWS}),  # two views
        ("JPGLosslessP14SV1_1s_1f_8b.dcm", 0.25477, None),  # a heart in JPEG lossless
        ("OBXXXX1A.dcm", 0.26229, None),
        ("OBXXXX1A_rle_2frame.dcm", 0.26229, None),
    ],
)
def test_dicom_is_read_and_never_a_grade_of_what_is_no_wrist(examined, file, mm_per_px, reasons_allowed):
    pytest.importorskip("pydicom")
    pytest.importorskip("gdcm")
    report, _ = examined("grade", DICOM / file, "--allow-unscaled")
    assert len(report.frames) == (2 if "2frame" in file else 1)
    for frame in report.frames:
        assert frame.reason is not None and (reasons_allowed is None or frame.reason in reasons_allowed)
        assert frame.signal == "live"
        if mm_per_px is not None:
            assert frame.spacing.provenance == "dicom" and frame.spacing.mm_per_px == pytest.approx(mm_per_px, rel=1e-3)


# --- what is a millimetre, and what is black? --------------------------------------------------------------------


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
