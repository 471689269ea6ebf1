"""The conversion report as one HTML page: no script, nothing loaded from outside, every name from outside escaped.

The answer comes first; the sections then stand in the order of the data's way (docs/adr/0007).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from convert.calibration.rules import Finding
from convert.gate.verdict import Gate, GateFigure
from convert.quantizing.parity import Parity
from convert.quantizing.quantize import Candidate
from convert.quantizing.recipe import Recipe
from convert.quantizing.search import Trial
from convert.quantizing.tensor_errors import OUTLIER_RATIO, Outlier
from convert.readers.preprocessing import Preprocessing
from convert.report.conversion_report import ConversionReport, Ranked, ranked
from convert.report.plots import forest, snr_along, trade
from edge.html import Markup, answer, bars, note, page, paragraph, plot, safe, shown, table

WORST = 10  # tensors and outlier channels in the tables

UNLABELLED = (
    "Unlabelled: no frame with a known answer was put to the gate, so that the page tells how far INT8 agrees with the "
    "float model, not how good either is. Give labelled frames with --gate DIR."
)


def page_of(report: ConversionReport) -> str:
    """The page as text.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    title = f"Conversion of {report.source.file}"
    sections = (_what_came_in, _lint, _quantizers, _gates, _tensors, _search, _bundle, _sizes_and_times)
    parts = [_head(report, title), *("\n".join(section(report)) for section in sections)]
    return page(title, parts)


def _head(report: ConversionReport, title: str) -> str:
    colour, word = ("good", "Passed") if report.passed else ("bad", "Stopped")
    lines = [
        f"<h1>{safe(title)}</h1>",
        answer(word, report.answer, colour),
        table((), _summary(report)),
        note(report.disclaimer),
    ]
    return "\n".join(lines + ([note(UNLABELLED)] if report.labels == "unlabelled" else []))


def _summary(report: ConversionReport) -> Iterator[tuple[str, ...]]:
    """What the reader came for, a line each; nothing of what was not reached."""
    yield "bundle", report.bundle or "none"
    for gate in report.gates:
        yield f"gate of the {gate.of}", f"{gate.verdict} {_judged_on(gate)}"
    if report.int8_bytes and report.float_bytes:
        times = report.float_bytes / report.int8_bytes
        yield "INT8 file", f"{shown(report.int8_bytes / 1024)} KiB, {times:.1f} times smaller than float"
    if report.quantizer:
        yield "made by", f"{report.quantizer}, recipe {report.recipe.name}"


def _judged_on(gate: Gate) -> str:
    truth = "against known answers" if gate.labelled else "unlabelled, against float's own answers"
    return f"on {gate.frames} frames of {gate.subjects} {gate.drawn_are}, {truth}"


def _what_came_in(report: ConversionReport) -> Iterator[str]:
    source, frames = report.source, report.calibration
    fed = source.input
    colours = "RGB" if fed.channels == 3 else "grey"
    subjects = f" of {frames.subjects} subjects" if frames.subjects else ", of whom is not said"
    yield "<h2>What came in</h2>"
    rows = [
        ("model", f"{source.file} ({source.format})"),
        ("sha256", source.sha256),
        ("to float TFLite by", source.converter),
        ("task and view", f"{source.task}, {source.view}"),
        ("network", source.network),
        ("input", f"{fed.height} × {fed.width} px, {fed.channels} {_plural(fed.channels, 'channel')} ({colours})"),
        ("size of a pixel", "any" if fed.mm_per_px is None else f"{shown(fed.mm_per_px)} mm"),
        ("pre-processing", preprocessing_in_words(source.preprocessing)),
        ("final activation", f"{source.activation_removed}, taken off" if source.activation_removed else "none"),
        ("seed of its training", "unknown: no training record" if source.seed is None else str(source.seed)),
        ("float against its source", _agreement(report.source_parity)),
        ("calibration frames", f"{frames.folder}: {frames.frames}{subjects}"),
        ("digest of the frames", frames.digest or "not fed"),
    ]
    yield table((), rows)


def _lint(report: ConversionReport) -> Iterator[str]:
    yield "<h2>Calibration lint</h2>"
    found = report.lint
    if found is None:
        yield note("Not run.")
        return
    yield paragraph(f"{found.folder}: {found.frames} frames: {found.answer}.")
    rows = [(f.rule, "waived" if f.rule in found.overruled else f.level, _with_mend(f)) for f in found.findings]
    yield table(("rule", "answer", "found"), rows)


