"""One way through the frames in a process of its own: it waits, does what it is told, and says how long that took."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np

from benchmarks import textbook
from benchmarks.engines import ENGINES, Network
from benchmarks.graphs import Subject
from edge.bundle import Bundle
from edge.frame import Frame, FrameSource, Pixels

Frames: TypeAlias = Literal["held", "decoded"]
OURS, TEXTBOOK = "SonoEdge", "textbook"
BURST_S, BURST_INVOKES = 0.04, 3  # of bare invokes: at least so long, and so many
_CLIP_PERIOD_NS = 1_000_000_000 // 12


@dataclass(frozen=True)
class Job:
    """Whom a process is to be, and what it works on."""

    label: str  # OURS, TEXTBOOK or an engine's
    threads: int
    bundle: Path
    graphs: Path
    subjects: tuple[Subject, ...]
    segmenter: str
    grader: str
    clip: str
    held: Path  # .npy, the clip's frames (N, H, W, 3)
    roi: tuple[int, int, int, int]  # for the textbook: x, y, width, height of the picture on the screen
    mm_per_px: float


def serve(job: Job, orders: Connection) -> None:
    """Obey (name, arguments) until None comes; what is opened for one order stays open for the next."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # engines greet; what goes wrong is on stderr
    cv2.setNumThreads(job.threads)
    runner = Runner(job)
    while (order := orders.recv()) is not None:
        name, arguments = order
        orders.send(getattr(runner, name)(*arguments))


class Runner:
    """The orders that a process understands."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._engine = next((engine for engine in ENGINES if engine.label == job.label), None)
        self._size = {subject.name: subject.size for subject in job.subjects}
        self._open: dict[str, Any] = {}
        self._way: Callable[[Frames, int], int] | None = None
        self._held: Pixels = np.load(job.held, mmap_mode="c")

    def refusal(self, model: str) -> str:
        """Why the engine cannot run a model, on one line; empty where it can."""
        try:
            network = self._network(model)
            network(np.zeros((network.size, network.size), np.uint8))
        except (RuntimeError, ValueError, cv2.error) as error:
            return " ".join(str(error).split())[-200:]
        return ""

    def invokes(self, model: str) -> list[float]:
        """Bare invokes of one model, ms each."""
        network = self._network(model)
        network(np.full((network.size, network.size), 90, np.uint8))  # each takes its turn after others: warm first
        times, began = [], time.perf_counter()
        while len(times) < BURST_INVOKES or time.perf_counter() - began < BURST_S:
            start = time.perf_counter()
            network.invoke()
            times.append(1e3 * (time.perf_counter() - start))
        return times

    def frames_per_second(self, frames: Frames, count: int) -> float:
        """Of the whole way, over `count` frames; those that are held lie in memory."""
        if self._way is None:
            self._way = _Ours(self.job, self._held) if self.job.label == OURS else self._by_the_book
        began = time.perf_counter()
        done = self._way(frames, count)
        return done / (time.perf_counter() - began)

    def answers(self, model: str, pictures: Pixels) -> np.ndarray:
        """The logits for each picture."""
        network = self._network(model)
        return np.stack([network(picture) for picture in pictures])

    def _network(self, model: str) -> Network:
        assert self._engine is not None  # noqa: S101  only an engine is asked
        if model not in self._open:
            path = self.job.graphs / model / self._engine.graph
            self._open[model] = self._engine.open(path, self._size[model], self.job.threads)
        network: Network = self._open[model]
        return network

    def _by_the_book(self, frames: Frames, count: int) -> int:
        """The textbook script as it stands, or with an engine in the place of its interpreter."""
        segment, grade = map(self._book_network, (self.job.segmenter, self.job.grader))
        pictures: Iterable[Any] = self._held if frames == "held" else textbook.frames(self.job.clip)
        way = textbook.examine(islice(pictures, count), segment, grade, self.job.roi, self.job.mm_per_px)
        return sum(1 for _ in way)

    def _book_network(self, model: str) -> Any:
        if self._engine is not None:
            return self._network(model)
        if model not in self._open:
            self._open[model] = textbook.Network(self.job.graphs / model / "int8.tflite")
        return self._open[model]


class _Ours:
    """The pipeline as `sonoedge run` runs it: its models stay loaded, the screen's layout stays read."""

    def __init__(self, job: Job, held: Pixels) -> None:
        from edge.pipeline import Options, Pipeline  # noqa: PLC0415

        self._job, self._held, self._taken = job, held, 0
        self._bundle = Bundle.open(job.bundle)
        options = Options(grader=job.grader, threads=job.threads)
        self._pipeline = Pipeline(self._bundle, options, stream=True)

    def __call__(self, frames: Frames, count: int) -> int:
        from edge.budget import Budget  # noqa: PLC0415
        from edge.examine import Examination  # noqa: PLC0415
        from edge.sources import open_source  # noqa: PLC0415
        from edge.sources.ahead import Ahead  # noqa: PLC0415

        pictures: Iterable[Frame] = (
            (Frame(pixels, time.monotonic_ns(), 0) for pixels in self._held)
            if frames == "held"
            else Ahead(open_source(self._job.clip))
        )
        source = _OneRecording(pictures, self._taken)
        examination = Examination(self._bundle, self._pipeline, source, "peers", Budget(None))
        examination.run(limit=count)
        source.close()
        done = len(examination.report().frames)
        self._taken += done
        return done


class _OneRecording:
    """Bursts of one clip as a recording that goes on: numbered and timed on from where the last burst ended."""

    stream = True

    def __init__(self, frames: Iterable[Frame], index: int) -> None:
        self._frames, self._index = frames, index

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Frame]:
        for index, frame in enumerate(self._frames, self._index):
            yield replace(frame, index=index, taken_ns=index * _CLIP_PERIOD_NS)

    def close(self) -> None:
        if isinstance(self._frames, FrameSource):
            self._frames.close()
