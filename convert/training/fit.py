"""Fitting one model: epochs until the held-out loss no longer falls, each written down so that a kill costs one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn

import keras
import numpy as np
from tqdm import tqdm

from convert.training.batches import Batch, Feed
from convert.training.losses import LOSSES
from convert.training.state import Losses, State
from edge.progress import counter

_LAST_RATE = 0.02  # of the learning rate, where the cosine ends
_WARM_UP = 0.05  # of all steps


def compile_model(model: keras.Model, task: str, learning_rate: float, steps: int) -> None:
    """Adam, whose rate climbs for a twentieth of `steps` and falls along a cosine to a fiftieth."""
    rate = keras.optimizers.schedules.CosineDecay(
        0.1 * learning_rate, steps, alpha=_LAST_RATE, warmup_target=learning_rate, warmup_steps=int(_WARM_UP * steps)
    )
    # Not XLA: its kernels add in an order of their own each time, and a resumed training would end elsewhere.
    model.compile(keras.optimizers.Adam(rate), LOSSES[task], jit_compile=False)
    model.optimizer.build(model.trainable_variables)


def fit(model: keras.Model, feed: Feed, state: State, name: str, *, epochs: int, patience: int, word: str) -> Losses:
    """Train a compiled model from where `state` left it; it ends with the weights of its best epoch.

    Args:
        patience: epochs without a smaller held-out loss after which it stops; 0: never before `epochs`.
        word: before the progress bar.

    Raises:
        OutputError: the state cannot be written.
        ModelError: the state is not whole.
    """
    losses = state.restore(name, model)
    begun = losses.epochs * feed.steps
    with counter(word, epochs * feed.steps, unit="step", begun=begun) as bar:
        while losses.epochs < epochs and not (patience and losses.epochs - 1 - losses.best >= patience):
            trained = mean_loss(model.train_on_batch, _counted(feed.augmented(losses.epochs), bar), model)
            losses = losses.and_then(trained, mean_loss(model.test_on_batch, feed.untouched(), model))
            state.keep(name, model, losses)
            bar.set_postfix_str(_told(losses))
    state.load_best(name, model)
    return losses


def mean_loss(step: Callable[..., object], batches: Iterable[Batch], model: keras.Model) -> float:
    """Mean over the frames of all batches; nan where there is none."""
    total, count = 0.0, 0
    for batch in batches:
        model.reset_metrics()  # one of Keras's two steps begins anew by itself, the other goes on with its mean
        total += float(np.asarray(step(*batch))) * len(batch[0])
        count += len(batch[0])
    return total / count if count else math.nan


def _counted(batches: Iterable[Batch], bar: tqdm[NoReturn]) -> Iterator[Batch]:
    for batch in batches:
        yield batch
        bar.update()


def _told(losses: Losses) -> str:
    held_out = f", held out {losses.held_out[-1]:.4f}" if losses.held_out else ""
    return f"loss {losses.trained[-1]:.4f}{held_out}, best epoch {losses.best + 1}"
