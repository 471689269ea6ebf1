"""Verify: is a bundle whole, all-integer, fed as this runtime feeds it, and does it run here as where it was made?

Every check stands for itself, so that a bundle that fails tells all that is wrong with it, not the first thing only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec
import numpy as np

from edge.bundle import Bundle
from edge.contract import claims
from edge.errors import BundleError, InterpreterError
from edge.golden import answer, decode_golden, replay
from edge.interpreter import Model, RawOutput, open_model, picture_shape
from edge.manifest import ModelEntry
from edge.tflite_file import TFLiteFile, non_integer_tensors, read_tflite


class Check(msgspec.Struct, frozen=True):
    """One thing that must hold."""

    name: str
    model: str  # the file of the bundle that it is about
    passed: bool
    detail: str  # what was found


class ModelFacts(msgspec.Struct, frozen=True):
    """What a model's TFLite file holds."""

    file: str
    size: int  # bytes
    operators: dict[str, int]  # name -> how many
    tensors: dict[str, int]  # dtype -> how many
    golden: str | None  # the file of its golden vectors; None in a bundle from before there were any


class Verification(msgspec.Struct, frozen=True):
    """Every check of a bundle, passed or not."""

    bundle: str
    digest: str
    checks: tuple[Check, ...]
    models: tuple[ModelFacts, ...]
    passed: bool


def verify(bundle: Bundle, interpreter: str = "auto") -> Verification:
    """Check every file and run every model; what is wrong with them is told in the checks, not raised.

    Raises:
        UsageError: no interpreter has that name.
    """
    checks: list[Check] = []
    facts: list[ModelFacts] = []
    readable: dict[str, bytes] = {}
    for file, listed in sorted(bundle.manifest.files.items()):
        try:
            readable[file] = bundle.read(file)
            checks.append(Check("sha256", file, True, listed.sha256[:16]))
        except BundleError as error:
            checks.append(Check("sha256", file, False, str(error)))
    for entry in bundle.manifest.models:
        if (model := readable.get(entry.file)) is None:
            continue
        try:
            graph = read_tflite(model)
        except InterpreterError as error:
            checks.append(Check("TFLite file", entry.file, False, str(error)))
            continue
        facts.append(_facts(entry, model, graph))
        checks += _of_graph(entry, graph)
        checks.append(_integer_only(entry, model))
        golden = readable.get(entry.golden) if entry.golden else None
        checks += _of_run(entry, model, interpreter, golden, bundle.manifest.thresholds.nerve_probability)
    passed = all(check.passed for check in checks)
    return Verification(bundle.manifest.name, bundle.digest, tuple(checks), tuple(facts), passed)


def as_json(verification: Verification) -> str:
    """The checks as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(verification), indent=2).decode()


def as_text(verification: Verification) -> str:
    """The checks as a table, what was counted, and the answer in the last line."""
    lines = [
        f"{'ok  ' if check.passed else 'FAIL'}  {check.model:32}  {check.name:20}  {check.detail}"
        for check in verification.checks
    ]
    lines += [
        f"      {facts.file:32}  {sum(facts.operators.values())} operators; tensors {_listed(facts.tensors)}"
        f"{'' if facts.golden else '; golden vectors: none'}"
        for facts in verification.models
    ]
    failed = sum(not check.passed for check in verification.checks)
    answer = "whole, all-integer as its recipes say, and runs here" if not failed else f"{failed} checks failed"
    return "\n".join([*lines, f"{verification.bundle} {verification.digest[:16]}: {answer}"])


def _of_graph(entry: ModelEntry, graph: TFLiteFile) -> Iterator[Check]:
    """What the file itself says of its two ends."""
    for name, ends in (("input", graph.inputs), ("output", graph.outputs)):
        found = ", ".join(tensor.dtype for tensor in ends) or "none"
        yield Check(f"{name} INT8", entry.file, found == "int8", found)
    if graph.inputs and graph.outputs:
        source, result = graph.inputs[0], graph.outputs[0]
        for claim in claims(entry, source.shape, result.shape, (source.scale, source.zero_point)):
            yield Check(claim.name, entry.file, bool(claim.holds), claim.detail)


def _integer_only(entry: ModelEntry, model: bytes) -> Check:
    found, named = sorted(non_integer_tensors(model)), sorted(entry.non_integer_tensors)
    detail = f"{len(found)} not integer ({', '.join(found[:3]) or 'none'}), recipe names {len(named)}"
    return Check("integer tensors", entry.file, found == named, detail)


def _of_run(
    entry: ModelEntry, model: bytes, interpreter: str, golden: bytes | None, nerve_probability: float
) -> Iterator[Check]:
    try:
        loaded = open_model(model, backend=interpreter)
        once, _, again = (_answer(loaded, seed) for seed in (0, 1, 0))  # another input between: no state is kept
    except InterpreterError as error:
        yield Check("runs here", entry.file, False, str(error))
        return
    yield Check("runs here", entry.file, True, f"{loaded.backend} {loaded.runtime_version}")
    same = bool(np.array_equal(once, again))
    apart = int(np.count_nonzero(once != again))
    detail = "same answer twice" if same else f"{apart} of {once.size} outputs differ on the same input"
    yield Check("deterministic", entry.file, same, detail)
    if golden is not None:
        yield _of_golden(entry, loaded, golden, nerve_probability)


def _of_golden(entry: ModelEntry, model: Model, golden: bytes, nerve_probability: float) -> Check:
    """Whether the model answers here as it did where it was made."""
    try:
        vectors = decode_golden(golden, entry, model)
        found = replay(vectors, model, entry.task, entry.temperature, nerve_probability)
    except (BundleError, InterpreterError) as error:
        return Check("golden vectors", entry.file, False, str(error))
    detail = (
        f"{found.pictures} pictures: {found.max_lsb} LSB apart at most, {found.mean_lsb:.3g} on average; "
        f"{found.changed_decisions} decided otherwise"
    )
    return Check("golden vectors", entry.file, found.same, detail)


def _answer(model: Model, seed: int) -> RawOutput:
    """The model's raw output for a random picture of its own size."""
    return answer(model, np.random.default_rng(seed).integers(0, 256, picture_shape(model.input_shape), np.uint8))


def _facts(entry: ModelEntry, model: bytes, graph: TFLiteFile) -> ModelFacts:
    dtypes = Counter(tensor.dtype for tensor in graph.tensors)
    return ModelFacts(
        entry.file, len(model), dict(Counter(graph.operators)), dict(sorted(dtypes.items())), entry.golden
    )


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
