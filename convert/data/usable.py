"""Which samples of data folders serve a task, and in words which do not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from convert.data.dataset import DataFolder, Sample
from convert.errors import DataError

_NAMED = 3  # files that a note names


def usable(folders: Sequence[DataFolder], task: str, view: str | None = None) -> tuple[list[Sample], list[str]]:
    """The samples that have what `task` needs, a mask and for a grader a grade, of one plane where `view` says so.

    Beside them a line for each kind of sample that was left out or that is doubtful.

    Raises:
        DataError: none is left, or there are fewer than two grades to tell apart.
    """
    name = ", ".join(dict.fromkeys(str(folder.path) for folder in folders))
    samples = [sample for folder in folders for sample in folder if view is None or sample.view == view]
    if not samples:
        raise DataError(f"{name}: no image is {view}: see the column view of labels.csv")
    notes = []
    planes = sorted({sample.view for sample in samples if sample.view})
    if len(planes) > 1:
        notes.append(f"{name}: {' and '.join(planes)} images are mixed: --view takes one plane")
    lacking = [sample for sample in samples if sample.mask_path is None]
    if len(lacking) == len(samples):
        raise DataError(f"{name}: no image has a mask: put one of the same name into masks/")
    if lacking:
        notes.append(f"{name}: {listed(lacking, samples)} no mask: left out")
        samples = [sample for sample in samples if sample.mask_path is not None]
    if task == "grade":
        samples, told = _graded(samples, name)
        notes += told
    return samples, notes


def listed(some: Sequence[Sample], of: Sequence[Sample]) -> str:
    """`2 of 20 images (a.png, b.png) have`, each file once."""
    files = _files(some)
    names = ", ".join([*files[:_NAMED], *(["..."] if len(files) > _NAMED else [])])
    return f"{len(files)} of {len(_files(of))} images ({names}) {'has' if len(files) == 1 else 'have'}"


def _graded(samples: list[Sample], name: str) -> tuple[list[Sample], list[str]]:
    lacking = [sample for sample in samples if sample.grade is None]
    graded = [sample for sample in samples if sample.grade is not None]
    if len({sample.grade for sample in graded}) < 2:
        raise DataError(f"{name}: fewer than two grades in the column grade of labels.csv: nothing to tell apart")
    return graded, [f"{name}: {listed(lacking, samples)} no grade: left out"] if lacking else []


def _files(samples: Iterable[Sample]) -> list[str]:
    return [sample.file for sample in {sample.image_path: sample for sample in samples}.values()]
