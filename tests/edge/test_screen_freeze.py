"""A picture is frozen when it stands still while time passes, whatever runs beside it and however it is captured."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from convert.phantom import anatomy, bmode
from convert.phantom import screen as machine
from convert.phantom.acquisition import draw_settings
from convert.phantom.frames import TRANSVERSE, PhantomFrame
from convert.phantom.subject import draw_subject
from convert.phantom.tissue import TissueMap
from edge.frame import Roi
from edge.screen.freeze import FROZEN_AFTER, FreezeWatch
from edge.screen.signal import signal_state
from edge.sources import open_source
from tests.edge.test_screen_signal import captured, dongle

DATA = Path(__file__).parents[3] / "shared" / "data"
FPS = 30
SECOND = 1_000_000_000
SEQUENCES = {  # where the picture lies, read off by eye
    "framegrabber/BoneUltrasound_L14.igs.mha": Roi(176, 2, 468, 610),
    "framegrabber/SegmentationTest_BKMedical_RandomStepperMotionData2_Trimmed.igs.mha": Roi(160, 98, 434, 320),
    "framegrabber/SegmentationTest_VLCUS_RandomStepperMotionData2.igs.mha": Roi(32, 50, 468, 368),
    "framegrabber/USTC_FrameGrabber_ProbeRotationData.igs.mha": Roi(56, 81, 458, 300),
    "framegrabber/USTC_FrameGrabber_TemplateTranslationData.igs.mha": Roi(56, 81, 458, 300),
    "screens/itkpocus/butterfly-ocular-phantom.mp4": Roi(80, 180, 600, 860),
}
CLOCKED = [name for name in SEQUENCES if "Segmentation" in name or "USTC" in name]


def verdicts(frames, roi, fps: float = FPS, watch: FreezeWatch | None = None, since_s: float = 0.0) -> list[bool]:
    watch = watch or FreezeWatch()
    return [watch(pixels, roi, round((since_s + index / fps) * SECOND)) for index, pixels in enumerate(frames)]


def frozen_from(answers: list[bool], fps: float = FPS) -> float:
    """Seconds until it is frozen; it must stay so."""
    first = answers.index(True)
    assert all(answers[first:])
    return first / fps


@cache
def sequence(name: str):
    """Up to 120 frames of a real sequence, grey."""
    if not DATA.is_dir():
        pytest.skip("no ../shared/data here")
    source = open_source(str(DATA / name))
    frames = [frame.pixels for frame, _ in zip(source, range(120), strict=False)]
    source.close()
    return [each if each.ndim == 2 else cv2.cvtColor(each, cv2.COLOR_BGR2GRAY) for each in frames]


def held_still(amount: int, machine_name: str):
    """Frames of a probe in a clamp: the same scatterers, fresh electronic noise in each."""
    subject, taken = draw_subject(3, 5), draw_settings(3, 5, machine_name=machine_name)
    rng = np.random.default_rng(7)
    scatterers = bmode.speckle(taken.shape, taken.looks, rng)
    tissue = TissueMap(taken.shape, taken.mm_per_px, anatomy.BED_DB)
    mask = tissue.mostly_inside(TRANSVERSE.slice(tissue, subject, 0.0))
    for _ in range(amount):
        yield PhantomFrame(bmode.picture(tissue, taken, scatterers, rng), mask, subject, taken, TRANSVERSE)


@cache
def phantom_screens(machine_name: str = "console-a"):
    """12 frames of a machine's screen at 10 images a second, its clock running, and where the picture lies."""
    display = machine.Display(1280, 720)
    drawn = [
        machine.draw_screen(frame, display, index=index, at_s=index / 10)
        for index, frame in enumerate(held_still(12, machine_name))
    ]
    return [each.pixels for each in drawn], drawn[0].roi


def stilled(frames, roi):
    """The frames with the first one's picture in each: all else runs on."""
    for pixels in frames:
        shown = pixels.copy()
        roi.of(shown)[:] = roi.of(frames[0])
        yield shown


