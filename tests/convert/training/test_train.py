"""A training learns, stops when it no longer does, and ends the same whether it was cut or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="the extra `convert` is not installed")

import msgspec  # noqa: E402

from convert.data.dataset import read_data_folder  # noqa: E402
from convert.errors import ModelError  # noqa: E402
from convert.readers.keras_model import load_keras  # noqa: E402
from convert.training import train as training  # noqa: E402
from convert.training.batches import Batch, Feed  # noqa: E402
from convert.training.fit import compile_model, fit, mean_loss  # noqa: E402
from convert.training.folds import train_folds  # noqa: E402
from convert.training.frames import Frames  # noqa: E402
from convert.training.losses import ordinal_targets, soft_dice_loss  # noqa: E402
from convert.training.state import Losses, open_state, state_path  # noqa: E402
from convert.training.train import Recipe, Schedule, read_for, train, train_recipe  # noqa: E402
from convert.training.training_record import read_record  # noqa: E402
from edge.errors import OutputError, UsageError  # noqa: E402
from edge.findings import GRADES  # noqa: E402
from tests.convert.training.discs import disc_folder  # noqa: E402
from tests.convert.training.networks import GRADER, SEGMENTER  # noqa: E402

SHORT = Schedule(epochs=3, batch=8, learning_rate=3e-3, samples_per_epoch=32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return disc_folder(tmp_path_factory.mktemp("discs"), [*GRADES] * 3)


@pytest.fixture(scope="module")
def frames(folder: Path) -> Frames:
    return read_for(SEGMENTER, [read_data_folder(folder)])


def weights_of(path: Path) -> list[np.ndarray]:
    return [np.asarray(each) for each in load_keras(path).get_weights()]


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


class CutFeed(Feed):
    """Stops as a kill does, in the middle of the second epoch."""

    def augmented(self, epoch: int) -> Iterator[Batch]:
        for step, batch in enumerate(super().augmented(epoch)):
            if (epoch, step) == (1, 2):
                raise KeyboardInterrupt
            yield batch


def test_a_training_leaves_a_model_its_record_and_its_curves(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.keras"
    record = train(SEGMENTER, [read_data_folder(folder)], out, SHORT, seed=2)
    assert {path.name for path in tmp_path.iterdir()} == {"m.keras", "m.train.json", "m.curves.png"}
    assert record == read_record(out)
    assert len(record.losses) == len(record.held_out_losses) == record.epochs == 3
    assert record.losses[-1] < record.losses[0]
    assert record.held_out_loss == min(record.held_out_losses) == record.held_out_losses[record.best_epoch]
    assert not set(record.subjects) & set(record.held_out_subjects)
    assert len(record.subjects) + len(record.held_out_subjects) == 12


def test_a_cut_training_goes_on_to_the_same_weights(
    frames: Frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = Recipe(GRADER, SHORT, seed=5)  # has dropout, whose generator must go on too
    graded = replace_task(frames)
    whole, cut = tmp_path / "whole.keras", tmp_path / "cut.keras"
    train_recipe(recipe, graded, whole)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(training, "Feed", CutFeed)
        train_recipe(recipe, graded, cut)
    assert not cut.exists() and state_path(cut).is_dir()
    record = train_recipe(recipe, graded, cut)
    assert not state_path(cut).exists()
    assert same(weights_of(cut), weights_of(whole))
    assert record == read_record(whole)


def test_whom_the_first_weights_had_seen_is_not_forgotten(folder: Path, frames: Frames, tmp_path: Path) -> None:
    once, few = replace(SHORT, epochs=1), {"S00", "S01", "S02", "S03"}
    first = train(SEGMENTER, [read_data_folder(folder).of_subjects(few)], tmp_path / "first.keras", once, seed=2)
    other = train_recipe(Recipe(SEGMENTER, once, init=tmp_path / "first.keras"), frames, tmp_path / "other.keras")
    assert set(other.init_subjects) == {*first.subjects, *first.held_out_subjects} == few


def replace_task(frames: Frames) -> Frames:
    """The same pictures for a grader: what it is to learn does not matter here."""
    answers = np.stack([ordinal_targets(sample.grade or "") for sample in frames.samples])
    return replace(frames, task="grade", answers=answers)


def test_another_training_does_not_go_on_from_it(frames: Frames, tmp_path: Path) -> None:
    out, recipe = tmp_path / "m.keras", Recipe(SEGMENTER, SHORT, seed=1)
    state = open_state(out, recipe.settings(frames, folds=1))
    state.finish("fold1")
    other = replace(recipe, seed=2, no_augmentation=("flip",))
    with pytest.raises(ModelError, match=r"m\.keras\.state: of a training with other augmentation, seed: "):
        train_recipe(other, frames, out)


def test_what_failed_before_its_first_epoch_binds_to_nothing(frames: Frames, tmp_path: Path) -> None:
    out, wrong = tmp_path / "m.keras", Recipe(SEGMENTER, SHORT, init=tmp_path / "no.keras")
    with pytest.raises(ModelError, match="no such file"):
        train_recipe(wrong, frames, out)
    train_recipe(replace(wrong, init=None), frames, out)
    assert not state_path(out).exists()


def test_it_stops_when_the_held_out_loss_no_longer_falls(frames: Frames, tmp_path: Path) -> None:
    still = replace(SHORT, epochs=9, patience=2, learning_rate=0.0)  # the loss falls by the batch norm's means alone
    record = train_recipe(Recipe(SEGMENTER, still), frames, tmp_path / "m.keras")
    assert record.epochs == record.best_epoch + 1 + 2 or record.epochs == 9
    assert record.epochs == len(record.losses)
    rising = Losses((1.0, 1.0, 1.0), (0.5, 0.6, 0.7))
    assert rising.best == 0 and rising.and_then(1.0, 0.4).best == 3


def test_a_finished_state_only_brings_the_best_weights_back(frames: Frames, tmp_path: Path) -> None:
    rows = frames.rows_of({"S00", "S01"})
    feed = Feed(
        frames, rows, frames.rows_of({"S02"}), side=32, batch=4, per_epoch=8,
        augmentation=Recipe(SEGMENTER, SHORT).augmentation, balanced=True, seed=0,
    )  # fmt: skip
    state = open_state(tmp_path / "m.keras", {"any": "thing"})
    kept = []
    for _ in range(2):
        model = SEGMENTER.build()
        compile_model(model, "segment", 1e-2, 4)
        fit(model, feed, state, "all", epochs=2, patience=0, word="")
        kept.append(model.get_weights())
    assert same(*kept)


def test_the_held_out_loss_is_the_mean_over_all_frames(frames: Frames) -> None:
    feed = Feed(
        frames, frames.rows_of({"S00"}), frames.rows_of({"S01", "S02", "S03"}), side=32, batch=4, per_epoch=4,
        augmentation=Recipe(SEGMENTER, SHORT).augmentation, balanced=True, seed=0,
    )  # fmt: skip
    model = SEGMENTER.build()
    compile_model(model, "segment", 1e-2, 4)
    batches = list(feed.untouched())
    assert [len(pictures) for pictures, _, _ in batches] == [4, 2]
    each = np.concatenate([soft_dice_loss(truth, model(pictures)) for pictures, truth, _ in batches])
    for _ in range(2):
        assert mean_loss(model.test_on_batch, feed.untouched(), model) == pytest.approx(each.mean(), rel=1e-5)


def test_a_state_that_is_not_whole_is_told(frames: Frames, tmp_path: Path) -> None:
    out, recipe = tmp_path / "m.keras", Recipe(SEGMENTER, SHORT)
    state = open_state(out, recipe.settings(frames, folds=1))
    (state.folder / "all.last.npz").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(ModelError, match=r"all\.last\.npz: cannot be read .*: remove "):
        train_recipe(recipe, frames, out)
    (state.folder / "settings.json").write_text("{")
    with pytest.raises(ModelError, match="not the settings of a training"):
        train_recipe(recipe, frames, out)


def test_nothing_is_trained_that_cannot_be_written(frames: Frames, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no folder"):
        train_recipe(Recipe(SEGMENTER, SHORT), frames, tmp_path / "no" / "m.keras")


def test_folds_ask_each_subject_once_and_leave_every_model(frames: Frames, tmp_path: Path) -> None:
    out = tmp_path / "m.keras"
    recipe = Recipe(SEGMENTER, replace(SHORT, epochs=6, learning_rate=3e-2, samples_per_epoch=96), seed=2)
    found = train_folds(recipe, frames, out, 2)
    names = {"m.keras", "m.fold1.keras", "m.fold2.keras", "m.curves.png", "m.folds.json"}
    assert {path.name for path in tmp_path.iterdir()} == names | {
        "m.train.json", "m.fold1.train.json", "m.fold2.train.json",
    }  # fmt: skip
    asked = [subject for fold in found.folds for subject in fold.subjects]
    assert sorted(asked) == sorted({sample.subject for sample in frames.samples})
    for fold in found.folds:
        record = read_record(tmp_path / fold.model)
        assert record is not None
        assert not set(fold.subjects) & ({*record.subjects} | {*record.held_out_subjects})
    everybody = read_record(out)
    assert everybody is not None and len(everybody.subjects) == 12 and everybody.held_out_loss is None

    written = msgspec.json.decode((tmp_path / "m.folds.json").read_bytes())
    dsc = written["figures"]["segment"]["float"]["dsc"]
    assert dsc["ci95"][0] <= dsc["value"] <= dsc["ci95"][1]
    assert dsc["value"] == pytest.approx(np.mean([row["dsc"] for row in written["rows"]]))
    assert len(written["rows"]) == written["n_images"] == 24
    by_fold = [fold["figures"]["dsc"] for fold in written["folds"]]
    assert written["over_folds"]["dsc"] == pytest.approx([np.mean(by_fold), np.std(by_fold, ddof=1)])
    assert dsc["value"] > 0.5  # discs are easy to find: the answers are those of the trained models


def test_a_fold_that_is_written_is_not_trained_again(
    frames: Frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, graded = Recipe(GRADER, replace(SHORT, epochs=1), seed=2), read_for(GRADER, [folder_of(frames)])
    whole = train_folds(recipe, graded, tmp_path / "whole.keras", 2)
    out = tmp_path / "cut.keras"
    state = open_state(out, recipe.settings(graded, 2))
    for number in (1, 2):
        for end in (".keras", ".train.json"):
            (tmp_path / f"whole.fold{number}{end}").rename(tmp_path / f"cut.fold{number}{end}")
        state.finish(f"fold{number}")
    before = (tmp_path / "cut.fold1.keras").stat().st_mtime_ns
    again = train_folds(recipe, graded, out, 2)
    assert (tmp_path / "cut.fold1.keras").stat().st_mtime_ns == before
    assert again.rows == whole.rows and not state_path(out).exists()


def folder_of(frames: Frames) -> object:
    return read_data_folder(frames.samples[0].image_path.parents[1])


def test_windows_have_no_figures(frames: Frames, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--window-px"):
        train_folds(Recipe(SEGMENTER, replace(SHORT, window_px=16)), frames, tmp_path / "m.keras", 2)


def test_ordinal_targets_climb() -> None:
    assert [ordinal_targets(grade).sum() for grade in GRADES] == [0, 1, 2, 3]
    assert list(ordinal_targets("mild")) == [1, 0, 0]
