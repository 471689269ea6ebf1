"""A small segmenter with swish and squeeze-excitation, set by hand, and dark frames with a lighter disc as the nerve.

It smooths, so white noise stays near middle grey, where neither tissue nor nerve is: calibrated on noise, INT8 clips
both to the same value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import keras
import numpy as np
from keras import layers

from edge.frame import Pixels

SIZE, MM_PER_PX = 64, 0.2
TISSUE, NERVE = 15, 45  # grey levels; the network's threshold is half way
_GAINS = np.array([-4.0, -2.0, 4.0, 2.0], np.float32)  # of the features, about middle grey


def written(path: Path) -> Path:
    """The network as a `.keras` file: darker than the threshold is tissue, lighter is nerve."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    picture = keras.Input((SIZE, SIZE, 1), name="picture")
    features, logits = layers.Conv2D(4, 1, name="features"), layers.Conv2D(1, 1, name="nerve_logits")
    x = layers.Activation("swish")(features(layers.AveragePooling2D(5, 1, padding="same")(picture)))
    squeezed = layers.Conv2D(2, 1, activation="swish")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    excite = layers.Conv2D(4, 1, activation="sigmoid", bias_initializer=keras.initializers.Constant(3.0))
    model = keras.Model(picture, logits(layers.Multiply()([x, excite(squeezed)])), name="small_swish")
    features.set_weights([_GAINS.reshape(1, 1, 1, 4), -_GAINS / 2])
    weights = np.float32([-10, -5, 0, 0]).reshape(1, 1, 4, 1)
    logits.set_weights([weights, np.zeros(1, np.float32)])
    threshold = np.full((1, SIZE, SIZE, 1), (TISSUE + NERVE) / 2 / 255, np.float32)
    logits.set_weights([weights, -np.asarray(model(threshold))[0, SIZE // 2, SIZE // 2]])
    model.save(path)
    return path


def frames(path: Path, numbers: Iterable[int], change: Callable[[Pixels], Pixels] = lambda p: p) -> Path:
    """A data folder, a subject a frame: speckle with the disc, its mask, and the picture `change`d."""
    for kind in ("images", "masks"):
        (path / kind).mkdir(parents=True)
    rows = ["file,subject,grade,view,spacing_mm"]
    for number in numbers:
        rng = np.random.default_rng(number)
        middle, radius = rng.integers(20, SIZE - 20, 2).tolist(), int(rng.integers(8, 14))
        mask = cv2.circle(np.zeros((SIZE, SIZE), np.uint8), middle, radius, 255, cv2.FILLED)
        speckle = rng.normal(np.where(mask, NERVE, TISSUE), 6).clip(0, 255).astype(np.uint8)
        cv2.imwrite(str(path / "images" / f"{number}.png"), change(speckle))
        cv2.imwrite(str(path / "masks" / f"{number}.png"), mask)
        rows.append(f"{number}.png,S{number},,transverse,{MM_PER_PX}")
    (path / "labels.csv").write_text("\n".join(rows))
    return path
