"""From a trained model to an INT8 one with its proof: the way of docs/adr/0007, step by step.

    read -> calibrate -> lint -> quantize -> gate, and a search for a better recipe where the gate fails

The first check that says no ends the way; what was found until then is kept, for the report.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np

from convert.calibration.frames import calibration_entry, calibration_set
from convert.calibration.lint import Lint, lint
from convert.data.dataset import DataFolder
from convert.errors import ModelError
from convert.gate.trial import DEFAULT_MARGINS, Trial, agreement_trial, grader_trial, segmenter_trial
from convert.gate.verdict import Gate, Margins
from convert.golden import golden_file, golden_vectors
from convert.models import GRADE_STEPS
from convert.quantizing.parity import Parity, Predict, compare, float_predictor, int8_predictor
from convert.quantizing.quantize import Candidate, Quantized, quantize
from convert.quantizing.recipe import Recipe, load_recipe
from convert.quantizing.search import SearchResult, search
from convert.quantizing.tensor_errors import TensorError, tensor_errors
from convert.readers.float_model import FloatModel, read_float_model
from convert.readers.preprocessing import Preprocessing
from convert.training.training_record import TrainingRecord, read_record, subject_marks
from edge.findings import View
from edge.frame import Pixels
from edge.interpreter import open_model
from edge.manifest import Calibration, InputSpec, ModelEntry, Proof, ProofFigure, Task

TOOLS = ("sonoedge", "tensorflow", "keras", "litert-quantizer", "ai-edge-litert", "numpy", "opencv-python-headless")
SOURCE_PICTURES = 16  # that the source framework is asked about: it is slow, one picture at a time


@dataclass(frozen=True)
class Job:
    """What is to be converted, on which frames, and how it is judged."""

    path: Path
    task: Task
    view: View
    calibration: DataFolder
    recipe: Recipe = field(default_factory=load_recipe)
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    channels: int = 1  # what the device feeds: 1 grey, 3 RGB (a classifier of coloured pictures)
    mm_per_px: float | None = None  # None: what `M.train.json` beside the model says
    classes: tuple[str, ...] = ()  # names of a classifier's answers
    gate_on: DataFolder | None = None  # labelled frames; None: float's own answers stand for the truth
    margins: Margins = DEFAULT_MARGINS
    waived: tuple[str, ...] = ()  # rules of the calibration lint
    may_search: bool = True
    progress: bool = True


@dataclass(frozen=True)
class Converted:
    """A model on both sides of the quantizer, ready for a bundle."""

    entry: ModelEntry
    int8: bytes
    float_tflite: bytes
    golden: bytes


@dataclass
class Conversion:
    """What was done and found, in the order of the way; None is what lies behind the check that said no."""

    job: Job
    model: FloatModel
    record: TrainingRecord | None
    spec: InputSpec
    seconds: dict[str, float]  # by step
    lint: Lint
    calibration: Calibration | None = None
    source_parity: Parity | None = None  # float TFLite against the framework that it came from, in logits
    candidates: tuple[Candidate, ...] = ()  # every quantizer's try at the recipe
    quantized: Quantized | None = None
    errors: tuple[TensorError, ...] = ()  # of the file that the recipe alone gives
    gate: Gate | None = None
    search: SearchResult | None = None
    converted: Converted | None = None

    @property
    def refusal(self) -> str:
        """Which check said no, and to what; empty when each said yes."""
        if not self.lint.passed:
            return f"calibration lint: {', '.join(self.lint.failed)}"
        if self.gate is not None and not self.gate.passed:
            return f"gate {self.gate.refusal}"
        return ""


def convert_model(job: Job) -> Conversion:
    """Convert one model; the same model, frames and recipe give the same INT8 bytes.

    Raises:
        ModelError: the model cannot be read, is not what its task needs, or nobody says its pixel size.
        DataError: a folder holds no fitting frame, or none with the label that the gate needs.
        QuantizeError: no quantizer gives a file that the recipe allows.
    """
    seconds: dict[str, float] = {}
    step = partial(timed, seconds)
    with step("read"):
        record = read_record(job.path)
        model = read_float_model(job.path, job.preprocessing, channels=job.channels)
        spec = _spec(job, model, record)
        logits = _logits(job, model)
    with step("lint"):
        frames = calibration_set(job.calibration, job.task, job.view, spec)
        found = lint(
            job.calibration, frames, record=record, evaluation=[job.gate_on] if job.gate_on else [],
            preprocessing=job.preprocessing, waive=job.waived, progress=job.progress,
        )  # fmt: skip
    way = Conversion(job, model, record, spec, seconds, found)
    if way.refusal:
        return way
    with step("calibration frames"):
        pictures = list(frames)
        way.calibration = calibration_entry(pictures)
    with step("source against float"):
        in_float = float_predictor(model.tflite)
        way.source_parity = compare(_spread(pictures), model.reference, in_float, output_scale=1.0)
    with step("quantize"):
        way.quantized = _quantize(way, pictures)
        way.candidates = way.quantized.candidates
    with step("gate"):
        trial = _trial(job, in_float, pictures, spec)
        way.gate = trial(_predictor(way.quantized.model))
    with step("tensor errors"):  # on the gate's frames: those of the calibration cannot show what it clips
        way.errors = tensor_errors(model.tflite, way.quantized.model, trial.pictures, progress=job.progress)
    if job.may_search and way.gate.lost:
        with step("search"):
            _search(way, trial, pictures)
    if not way.refusal:
        with step("golden vectors"):
            way.converted = _converted(way, logits)
    return way


def tool_versions() -> dict[str, str]:
    """What made a bundle: tool -> version."""
    return {tool: metadata.version(tool) for tool in TOOLS}


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    """Enter under `name` how long the block took."""
    began = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - began


def _quantize(way: Conversion, pictures: Sequence[Pixels]) -> Quantized:
    job = way.job
    return quantize(way.model.tflite, pictures, job.recipe, task=job.task, progress=job.progress)


def _search(way: Conversion, trial: Trial, pictures: Sequence[Pixels]) -> None:
    """Let the search look for a recipe that passes, and take its file where it finds one."""
    job = way.job
    way.search = search(
        way.model.tflite, pictures, job.recipe, lambda int8: trial(_predictor(int8)),
        judged_on=trial.pictures, plain=way.quantized, task=job.task, progress=job.progress,
    )  # fmt: skip
    if way.search.quantized is not None:
        way.quantized = way.search.quantized
        way.gate = trial(_predictor(way.quantized.model))


def _trial(job: Job, in_float: Predict, pictures: Sequence[Pixels], spec: InputSpec) -> Trial:
    if job.gate_on is None or job.task == "classify":
        return agreement_trial(in_float, pictures, job.task, view=job.view, margins=job.margins)
    labelled = segmenter_trial if job.task == "segment" else grader_trial
    return labelled(in_float, job.gate_on, spec, view=job.view, margins=job.margins)


def _predictor(int8: bytes) -> Predict:
    return int8_predictor(open_model(int8))


def _spread(pictures: Sequence[Pixels]) -> list[Pixels]:
    return [pictures[i] for i in np.unique(np.linspace(0, len(pictures) - 1, SOURCE_PICTURES).astype(int))]


def _converted(way: Conversion, logits: tuple[str, ...]) -> Converted:
    job, quantized, record = way.job, way.quantized, way.record
    assert quantized is not None and way.calibration is not None and way.gate is not None  # noqa: S101  the way's end
    arch = record.arch if record else way.model.name
    file = f"{job.task}-{arch}.tflite"
    entry = ModelEntry(
        file=file,
        arch=arch,
        task=job.task,
        input=way.spec,
        logits=logits,
        recipe=quantized.recipe.name,
        quantizer=quantized.name,
        candidates={each.name: _figures(each) for each in way.candidates},
        calibration=way.calibration,
        waived=way.lint.overruled,
        seed=record.seed if record else 0,
        trained_on=subject_marks(record),
        float_parity=_numbers(quantized.parity),
        proof=_proof(way.gate),
        non_integer_tensors=quantized.non_integer_tensors,
        golden=golden_file(file),
    )
    return Converted(entry, quantized.model, way.model.tflite, golden_vectors(entry, quantized.model, job.view))


def _figures(candidate: Candidate) -> dict[str, float]:
    """What was weighed of a candidate; nothing of one that gave no file."""
    if candidate.parity is None or candidate.spread is None:
        return {}
    return _numbers(candidate.parity) | {"kernel_spread_lsb": float(candidate.spread.max_lsb)}


def _numbers(parity: Parity) -> dict[str, float]:
    return {name: float(value) for name, value in asdict(parity).items()}


def _proof(gate: Gate) -> Proof:
    figures = {
        figure.name: ProofFigure(
            unit=figure.unit, in_float=figure.float_value, in_int8=figure.int8_value, bound=figure.bound,
            margin=figure.margin,
        )
        for figure in gate.figures
    }  # fmt: skip
    return Proof(labelled=gate.labelled, frames=gate.frames, subjects=gate.subjects, figures=figures)


def _logits(job: Job, model: FloatModel) -> tuple[str, ...]:
    """The names of the model's answers, once it is what its task needs."""
    shape = model.output_shape
    if job.task == "segment" and len(shape) == 3 and shape[2] == 1:
        return ("nerve",)
    if job.task == "grade" and shape == (len(GRADE_STEPS),):
        return GRADE_STEPS
    if job.task == "classify" and len(shape) == 1:
        if job.classes and len(job.classes) != shape[0]:
            raise ModelError(f"{job.path}: has {shape[0]} classes, {len(job.classes)} names were given")
        return job.classes or tuple(f"class {number}" for number in range(shape[0]))
    wanted = {
        "segment": "(H, W, 1) nerve logits",
        "grade": f"({len(GRADE_STEPS)},) cumulative grade logits",
        "classify": "one logit a class",
    }
    raise ModelError(f"{job.path}: gives {shape}, the task {job.task!r} wants {wanted[job.task]}")


def _spec(job: Job, model: FloatModel, record: TrainingRecord | None) -> InputSpec:
    mm_per_px = job.mm_per_px or (record.mm_per_px if record else None)
    if mm_per_px is None and job.task != "classify":
        raise ModelError(f"{job.path}: no M.train.json beside it says how large its pixels are: give --mm-per-px")
    height, width, channels = model.input_shape
    try:
        return InputSpec(height=height, width=width, channels=channels, mm_per_px=mm_per_px)
    except ValueError as error:
        raise ModelError(f"{job.path}: {error}") from error
