"""From fonts to the INT8 network: strips drawn, trained with CTC loss, quantized by our own quantizer."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from convert.errors import QuantizeError
from convert.glyphs.fonts import Font, drawn_fonts, font_files
from convert.glyphs.network import WINDOW, build
from convert.glyphs.samples import Studio, on_tape
from convert.phantom.folder import Population, exam
from convert.quantizing.quantize import Quantized, quantize
from convert.quantizing.recipe import load_recipe
from convert.readers.keras_model import float_tflite
from edge.frame import Pixels
from edge.progress import tracked
from edge.screen.glyphs import HEIGHT

if TYPE_CHECKING:
    import keras

LONGEST = 26  # glyphs of one strip at training
TRAINED_WIDTH = 160  # columns; the network is wider on the device, where it reads several strips at once
NO_TEXT = 0.2  # of the strips say nothing
PAPER_FRAMES = Population(41, 60, {"transverse": 1, "forearm": 1, "longitudinal": 1})
CALIBRATION_TAPES = 200


@dataclass(frozen=True)
class Plan:
    """How much is drawn, and how long it is learned."""

    strips: int = 48_000
    epochs: int = 12
    batch: int = 64
    rate: float = 3e-3


@dataclass(frozen=True)
class Strips:
    """Tapes of one strip each (N, HEIGHT, TRAINED_WIDTH), and the classes of what they say (N, LONGEST), 0 = end."""

    tapes: Pixels
    classes: npt.NDArray[np.int32]


def paper_pictures(population: Population = PAPER_FRAMES) -> list[Pixels]:
    """Simulated ultrasound pictures: nothing is written in them."""
    everyone = tracked(range(population.subjects), "paper", unit="subject")
    return [frame.pixels for subject in everyone for frame in exam(population, subject)]


def draw_strips(folders: Sequence[Path], pictures: Sequence[Pixels], count: int, seed: int, workers: int = 1) -> Strips:
    """`count` strips; the same fonts, pictures and seed give the same."""
    parts = [(seed, part, min(1000, count - part)) for part in range(0, count, 1000)]
    with ProcessPoolExecutor(workers) as pool:
        drawn = pool.map(partial(_draw_part, tuple(folders), tuple(pictures)), parts)
        whole = list(tracked(drawn, "strips", len(parts), unit="thousand"))
    return Strips(np.concatenate([part.tapes for part in whole]), np.concatenate([part.classes for part in whole]))


def fit(strips: Strips, plan: Plan, seed: int) -> keras.Model:
    """The trained network, as wide as the device runs it."""
    import keras  # noqa: PLC0415  seconds: only who trains pays

    keras.utils.set_random_seed(seed)
    model = build(TRAINED_WIDTH)
    steps = plan.epochs * -(-len(strips.tapes) // plan.batch)
    rate = keras.optimizers.schedules.CosineDecay(1e-4, steps, alpha=0.01, warmup_target=plan.rate, warmup_steps=200)
    model.compile(keras.optimizers.Adam(rate, clipnorm=1.0), loss=_ctc_loss)
    pictures = strips.tapes[..., None].astype(np.float16) / np.float16(255)
    model.fit(pictures, strips.classes, batch_size=plan.batch, epochs=plan.epochs, verbose=2)
    wide = build(WINDOW)
    wide.set_weights(model.get_weights())
    return wide


def to_int8(model: keras.Model, strips: Strips) -> Quantized:
    """The all-integer file, calibrated on strips that it was trained with.

    Raises:
        QuantizeError: it does not become all-integer.
    """
    tapes = np.zeros((CALIBRATION_TAPES, HEIGHT, WINDOW), np.uint8)
    tapes[:, :, :TRAINED_WIDTH] = strips.tapes[:CALIBRATION_TAPES]
    done = quantize(float_tflite(model), list(tapes), load_recipe("full_integer"), task="classify")
    if done.non_integer_tensors:
        raise QuantizeError(f"the glyph network keeps {', '.join(done.non_integer_tensors)}: build it of other layers")
    return done


def _draw_part(folders: tuple[Path, ...], pictures: tuple[Pixels, ...], part: tuple[int, int, int]) -> Strips:
    seed, number, count = part
    random = np.random.default_rng([seed, number])
    studio = Studio(_fonts(folders), pictures)
    tapes = np.zeros((count, HEIGHT, TRAINED_WIDTH), np.uint8)
    classes = np.zeros((count, LONGEST), np.int32)
    done, silent_ones = 0, 0
    while done < count:
        silent = silent_ones < NO_TEXT * done
        strip = None if silent else studio.text(random)
        for pixels, said in studio.no_text(random) if silent else [strip] if strip else []:
            laid = on_tape(pixels, said, TRAINED_WIDTH, random)
            if laid is not None and done < count and len(laid[1]) <= LONGEST:
                tapes[done], classes[done, : len(laid[1])] = laid
                done, silent_ones = done + 1, silent_ones + silent
    return Strips(tapes, classes)


@functools.cache
def _fonts(folders: tuple[Path, ...]) -> list[Font]:
    """Opened once a process: a font at a size takes milliseconds."""
    return [*drawn_fonts(), *font_files(folders)]


def _ctc_loss(classes: Any, logits: Any) -> Any:
    """Negative log likelihood of the classes in their order, wherever they stand (Graves 2006); 0 is the blank."""
    import tensorflow as tf  # noqa: PLC0415

    rows = logits[:, 0]
    labels = tf.cast(classes, tf.int32)
    lengths = tf.math.count_nonzero(labels, axis=1, dtype=tf.int32)
    silent = lengths == 0  # TensorFlow refuses them: their one way is blank in every column
    blank = -tf.reduce_sum(tf.nn.log_softmax(rows)[..., 0], axis=1)
    labels = tf.where(silent[:, None], tf.one_hot(0, tf.shape(labels)[1], dtype=tf.int32)[None], labels)
    columns = tf.fill(tf.shape(lengths), tf.shape(rows)[1])
    spoken = tf.nn.ctc_loss(tf.sparse.from_dense(labels), rows, None, columns, logits_time_major=False, blank_index=0)
    return tf.where(silent, blank, spoken)