def _quantizers(report: ConversionReport) -> Iterator[str]:
    yield "<h2>Quantizers</h2>"
    yield paragraph(f"Recipe {_recipe_in_words(report.recipe)}.")
    if not report.candidates:
        yield note("None was run.")
        return
    head = (
        *("quantizer", "answer", "KiB", "seconds", "largest error, logits", "largest, LSB", "mean, LSB"),
        *("decisions changed", "kernels"),
    )
    yield table(head, [_candidate(each, report.quantizer) for each in report.candidates], numbers=range(2, 8))
    yield from (note(f"{each.name}: {each.refused}") for each in report.candidates if each.refused)
    yield note(
        "Errors of the answers against float, on the calibration frames; LSB: one step of the INT8 answer. Kernels: "
        "how far the file's own answer depends on the kernels that run it."
    )


def _gates(report: ConversionReport) -> Iterator[str]:
    yield "<h2>Gate</h2>"
    if not report.gates:
        yield note("Not reached.")
        return
    yield plot(
        forest(report.gates),
        "0: as float; 1: at the margin. Point: the loss. Line: its 95 % interval. Tick: the bound below which it lies "
        "with 95 % confidence; the figure passes when the tick is not right of the dashed margin. Arrow: the line goes "
        "on.",
    )
    for each in report.gates:
        yield from _gate(each)


def _gate(gate: Gate) -> Iterator[str]:
    left_out = f"; {gate.left_out} lack the label and are left out" if gate.left_out else ""
    yield f"<h3>{safe(gate.of)}: {safe(gate.verdict)}</h3>"
    yield paragraph(f"Judged {_judged_on(gate)}{left_out}.")
    yield from map(paragraph, gate.notes)
    head = ("figure", "answer", "float", "INT8", "loss", "95 % interval", "bound", "margin")
    yield table(head, map(_figure, gate.figures), numbers=range(2, 8))
    for figure in gate.figures:
        delong = f"DeLong p = {shown(figure.delong_p)}" if figure.delong_p is not None else ""
        if told := "; ".join(filter(None, (figure.reason, delong))):
            yield note(f"{figure.name}: {told}")


def _tensors(report: ConversionReport) -> Iterator[str]:
    yield "<h2>Errors of the tensors</h2>"
    if not report.tensors:
        yield note("Not reached.")
        return
    worst = ranked(report.tensors, report.trials)
    yield plot(
        snr_along(report.tensors, [row.error for row in worst], report.outliers),
        "Line: SNR of each tensor as it comes out. Points: what its own INT8 steps would leave, were all before it "
        "exact, the worst by number. Higher is better; a gap is a tensor without error.",
    )
    if report.outliers:
        yield "<h3>Outlier channels</h3>"
        yield table((), [(str(outlier),) for outlier in report.outliers[:WORST]])
        yield _cut(len(report.outliers))
    else:
        yield paragraph(f"No channel reaches {OUTLIER_RATIO:g} times as far as all others of its layer.")
    yield "<h3>The worst tensors</h3>"
    of = {tensor: list(rows) for tensor, rows in groupby(sorted(report.outliers, key=_tensor), key=_tensor)}
    rows = [(str(n), *_worst(row, of.get(row.error.tensor, []))) for n, row in enumerate(worst[:WORST], 1)]
    head = (
        "",
        "layer",
        "operator",
        "own SNR, dB",
        "SNR, dB",
        "largest error",
        "cosine",
        "gate's gain",
        "outlier channel",
    )
    yield table(head, rows, numbers=(0, *range(3, 8)))
    yield _cut(len(worst))
    yield note(
        "Own SNR: of its own INT8 steps alone; SNR: with all that was lost before it. Gate's gain: by how many margins "
        "the gate's shortfall sinks when this tensor alone is kept out of INT8; – where that was not tried."
    )


def _search(report: ConversionReport) -> Iterator[str]:
    yield "<h2>Search for higher precision</h2>"
    if report.trials is None:
        yield note(_why_no_search(report.gates))
        return
    # The search ends when no layer of the passing choice can be spared.
    chosen = min((trial for trial in report.trials if trial.passed), key=lambda t: len(t.tensors), default=None)
    yield plot(
        trade(report.trials, chosen),
        "Green: passed. Red: failed. Ring: named beside it. Lower, and further to the left, is better. Shortfall: how "
        "far the worst bound lies beyond its margin. ms: one picture on one thread of the machine that converted.",
    )
    if report.search_note:
        yield paragraph(report.search_note)
    head = ("no.", "layers in higher precision", "precision", "answer", "shortfall, margins", "ms", "KiB")
    rows = [_trial(number, trial, trial is chosen) for number, trial in enumerate(report.trials)]
    yield table(head, rows, numbers=(0, 4, 5, 6))


def _bundle(report: ConversionReport) -> Iterator[str]:
    yield "<h2>Bundle</h2>"
    yield paragraph(report.bundle or "None was written.")
    if report.golden_pictures:
        yield paragraph(
            f"Golden vectors: {report.golden_pictures} pictures with the INT8 answers; sonoedge verify replays them on "
            "the device."
        )