@pytest.mark.parametrize("machine_name", list(machine.CONSOLES))
def test_a_probe_held_still_is_live_in_a_digital_capture(machine_name):
    frames, roi = phantom_screens(machine_name)
    assert not any(verdicts(frames, roi, fps=10))


@pytest.mark.parametrize("machine_name", list(machine.CONSOLES))
def test_the_same_screen_with_a_still_picture_and_a_running_clock_is_frozen(machine_name):
    frames, roi = phantom_screens(machine_name)
    assert frozen_from(verdicts(stilled(frames, roi), roi, fps=10), fps=10) == pytest.approx(FROZEN_AFTER)


@pytest.mark.parametrize("name", SEQUENCES)
@pytest.mark.parametrize("fps", [15, 30])
def test_real_sequences_are_live(name, fps):
    assert not any(verdicts(sequence(name), SEQUENCES[name], fps))


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_real_picture_alone_on_its_screen_is_live(name):
    roi = SEQUENCES[name]
    alone = [roi.of(pixels) for pixels in sequence(name)]
    assert not any(verdicts(alone, Roi(0, 0, roi.width, roi.height)))


@pytest.mark.parametrize("name", SEQUENCES)
def test_real_sequences_are_live_through_a_noisy_capture(name):
    noisy = [captured(pixels, noise=3.0, seed=index) for index, pixels in enumerate(sequence(name)[:30])]
    assert not any(verdicts(noisy, SEQUENCES[name]))


@pytest.mark.parametrize("name", CLOCKED)
def test_a_real_sequence_whose_picture_stands_while_its_clock_runs_is_frozen_within_a_second(name):
    frames, roi = sequence(name), SEQUENCES[name]
    looped = (frames * 20)[:90]
    answers = verdicts(stilled(looped, roi), roi)
    assert frozen_from(answers) <= 1.0
    watch = FreezeWatch()
    assert verdicts(stilled(looped, roi), roi, watch=watch)[-1]
    life = frames[1:] * 10  # it differs from the still one
    assert not any(verdicts(life[:60], roi, watch=watch, since_s=3.0)[5:])  # the wire moves little from frame to frame


@pytest.mark.parametrize("name", SEQUENCES)
@pytest.mark.parametrize("alone", [False, True], ids=["on its screen", "alone"])
@pytest.mark.parametrize(
    ("noise", "flicker", "jpeg"),
    [(1.0, 0.0, None), (3.0, 0.05, None), (2.0, 0.02, 75), (3.0, 0.03, 50), (0.0, 0.0, 50)],
)
def test_a_still_is_frozen_through_noise_flicker_and_jpeg(name, alone, noise, flicker, jpeg):
    roi, still = SEQUENCES[name], sequence(name)[0]
    rng = np.random.default_rng(1)

    def capture():
        for index in range(30):
            pixels = cv2.convertScaleAbs(still, alpha=1 + flicker * rng.standard_normal())
            pixels = captured(pixels, noise=noise, jpeg=jpeg, seed=index)
            yield roi.of(pixels) if alone else pixels

    answers = verdicts(capture(), Roi(0, 0, roi.width, roi.height) if alone else roi)
    assert frozen_from(answers) == pytest.approx(FROZEN_AFTER, abs=1 / FPS)


@settings(max_examples=15)
@example(seed=0, noise=0.0, flicker=0.001, jpeg=60, name=CLOCKED[-2])  # text repeats to the bit, speckle does not
@example(seed=3, noise=0.0, flicker=0.003, jpeg=None, name=CLOCKED[1])
@example(seed=123, noise=0.0, flicker=0.03515625, jpeg=None, name=CLOCKED[0])  # the gain foretells the text to the bit
@given(
    st.integers(0, 2**31),
    st.floats(0, 3),
    st.floats(0, 0.05),
    st.sampled_from([None, 85, 60]),
    st.sampled_from(CLOCKED),
)
def test_noise_of_any_kind_never_brings_a_still_to_life(seed, noise, flicker, jpeg, name):
    roi, still = SEQUENCES[name], sequence(name)[0]
    rng = np.random.default_rng(seed)
    frames = [
        captured(
            cv2.convertScaleAbs(still, alpha=1 + flicker * rng.uniform(-2, 2)),
            noise=noise,
            jpeg=jpeg,
            seed=seed + index,
        )
        for index in range(25)
    ]
    assert verdicts(frames, roi).index(True) <= FPS


