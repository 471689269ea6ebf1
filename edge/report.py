"""The report: one versioned record of a run, from which the JSON, the CSV, the pictures and the links are made.

`docs/report.schema.json` is this module's schema; `python -m edge.report > docs/report.schema.json` makes it anew.
Fields may be added within a version, and readers skip those they do not know; anything else is a new version.

A report leaves the device, so it says where frames came from without saying whose they are: see `public_uri`. File
names are kept, as the reader must find the frame again: name files by a code, and give `Exam.subject` a code too.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from edge.budget import Latency
from edge.choice import Choice
from edge.errors import ReportError
from edge.findings import ClipGrade, GradeSet, Nerve, Reason, Side, View
from edge.frame import FrameSource, LiveSource, Roi, SourceEvent, Spacing
from edge.manifest import Labels
from edge.output import write_atomically
from edge.probe import ProbeState
from edge.sources import schemes
from edge.sources.paths import is_there

REPORT_VERSION = 1
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,31}")  # of a subject or an exam: no name has a place in it

DISCLAIMER = (
    "For engineering and demonstration, not for diagnosis: "
    "the reference models are trained on simulated and openly licensed frames."
)


class BundleInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Which bundle graded, and with which of its models; None where it has none."""

    name: str
    digest: str  # sha256 of the manifest, hex
    format_version: int
    view: View
    labels: Labels
    grader: str | None
    segmenter: str | None
    coverage: float | None = None  # share of wrists like those held out whose `grade_set` holds the true grade, 0..1
    choice: Choice | None = None  # what was measured of this device to choose the grader; None: it had no say


class SourceInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Where the frames came from. Whatever `uri` is given is reduced by `public_uri`; a source goes through `of`."""

    uri: str
    frames: int  # frames that the source gave
    dropped: int | None = None  # frames that a device had and nobody got; None: the source has no device
    events: tuple[SourceEvent, ...] | None = None  # what befell the device; None: as above

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "uri", public_uri(self.uri))

    @classmethod
    def of(cls, uri: str, frames: int, source: FrameSource | None = None) -> SourceInfo:
        """The source as the operator named it, reduced by `public_source`."""
        live = source if isinstance(source, LiveSource) else None
        return cls(
            uri=public_source(uri),
            frames=frames,
            dropped=None if live is None else live.dropped,
            events=None if live is None else live.events(),
        )


class ProbeInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The probe in the operator's hand, by its firmware's own word, and what befell the link to it."""

    name: str | None  # None: it never said
    firmware: str | None  # its version
    gated: bool  # a frame that it did not speak of got no grade
    frames_frozen: int  # frames during which it said that it was frozen: they got none either
    frames_silent: int  # frames that it did not speak of
    grades_left_out: int = 0  # frames' grades that were not sent: a newer one overtook them
    exam_told: bool | None = None  # it has said that it has the exam's grade; None: the exam has not ended
    link_p99_ms: float | None  # of a frame's age: to ask what was said, and to tell what became of it
    state: ProbeState | None  # as it was last set
    events: tuple[SourceEvent, ...]


