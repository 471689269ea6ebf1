"""Scale-attentional U-Net (P1): a light U-Net whose convolutions look at four receptive fields at once."""

from __future__ import annotations

import keras
from keras import layers

from convert.models.layers import Upsample

SCALES = 4  # N of P1: receptive fields 1, 3, 5 and 7
WIDTHS = (32, 64, 128, 160, 256)  # channels a level, top to bottom: 489 k parameters (P1: 491 k)
GATE_KERNEL = 5  # k of the channel gate's Conv1D


def build(size_px: int, name: str = "sa_unet", widths: tuple[int, ...] = WIDTHS) -> keras.Model:
    """Input (1, size_px, size_px, 1) in 0..1 -> logits (1, size_px, size_px, 1); positive = nerve."""
    picture = keras.Input((size_px, size_px, 1), name="picture")
    x, skips = picture, []
    for level, width in enumerate(widths):
        if level:
            x = layers.MaxPooling2D()(x)
        x = _block(x, width)
        skips.append(x)
    for width, skip in zip(reversed(widths[:-1]), reversed(skips[:-1]), strict=True):
        x = Upsample(skip.shape[1], skip.shape[2])(x)
        x = scale_attentional_conv(x, width)
        x = _block(layers.Concatenate()([skip, x]), width, convolutions=1)
    logits = layers.Conv2D(1, 1, name="nerve_logits")(x)
    return keras.Model(picture, logits, name=name)


def _block(x: keras.KerasTensor, width: int, convolutions: int = 2) -> keras.KerasTensor:
    for _ in range(convolutions):
        x = scale_attentional_conv(x, width)
    return x


def scale_attentional_conv(x: keras.KerasTensor, width: int, scales: int = SCALES) -> keras.KerasTensor:
    """P1's convolution: cascaded *linear* convolutions, concatenated, gated by channel, then mixed.

    H1 is 1 x 1 (a bottleneck), H2..HN are 3 x 3 as depthwise and pointwise, with neither activation nor
    normalisation between them, so that F1..FN see fields of 1, 3, 5 and 7 pixels.
    """
    bottleneck = width // scales
    features = [layers.Conv2D(bottleneck, 1, use_bias=False)(x)]
    for _ in range(scales - 1):
        features.append(layers.SeparableConv2D(bottleneck, 3, padding="same", use_bias=False)(features[-1]))
    z = layers.Concatenate()(features)
    z = channel_gate(z)
    z = layers.Conv2D(width, 1, use_bias=False)(z)
    z = layers.BatchNormalization(momentum=0.95)(z)
    return layers.Activation("relu6")(z)


def channel_gate(z: keras.KerasTensor) -> keras.KerasTensor:
    """Efficient channel attention (ECA): z * sigmoid(Conv1D over channels of the mean of z over space)."""
    channels = z.shape[-1]
    gate = layers.GlobalAveragePooling2D()(z)
    gate = layers.Reshape((channels, 1))(gate)
    gate = layers.Conv1D(1, GATE_KERNEL, padding="same", use_bias=False)(gate)
    gate = layers.Activation("sigmoid")(gate)
    return layers.Multiply()([z, layers.Reshape((1, 1, channels))(gate)])
