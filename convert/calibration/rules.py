"""The rules of the calibration lint, one small function each; `RULES` is their list.

A rule looks at the measured facts and gives what it found: `ok`, a `warning`, a `fail` (the set spoils an INT8 model,
or the proof of one), or `unknown` where nobody says what it needs to know. The thresholds lie between what was measured
on fit sets and on unfit ones; "own" are the frames of calibration_data, "real wrists" those of another machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np

from convert.calibration.frame_facts import FrameFacts, Seen
from convert.calibration.near_duplicates import first_alike
from convert.training.training_record import TrainingRecord
from edge.manifest import Task

Level = Literal["ok", "warning", "fail", "unknown"]


class Finding(msgspec.Struct, frozen=True):
    """What one rule says."""

    rule: str
    level: Level
    detail: str  # what was found, with files as examples
    mend: str = ""  # what to do about it


@dataclass(frozen=True)
class SetFacts:
    """All that the rules know of a calibration set."""

    frames: Sequence[FrameFacts]
    labelled: bool  # the folder has a labels.csv
    task: Task | None  # None: nobody says what the model does
    record: TrainingRecord | None  # None: nobody says what the model was trained on
    rgb_mean: tuple[float, float, float] | None  # 0..255, of the pictures that a model of colours was trained on
    evaluation_subjects: frozenset[str] | None  # None: no folder of a gate is given
    evaluation_digests: frozenset[str]

    @property
    def sound(self) -> list[tuple[str, Seen]]:
        """The frames that can be read, with their names."""
        return [(frame.sample.file, frame.seen) for frame in self.frames if frame.seen is not None]


Rule = Callable[[SetFacts], Finding]

# Of the range over 90 own frames, the worst tensor of a MobileNetV2 or a segmenter sees 0.7 in 8 frames, 0.9 in 64.
FEWEST_FRAMES, ENOUGH_FRAMES = 8, 64
ENOUGH_SUBJECTS = 10
DISTINCT_FAIL, DISTINCT_WARNING = 0.5, 0.8  # share of frames that are no near copies
CONSTANT_FAIL = 0.1  # share of frames of one grey level
NOISE_FAIL, NOISE_WARNING = 0.25, 0.4  # Seen.coarse: white noise 0.003, blurred 0.06, B-mode 0.6-0.8, never below 0.38
MEAN_FAIL, MEAN_WARNING = 0.45, 0.25  # of the training's SD: own frames to 0.20, real wrists 0.39, inverted from 0.50
SPREAD_FAIL, SPREAD_WARNING = 2.0, 4 / 3  # factor between the two SDs, either way: own frames to 1.12, real wrists 1.34
VIDEO_BLACK, VIDEO_WHITE = 12, 243  # grey levels: a picture in video's 16..235 stays within, give or take compression


def layout(facts: SetFacts) -> Finding:
    """Every file is a frame: uint8, (H, W) or (H, W, 3)."""
    faults = {frame.sample.file: frame.fault for frame in facts.frames if frame.fault}
    if not faults:
        return Finding("layout", "ok", "every frame is (H, W) or (H, W, 3) uint8")
    detail = f"{_of(faults, facts.frames)} cannot be read: {_examples(faults)}: {next(iter(faults.values()))}"
    return Finding("layout", "fail", detail, "save each frame as (H, W) or (H, W, 3) uint8, 0..255")


def feeding(facts: SetFacts) -> Finding:
    """Every frame becomes an input of the model."""
    unfed = {frame.sample.file: frame.unfed for frame in facts.frames if frame.unfed}
    if unfed:
        detail = f"{_of(unfed, facts.frames)} cannot be fed: {_examples(unfed)}: {next(iter(unfed.values()))}"
        return Finding("feeding", "fail", detail, "give these frames what the model's task needs, or take them out")
    fed = sum(frame.fed is not None for frame in facts.frames)
    if not fed:
        return Finding("feeding", "unknown", "nothing was fed to a model", "" if facts.task else "give --model M")
    return Finding("feeding", "ok", f"{fed} frames become inputs of the model")


def pixel_range(facts: SetFacts) -> Finding:
    """The grey levels cover what the device feeds, 0..255."""
    unit = [f.sample.file for f in facts.frames if f.scale[0] >= 0 and 0 < f.scale[1] <= 1]
    if unit:
        detail = f"{_of(unit, facts.frames)}: the scale is 0..1, the device feeds 0..255: {_examples(unit)}"
        return Finding("range", "fail", detail, "multiply by 255 before saving as uint8")
    if not facts.sound:
        return _nothing_read("range")
    flat = [file for file, seen in facts.sound if np.count_nonzero(seen.levels) == 1]
    if flat:
        level: Level = "fail" if len(flat) > CONSTANT_FAIL * len(facts.frames) else "warning"
        detail = f"{_of(flat, facts.frames)}: one grey level all over: {_examples(flat)}"
        return Finding("range", level, detail, "take these frames out")
    share = np.cumsum(np.sum([seen.levels for _, seen in facts.sound], axis=0, dtype=np.float64))
    low, high = (int(np.searchsorted(share, at * share[-1])) for at in (0.001, 0.999))
    detail = f"grey levels {low}..{high} (all but 0.1 % at each end)"
    if low >= VIDEO_BLACK and high <= VIDEO_WHITE:
        return Finding("range", "warning", f"{detail}: video's limited range?", "capture in full range, 0..255")
    if low > 40 or high < 200:
        end = "above" if high < 200 else "below"
        return Finding("range", "warning", f"{detail}: nothing {end}", "add frames at the device's usual gain")
    return Finding("range", "ok", detail)


def polarity(facts: SetFacts) -> Finding:
    """B-mode is bright on black: more of it is black than white, by 10 to 1 in the calibration data."""
    if facts.task not in (None, "segment", "grade"):
        return Finding("polarity", "unknown", f"a rule of ultrasound; the task is {facts.task}")
    if not facts.sound:
        return _nothing_read("polarity")
    black, white = (float(np.mean([getattr(seen, end) for _, seen in facts.sound])) for end in ("black", "white"))
    detail = f"{black:.1%} of the picture is black, {white:.1%} white"
    if white > 0.02 and white > 2 * black:
        return Finding("polarity", "fail", f"{detail}: the grey levels are inverted", "save 255 - pixel")
    return Finding("polarity", "ok", detail)


def texture(facts: SetFacts) -> Finding:
    """Neighbouring pixels belong together: speckle and tissue do, noise does not."""
    if not facts.sound:
        return _nothing_read("texture")
    middle = float(np.median([seen.coarse for _, seen in facts.sound]))
    noisy = [file for file, seen in facts.sound if seen.coarse < NOISE_FAIL and np.count_nonzero(seen.levels) > 1]
    detail = f"{middle:.0%} of the variance is left at 16 x 16 px"
    if middle < NOISE_FAIL:
        return Finding("texture", "fail", f"{detail}: noise, no tissue: {_examples(noisy)}", "use frames of the device")
    if middle < NOISE_WARNING or noisy:
        detail += f"; {_of(noisy, facts.frames)} like noise: {_examples(noisy)}" if noisy else ": little for B-mode"
        return Finding("texture", "warning", detail, "look at these frames: are they of tissue?")
    return Finding("texture", "ok", detail)


def statistics(facts: SetFacts) -> Finding:
    """Mean and standard deviation as fed, against those of the training set (`TrainingRecord`)."""
    fed = [frame.fed for frame in facts.frames if frame.fed is not None]
    if facts.record is None or not fed:
        why = "nothing could be fed" if facts.record else "nobody says what the training's pixels were like"
        return Finding("statistics", "unknown", why, "" if facts.record else "name a model with M.train.json beside it")
    pixels = sum(one.pixels for one in fed)
    mean = sum(one.total for one in fed) / pixels
    std = math.sqrt(max(0.0, sum(one.total_of_squares for one in fed) / pixels - mean**2))
    off = abs(mean - facts.record.pixel_mean) / facts.record.pixel_std
    factor = max(std, facts.record.pixel_std) / max(min(std, facts.record.pixel_std), 1e-6)
    detail = (
        f"mean {mean:.1f}, SD {std:.1f}; the training's {facts.record.pixel_mean:.1f}, {facts.record.pixel_std:.1f}: "
        f"{off:.2f} SD off"
    )
    if off > MEAN_FAIL or factor > SPREAD_FAIL:
        return Finding("statistics", "fail", detail, "use frames like those that the model was trained on")
    if off > MEAN_WARNING or factor > SPREAD_WARNING:
        return Finding("statistics", "warning", detail, "add frames at other gains and from other machines")
    return Finding("statistics", "ok", detail)


def channel_order(facts: SetFacts) -> Finding:
    """Red and blue lie to each other as in the pictures that the model was trained on, not the other way round."""
    coloured = [(file, seen.rgb) for file, seen in facts.sound if seen.rgb is not None]
    if not coloured:
        return Finding("channel-order", "ok", "grey: the order does not matter")
    if facts.rgb_mean is None:
        what = "colours are made grey for this model" if facts.task in ("segment", "grade") else "no model of colours"
        return Finding("channel-order", "ok" if facts.task in ("segment", "grade") else "unknown", what)
    expected = facts.rgb_mean[0] - facts.rgb_mean[2]
    if abs(expected) < 4:
        return Finding("channel-order", "unknown", "red and blue are alike in the training's pictures")
    differences = np.array([rgb[0] - rgb[2] for _, rgb in coloured])
    against = [file for (file, _), one in zip(coloured, differences, strict=True) if one * expected < 0]
    detail = f"red - blue is {differences.mean():+.1f}, in the training's pictures {expected:+.1f}"
    if len(against) >= 2 / 3 * len(coloured) and differences.mean() * np.sign(expected) < -abs(expected) / 2:
        return Finding("channel-order", "fail", f"{detail}: BGR for RGB: {_examples(against)}", "swap red and blue")
    return Finding("channel-order", "ok", detail)


def frames(facts: SetFacts) -> Finding:
    """Enough frames."""
    count = len(facts.frames)
    if count < FEWEST_FRAMES:
        return Finding("frames", "fail", f"{count} frames", f"give at least {FEWEST_FRAMES}, better {ENOUGH_FRAMES}")
    if count < ENOUGH_FRAMES:
        return Finding("frames", "warning", f"{count} frames", f"add {ENOUGH_FRAMES - count}")
    return Finding("frames", "ok", f"{count} frames")


def subjects(facts: SetFacts) -> Finding:
    """Enough people."""
    if not facts.labelled:
        return Finding("subjects", "unknown", "no labels.csv says whose the frames are", "write one")
    count = len({frame.sample.subject for frame in facts.frames})
    if count == 1:
        return Finding("subjects", "fail", f"all of {facts.frames[0].sample.subject}", "add frames of other people")
    if count < ENOUGH_SUBJECTS:
        return Finding("subjects", "warning", f"{count} subjects", f"add frames of {ENOUGH_SUBJECTS - count} more")
    return Finding("subjects", "ok", f"{count} subjects")


def duplicates(facts: SetFacts) -> Finding:
    """The frames differ. Frames of one sweep are alike, so what counts is the share that is distinct."""
    if not facts.sound:
        return _nothing_read("duplicates")
    names = [file for file, _ in facts.sound]
    firsts = first_alike([seen.thumbnail for _, seen in facts.sound])
    distinct = len(set(firsts))
    copies = [f"{name} = {names[first]}" for name, first in zip(names, firsts, strict=True) if name != names[first]]
    if not copies:
        return Finding("duplicates", "ok", f"{distinct} distinct frames")
    detail = f"{distinct} of {len(names)} frames distinct; near copies: {_examples(copies)}"
    share = distinct / len(names)
    level: Level = "fail" if share < DISTINCT_FAIL else "warning" if share < DISTINCT_WARNING else "ok"
    return Finding("duplicates", level, detail, "" if level == "ok" else "take frames further apart, of more subjects")


def leakage(facts: SetFacts) -> Finding:
    """Nobody who was trained on or calibrated with is in the frames that shall prove the result."""
    if facts.evaluation_subjects is None:
        return Finding("leakage", "unknown", "no frames of a gate to compare with", "give --gate DIR")
    own = {frame.sample.subject for frame in facts.frames} if facts.labelled else set()
    people = sorted(own & facts.evaluation_subjects)
    pictures = [file for file, seen in facts.sound if seen.digest in facts.evaluation_digests]
    known = sorted(facts.record.seen & facts.evaluation_subjects) if facts.record else []
    if not people and not pictures and not known:
        return Finding("leakage", "ok", "no subject and no picture is in the gate's folder")
    found = [f"subjects {_examples(people)}"] if people else []
    found += [f"pictures {_examples(pictures)}"] if pictures else []
    found += [f"subjects of the model's training {_examples(known)}"] if known else []
    detail = f"in the gate's folder too: {'; '.join(found)}"
    return Finding("leakage", "fail", detail, "gate on people whom neither training nor calibration has seen")


RULES: tuple[Rule, ...] = (
    layout, feeding, pixel_range, polarity, texture, statistics, channel_order, frames, subjects, duplicates, leakage,
)  # fmt: skip


def _of(part: Iterable[str], whole: Sequence[FrameFacts]) -> str:
    return f"{len(list(part))} of {len(whole)} frames"


def _examples(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return ", ".join(listed[:3]) + more


def _nothing_read(rule: str) -> Finding:
    return Finding(rule, "unknown", "no frame could be read")
