"""Learning curves as a picture: `M.curves.png`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from convert.training.training_record import TrainingRecord
from edge.errors import MissingExtraError
from edge.output import replacing

_COLUMNS = 3


def draw_curves(path: Path, records: Mapping[str, TrainingRecord]) -> None:
    """A panel a model, by its name: the loss of each epoch, trained and held out, and the epoch that was kept.

    Raises:
        OutputError: `path` cannot be written.
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415  a second: only who draws pays
        from matplotlib.ticker import MaxNLocator  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError("the learning curves", "convert") from error
    columns = min(_COLUMNS, len(records))
    rows = -(-len(records) // columns)
    figure = Figure(figsize=(1 + 3.4 * columns, 0.4 + 2.6 * rows), layout="constrained", dpi=110)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes in panels.flat[len(records) :]:
        axes.set_visible(False)
    for axes, (name, record) in zip(panels.flat, records.items(), strict=False):
        epochs = range(1, len(record.losses) + 1)
        axes.plot(epochs, record.losses, color="#57606a", marker=".", label=f"{len(record.subjects)} trained on")
        if record.held_out_losses:
            word = f"{len(record.held_out_subjects)} held out"
            axes.plot(epochs, record.held_out_losses, color="#0b5cad", marker=".", label=word)
        axes.axvline(record.best_epoch + 1, color="#1a7f37", linestyle=":", label=f"kept: {record.best_epoch + 1}")
        axes.set_title(name, fontsize=9, parse_math=False)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(fontsize=7, frameon=False, title="subjects", title_fontsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("epoch", fontsize=9)
    figure.supylabel("loss", fontsize=9)
    with replacing(path) as temporary:
        figure.savefig(temporary)
