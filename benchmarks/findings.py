"""What the peers' run found, as data: spreads over the rounds, and ratios taken within each round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from benchmarks.runner import OURS

OUR_ENGINE = "LiteRT, int8"


class Spread(msgspec.Struct, frozen=True):
    """Over the rounds; each round's own figure is its median (invokes) or its whole burst (frames)."""

    p10: float
    median: float
    p90: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(*np.percentile(values, (10, 50, 90)).tolist())


class Invoke(msgspec.Struct, frozen=True, kw_only=True):
    """One model in one engine."""

    engine: str
    model: str
    cores: int  # 1, or all
    ms: Spread
    times_ours: Spread  # its time over that of our INT8 model in the same round: above 1 is slower than we are


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """The whole way of a frame, from the screen's pixels to a grade."""

    runner: str
    cores: int
    frames: str  # "held" in memory, or "decoded" on the way
    fps: Spread
    ours_times: Spread  # our frames a second over its own in the same round: above 1 is slower than we are


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """How an engine answers what no model has seen."""

    engine: str
    model: str
    truth: float  # DSC with the true mask (mean), or share of true grades
    as_ours: float  # DSC with our mask (mean), or share of grades that are ours


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """One run of `python -m benchmarks.peers`."""

    machine: str
    versions: dict[str, str]
    bundle: str
    bundle_digest: str
    segmenter: str
    grader: str  # of the whole way
    paper: str | None  # the paper's segmenter, where it could be made
    source: str
    float_graphs: str  # where they come from
    rounds: int
    frames_a_burst: int
    pictures: int  # behind `answers`
    absent: dict[str, str]  # who was not measured -> why
    invokes: list[Invoke]
    ways: list[Way]
    answers: list[Answers]


InvokeTimes = Mapping[tuple[int, str, str], Sequence[float]]  # cores, model, engine -> ms, a round each
WayRates = Mapping[tuple[int, str, str], Sequence[float]]  # cores, frames, runner -> frames per second, a round each


def invoke_findings(times: InvokeTimes) -> list[Invoke]:
    """`times` holds `OUR_ENGINE` for each model and number of cores."""
    return [
        Invoke(
            engine=engine,
            model=model,
            cores=cores,
            ms=Spread.of(ms),
            times_ours=Spread.of(np.divide(ms, times[cores, model, OUR_ENGINE]).tolist()),
        )
        for (cores, model, engine), ms in times.items()
    ]


def way_findings(rates: WayRates) -> list[Way]:
    """`rates` holds `OURS` for each kind of frames and number of cores."""
    return [
        Way(
            runner=runner,
            cores=cores,
            frames=frames,
            fps=Spread.of(fps),
            ours_times=Spread.of(np.divide(rates[cores, frames, OURS], fps).tolist()),
        )
        for (cores, frames, runner), fps in rates.items()
    ]


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Mean DSC of two stacks of masks (K, H, W) of truth values; 1 where both are empty."""
    both = np.logical_and(first, second).sum(axis=(1, 2))
    sizes = first.sum(axis=(1, 2)) + second.sum(axis=(1, 2))
    return float(np.where(sizes > 0, 2 * both / np.maximum(sizes, 1), 1.0).mean())


def grades_of(logits: np.ndarray) -> np.ndarray:
    """Cumulative logits (K, 3) -> grades (K,), 0..3: the most likely one."""
    from edge.stages.grade import probability_rows  # noqa: PLC0415

    grades: np.ndarray = probability_rows(logits.astype(np.float64)).argmax(axis=-1)
    return grades
