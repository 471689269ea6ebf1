"""The conversion report: what came in, what was done, each check, the sizes and the times, in one versioned record.

The rooms' own structs stand in it as they are. A number that is not finite (the SNR of a tensor without error) is
written as the text "inf", "-inf" or "nan", as JSON has none. Fields may be added within a version; readers skip those
they do not know.

A report is shared, so files and folders are named without the folders above them, whatever path is given.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import msgspec

from convert.calibration.lint import Lint
from convert.errors import ModelError
from convert.gate.verdict import Gate
from convert.quantizing.parity import Parity
from convert.quantizing.quantize import Candidate
from convert.quantizing.recipe import Recipe
from convert.quantizing.search import Trial
from convert.quantizing.tensor_errors import Outlier, TensorError
from convert.readers.float_model import Source
from convert.readers.graph_edit import Activation
from convert.readers.preprocessing import Preprocessing
from edge.errors import ReportError
from edge.findings import View
from edge.manifest import InputSpec, Labels, Task
from edge.output import write_atomically
from edge.report import DISCLAIMER

REPORT_VERSION = 1

_FREE_TEXTS = ("answer", "search_note", "detail", "mend", "refused", "reason", "notes")  # fields, in any struct
_PATH = re.compile(r"(?<![\w./])(/[^\s/'\"]+)/(?:[^\s/'\"]+/)*")  # the folders of an absolute path, the first by itself


class ModelSource(msgspec.Struct, frozen=True, kw_only=True):
    """The model that came in, and how it is fed."""

    file: str  # its name
    sha256: str  # `model_digest`, hex
    format: Source
    converter: str  # what made float TFLite of it, with its version
    task: Task
    view: View
    network: str
    input: InputSpec
    preprocessing: Preprocessing = Preprocessing()  # what the network itself wants its pixels to be
    activation_removed: Activation | None = None  # the last one, so that the model gives logits
    seed: int | None = None  # of its training; None where no training record lies beside it

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "file", _name(self.file))


class CalibrationFrames(msgspec.Struct, frozen=True, kw_only=True):
    """The frames that set the INT8 ranges."""

    folder: str  # its name
    frames: int
    subjects: int  # 0: the folder does not say whose they are
    digest: str | None  # sha256 of the pictures as fed, hex; None where they were not fed

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "folder", _name(self.folder))


class ConversionReport(msgspec.Struct, frozen=True, kw_only=True):
    """One conversion. What lies behind the check that said no is None or empty: it was not done."""

    report_version: int = REPORT_VERSION
    disclaimer: str = DISCLAIMER
    passed: bool
    answer: str  # why, in one line: "lint: polarity, texture", "gate: DSC", "bundle written"
    bundle: str | None = None  # its file's name; None where none was written
    source: ModelSource
    calibration: CalibrationFrames
    recipe: Recipe  # as used, whole
    quantizer: str | None = None  # the one taken, with its version
    candidates: tuple[Candidate, ...] = ()
    tools: dict[str, str] = {}  # tool -> version
    source_parity: Parity | None = None  # float TFLite against the framework that the model came from, in logits
    lint: Lint | None = None
    gates: tuple[Gate, ...] = ()  # the model's, then the cascade's where there is one
    tensors: tuple[TensorError, ...] = ()  # of the recipe's own file, in the order of the graph; `ranked` ranks them
    outliers: tuple[Outlier, ...] = ()
    trials: tuple[Trial, ...] | None = None  # None: no search was made
    search_note: str = ""  # why the search found nothing
    golden_pictures: int | None = None
    float_bytes: int | None = None
    int8_bytes: int | None = None
    seconds: dict[str, float] = {}  # by step, in their order

    def __post_init__(self) -> None:
        if self.bundle is not None:
            msgspec.structs.force_setattr(self, "bundle", _name(self.bundle))

    @property
    def labels(self) -> Labels:
        """Whether any gate knew the truth."""
        return "labelled" if any(gate.labelled for gate in self.gates) else "unlabelled"


class Ranked(NamedTuple):
    """A tensor, and by how much the gate's shortfall sank when it alone was kept out of INT8."""

    error: TensorError
    gain: float | None  # in margins; None: not tried alone


