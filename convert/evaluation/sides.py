"""Which models are evaluated: those of a bundle in INT8, or float ones out of files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from convert.errors import ModelError
from convert.evaluation.cascade import FloatModel
from convert.models import GRADE_STEPS
from convert.quantizing.parity import Predict, float_predictor, int8_predictor
from convert.readers.float_model import read_float_model
from edge.bundle import Bundle
from edge.errors import UsageError
from edge.interpreter import Model, open_model
from edge.manifest import InputSpec, ModelEntry, Task
from edge.pipeline import Options, Pipeline

THREADS = 2


@dataclass(frozen=True)
class Network:
    """One model that answers pictures."""

    name: str
    predict: Predict
    spec: InputSpec
    temperature: float = 1.0  # logits of a grader are divided by it
    trained_on: frozenset[str] = frozenset()  # marks of the subjects, as far as training record or bundle tells


@dataclass(frozen=True)
class Side:
    """One column of the figures. Several networks of a task are folds or seeds of one, and give mean and SD."""

    segmenters: tuple[Network, ...] = ()
    graders: tuple[Network, ...] = ()
    cascade: Pipeline | None = None
    bundle: str = ""  # its file's name, and the start of its digest

    @property
    def networks(self) -> tuple[Network, ...]:
        return self.segmenters + self.graders

    @property
    def names(self) -> tuple[str, ...]:
        """Of the bundle and of each network."""
        return (*filter(None, [self.bundle]), *(network.name for network in self.networks))


@dataclass(frozen=True)
class FloatFile:
    """A float model out of a file, in our input form."""

    task: Task
    network: Network
    tflite: bytes
    arch: str = ""  # as far as a training record tells


def read_float(
    path: Path,
    mm_per_px: float | None = None,
    trained_on: Iterable[str] = (),  # marks of the subjects
    arch: str = "",
    *,
    bundle: Bundle | None = None,
    grader: str | None = None,
) -> FloatFile:
    """A float model in any form that can be converted; a segmenter or a grader by the shape of its answer.

    `mm_per_px`, `trained_on` and `arch` are its training record's; without one the pixel size is that of the model of
    the same task in `bundle`.

    Raises:
        ModelError: it cannot be read, is neither, or nobody says its pixel size.
    """
    model = read_float_model(path)
    task: Task = "grade" if model.output_shape == (len(GRADE_STEPS),) else "segment"
    height, width, _ = model.input_shape
    if task == "segment" and model.output_shape != (height, width, 1):
        wanted = f"(H, W, 1) of a segmenter, or ({len(GRADE_STEPS)},) of a grader"
        raise ModelError(f"{path}: gives {model.output_shape}, not {wanted}: give one of these")
    entry = _entry(bundle, task, grader)
    mm_per_px = mm_per_px or (entry.input.mm_per_px if entry else None)
    if mm_per_px is None:
        raise ModelError(f"{path}: no {path.stem}.train.json beside it says how large its pixels are: put it there")
    network = Network(
        name=path.name,
        predict=float_predictor(model.tflite, threads=THREADS),
        spec=InputSpec(height=height, width=width, mm_per_px=mm_per_px),
        temperature=entry.temperature if entry else 1.0,
        trained_on=frozenset(trained_on),
    )
    return FloatFile(task, network, model.tflite, arch)


def int8_side(bundle: Bundle, grader: str | None = None, *, allow_unscaled: bool = False) -> Side:
    """The segmenter, one grader (by default the default) and the cascade of both, as far as the bundle has them.

    Raises:
        UsageError: the bundle has no such grader.
        BundleError, InterpreterError: a model is not whole, or cannot be run here.
    """
    segmenter, entry = bundle.manifest.segmenter, _entry(bundle, "grade", grader)
    if grader and entry is None:
        have = ", ".join(bundle.manifest.graders) or "none"
        raise UsageError(f"{bundle.path.name}: has no grader {grader!r}: it has {have}")
    options = Options(grader=grader, threads=THREADS, allow_unscaled=allow_unscaled)
    return Side(
        segmenters=() if segmenter is None else (_int8(bundle, segmenter),),
        graders=() if entry is None else (_int8(bundle, entry),),
        cascade=Pipeline(bundle, options, stream=False) if segmenter else None,
        bundle=f"{bundle.path.name} ({bundle.digest[:12]})",
    )


def float_side(
    files: Sequence[FloatFile], bundle: Bundle | None = None, grader: str | None = None, *, allow_unscaled: bool = False
) -> Side:
    """Float models side by side; with a bundle whose segmenter and grader are both among them, their cascade too.

    Raises:
        ModelError: beside a bundle, a model is of another kind than the bundle's model of the same task.
    """
    of = {task: [file for file in files if file.task == task] for task in ("segment", "grade")}
    cascade = None
    if bundle is not None:
        in_place = {file: each for each in files for file in _replaced(bundle, each, grader)}
        if len(in_place) == len(files) == 2:

            def load(source: Bundle, entry: ModelEntry, options: Options) -> Model:
                return FloatModel(entry, in_place[entry.file].tflite)

            options = Options(grader=grader, threads=THREADS, allow_unscaled=allow_unscaled)
            cascade = Pipeline(bundle, options, stream=False, load=load)
    segmenters, graders = (tuple(each.network for each in of[task]) for task in ("segment", "grade"))
    return Side(segmenters, graders, cascade)


def _replaced(bundle: Bundle, file: FloatFile, grader: str | None) -> list[str]:
    """The file of the bundle in whose place a float model stands, if it has one of that task."""
    entry = _entry(bundle, file.task, grader)
    if entry is None:
        return []
    given = file.network
    if file.arch not in ("", entry.arch):
        raise ModelError(f"{given.name}: is a {file.arch}, the bundle's is {entry.arch}: give its own float model")
    if given.spec != entry.input:
        takes, has = (f"{spec.height} x {spec.width} at {spec.pixel_mm:g} mm" for spec in (given.spec, entry.input))
        raise ModelError(f"{given.name}: takes {takes}, the bundle's {entry.arch} {has}: give its own float model")
    return [entry.file]


def _entry(bundle: Bundle | None, task: Task, grader: str | None) -> ModelEntry | None:
    if bundle is None:
        return None
    manifest = bundle.manifest
    name = grader or manifest.default_grader
    return manifest.segmenter if task == "segment" else manifest.graders.get(name or "")


def _int8(bundle: Bundle, entry: ModelEntry) -> Network:
    model = open_model(bundle.read(entry.file), threads=THREADS)
    return Network(entry.arch, int8_predictor(model), entry.input, entry.temperature, frozenset(entry.trained_on))