@pytest.mark.parametrize("live_frames", range(30, 44))
def test_whenever_a_picture_stops_it_is_frozen_within_a_second(live_frames):
    frames, roi = phantom_screens()
    shown = [frames[index % len(frames)] for index in range(live_frames)]
    answers = verdicts([*shown, *[shown[-1]] * FPS], roi)
    assert not any(answers[:live_frames])
    assert answers[live_frames + FPS - 1]


def with_caliper(pixels, roi, index: int):
    """A cursor on its way over the picture, and the line it draws behind it."""
    shown = pixels.copy()
    x, y = roi.x + (index * 11) % (roi.width - 30), roi.y + (index * 7) % (roi.height - 30)
    cv2.line(shown, (roi.x + 5, roi.y + 5), (x, y), (0, 255, 255), 2)
    cv2.arrowedLine(shown, (x + 20, y + 20), (x, y), (255, 255, 255), 3)
    return shown


@pytest.mark.parametrize("machine_name", ["console-a", "portable-c"])
def test_a_moving_caliper_does_not_revive_a_still_picture(machine_name):
    frames, roi = phantom_screens(machine_name)
    answers = verdicts((with_caliper(frames[0], roi, index) for index in range(60)), roi)
    assert frozen_from(answers) == pytest.approx(FROZEN_AFTER)


@pytest.mark.parametrize("name", CLOCKED)
def test_a_cursor_does_not_revive_a_nearly_black_still_picture(name):
    roi, still = SEQUENCES[name], sequence(name)[0]
    shown = []
    for index in range(60):
        pixels = still.copy()
        x, y = roi.x + 20 + 7 * index % (roi.width - 40), roi.y + 20 + 5 * index % (roi.height - 40)
        cv2.arrowedLine(pixels, (x + 12, y + 12), (x, y), 255, 2)
        shown.append(pixels)
    assert frozen_from(verdicts(shown, roi)) == pytest.approx(FROZEN_AFTER)


