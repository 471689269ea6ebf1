"""U-Net++ (Zhou et al., DLMIA 2018), one of P1's baselines: U-Net with nested, dense skip connections.

9.05 M parameters (published: 9.04 M). What differs from the publication: one head on the last node instead of the four
of deep supervision, which that paper has as an option; batch normalisation and ReLU6, as in all networks here; logits.
"""

from __future__ import annotations

import keras
from keras import layers

from convert.models.layers import double_conv, nerve_logits, up_convolution

WIDTHS = (32, 64, 128, 256, 512)  # channels a level, top to bottom


def build(size_px: int, name: str = "unet_plus_plus", widths: tuple[int, ...] = WIDTHS) -> keras.Model:
    """Input (1, size_px, size_px, 1) in 0..1 -> logits (1, size_px, size_px, 1); positive = nerve.

    `size_px` is a multiple of 2 ** (len(widths) - 1): of 16.
    """
    picture = keras.Input((size_px, size_px, 1), name="picture")
    rows = [[double_conv(picture, widths[0])]]  # rows[i][j] is the paper's node X(i, j): level i, j-th of the row
    for level, width in enumerate(widths[1:], start=1):
        rows.append([double_conv(layers.MaxPooling2D()(rows[-1][0]), width)])
        # The new level lengthens every row above it by one node, from below upwards.
        for above in reversed(range(level)):
            row = rows[above]
            x = up_convolution(rows[above + 1][-1], widths[above], row[0])
            row.append(double_conv(layers.Concatenate()([*row, x]), widths[above]))
    return keras.Model(picture, nerve_logits(rows[0][-1]), name=name)
