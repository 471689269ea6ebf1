"""The record of a bench: one struct, its JSON, and the JSON of earlier versions."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge.bench.monitor import Energy, Moment
from edge.bench.steady import Warmup
from edge.errors import ReportError
from edge.heat import Throttling


class Percentiles(msgspec.Struct, frozen=True):
    """Of one measured time, in ms, nearest rank."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """Where and with what was measured; None where the machine does not say, or an earlier version did not ask."""

    cpu: str | None = None
    cores: int | None = None  # that the process may use
    python: str | None = None
    interpreter: str | None = None
    sonoedge: str | None = None
    threads: int | None = None
    bundle: str | None = None
    bundle_digest: str | None = None
    grader: str | None = None
    screen: str | None = None  # width x height of the frames, px
    temperature_before_c: float | None = None
    temperature_after_c: float | None = None
    frequency_before_mhz: float | None = None
    frequency_after_mhz: float | None = None


class FirstReport(msgspec.Struct, frozen=True, kw_only=True):
    """`sonoedge run` in a process of its own, from its start to the first frame's record, part by part."""

    python_s: float  # until Python runs our first line
    imports_s: float
    opening_s: float  # command line, bundle, interpreter, models, and the source until its first frame
    frame_s: float  # from the first frame to its record
    frames: int  # that it saw until its memory was read


class BareProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A process of its own that does no more than open the same models and run each once: the floor."""

    python_s: float
    opening_s: float  # importing the interpreter and opening the models
    invokes_s: float  # the first of each
    rss_mib: float | None  # peak


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """Frame ages over the run and what they are made of; of a long run the oldest frame of each span."""

    at_s: tuple[float, ...]  # stamp, since the run began
    wait_ms: tuple[float, ...]  # until it was handed over
    stages_ms: dict[str, tuple[float, ...]]  # 0 where the frame did not reach the stage
    rest_ms: tuple[float, ...]  # what is left of its age: the record


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One way of running the bundle, out of a matrix."""

    grader: str | None
    threads: int
    screen: str  # width x height, px
    frame_age_ms: Percentiles
    stages: dict[str, Percentiles]
    invoke_ms: dict[str, float]
    cpu_ms_per_frame: float
    overhead_ms: float | None
    deadline_miss_ratio: float
    frames: int
    dropped: int
    graded: int
    accuracy: float | None  # of the grader, as the bundle says; None: unlabelled
    auc: float | None  # likewise
    steady: bool
    throttled: bool | None


class BenchResult(msgspec.Struct, frozen=True, kw_only=True):
    """One run. A stage that no frame reached is not in `stages`, a model that none reached not in `invoke_ms`.

    What has a default is not in the records of earlier versions.
    """

    stages: dict[str, Percentiles]
    frame_age_ms: Percentiles
    frames: int
    invoke_ms: dict[str, float] = {}  # model -> median of its bare invoke
    overhead_ratio: float | None = (
        None  # CPU time of the frames over that of the bare invokes they needed; None if none
    )
    overhead_ms: float | None = None  # the same as a difference, ms of CPU a frame
    cpu_ms_per_frame: float | None = None
    age_cdf_ms: tuple[float, ...] = ()  # ages, sorted: item i of n is exceeded by a share 1 - i / (n - 1) of the frames
    budget_ms: float | None = None
    fps: float | None = None  # None: back to back
    deadline_miss_ratio: float = 0.0
    dropped: int = 0  # frames that a newer one overtook; never any back to back
    graded: int | None = None
    graders_skipped: int = 0  # frames that were not graded as that would have been too late
    frames_skipped: int = 0  # frames that were given up as too late
    held_frames: int | None = None
    held_mib: float | None = None
    warmup: Warmup | None = None
    first_report_s: float | None = None  # of a process of its own, from its start; earlier: from opening the models
    first_report: FirstReport | None = None
    bare_process: BareProcess | None = None
    rss_mib: float | None = None  # peak of that process; earlier: of the bench itself
    rss_bench_mib: float | None = None  # peak of the bench itself, held frames included
    throttling: Throttling | None = None
    course: tuple[Moment, ...] = ()
    energy: Energy | None = None
    timeline: Timeline | None = None
    matrix: tuple[Cell, ...] = ()
    environment: Environment = Environment()

    @property
    def first_report_ratio(self) -> float | None:
        """First report over a bare process's start, its models and one frame."""
        bare = self.bare_process
        if bare is None or self.first_report_s is None:
            return None
        floor_s = bare.python_s + bare.opening_s + self.frame_age_ms.p50_ms / 1e3
        return self.first_report_s / floor_s

    @property
    def rss_ratio(self) -> float | None:
        """Peak memory over that of a bare process."""
        bare = self.bare_process
        return None if bare is None or not bare.rss_mib or self.rss_mib is None else self.rss_mib / bare.rss_mib


def as_json(result: BenchResult) -> bytes:
    """The record as indented JSON in UTF-8, ending in a new line."""
    return msgspec.json.format(msgspec.json.encode(result), indent=2) + b"\n"


def read(path: Path) -> BenchResult:
    """A record as `sonoedge bench --json` wrote it, of this version or an earlier one.

    Raises:
        ReportError: the file cannot be read, or is none.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=BenchResult)
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror}: name a file of sonoedge bench --json") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        told = " ".join(str(error).split())
        raise ReportError(f"{path}: is no result of sonoedge bench ({told}): make one with --json") from error