class Exam(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator says of the exam; None where nothing was said."""

    id: str | None = None
    subject: str | None = None  # a code, never a name
    side: Side | None = None
    level: str | None = None  # P1's levels: DWC (distal wrist crease), DWC+1, DWC-1, DWC+10 ... in cm


class FrameReport(msgspec.Struct, frozen=True, kw_only=True):
    """One frame: what was seen, measured and graded, or why not."""

    index: int
    timestamp_ns: int  # monotonic clock at capture: comparable within a report only
    name: str  # file name of a still, folders left out; "" for a frame of a stream
    signal: str  # what the screen shows, as read
    roi: Roi | None  # the ultrasound picture in the frame, px
    spacing: Spacing
    nerve: Nerve | None
    grade: str  # one of GRADES, or UNGRADABLE
    probabilities: tuple[float, float, float, float] | None  # in the order of GRADES
    reason: Reason | None  # why UNGRADABLE
    value: float | None = None  # of the reason: what was looked at, in the unit of its threshold
    limit: float | None = None  # that threshold
    hint: str | None = None  # what the operator can do about the reason
    conflict: str | None = None  # who says what of the spacing, where they disagree
    unscaled: bool  # graded on a crop of no known size
    age_ms: float  # from capture to this record
    overrun: bool  # older than the budget

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "name", _last_component(self.name))


class JoinedGrade(msgspec.Struct, frozen=True, kw_only=True):
    """One grade for a wrist that was examined in both planes (P3), or UNGRADABLE with its reason."""

    grade: str
    probabilities: tuple[float, float, float, float] | None  # in the order of GRADES
    confidence: float | None  # probability of the grade given
    cts_probability: float | None
    reason: Reason | None
    unscaled: bool
    grade_set: GradeSet | None = None  # all that either plane's set holds, and what lies between
    value: float | None = None  # of the reason, as in `ClipGrade`
    limit: float | None = None
    transverse: ClipGrade
    longitudinal: ClipGrade


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A SonoEdge report: bundle, source and exam; every frame; the clip's grade; how long it took."""

    version: int = REPORT_VERSION
    disclaimer: str = DISCLAIMER
    bundle: BundleInfo
    source: SourceInfo
    probe: ProbeInfo | None = None  # None: the exam had none
    exam: Exam = Exam()
    frames: tuple[FrameReport, ...]
    clip: ClipGrade
    joined: JoinedGrade | None = None
    latency: Latency


def encode(report: Report) -> bytes:
    """The report as indented JSON in UTF-8, ending in a new line.

    Raises:
        ReportError: it holds a nan or an infinity, which JSON has not; the line says where.
    """
    plain = msgspec.to_builtins(report)
    try:
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        where = next(_not_finite(plain), "a number")
        raise ReportError(f"the report cannot be written: {where} is not finite: please report this fault") from error
    # File names may hold bytes that are no UTF-8; JSON may not.
    return msgspec.json.format(text.encode("utf-8", "replace"), indent=2) + b"\n"


def decode(data: bytes, name: str) -> Report:
    """The report in `data`; `name` is its file name, for the error.

    Raises:
        ReportError: it is no report, or one of a newer version.
    """
    try:
        # The version comes first: a newer report may not fit this version's schema at all.
        version = msgspec.json.decode(data, type=_Version).version
        if not 1 <= version <= REPORT_VERSION:
            raise ReportError(
                f"{name}: report version {version}, this sonoedge reads 1 to {REPORT_VERSION}: upgrade it"
            )
        return msgspec.json.decode(data, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ReportError(f"{name}: not a SonoEdge report: {' '.join(str(error).split())}") from error


def write(report: Report, path: Path) -> None:
    """Writes the report as the file `path`, whole or not at all.

    Raises:
        ReportError: as `encode`.
        OutputError: it cannot be written.
    """
    write_atomically(path, encode(report))


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a report."""
    schema: dict[str, Any] = _stable(msgspec.json.schema(Report))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def schema_text() -> str:
    """The text of `docs/report.schema.json`."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def public_uri(source: str) -> str:
    """`source` without what may name a patient or hold a password.

    Of the path of a file its name stays, of a folder's (it ends in a slash) only that it is one: archives are sorted
    by name and date of birth. Of a network address go user, password, query and all but the last component of its
    path. A device (`v4l2:/dev/video0`, `picamera2:0`) stays as it is. Applying it twice changes nothing.
    """
    # A folder's name may hold a colon too ("Doe:J/clip.mp4"): a scheme is followed by a root, or by no path at all.
    scheme = match[0] if (match := re.match(r"[A-Za-z][A-Za-z0-9+.-]+:(?=/|[^/\\]*$)", source)) else ""
    rest = source[len(scheme) :]
    if re.fullmatch(r"/dev/[^/\\]+", rest):
        return source
    if scheme and rest.startswith("//"):
        authority, _, path = re.split("[?#]", rest[2:].rpartition("@")[2])[0].partition("/")
        return f"{scheme}//{authority}/{_last_component(path)}"
    return scheme + (_last_component(rest) or ("folder" if rest else ""))


def public_source(uri: str) -> str:
    """`public_uri` of a source that was opened here, for what its text leaves open: whether a word before a colon is a
    scheme (`raw:./sweep.raw`) or a folder's name, and whether a path is a folder, whose name is not told.
    """
    there = is_there(Path(uri))
    path, mark, options = (uri, "", "") if there else uri.partition("?")
    if is_there(Path(path)) and Path(path).is_dir():
        return public_uri(f"{path}/") + mark + options
    scheme, colon, rest = uri.partition(":")
    if colon and not there and not rest.startswith("//") and scheme in schemes():
        return f"{scheme}:{public_source(rest)}"
    return public_uri(uri)


class _Version(msgspec.Struct):
    version: int


def _last_component(path: str) -> str:
    return re.split(r"[/\\]", path)[-1]


def _stable(schema: Any) -> Any:
    """The schema with its alternatives in one order, which msgspec leaves open."""
    if isinstance(schema, dict):
        return {key: sorted(value, key=str) if key == "anyOf" else _stable(value) for key, value in schema.items()}
    return schema


def _not_finite(plain: Any, where: str = "report") -> Iterator[str]:
    """Where in plain JSON values a nan or an infinity is."""
    if isinstance(plain, dict):
        for key, value in plain.items():
            yield from _not_finite(value, f"{where}.{key}")
    elif isinstance(plain, (list, tuple)):
        for index, value in enumerate(plain):
            yield from _not_finite(value, f"{where}[{index}]")
    elif isinstance(plain, float) and not math.isfinite(plain):
        yield where


if __name__ == "__main__":
    print(schema_text(), end="")
