"""A light U-Net written for INT8: the segmenter that ships (docs/adr/0004).

All work is done at half the picture's resolution or less, by plain 3 x 3 convolutions, which INT8 kernels run three to
four times as fast as float; the finer grid comes back at the end, where four logits a pixel become four pixels. Each
convolution is normalised and ends in ReLU6, so that INT8's rounding is not carried on, and all that is concatenated
has one scale.
"""

from __future__ import annotations

import keras
from keras import layers

from convert.models.layers import DepthToSpace, Upsample, conv_bn_relu

WIDTHS = (24, 48, 96, 128, 128)  # channels a level, from half resolution down: 1.27 M parameters


def build(size_px: int, name: str = "light_unet", widths: tuple[int, ...] = WIDTHS) -> keras.Model:
    """Input (1, size_px, size_px, 1) in 0..1 -> logits (1, size_px, size_px, 1); positive = nerve.

    `size_px` is a multiple of 2 ** len(widths).
    """
    picture = keras.Input((size_px, size_px, 1), name="picture")
    x = conv_bn_relu(picture, widths[0], 3, 2)
    x = conv_bn_relu(x, widths[0])
    skips = [x]
    for width in widths[1:]:
        x = layers.MaxPooling2D()(x)
        x = conv_bn_relu(x, width)
        x = conv_bn_relu(x, width)
        skips.append(x)
    for width, skip in zip(reversed(widths[:-1]), reversed(skips[:-1]), strict=True):
        x = conv_bn_relu(x, width, 1)  # before the way up: a quarter of the pixels
        x = Upsample(skip.shape[1], skip.shape[2])(x)
        x = conv_bn_relu(layers.Concatenate()([skip, x]), width)
    logits = layers.Conv2D(4, 3, padding="same", name="nerve_logits")(x)
    return keras.Model(picture, DepthToSpace()(logits), name=name)
