"""What several networks share: normalised convolutions, ways up to a finer grid, and the ordinal head."""

from __future__ import annotations

import keras
from keras import layers

from convert.models import GRADE_STEPS


def conv_bn_relu(
    x: keras.KerasTensor, filters: int, kernel: int = 3, stride: int = 1, *, activation: str | None = "relu6"
) -> keras.KerasTensor:
    """Convolution, batch normalisation (folded away by the converter), activation."""
    x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.95)(x)
    return layers.Activation(activation)(x) if activation else x


def depthwise_bn_relu(
    x: keras.KerasTensor, kernel: int, stride: int, *, activation: str = "relu6"
) -> keras.KerasTensor:
    """The same, each channel by itself."""
    x = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.95)(x)
    return layers.Activation(activation)(x)


def ordinal_head(x: keras.KerasTensor, dropout: float = 0.2) -> keras.KerasTensor:
    """Features (1, H, W, C) -> cumulative logits (1, 3), one per step between neighbouring grades.

    Cumulative logits keep the order of the grades (P3: errors are mainly between neighbours) and hold the binary
    answer of P2 as their first: P(CTS) = sigmoid(logits[0]).
    """
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    return layers.Dense(len(GRADE_STEPS), name="grade_logits")(x)


def double_conv(x: keras.KerasTensor, width: int) -> keras.KerasTensor:
    """Two normalised 3 x 3 convolutions: what a U-Net does at each level."""
    return conv_bn_relu(conv_bn_relu(x, width), width)


def descent(picture: keras.KerasTensor, widths: tuple[int, ...]) -> list[keras.KerasTensor]:
    """A U-Net's way down: the features of each level, the finest first, halved by a maximum between two."""
    levels = [double_conv(picture, widths[0])]
    for width in widths[1:]:
        levels.append(double_conv(layers.MaxPooling2D()(levels[-1]), width))
    return levels


def up_convolution(x: keras.KerasTensor, width: int, like: keras.KerasTensor) -> keras.KerasTensor:
    """Nearest up-sampling to the grid of `like`, then a 2 x 2 convolution: U-Net's "up-convolution".

    It has the parameters of the transposed 2 x 2 convolution that other U-Nets have in its place.
    """
    x = Upsample(like.shape[1], like.shape[2])(x)
    return layers.Conv2D(width, 2, padding="same")(x)


def nerve_logits(x: keras.KerasTensor) -> keras.KerasTensor:
    """One logit a pixel; positive = nerve."""
    return layers.Conv2D(1, 1, name="nerve_logits")(x)


@keras.saving.register_keras_serializable("sonoedge")
class Upsample(layers.Layer):
    """Nearest-neighbour up-sampling to a fixed size; `UpSampling2D` would leave float SHAPE tensors in the file.

    A grid that doubles is the same values four times over and a depth-to-space: XNNPACK runs both, and no resizing.
    """

    def __init__(self, height: int, width: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.height, self.width = height, width

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        if (2 * x.shape[1], 2 * x.shape[2]) == (self.height, self.width):
            return _to_space(keras.ops.concatenate([x, x, x, x], axis=-1))
        return keras.ops.image.resize(x, (self.height, self.width), interpolation="nearest")

    def get_config(self) -> dict[str, object]:
        return super().get_config() | {"height": self.height, "width": self.width}


@keras.saving.register_keras_serializable("sonoedge")
class DepthToSpace(layers.Layer):
    """(1, H, W, 4) -> (1, 2 H, 2 W, 1): four channels become the four pixels of a finer grid, without arithmetic."""

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return _to_space(x)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        batch, height, width, channels = shape
        return batch, height and 2 * height, width and 2 * width, channels and channels // 4


def _to_space(x: keras.KerasTensor) -> keras.KerasTensor:
    import tensorflow as tf  # noqa: PLC0415  Keras 3 has no such operation; a reshape would need six dimensions

    return tf.nn.depth_to_space(x, 2)
