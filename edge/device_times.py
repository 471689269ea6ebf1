"""How fast this device runs a bundle: measured in about a second, kept for a week.

What a frame takes with a grader is put together from its parts: reading, judging and measuring on frames that show a
nerve, and the bare invokes of the segmenter and of that grader on each number of threads. Each part counts with its
p95, which together is more than the whole's.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from edge import host
from edge.bench.invokes import time_invokes
from edge.bundle import Bundle
from edge.choice import Combination, accuracy
from edge.errors import OutputError
from edge.frame import Frame
from edge.interpreter import runtime
from edge.manifest import ModelEntry
from edge.output import write_atomically
from edge.pipeline import Options, Pipeline, load_model
from edge.progress import tracked

INVOKES = 20  # of each model on each number of threads
INVOKED = ("segment", "grade")  # stages whose time is the invokes'
NS = 1e-6  # ms
KEPT_FOR_S = 7 * 24 * 3600.0  # a device is given a fan, or another governor


def combinations(
    bundle: Bundle, frames: Iterable[Frame], options: Options, graders: Sequence[str], threads: Sequence[int]
) -> tuple[Combination, ...]:
    """Each grader on each number of threads; out of the cache, where this device has run this bundle so before.

    `frames` show a nerve of the bundle's view on a screen; they are asked for when something must be measured.

    Raises:
        UsageError, BundleError, InterpreterError: as `edge.pipeline.Pipeline`.
    """
    kept = _place(bundle, options, graders, threads)
    with suppress(OSError, msgspec.MsgspecError):
        if abs(time.time() - kept.stat().st_mtime) < KEPT_FOR_S:
            return msgspec.json.decode(kept.read_bytes(), type=tuple[Combination, ...])
    measured = _measured(bundle, frames, options, graders, threads)
    _keep(kept, measured)
    return measured


def _keep(place: Path, measured: tuple[Combination, ...]) -> None:
    """For the next start; where that cannot be, it is told, and the exam goes on."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, msgspec.json.encode(measured))
    except (OSError, OutputError) as error:
        cause = error.__cause__ or error  # an OutputError names a file that nobody knows
        print(
            f"sonoedge: {place.parent}: the times of this device cannot be kept ({getattr(cause, 'strerror', cause)}): "
            "it is measured again at each start: set XDG_CACHE_HOME to a folder that can be written",
            file=sys.stderr,
        )


def _measured(
    bundle: Bundle, frames: Iterable[Frame], options: Options, graders: Sequence[str], threads: Sequence[int]
) -> tuple[Combination, ...]:
    manifest = bundle.manifest
    pipeline = Pipeline(bundle, options, stream=True)
    rest_ms = _rest_ms(pipeline, frames)
    assert manifest.segmenter is not None  # noqa: S101  the pipeline has one
    found = []
    for count in tracked(threads, "measuring this device", unit="number of threads"):
        segment_ms = _invoke_ms(bundle, manifest.segmenter, replace(options, threads=count))
        for name in graders:
            entry = manifest.graders[name]
            p95_ms = rest_ms + segment_ms + _invoke_ms(bundle, entry, replace(options, threads=count))
            found.append(Combination(grader=name, threads=count, p95_ms=p95_ms, accuracy=accuracy(entry)))
    return tuple(found)


def _rest_ms(pipeline: Pipeline, frames: Iterable[Frame]) -> float:
    """p95 of all that is no invoke; the first frame, whose layout is read, is none of a stable screen."""
    rest = []
    for frame in frames:
        laps = pipeline(frame).stage_ns
        rest.append(sum(ns for stage, ns in laps.items() if stage not in INVOKED))
    return float(np.percentile(rest[1:], 95)) * NS if len(rest) > 1 else 0.0


def _invoke_ms(bundle: Bundle, entry: ModelEntry, options: Options) -> float:
    """p95 of a model's bare invoke."""
    model = load_model(bundle, entry, options)
    picture = np.zeros((entry.input.height, entry.input.width), np.uint8)
    time_invokes(model, picture, 3)  # the first ones touch memory that nobody has touched
    return float(np.percentile(time_invokes(model, picture, INVOKES).wall_ns, 95)) * NS


def _place(bundle: Bundle, options: Options, graders: Sequence[str], threads: Sequence[int]) -> Path:
    """The file of all that the times depend on."""
    of = (
        bundle.digest,
        host.cpu_model(),
        host.usable_cores(),
        runtime(options.interpreter),
        tuple(graders),
        tuple(threads),
    )
    name = hashlib.sha256(repr(of).encode()).hexdigest()[:16]
    return _cache() / "sonoedge" / "device-times" / f"{name}.json"


def _cache() -> Path:
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named)
    try:
        return Path.home() / ".cache"
    except RuntimeError:  # a service's user that no account belongs to
        return Path("/.cache")
