"""A conversion in hand -> its report, and the report as a person reads it on the terminal."""

from __future__ import annotations

from convert.calibration.lint import as_text as lint_text
from convert.conversion import Conversion, tool_versions
from convert.gate.verdict import as_text as gate_text
from convert.golden import pictures_in
from convert.packing.pack import Packed
from convert.quantizing.tensor_errors import outliers
from convert.report.conversion_report import (
    CalibrationFrames,
    ConversionReport,
    ModelSource,
    model_digest,
    without_paths,
)


def report_of(conversion: Conversion, packed: Packed) -> ConversionReport:
    """Everything that was done and found, and the answer; no text in it tells a folder of this machine."""
    job, model, record, quantized = conversion.job, conversion.model, conversion.record, conversion.quantized
    refusal, looked, digest = packed.refusal, conversion.search, conversion.calibration
    report = ConversionReport(
        passed=not refusal,
        answer=refusal or "bundle written",
        bundle=packed.bundle.path.name if packed.bundle else None,
        source=ModelSource(
            file=job.path.name,
            sha256=model_digest(job.path),
            format=model.source,
            converter=model.converter,
            task=job.task,
            view=job.view,
            network=record.arch if record else model.name,
            input=conversion.spec,
            preprocessing=job.preprocessing,
            activation_removed=model.activation_removed,
            seed=record.seed if record else None,
        ),
        calibration=CalibrationFrames(
            folder=job.calibration.path.name,
            frames=conversion.lint.frames,
            subjects=conversion.lint.subjects,
            digest=digest.digest if digest else None,
        ),
        recipe=quantized.recipe if quantized else job.recipe,
        quantizer=quantized.name if quantized else None,
        candidates=conversion.candidates,
        tools=tool_versions(),
        source_parity=conversion.source_parity,
        lint=conversion.lint,
        gates=tuple(gate for gate in (conversion.gate, packed.cascade) if gate),
        tensors=conversion.errors,
        outliers=outliers(conversion.errors),
        trials=looked.trials if looked else None,
        search_note=looked.note if looked else "",
        golden_pictures=pictures_in(conversion.converted.golden) if conversion.converted else None,
        float_bytes=len(model.tflite),
        int8_bytes=len(quantized.model) if quantized else None,
        seconds=conversion.seconds | packed.seconds,
    )
    return without_paths(report)


def as_text(report: ConversionReport) -> str:
    """The checks that say something, and the answer in the last line."""
    lines = []
    if report.lint is not None:
        lines.append(lint_text(report.lint))
    for candidate in report.candidates:
        parity = candidate.parity
        found = candidate.refused or ""
        if parity is not None and candidate.spread is not None:
            apart = f"{candidate.spread.max_lsb} LSB between interpreters"
            found = f"largest error {parity.max_error:.3f} in a logit, {apart}"
        lines.append(f"{candidate.name}: {found}")
    lines += [gate_text(gate) for gate in report.gates]
    lines += [f"outlier: {outlier}" for outlier in report.outliers]
    if report.trials is not None:
        lines.append(
            f"search: {len(report.trials)} trials; {report.search_note or 'a recipe passes: ' + report.recipe.name}"
        )
    if report.int8_bytes is not None and report.float_bytes is not None:
        lines.append(f"{report.int8_bytes / 1024:.0f} KiB INT8 of {report.float_bytes / 1024:.0f} KiB float")
    if report.gates and report.labels == "unlabelled":
        lines.append("unlabelled: gated on agreement with float alone, never against an expert's answer")
    lines.append(f"{report.bundle}: written" if report.passed else f"no bundle: {report.answer}")
    return "\n".join(lines)
