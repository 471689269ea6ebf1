"""Which grader, on how many threads: the most accurate whose p95 fits the budget on this device. A rule, no I/O."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from edge.manifest import ModelEntry

AS_FAST = 1.1  # times the fastest p95: more threads for less than that warm the device for nothing


class Combination(msgspec.Struct, frozen=True, kw_only=True):
    """One way to run a bundle, as measured on the device."""

    grader: str
    threads: int
    p95_ms: float  # what a frame takes from capture to report, with that grader
    accuracy: float | None  # of the INT8 grader on labelled subjects, 0..1, as the bundle proves it; None: it does not


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The combination taken, and those it was taken from."""

    grader: str
    threads: int
    fits: bool  # its p95 within the budget; where none is, the fastest was taken
    measured: tuple[Combination, ...]


def choose(measured: Sequence[Combination], budget_ms: float, default: str | None) -> Choice:
    """The most accurate that fits; of equal ones the bundle's own default, then the one on the fewest threads that is
    about as fast as any. Where none fits, the fastest."""
    fitting = [each for each in measured if each.p95_ms <= budget_ms]
    if fitting:
        best = max(fitting, key=lambda each: (each.accuracy or 0.0, each.grader == default))
        alike = [each for each in fitting if each.grader == best.grader]
    else:
        fastest = min(measured, key=lambda each: each.p95_ms)
        alike = [each for each in measured if each.grader == fastest.grader]
    limit = AS_FAST * min(each.p95_ms for each in alike)
    taken = min((each for each in alike if each.p95_ms <= limit), key=lambda each: each.threads)
    return Choice(grader=taken.grader, threads=taken.threads, fits=bool(fitting), measured=tuple(measured))


def accuracy(entry: ModelEntry) -> float | None:
    """What a bundle proves of a grader's INT8 accuracy on labelled subjects, 0..1."""
    if entry.proof is None or not entry.proof.labelled or "accuracy" not in entry.proof.figures:
        return None
    return entry.proof.figures["accuracy"].in_int8
