"""The conversion report as one HTML page: no script, nothing loaded from outside, every name from outside escaped.

The sections stand in the order of the data's way (docs/adr/0007).
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from convert.calibration_rules import Finding
from convert.conversion_report import ConversionReport, Ranked, ranked
from convert.parity import Parity
from convert.preprocessing import Preprocessing
from convert.quantize import Candidate
from convert.recipe import Recipe
from convert.report_plots import BAD, GOOD, QUIET, UNSURE, forest, snr_along, trade
from convert.search import Trial
from convert.tensor_errors import OUTLIER_RATIO, Outlier
from convert.verdict import Gate, GateFigure

WORST = 10  # tensors and outlier channels in the tables
LONG = 24  # characters: a cell with more is broken into lines

UNLABELLED = (
    "Unlabelled: no frame with a known answer was put to the gate, so that the page tells how far INT8 agrees with the "
    "float model, not how good either is. Give labelled frames with --gate DIR."
)
_COLOUR = {
    **dict.fromkeys(("passed", "ok", "taken"), "good"),
    **dict.fromkeys(("failed", "fail", "refused"), "bad"),
    **dict.fromkeys(("undecided", "warning", "waived"), "unsure"),
}
_STYLE = f"""
body {{ font: 16px/1.45 system-ui, sans-serif; color: #1f2328; background: #fff; margin: 0 auto; padding: 1rem;
  max-width: 60rem; }}
