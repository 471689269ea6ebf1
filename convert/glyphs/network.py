"""The network that reads a tape of text: convolutions alone, so that each answer sees 14 columns to either side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.screen.glyphs import ALPHABET, HEIGHT

if TYPE_CHECKING:
    import keras

WINDOW = 256  # columns of a tape that one run reads


def build(width: int = WINDOW) -> keras.Model:
    """(batch, HEIGHT, width, 1) in 0..1 -> logits (batch, 1, width / 2, classes)."""
    import keras  # noqa: PLC0415  seconds: only who trains pays
    from keras import layers  # noqa: PLC0415

    def convolution(
        x: keras.KerasTensor,
        channels: int,
        kernel: tuple[int, int],
        strides: tuple[int, int] = (1, 1),
        dilation: int = 1,
    ) -> keras.KerasTensor:
        options = {"strides": strides, "dilation_rate": (1, dilation), "use_bias": False}
        x = layers.Conv2D(channels, kernel, padding="same" if kernel[0] != TALL else "valid", **options)(x)
        return layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.97)(x))

    picture = layers.Input((HEIGHT, width, 1))
    x = convolution(picture, 16, (3, 3), (2, 1))
    x = convolution(x, 32, (3, 3), (2, 2))
    x = convolution(x, 40, (3, 3))
    x = layers.ZeroPadding2D((0, 1))(x)
    x = convolution(x, 96, (TALL, 3))
    x = convolution(x, 64, (1, 5))
    x = convolution(x, 64, (1, 3), dilation=2)
    return keras.Model(picture, layers.Conv2D(len(ALPHABET), 1)(x), name="glyphs")


TALL = 5  # rows that are left when the columns are collapsed