def _sizes_and_times(report: ConversionReport) -> Iterator[str]:
    yield "<h2>Sizes and times</h2>"
    sizes = {"float TFLite": report.float_bytes, "INT8": report.int8_bytes}
    yield bars({name: size / 1024 for name, size in sizes.items() if size is not None}, "KiB")
    yield bars(report.seconds | ({"in all": sum(report.seconds.values())} if report.seconds else {}), "s")
    yield "<h3>Made with</h3>"
    yield table((), report.tools.items())


def preprocessing_in_words(preprocessing: Preprocessing) -> str:
    """What the network wants its pixels to be, in a line."""
    if preprocessing == Preprocessing():
        return "grey, pixel / 255"
    mean, std = (" ".join(map(shown, numbers)) for numbers in (preprocessing.mean, preprocessing.std))
    return f"{preprocessing.order}, white = {shown(preprocessing.white)}, less a mean of {mean}, over {std}"


def _recipe_in_words(recipe: Recipe) -> str:
    raised = [f"{rule.match} in {rule.precision}" for rule in recipe.higher_precision]
    more = f"; in higher precision: {', '.join(raised[:8])}" if raised else ""
    rest = f" and {len(raised) - 8} more (the JSON report names them)" if len(raised) > 8 else ""
    return f"{recipe.name}: weights {recipe.weights}, activations {recipe.activations}{more}{rest}"


def _agreement(parity: Parity | None) -> str:
    if parity is None:
        return "not compared"
    changed = f"{shown(100 * parity.changed_decisions)} % of the decisions changed"
    return f"largest error {shown(parity.max_error)} in logits on {parity.pictures} pictures, {changed}"


def _with_mend(finding: Finding) -> str:
    mend = f"<br><em>{safe(finding.mend)}</em>" if finding.mend else ""
    return Markup(safe(finding.detail) + mend)


def _candidate(candidate: Candidate, taken: str | None) -> tuple[str, ...]:
    name, seconds = candidate.name, shown(candidate.seconds)
    parity, spread = candidate.parity, candidate.spread
    if parity is None or spread is None:
        return name, "refused", "–", seconds, *"–––––"
    changed = f"{shown(100 * parity.changed_decisions)} %"
    errors = map(shown, (parity.max_error, parity.max_error_lsb, parity.mean_error_lsb))
    kernels = "same answer" if spread.same else f"{spread.max_lsb} LSB apart"
    word = "taken" if name == taken else "not taken"
    return name, word, shown(candidate.size / 1024), seconds, *errors, changed, kernels


def _figure(figure: GateFigure) -> tuple[str, ...]:
    interval = f"{shown(figure.ci95[0], 3)} … {shown(figure.ci95[1], 3)}" if figure.ci95 else "–"
    name = f"{figure.name} ({figure.unit})" if figure.unit else figure.name
    sides = shown(figure.float_value), shown(figure.int8_value), shown(figure.difference, 3)
    return name, figure.verdict, *sides, interval, shown(figure.bound, 3), shown(figure.margin)


def _worst(row: Ranked, outliers: Iterable[Outlier]) -> tuple[str, ...]:
    error = row.error
    channels = ", ".join(f"{each.of} {each.channel} ({shown(each.ratio)} ×)" for each in outliers)
    snr = (f"{error.own_snr_db:.1f}", f"{error.snr_db:.1f}")
    return (
        error.layer,
        error.operator,
        *snr,
        shown(error.max_error),
        f"{error.cosine:.4f}",
        shown(row.gain),
        channels,
    )


def _trial(number: int, trial: Trial, chosen: bool) -> tuple[str, ...]:
    layers = ", ".join(trial.layers[:8]) + (f" and {len(trial.layers) - 8} more" if len(trial.layers) > 8 else "")
    word = "refused" if trial.refused else "passed" if trial.passed else "failed"
    told = (layers or "none: the recipe as it is") + (" (fewest that pass)" if chosen else "")
    told += f": {trial.refused}" if trial.refused else ""
    precision = trial.precision if trial.tensors else "–"
    return str(number), told, precision, word, *map(shown, (trial.shortfall, trial.ms, trial.kib))


def _why_no_search(gates: Sequence[Gate]) -> str:
    if not gates:
        return "Not reached."
    if gates[0].lost:
        return "None was made: it was switched off."
    return "None was needed." if gates[0].passed else "None was made: the gate lacks subjects, not precision."


def _tensor(outlier: Outlier) -> str:
    return outlier.tensor


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"


def _cut(count: int) -> str:
    return note(f"The first {WORST} of {count}; the JSON report has them all.") if count > WORST else ""