h1 {{ font-size: 1.5rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }}
h2 {{ font-size: 1.15rem; margin: 2rem 0 .5rem; border-bottom: 1px solid #d0d7de; break-after: avoid; }}
h3 {{ font-size: 1rem; margin: 1.2rem 0 .3rem; break-after: avoid; }}
p {{ margin: .4rem 0; overflow-wrap: anywhere; }}
.answer {{ padding: .6rem .8rem; border-left: .5rem solid; background: #f6f8fa; font-size: 1.1rem; }}
.answer.good {{ border-color: {GOOD}; }} .answer.bad {{ border-color: {BAD}; }}
.note {{ color: {QUIET}; font-size: .9rem; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; vertical-align: top; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid #eaeef2; }}
th {{ color: {QUIET}; font-weight: 600; }}
th, td {{ white-space: nowrap; }}
td.long {{ white-space: normal; overflow-wrap: anywhere; min-width: 9.5rem; max-width: 34rem; }}
th.number, td.number {{ text-align: right; }}
td.good, .good strong {{ color: {GOOD}; }} td.bad, .bad strong {{ color: {BAD}; }} td.unsure {{ color: {UNSURE}; }}
td.good, td.bad, td.unsure {{ font-weight: 600; }}
.bar {{ width: 12rem; }}
.bar div {{ background: #0b5cad; height: .8rem; margin-top: .2rem; print-color-adjust: exact;
  -webkit-print-color-adjust: exact; }}
figure {{ margin: .8rem 0; break-inside: avoid; max-width: 32rem; }}
svg {{ width: 100%; height: auto; }}
tr {{ break-inside: avoid; }}
@media print {{ body {{ font-size: 10pt; padding: 0; }} .scroll {{ overflow: visible; }} }}
"""
_BAR = '<div class="bar"><div style="width: {:.1f}%"></div></div>'


class Markup(str):
    """Text that is HTML already: whatever is not is escaped on its way into the page."""


def page_of(report: ConversionReport) -> str:
    """The page as text.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    title = f"Conversion of {report.source.file}"
    sections = (_what_came_in, _lint, _quantizers, _gates, _tensors, _search, _bundle, _sizes_and_times)
    parts = [_head(report, title), *("\n".join(section(report)) for section in sections), "</body></html>\n"]
    policy = "default-src 'none'; style-src 'unsafe-inline'"  # the reader's browser, too, lets nothing in
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_safe(title)}</title>\n<style>{_STYLE}</style></head><body>\n"
    ) + "\n".join(parts)


def _head(report: ConversionReport, title: str) -> str:
    colour, word = ("good", "Passed") if report.passed else ("bad", "Stopped")
    lines = [
        f"<h1>{_safe(title)}</h1>",
        f'<p class="answer {colour}"><strong>{word}</strong>: {_safe(report.answer)}</p>',
        _note(report.disclaimer),
    ]
    return "\n".join(lines + ([_note(UNLABELLED)] if report.labels == "unlabelled" else []))


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
        ("size of a pixel", f"{_number(fed.mm_per_px)} mm"),
        ("pre-processing", preprocessing_in_words(source.preprocessing)),
        ("final activation", f"{source.activation_removed}, taken off" if source.activation_removed else "none"),
        ("seed of its training", "unknown: no training record" if source.seed is None else str(source.seed)),
        ("float against its source", _agreement(report.source_parity)),
        ("calibration frames", f"{frames.folder}: {frames.frames}{subjects}"),
        ("digest of the frames", frames.digest or "not fed"),
    ]
    yield _table((), rows)


def _lint(report: ConversionReport) -> Iterator[str]:
    yield "<h2>Calibration lint</h2>"
    found = report.lint
    if found is None:
        yield _note("Not run.")
        return
    answer = "fit to calibrate with" if found.passed else f"not fit: {', '.join(found.failed)}"
    yield _paragraph(f"{found.folder}: {found.frames} frames: {answer}.")
    rows = [
        (f.rule, "waived" if f.level == "fail" and f.rule in found.waived else f.level, _with_mend(f))
        for f in found.findings
    ]
    yield _table(("rule", "answer", "found"), rows)


def _quantizers(report: ConversionReport) -> Iterator[str]:
    yield "<h2>Quantizers</h2>"
    yield _paragraph(f"Recipe {_recipe_in_words(report.recipe)}.")
    if not report.candidates:
        yield _note("None was run.")
        return
    head = ("quantizer", "answer", "KiB", "s", "largest error", "in LSB", "mean in LSB", "decisions changed", "kernels")
    yield _table(head, [_candidate(each, report.quantizer) for each in report.candidates], numbers=range(2, 8))
    yield _note(
        "Errors of the logits against float, on the calibration frames. Kernels: how far the file's own answer depends "
        "on the kernels that run it."
    )


def _gates(report: ConversionReport) -> Iterator[str]:
    yield "<h2>Gate</h2>"
    if not report.gates:
        yield _note("Not reached.")
        return
    yield _plot(
        forest(report.gates),
        "Point: the loss. Line: its 95 % interval. Tick: the bound below which it lies with 95 % confidence; the "
        "figure passes when the tick is not right of the dashed margin. Arrow: the line goes on.",
    )
    for each in report.gates:
        yield from _gate(each)


def _gate(gate: Gate) -> Iterator[str]:
    truth = "against known answers" if gate.labelled else "unlabelled, against float's own answers"
    left_out = f"; {gate.left_out} lack the label and are left out" if gate.left_out else ""
    yield f"<h3>{_safe(gate.of)}: {_safe(gate.verdict)}</h3>"
    yield _paragraph(f"{gate.frames} frames of {gate.subjects} {gate.drawn_are}, {truth}{left_out}.")
    yield from map(_paragraph, gate.notes)
    head = ("figure", "answer", "float", "INT8", "loss", "95 % interval", "bound", "margin")
    yield _table(head, map(_figure, gate.figures), numbers=range(2, 8))
    for figure in gate.figures:
        delong = f"DeLong p = {_number(figure.delong_p)}" if figure.delong_p is not None else ""
        if told := "; ".join(filter(None, (figure.reason, delong))):
            yield _note(f"{figure.name}: {told}")


def _tensors(report: ConversionReport) -> Iterator[str]:
    yield "<h2>Errors of the tensors</h2>"
    if not report.tensors:
        yield _note("Not reached.")
        return
    worst = ranked(report.tensors, report.trials)
    yield _plot(
        snr_along(report.tensors, [row.error for row in worst], report.outliers),
        "Line: SNR of each tensor as it comes out. Points: what its own INT8 steps would leave, were all before it "
        "exact, the worst by number. Higher is better; a gap is a tensor without error.",
    )
    if report.outliers:
        yield "<h3>Outlier channels</h3>"
        yield _table((), [(str(outlier),) for outlier in report.outliers[:WORST]])
        yield _cut(len(report.outliers))
    else:
        yield _paragraph(f"No channel reaches {OUTLIER_RATIO:g} times as far as all others of its layer.")
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
    yield _table(head, rows, numbers=(0, *range(3, 8)))
    yield _cut(len(worst))
    yield _note("Gate's gain: by how many margins its shortfall sinks when this tensor alone is kept out of INT8.")


def _search(report: ConversionReport) -> Iterator[str]:
    yield "<h2>Search for higher precision</h2>"
    if report.trials is None:
        yield _note("None was made.")
        return
    # The search ends when no layer of the passing choice can be spared.
    chosen = min((trial for trial in report.trials if trial.passed), key=lambda t: len(t.tensors), default=None)
    yield _plot(
        trade(report.trials, chosen),
        "Green: passed. Red: failed. Ring: named beside it. Lower, and further to the left, is better.",
    )
    if report.search_note:
        yield _paragraph(report.search_note)
    head = ("no.", "layers in higher precision", "precision", "answer", "shortfall, margins", "ms", "KiB")
    rows = [_trial(number, trial, trial is chosen) for number, trial in enumerate(report.trials)]
    yield _table(head, rows, numbers=(0, 4, 5, 6))


def _bundle(report: ConversionReport) -> Iterator[str]:
    yield "<h2>Bundle</h2>"
    yield _paragraph(report.bundle or "None was written.")
    if report.golden_pictures:
        yield _paragraph(
            f"Golden vectors: {report.golden_pictures} pictures with the INT8 answers; sonoedge verify replays them on "
            "the device."
        )


def _sizes_and_times(report: ConversionReport) -> Iterator[str]:
    yield "<h2>Sizes and times</h2>"
    sizes = {"float TFLite": report.float_bytes, "INT8": report.int8_bytes}
    yield _bars({name: size / 1024 for name, size in sizes.items() if size is not None}, "KiB")
    yield _bars(report.seconds | ({"in all": sum(report.seconds.values())} if report.seconds else {}), "s")
    yield "<h3>Made with</h3>"
    yield _table((), report.tools.items())


def preprocessing_in_words(preprocessing: Preprocessing) -> str:
    """What the network wants its pixels to be, in a line."""
    if preprocessing == Preprocessing():
        return "grey, pixel / 255"
    mean, std = (" ".join(map(_number, numbers)) for numbers in (preprocessing.mean, preprocessing.std))
    return f"{preprocessing.order}, white = {_number(preprocessing.white)}, less a mean of {mean}, over {std}"


def _recipe_in_words(recipe: Recipe) -> str:
    raised = [f"{rule.match} in {rule.precision}" for rule in recipe.higher_precision]
    more = f"; in higher precision: {', '.join(raised[:8])}" if raised else ""
    rest = f" and {len(raised) - 8} more (the JSON report names them)" if len(raised) > 8 else ""
    return f"{recipe.name}: weights {recipe.weights}, activations {recipe.activations}{more}{rest}"


def _agreement(parity: Parity | None) -> str:
    if parity is None:
        return "not compared"
    changed = f"{_number(100 * parity.changed_decisions)} % of the decisions changed"
    return f"largest error {_number(parity.max_error)} in logits on {parity.pictures} pictures, {changed}"


def _with_mend(finding: Finding) -> str:
    mend = f"<br><em>{_safe(finding.mend)}</em>" if finding.mend else ""
    return Markup(_safe(finding.detail) + mend)


def _candidate(candidate: Candidate, taken: str | None) -> tuple[str, ...]:
    name = f"{candidate.quantizer} {candidate.version}"
    seconds, parity, spread = _number(candidate.seconds), candidate.parity, candidate.spread
    if parity is None or spread is None:
        return name, "refused", "–", seconds, "–", "–", "–", "–", candidate.refused or "–"
    changed = f"{_number(100 * parity.changed_decisions)} %"
    errors = map(_number, (parity.max_error, parity.max_error_lsb, parity.mean_error_lsb))
    kernels = "same answer" if spread.same else f"{spread.max_lsb} LSB apart"
    return name, "taken" if name == taken else "–", _number(candidate.size / 1024), seconds, *errors, changed, kernels


def _figure(figure: GateFigure) -> tuple[str, ...]:
    interval = f"{_number(figure.ci95[0])} … {_number(figure.ci95[1])}" if figure.ci95 else "–"
    sides = map(_number, (figure.float_value, figure.int8_value, figure.difference))
    bounds = map(_number, (figure.bound, figure.margin))
    name = f"{figure.name} ({figure.unit})" if figure.unit else figure.name
    return name, figure.verdict, *sides, interval, *bounds


def _worst(row: Ranked, outliers: Iterable[Outlier]) -> tuple[str, ...]:
    error = row.error
    channels = ", ".join(f"{each.of} {each.channel} ({_number(each.ratio)} ×)" for each in outliers)
    snr = (f"{error.own_snr_db:.1f}", f"{error.snr_db:.1f}")
    return (
        error.layer,
        error.operator,
        *snr,
        _number(error.max_error),
        f"{error.cosine:.4f}",
        _number(row.gain),
        channels,
    )


def _trial(number: int, trial: Trial, chosen: bool) -> tuple[str, ...]:
    layers = ", ".join(trial.layers[:8]) + (f" and {len(trial.layers) - 8} more" if len(trial.layers) > 8 else "")
    answer = "refused" if trial.refused else "passed" if trial.passed else "failed"
    told = (layers or "none: the recipe as it is") + (" (fewest that pass)" if chosen else "")
    precision = trial.precision if trial.tensors else "–"
    return str(number), told, precision, answer, *map(_number, (trial.shortfall, trial.ms, trial.kib))


def _tensor(outlier: Outlier) -> str:
    return outlier.tensor


def _number(value: float | None, digits: int = 4) -> str:
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    shown = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"
    return shown.replace("-", "−")


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"


def _cut(count: int) -> str:
    return _note(f"The first {WORST} of {count}; the JSON report has them all.") if count > WORST else ""


def _bars(values: Mapping[str, float], unit: str) -> str:
    most = max(values.values(), default=0.0) or 1.0
    rows = [
        (name, f"{_number(value, 3)} {unit}", Markup(_BAR.format(100 * value / most))) for name, value in values.items()
    ]
    return _table((), rows, numbers=(1,)) if rows else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    """A cell that is one of our words gets its colour; the columns of `numbers` are aligned to the right."""
    right = set(numbers)
    lines = [
        "<tr>" + "".join(_cell("th", text, "number" if i in right else "") for i, text in enumerate(row)) + "</tr>"
        for row in ([head] if head else [])
    ]
    for row in rows:
        cells = (_cell("td", text, "number" if i in right else _class(text)) for i, text in enumerate(row))
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f'<div class="scroll"><table>{"".join(lines)}</table></div>'


def _cell(tag: str, text: str, name: str) -> str:
    return f'<{tag} class="{name}">{_safe(text)}</{tag}>' if name else f"<{tag}>{_safe(text)}</{tag}>"


def _class(text: str) -> str:
    """A colour for a word of ours, room to wrap for what is long."""
    return _COLOUR.get(text) or ("long" if len(text) > LONG else "")


def _plot(svg: str, caption: str) -> str:
    return f'<figure>{svg}<figcaption class="note">{_safe(caption)}</figcaption></figure>' if svg else ""


def _paragraph(text: str) -> str:
    return f"<p>{_safe(text)}</p>"


def _note(text: str) -> str:
    return f'<p class="note">{_safe(text)}</p>'


def _safe(text: str) -> str:
    return text if isinstance(text, Markup) else html.escape(text)
