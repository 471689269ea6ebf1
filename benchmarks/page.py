"""The findings as Markdown tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from benchmarks.findings import OUR_ENGINE, Answers, Findings, Invoke, Spread, Way

Item = TypeVar("Item")


def tables(found: Findings) -> str:
    """Everything that was found, in the order in which a reader asks for it."""
    parts = [_setting(found)]
    for cores in sorted({way.cores for way in found.ways}):
        parts.append(_ways(found, cores))
    for cores in sorted({invoke.cores for invoke in found.invokes}):
        parts.append(_invokes(found, cores))
    parts.append(_verdicts(found))
    parts.append(_answers(found.answers, found.pictures))
    if found.absent:
        parts.append("Not measured:\n\n" + "\n".join(f"- {who}: {why}" for who, why in sorted(found.absent.items())))
    return "\n\n".join(part for part in parts if part) + "\n"


def _setting(found: Findings) -> str:
    versions = ", ".join(f"{package} {version}" for package, version in sorted(found.versions.items()))
    return (
        f"{found.machine}; {versions}. Bundle {found.bundle} {found.bundle_digest[:12]}; frames of {found.source}; "
        f"float graphs {found.float_graphs}; {found.rounds} rounds, {found.frames_a_burst} frames a burst. "
        "Figures are medians over the rounds, in brackets 10 to 90 %; ratios are taken within a round."
    )


def _ways(found: Findings, cores: int) -> str:
    ways = [way for way in found.ways if way.cores == cores]
    kinds = list(dict.fromkeys(way.frames for way in ways))
    head = ["the whole way", *(f"{column}, frames {kind}" for kind in kinds for column in ("fps", "ours is faster x"))]
    rows = [
        [runner, *(cell for kind in kinds for cell in _way_cells([w for w in mine if w.frames == kind]))]
        for runner, mine in _grouped(ways, lambda way: way.runner)
    ]
    return (
        f"**Frames per second, {_cores(cores)}** ({found.segmenter}, {found.grader}; below the textbook script: "
        f"it with an engine in the place of its interpreter)\n\n{_table(head, rows)}"
    )


def _way_cells(ways: Sequence[Way]) -> list[str]:
    return [_spread(ways[0].fps, 0), _spread(ways[0].ours_times, 2)] if ways else ["-", "-"]


def _invokes(found: Findings, cores: int) -> str:
    invokes = [invoke for invoke in found.invokes if invoke.cores == cores]
    models = list(dict.fromkeys(invoke.model for invoke in invokes))
    rows = [
        [engine, *(_invoke_cell([i for i in mine if i.model == model]) for model in models)]
        for engine, mine in _grouped(invokes, lambda invoke: invoke.engine)
    ]
    note = f"; {found.paper} is the paper's segmenter" if found.paper else ""
    return (
        f"**Milliseconds an invoke, {_cores(cores)}** (x: as often our INT8 time of the same model{note})\n\n"
        f"{_table(['engine', *models], rows)}"
    )


def _invoke_cell(invokes: Sequence[Invoke]) -> str:
    if not invokes:
        return "-"
    return f"{invokes[0].ms.median:.2f}, x {_spread(invokes[0].times_ours, 2)}"


def _verdicts(found: Findings) -> str:
    """On one core: what INT8 gains, who is faster than we are, and the segmenter beside the paper's."""
    one = {(invoke.model, invoke.engine): invoke for invoke in found.invokes if invoke.cores == 1}
    rows = []
    for model in dict.fromkeys(model for model, _ in one):
        in_float = one.get((model, "LiteRT, float"))
        others = [i for (m, e), i in one.items() if m == model and e.endswith("int8") and e != OUR_ENGINE]
        best = min(others, key=lambda invoke: invoke.times_ours.median, default=None)
        rows.append([
            model,
            _spread(in_float.times_ours, 2) if in_float else "-",
            f"{best.engine}: x {_spread(best.times_ours, 2)}" if best else "-",
        ])  # fmt: skip
    text = _table(["one core", "our float / our INT8", "the fastest other INT8"], rows)
    ours, paper = one.get((found.segmenter, OUR_ENGINE)), one.get((found.paper or "", "LiteRT, float"))
    if ours and paper:
        share = ours.ms.median / paper.ms.median
        text += f"\n\n{found.segmenter} in INT8 takes {share:.3f} of the time of the paper's {found.paper} in float."
    return text


def _answers(answers: Sequence[Answers], pictures: int) -> str:
    if not answers:
        return ""
    models = list(dict.fromkeys(answer.model for answer in answers))
    rows = [
        [engine, *(_answer_cell([a for a in mine if a.model == model]) for model in models)]
        for engine, mine in _grouped(answers, lambda answer: answer.engine)
    ]
    return (
        f"**Answers to {pictures} unseen simulated subjects**: with the truth / with our INT8 model "
        f"(segmenter: mean DSC; graders: share of grades)\n\n{_table(['engine', *models], rows)}"
    )


def _answer_cell(answers: Sequence[Answers]) -> str:
    return f"{answers[0].truth:.3f} / {answers[0].as_ours:.3f}" if answers else "-"


def _grouped(items: Iterable[Item], key: Callable[[Item], str]) -> list[tuple[str, list[Item]]]:
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.items())


def _cores(cores: int) -> str:
    return "one core" if cores == 1 else f"{cores} cores"


def _spread(spread: Spread, digits: int) -> str:
    return f"{spread.median:.{digits}f} ({spread.p10:.{digits}f}-{spread.p90:.{digits}f})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
