"""How a foreign network wants its pixels: order of the channels, value of white, mean and standard deviation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from convert.errors import ModelError
from edge.frame import Pixels

Order: TypeAlias = Literal["grey", "rgb", "bgr"]
Floats: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Preprocessing:
    """x = (pixel / 255 * white - mean) / std for each channel; the default is our own input form.

    `mean` and `std` are in the network's own order and scale: one number for every channel, or one for each.
    """

    order: Order = "grey"
    white: float = 1.0  # what pixel 255 is to the network: 1.0, 255.0 ...
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if (
            not np.isfinite([self.white, *self.mean, *self.std]).all()
            or self.white <= 0
            or min(self.std, default=0) <= 0
        ):
            raise ModelError(
                f"pre-processing: white {self.white} and std {self.std} are above 0, mean {self.mean} finite"
            )

    def affine(self, fed: int, taken: int) -> tuple[Floats, Floats]:
        """x = weights @ pixel + bias, for a picture of `fed` channels in 0..1 and a network that takes `taken`.

        (taken, fed) weights and (taken,) bias. A grey picture is repeated into every channel of a colour network.

        Raises:
            ModelError: the two do not go together, or `mean` or `std` is for another number of channels.
        """
        self._check(fed, taken)
        mean, std = self._per_channel(taken)
        picked = np.ones((taken, 1)) if fed == 1 else np.eye(3)[:: -1 if self.order == "bgr" else 1]
        return (picked * (self.white / std)[:, None]).astype(np.float32), (-mean / std).astype(np.float32)

    def apply(self, picture: Pixels, taken: int) -> Floats:
        """What the network itself is fed: (1, H, W, taken) from (H, W) grey or (H, W, 3) RGB uint8.

        Raises:
            ModelError: as `affine`.
        """
        self._check(1 if picture.ndim == 2 else picture.shape[2], taken)
        mean, std = self._per_channel(taken)
        channels = picture[..., None] if picture.ndim == 2 else picture[..., :: -1 if self.order == "bgr" else 1]
        scaled = channels / 255 * self.white
        return ((scaled - mean) / std).astype(np.float32)[None]

    def _check(self, fed: int, taken: int) -> None:
        if fed == 3 and taken == 1:
            raise ModelError("pre-processing: the network takes one grey channel and cannot be fed in colour")
        if taken == 3 and fed == 3 and self.order == "grey":
            raise ModelError("pre-processing: the network takes three channels: say whether in the order rgb or bgr")
        if taken == 1 and self.order != "grey":
            raise ModelError(f"pre-processing: the order is {self.order}, but the network takes one grey channel")
        for name, numbers in (("mean", self.mean), ("std", self.std)):
            if len(numbers) not in (1, taken):
                raise ModelError(f"pre-processing: {len(numbers)} numbers of {name} for {taken} channels")

    def _per_channel(self, taken: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        return np.broadcast_to(np.array(self.mean), taken), np.broadcast_to(np.array(self.std), taken)
