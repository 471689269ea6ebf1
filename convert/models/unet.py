"""U-Net (Ronneberger, Fischer and Brox, MICCAI 2015): P1's baseline.

9.29 M parameters (P1: 9.4 M), which the published 64 ... 1024 channels are not (31 M): the widths are those of the
"wide U-Net" that U-Net++ was compared with (Zhou et al. 2018). What differs from the publication: padded convolutions,
so that the answer has the picture's size; batch normalisation and ReLU6, as in all networks here; logits instead of a
softmax over two classes.
"""

from __future__ import annotations

import keras
from keras import layers

from convert.models.layers import descent, double_conv, nerve_logits, up_convolution

WIDTHS = (35, 70, 140, 280, 560)  # channels a level, top to bottom


def build(size_px: int, name: str = "unet", widths: tuple[int, ...] = WIDTHS) -> keras.Model:
    """Input (1, size_px, size_px, 1) in 0..1 -> logits (1, size_px, size_px, 1); positive = nerve.

    `size_px` is a multiple of 2 ** (len(widths) - 1): of 16.
    """
    picture = keras.Input((size_px, size_px, 1), name="picture")
    skips = descent(picture, widths)
    x = skips.pop()
    for width, skip in zip(reversed(widths[:-1]), reversed(skips), strict=True):
        x = up_convolution(x, width, skip)
        x = double_conv(layers.Concatenate()([skip, x]), width)
    return keras.Model(picture, nerve_logits(x), name=name)
