"""A bundle and held-out labelled subjects -> a copy of it whose graders have confidence, and the report on that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from convert.confidence.answers import Wrist, collect
from convert.confidence.conformal import least_subjects
from convert.confidence.fit import Fitted, fit
from convert.confidence.resplits import RESPLITS, Figure, Worth, worth
from convert.data.dataset import DataFolder, Sample
from convert.data.subjects import subject_mark
from convert.errors import DataError
from convert.packing.bundle_writer import write_bundle
from edge.bundle import CARD_FILE, Bundle
from edge.errors import UsageError
from edge.manifest import Conformal
from edge.output import write_atomically

LEAST_SUBJECTS = 20  # below, no threshold means anything
SEED = 0
HEADING = "## How sure\n"


class GraderConfidence(msgspec.Struct, frozen=True):
    """What was stored for one grader, and what it would have been worth to subjects that did not set it."""

    temperature: float
    conformal: Conformal | None
    typical_within: float | None  # squared Mahalanobis distance
    typical_coverage: float | None
    worth: Worth


class ConfidenceReport(msgspec.Struct, frozen=True, kw_only=True):
    """One run of `sonoedge confidence`."""

    version: int = 1
    bundle: str
    data: tuple[str, ...]  # names of the folders
    coverage: float  # asked for
    subjects: int
    wrists: int
    graders: dict[str, GraderConfidence]


@dataclass(frozen=True)
class Confidence:
    """What was found for each grader of a bundle."""

    fitted: dict[str, Fitted]
    report: ConfidenceReport

    def write(self, bundle: Bundle, path: Path) -> Bundle:
        """Write a copy of `bundle`, which has these graders, as `path`; it may be the same. Its card tells of it.

        Raises:
            BundleError, OutputError: as `write_bundle`.
        """
        manifest = bundle.manifest
        graders = {name: self.fitted[name].into(entry) for name, entry in manifest.graders.items()}
        files = {file: bundle.read(file) for file in manifest.files}
        card = files.get(CARD_FILE, b"").decode().replace(f"# {manifest.name}\n", f"# {path.stem}\n", 1)
        files[CARD_FILE] = f"{card.partition(HEADING)[0].rstrip()}\n\n{HEADING}\n{as_text(self.report)}\n".encode()
        return write_bundle(path, msgspec.structs.replace(manifest, name=path.stem, graders=graders), files)


def find_confidence(
    bundle: Bundle, folders: Sequence[DataFolder], coverage: float, resplits: int = RESPLITS
) -> Confidence:
    """Fit the confidence of every grader of `bundle` on labelled subjects that no training has seen.

    `coverage`, 0..1, is the share of wrists whose set of grades shall hold the true one.

    Raises:
        UsageError: the bundle has no segmenter or no grader.
        DataError: too few subjects, or too few of whom a frame reached the grader.
    """
    manifest = bundle.manifest
    if not manifest.graders:
        raise UsageError(f"{bundle.path.name}: has no grader: add one with `sonoedge convert --into`")
    samples = _graded(folders, manifest.view)
    _check_unseen(bundle, samples, folders)
    views = collect(bundle, tuple(manifest.graders), samples)
    for clips in views.values():
        _check_subjects(clips, folders, coverage)
    thresholds = manifest.thresholds
    fitted = {name: fit(clips, coverage, thresholds, SEED) for name, clips in views.items()}
    found = {name: worth(clips, coverage, thresholds, resplits) for name, clips in views.items()}
    report = ConfidenceReport(
        bundle=bundle.path.name,
        data=tuple(folder.path.name for folder in folders),
        coverage=coverage,
        subjects=len({sample.subject for sample in samples}),
        wrists=len(views[next(iter(views))]),
        graders={name: _told(fitted[name], found[name]) for name in views},
    )
    return Confidence(fitted, report)


def write_report(report: ConfidenceReport, path: Path) -> None:
    """As JSON.

    Raises:
        OutputError: it cannot be written.
    """
    write_atomically(path, msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")


def as_text(report: ConfidenceReport) -> str:
    """For a person, as Markdown, which the card takes over."""
    head = (
        f"Fitted on {report.subjects} held-out subjects ({report.wrists} wrists) of {', '.join(report.data)}. The "
        "figures are of a third of them that fitted nothing, mean ± SD over resplits; they hold for subjects like "
        "these, and promise nothing of another site."
    )
    return "\n\n".join([head, *(_table(name, grader) for name, grader in report.graders.items())])


def _table(name: str, grader: GraderConfidence) -> str:
    rows = [
        f"| {what} | {_shown(grader.worth.before[what])} | {_shown(after)} |"
        for what, after in grader.worth.after.items()
    ]
    outcomes = [
        f"| {words} | {each.share:.1%} | {'-' if each.right is None else f'{each.right:.1%}'} |"
        for words, each in grader.worth.outcomes.items()
    ]
    return "\n".join(
        [
            f"### {name}: {_stored(grader)}\n",
            "| figure | without | with confidence |\n|---|---|---|",
            *rows,
            "\n| what becomes of a wrist | of all wrists | likeliest grade is right |\n|---|---|---|",
            *outcomes,
        ]
    )


def _stored(grader: GraderConfidence) -> str:
    parts = [f"temperature {grader.temperature:.3g}"]
    if grader.conformal:
        parts.append(f"{grader.conformal.coverage:.0%} sets up to a score of {grader.conformal.threshold:.3g}")
    if grader.typical_within is not None and grader.typical_coverage is not None:
        parts.append(f"typical ({grader.typical_coverage:.1%} of frames) within {grader.typical_within:.3g}")
    return ", ".join(parts)


def _shown(figure: Figure) -> str:
    return "-" if figure.value is None else f"{figure.value:.3f} ± {figure.sd:.3f}"


def _told(fitted: Fitted, found: Worth) -> GraderConfidence:
    typical = fitted.typical
    return GraderConfidence(
        fitted.temperature,
        fitted.conformal,
        typical.threshold if typical else None,
        typical.coverage if typical else None,
        found,
    )


def _graded(folders: Sequence[DataFolder], view: str) -> list[Sample]:
    samples = [s for folder in folders for s in folder if s.view in ("", view) and s.grade is not None]
    if not samples:
        raise DataError(f"{_named(folders)}: no {view} frame has a grade: confidence is fitted on grades in labels.csv")
    return samples


def _check_unseen(bundle: Bundle, samples: Sequence[Sample], folders: Sequence[DataFolder]) -> None:
    seen = {mark for model in bundle.manifest.models for mark in model.trained_on}
    subjects = sorted({sample.subject for sample in samples})
    known = [subject for subject in subjects if subject_mark(subject) in seen]
    if known:
        raise DataError(
            f"{_named(folders)}: {len(known)} of {len(subjects)} subjects ({known[0]} ...) were trained on: on them a "
            "model is surer than it will be: take subjects that no training has seen"
        )


def _check_subjects(clips: Sequence[Wrist], folders: Sequence[DataFolder], coverage: float) -> None:
    needed = max(LEAST_SUBJECTS, 2 * least_subjects(coverage))
    count = len({wrist.subject for wrist in clips if len(wrist.seen)})
    if count < needed:
        raise DataError(
            f"{_named(folders)}: a frame of {count} subjects with a grade reached the grader, a coverage of "
            f"{coverage:g} needs {needed}: add subjects or ask for less"
        )


def _named(folders: Sequence[DataFolder]) -> str:
    return ", ".join(str(folder.path) for folder in folders)
