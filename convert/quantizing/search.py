"""The fewest layers in higher precision that make a gate pass which the plain recipe fails.

    propose   the tensors whose own INT8 steps lose most on the judge's pictures (convert.quantizing.tensor_errors)
    alone     each of the worst is tried by itself: its effect on the gate, not its error, ranks it
    together  the best 2, 4, 8 ... until the gate passes, then the least of them by bisection
    prune     leave out those that the gate does not miss, half of them at first, one by one in the end

To keep a tensor out of INT8, the operator that gives it and all that take it must compute in more: they go together.
A file with most of its weights in float is no INT8 model: it is refused unasked, so that bad calibration stays stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
from tqdm import tqdm

from convert.errors import QuantizeError
from convert.quantizing.answer_step import widened
from convert.quantizing.quantize import Quantized, check, quantize
from convert.quantizing.quantizers import build, raised_operators
from convert.quantizing.ranges import Ranges, observe
from convert.quantizing.recipe import Precision, QuantizerName, Recipe, Rule
from convert.quantizing.tensor_errors import TensorError, layer_of, tensor_errors
from convert.quantizing.timing import milliseconds
from edge.errors import InterpreterError
from edge.frame import Pixels
from edge.interpreter import open_model
from edge.manifest import Task
from edge.progress import counter
from edge.tflite_file import read_tflite

MAX_TRIALS = 40
WORST = 8  # how many are tried alone
PRECISION: Precision = "float32"
"""INT16 is coarser and slower: LiteRT has no fast kernels for it, and one convolution of MobileNetV2 in INT16 takes
longer than the whole network in float."""
MOST_FLOAT = 0.5
"""The largest share of the weights that may stay in float."""
_CASTS = ("QUANTIZE", "DEQUANTIZE")


class Judgement(Protocol):
    """What a gate says of an INT8 file."""

    @property
    def passed(self) -> bool: ...

    @property
    def shortfall(self) -> float:
        """How far the worst figure lies beyond its margin; 0 = none does."""


@dataclass(frozen=True)
class Verdict:
    """The least that a judge answers."""

    passed: bool
    shortfall: float


@dataclass(frozen=True)
class Trial:
    """One file put before the judge."""

    tensors: tuple[str, ...]  # kept out of INT8
    layers: tuple[str, ...]  # where these come from
    precision: Precision
    passed: bool
    shortfall: float  # infinite: no such file can be made
    ms: float  # per invoke, one thread, this machine
    kib: float
    refused: str | None = None  # why there is no file


@dataclass(frozen=True)
class SearchResult:
    """What was tried, the plain recipe first, and what passed."""

    trials: tuple[Trial, ...]
    errors: tuple[TensorError, ...]  # of the plain recipe's file, in the order of the graph
    quantized: Quantized | None  # the file that passes; its recipe names what it keeps in higher precision
    note: str = ""  # why there is none

    @property
    def recipe(self) -> Recipe | None:
        return self.quantized.recipe if self.quantized else None

    def as_text(self) -> str:
        """The trade as a table: the gate against milliseconds and KiB."""
        rows = [("layers in higher precision", "precision", "shortfall", "gate", "ms", "KiB"), *map(_row, self.trials)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([*lines, *([self.note] if self.note else [])])


def search(
    float_tflite: bytes,
    pictures: Iterable[Pixels],
    recipe: Recipe,
    judge: Callable[[bytes], Judgement],
    *,
    judged_on: Sequence[Pixels] = (),
    plain: Quantized | None = None,
    task: Task = "segment",
    max_trials: int = MAX_TRIALS,
    worst: int = WORST,
    most_float: float = MOST_FLOAT,
    progress: bool = False,
) -> SearchResult:
    """Try `recipe` as it is, then with more and more layers in float, with at most `max_trials` calls of `judge`.

    No file is made that keeps more than the share `most_float` of the weights in float.

    `judged_on` are pictures that the judge judges by, as the model takes them: on those of the calibration nothing lies
    beyond a range, so that they do not show where it is too narrow. They are taken where there are no others. `plain`
    is what `quantize` gave for `recipe`, where that was done before.

    Raises:
        QuantizeError: no quantizer gives a file for `recipe` itself.
    """
    frames = list(pictures)
    observed = observe(float_tflite, frames, progress=progress)
    plain = plain or quantize(float_tflite, frames, recipe, task=task, observed=observed)
    pinned = msgspec.structs.replace(plain.recipe, quantizer=plain.quantizer)
    with counter("search", max_trials, unit="trial", shown=progress) as bar:
        ranges = widened(float_tflite, observed.ranges, plain.widening)
        bench = _Bench(float_tflite, ranges, pinned, plain.quantizer, judge, max_trials, most_float, bar)
        first = bench.judged((), plain.model)
        errors = tensor_errors(float_tflite, plain.model, judged_on or frames)
        try:
            found = () if first.passed else _fewest(bench, first, _proposals(errors), worst)
        except _NoMoreTrialsError:
            found = min(bench.passing, key=len, default=None)
    if found is None:
        return SearchResult(tuple(bench.trials), errors, None, f"nothing passed in {len(bench.trials)} trials")
    chosen = quantize(float_tflite, frames, bench.recipe(found), task=task, observed=observed)
    return SearchResult(tuple(bench.trials), errors, chosen)


def _proposals(errors: Sequence[TensorError]) -> list[str]:
    """Tensors in INT8, the one whose own steps lose most first."""
    able = [error for error in errors if error.precision == "int8" and error.operator not in _CASTS]
    return [error.tensor for error in sorted(able, key=lambda error: error.own_snr_db)]


def _fewest(bench: _Bench, first: Trial, proposals: list[str], worst: int) -> tuple[str, ...] | None:
    """The tensors to keep out of INT8; None when even all of them do not help."""
    alone = []
    for tensor in proposals[:worst]:
        alone.append(bench.trial((tensor,)))
        if alone[-1].passed:
            return (tensor,)
    helping = [trial for trial in sorted(alone, key=lambda trial: trial.shortfall) if trial.shortfall < first.shortfall]
    order = [trial.tensors[0] for trial in helping]
    order = bench.affordable([*order, *(tensor for tensor in proposals if tensor not in order)])
    if not order:
        return None
    too_few, count = 1, min(2, len(order))
    while not bench.trial(tuple(order[:count])).passed:
        if count == len(order):
            return None
        too_few, count = count, min(2 * count, len(order))
    while count - too_few > 1:
        middle = (too_few + count) // 2
        if bench.trial(tuple(order[:middle])).passed:
            count = middle
        else:
            too_few = middle
    return tuple(_pruned(bench, order[:count]))


def _pruned(bench: _Bench, kept: list[str]) -> list[str]:
    """`kept`, which passes, without what it passes without too: in parts that halve, what helped least first."""
    part = len(kept) // 2
    while part:
        for start in range(len(kept) - part, -1, -part):
            fewer = kept[:start] + kept[start + part :]
            if fewer and bench.trial(tuple(fewer)).passed:
                kept = fewer
        part //= 2
    return kept


class _NoMoreTrialsError(Exception):
    """The bound on the number of trials is reached."""


@dataclass
class _Bench:
    """Makes a file of each choice of tensors, puts it before the judge, and keeps count."""

    float_tflite: bytes
    ranges: Ranges
    plain: Recipe
    quantizer: QuantizerName
    judge: Callable[[bytes], Judgement]
    max_trials: int
    most_float: float
    bar: tqdm[Any]
    trials: list[Trial] = field(default_factory=list)

    @property
    def passing(self) -> list[tuple[str, ...]]:
        return [trial.tensors for trial in self.trials if trial.passed]

    def recipe(self, tensors: Sequence[str]) -> Recipe:
        """The plain recipe, and by exact names every operator that gives or takes one of `tensors`."""
        if not tensors:
            return self.plain
        file = read_tflite(self.float_tflite)
        names = [tensor.name for tensor in file.tensors]
        raised = [
            Rule(names[step.outputs[0]], PRECISION)
            for step in file.steps
            if any(names[index] in tensors for index in (*step.inputs, *step.outputs))
        ]
        return msgspec.structs.replace(
            self.plain,
            name=f"{self.plain.name[:50]}-selective",
            higher_precision=(*self.plain.higher_precision, *raised),
        )

    def affordable(self, order: list[str]) -> list[str]:
        """The longest beginning of `order` that leaves enough of the weights in INT8."""
        few, many = 0, len(order)
        while few < many:
            middle = (few + many + 1) // 2
            if _share_in_float(self.float_tflite, self.recipe(order[:middle])) > self.most_float:
                many = middle - 1
            else:
                few = middle
        return order[:few]

    def trial(self, tensors: tuple[str, ...]) -> Trial:
        """Judge the file that keeps `tensors` out of INT8.

        Raises:
            _NoMoreTrialsError: the bound was reached before.
        """
        if len(self.trials) == self.max_trials:
            raise _NoMoreTrialsError
        recipe = self.recipe(tensors)
        try:
            if (share := _share_in_float(self.float_tflite, recipe)) > self.most_float:
                raise QuantizeError(f"{share:.0%} of the weights would be float: that is no INT8 model")
            model = build(self.quantizer, self.float_tflite, self.ranges, recipe)
            check(model, self.float_tflite, recipe, self.quantizer)
            return self.judged(tensors, model)
        except (QuantizeError, InterpreterError) as error:
            return self._keep(tensors, Verdict(False, math.inf), math.nan, math.nan, str(error))

    def judged(self, tensors: tuple[str, ...], model: bytes) -> Trial:
        return self._keep(tensors, self.judge(model), milliseconds(open_model(model)), len(model) / 1024)

    def _keep(
        self, tensors: tuple[str, ...], verdict: Judgement, ms: float, kib: float, refused: str | None = None
    ) -> Trial:
        layers = tuple(dict.fromkeys(map(layer_of, tensors)))
        trial = Trial(tensors, layers, PRECISION, verdict.passed, verdict.shortfall, ms, kib, refused)
        self.trials.append(trial)
        self.bar.update()
        return trial


def _share_in_float(float_tflite: bytes, recipe: Recipe) -> float:
    """The part of all weights that belongs to operators which the recipe keeps above INT8."""
    file, raised = read_tflite(float_tflite), raised_operators(float_tflite, recipe)
    weights = {True: 0, False: 0}
    for step in file.steps:
        constants = (file.tensors[index] for index in step.inputs if file.tensors[index].constant)
        weights[file.tensors[step.outputs[0]].name in raised] += sum(math.prod(each.shape) for each in constants)
    return weights[True] / (sum(weights.values()) or 1)


def _row(trial: Trial) -> tuple[str, str, str, str, str, str]:
    shown = ", ".join(trial.layers[:3]) + (f" and {len(trial.layers) - 3} more" if len(trial.layers) > 3 else "")
    gate = "refused" if trial.refused else "passed" if trial.passed else "failed"
    precision = trial.precision if trial.layers else "-"
    return shown or "none", precision, f"{trial.shortfall:.3f}", gate, f"{trial.ms:.2f}", f"{trial.kib:.0f}"