def ranked(tensors: Sequence[TensorError], trials: Sequence[Trial] | None) -> list[Ranked]:
    """The INT8 tensors, the worst first: by their effect on the gate where it was tried, else by what they lose."""
    alone = {trial.tensors[0]: trial.shortfall for trial in trials or () if len(trial.tensors) == 1}
    plain = next((trial.shortfall for trial in trials or () if not trial.tensors), math.inf)
    rows = []
    for error in tensors:
        if error.precision == "int8" and error.operator not in ("QUANTIZE", "DEQUANTIZE"):
            gain = plain - alone.get(error.tensor, math.inf)
            rows.append(Ranked(error, gain if math.isfinite(gain) else None))
    return sorted(rows, key=lambda row: (-max(row.gain or 0.0, 0.0), row.error.own_snr_db))


def without_paths(report: ConversionReport) -> ConversionReport:
    """The same report, fit to be shared: what its free texts say of a file is its name."""
    lint = report.lint
    plain = _shared(msgspec.to_builtins(report), lint.folder if lint else "")
    if lint is not None:
        plain["lint"]["folder"] = _name(lint.folder)
    return msgspec.convert(plain, ConversionReport)


def model_digest(path: Path) -> str:
    """The sha256 of a model, hex: of the file, or of each file of a SavedModel folder with its name.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        if not path.is_dir():
            return hashlib.sha256(path.read_bytes()).hexdigest()
        digest = hashlib.sha256()
        for file in sorted(file for file in path.rglob("*") if file.is_file()):
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(f"{content}  {file.relative_to(path).as_posix()}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}): check the file and its rights") from error


def encode(report: ConversionReport) -> bytes:
    """The report as indented JSON in UTF-8, ending in a new line."""
    text = json.dumps(_finite(msgspec.to_builtins(report)), ensure_ascii=False, allow_nan=False)
    # File names may hold bytes that are no UTF-8; JSON may not.
    return msgspec.json.format(text.encode("utf-8", "replace"), indent=2) + b"\n"


def decode(data: bytes, name: str) -> ConversionReport:
    """The report in `data`; `name` is its file name, for the error.

    Raises:
        ReportError: it is no conversion report, or one of a newer version.
    """
    try:
        # The version comes first: a newer report may not fit this version's schema at all.
        version = msgspec.json.decode(data, type=_Version).report_version
        if not 1 <= version <= REPORT_VERSION:
            raise ReportError(
                f"{name}: report version {version}, this sonoedge reads 1 to {REPORT_VERSION}: upgrade it"
            )
        return msgspec.json.decode(data, type=ConversionReport, strict=False)  # "inf" is a number
    except (msgspec.DecodeError, UnicodeDecodeError, ModelError) as error:
        raise ReportError(
            f"{name}: not a conversion report: {' '.join(str(error).split())}: give one that sonoedge convert wrote"
        ) from error


def write_reports(report: ConversionReport, json_path: Path | None, html_path: Path | None) -> None:
    """Write the report as JSON, as a page, or both; each whole or not at all.

    Raises:
        OutputError: a file cannot be written.
        MissingExtraError: the page is wanted and matplotlib is not installed.
    """
    page = None
    if html_path is not None:
        from convert.report.page import page_of  # noqa: PLC0415  it needs matplotlib, JSON does not

        page = page_of(report).encode("utf-8", "replace")
    if json_path is not None:
        write_atomically(json_path, encode(report))
    if html_path is not None and page is not None:
        write_atomically(html_path, page)


class _Version(msgspec.Struct):
    report_version: int


def _name(path: str) -> str:
    return PurePath(path).name or "folder"


def _shared(plain: Any, folder: str) -> Any:
    """Plain values whose free texts tell a path without the folders above the file; names of tensors stay whole."""
    if isinstance(plain, dict):
        return {
            key: _told(value, folder) if key in _FREE_TEXTS else _shared(value, folder) for key, value in plain.items()
        }
    return [_shared(value, folder) for value in plain] if isinstance(plain, (list, tuple)) else plain


def _told(text: Any, folder: str) -> Any:
    if isinstance(text, (list, tuple)):
        return [_told(each, folder) for each in text]
    if not isinstance(text, str):
        return text
    name = _name(folder)
    if folder != name:  # known whole: it may hold blanks
        text = text.replace(folder.rstrip("/") + "/", "").replace(folder, name)
    return _PATH.sub(lambda path: "" if Path(path[1]).is_dir() else path[0], text)


def _finite(plain: Any) -> Any:
    """Plain JSON values, with words for the numbers that JSON lacks."""
    if isinstance(plain, dict):
        return {key: _finite(value) for key, value in plain.items()}
    if isinstance(plain, (list, tuple)):
        return [_finite(value) for value in plain]
    return str(plain) if isinstance(plain, float) and not math.isfinite(plain) else plain