def test_a_menu_that_opens_over_a_part_of_a_still_picture_does_not_revive_it():
    frames, roi = phantom_screens()
    opened = frames[0].copy()
    opened[roi.y : roi.y + roi.height // 2, roi.x : roi.x + roi.width // 3] = 90
    answers = verdicts([frames[0]] * 30 + [opened] * 30, roi)
    assert frozen_from(answers) == pytest.approx(FROZEN_AFTER)


def test_a_slow_machine_captured_fast_is_live():
    frames, roi = phantom_screens()
    captured_at_30 = [frames[index * 8 // 30] for index in range(44)]
    assert not any(verdicts(captured_at_30, roi))


def test_life_is_seen_after_two_frames_and_one_torn_frame_is_none():
    frames, roi = phantom_screens()
    torn = frames[0].copy()
    roi.of(torn)[:] = roi.of(torn)[::-1]
    watch = FreezeWatch()
    assert verdicts([frames[0]] * 30 + [torn] + [frames[0]] * 3, roi, watch=watch)[-4:] == [True] * 4
    assert verdicts(frames[1:4], roi, watch=watch, since_s=34 / FPS) == [True, False, False]


@pytest.mark.parametrize("gap_s", [0.9, 2.0, 30.0])
def test_frames_far_apart_count_one_by_one(gap_s):
    frames, roi = phantom_screens()
    shown = [frames[0], frames[0], frames[1], frames[2], frames[2]]
    assert verdicts(shown, roi, fps=1 / gap_s) == [False, True, False, False, True]


@settings(max_examples=20)
@given(st.lists(st.floats(0.001, 0.3), min_size=12, max_size=40))
def test_stamps_may_come_at_any_pace(gaps):
    frames, roi = phantom_screens()
    watch, stamps = FreezeWatch(), np.cumsum([0.0, *gaps])
    answers = [watch(frames[0], roi, round(stamp * SECOND)) for stamp in stamps]
    assert answers == [round(stamp * SECOND) >= FROZEN_AFTER * SECOND for stamp in stamps]


def test_another_size_or_a_clock_set_back_starts_anew():
    frames, roi = phantom_screens()
    smaller = cv2.resize(frames[0], (1024, 576))
    for pixels, place, stamp in (
        (smaller, Roi(roi.x // 2, roi.y // 2, 300, 300), SECOND),
        (frames[0], roi, -5 * SECOND),
    ):
        watch = FreezeWatch()
        assert verdicts([frames[0]] * 28, roi, watch=watch)[-1]
        assert not watch(pixels, place, stamp)
        assert watch(pixels, place, stamp + SECOND)


def test_what_was_known_of_a_capture_does_not_outlive_a_clock_set_back():
    frames, roi = phantom_screens()
    watch = FreezeWatch()
    assert not any(verdicts([frames[index % 12] for index in range(40)], roi, watch=watch, since_s=10.0))
    noisy = [captured(frames[0], noise=2.0, seed=index) for index in range(FPS)]
    assert verdicts(noisy, roi, watch=watch, since_s=3.0)[-1]


def test_a_place_that_is_read_anew_neither_revives_a_still_picture_nor_delays_its_verdict():
    frames, roi = phantom_screens()
    places = [Roi(roi.x + index % 5, roi.y, roi.width - 8, roi.height - index % 3) for index in range(60)]
    watch = FreezeWatch()
    still = [watch(frames[0], place, index * SECOND // FPS) for index, place in enumerate(places)]
    assert frozen_from(still) == pytest.approx(FROZEN_AFTER)
    live = [watch(frames[1 + index % 2], place, (60 + index) * SECOND // FPS) for index, place in enumerate(places)]
    assert live[1:] == [False] * 59


def test_a_black_picture_is_not_called_frozen():
    assert not any(verdicts([np.zeros((480, 640, 3), np.uint8)] * 40, Roi(100, 100, 300, 300)))


@settings(max_examples=60)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.sampled_from([0, 3]))
def test_any_box_of_any_picture_has_an_answer(x, y, width, height, channels):
    shape = (y + height + 3, x + width + 5, *([channels] if channels else []))
    frames = [np.random.default_rng(seed).integers(0, 256, shape, np.uint8) for seed in (1, 2)]
    kept = [pixels.copy() for pixels in frames]
    watch = FreezeWatch()
    for index, pixels in enumerate((frames[0], frames[0], frames[1])):
        assert watch(pixels, Roi(x, y, width, height), index * SECOND) in (False, True)
    assert all(np.array_equal(*pair) for pair in zip(frames, kept, strict=True))


@pytest.mark.parametrize("name", CLOCKED)
def test_thirty_seconds_without_a_signal_in_the_middle_of_a_sequence(name):
    frames, roi = sequence(name), SEQUENCES[name]
    lost = dongle(
        frames[0].shape, (200, 0, 0), (255, 255, 255), "NO SIGNAL", cv2.FONT_HERSHEY_SIMPLEX, (0.5, 0.5), 0.08
    )
    watch, usable = FreezeWatch(), []
    for index, pixels in enumerate((frames * 20)[:60] + [lost] * 30 * FPS + (frames * 20)[30:90]):
        live = signal_state(pixels) == "live"
        usable.append(live and not watch(pixels, roi, round(index / FPS * SECOND)))
    gone, back = 60, 60 + 30 * FPS
    assert all(usable[:gone]) and not any(usable[gone:back])
    assert all(usable[back + 2 :])
