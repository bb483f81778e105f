"""Options of U-GAT-IT, under the names of the original project."""

from __future__ import annotations

import warnings
from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from neutral.config import FamilyConfig


class Config(FamilyConfig):
    """U-GAT-IT (arXiv 1907.10830), options of the official PyTorch project and those added here.

    Sizes: the generator halves the image twice; a discriminator of L layers needs an image of at least
    3 * 2^(L-2) pixels (its last reflection padding needs two). The side is a multiple of
    4: else an image comes back larger than it was, and cycle and identity losses have nothing to compare.
    """

    light: bool = Field(False, description="light model: FC after global average pooling")
    img_size: int = Field(256, ge=8, description="image side in pixels, a multiple of 4")
    img_ch: Literal[1, 3] = Field(3, description="image channels")
    ch: int = Field(64, ge=1, description="base channels")
    n_res: int = Field(4, ge=0, description="residual blocks")
    n_dis: int = Field(6, ge=4, description="discriminator depth: global n_dis + 1 layers, local n_dis - 1")
    dis_layers_global: int | None = Field(
        None, ge=3, description="layers of disGA and disGB; default n_dis + 1"
    )
    dis_layers_local: int | None = Field(
        None, ge=3, description="layers of disLA and disLB; default n_dis - 1"
    )

    lr: float = Field(1e-4, ge=0, description="learning rate of both optimizers")
    decay_flag: bool = Field(True, description="linear decay to 0 in the second half")
    lr_rule: Literal["closed", "official"] = Field(
        "closed", description="official: cumulative subtraction as published, not clamped at 0"
    )
    weight_decay: float = Field(1e-4, ge=0, description="L2 coefficient, added to the gradient")
    adv_weight: float = Field(1.0, description="weight of the adversarial losses")
    cycle_weight: float = Field(10.0, description="weight of the cycle losses")
    identity_weight: float = Field(10.0, description="weight of the identity losses")
    cam_weight: float = Field(1000.0, description="weight of the CAM losses of the generators")
    only: Literal["", "d", "g"] = Field(
        "", description="train only the discriminators (d) or the generators (g)"
    )

    resize_margin: int = Field(
        30, ge=0, description="training images are resized to img_size + margin, then cropped"
    )
    color_order: Literal["rgb", "bgr"] = Field("rgb", description="channel order the networks see")
    crop_mode: Literal["random_crop", "random_resized"] = Field(
        "random_crop", description="crop of training images"
    )
    no_preview: bool = Field(False, description="write no sample pictures while training")
    preview_from_train_stream: bool = Field(
        False, description="draw previews from the training order, as the original does"
    )
    benchmark_flag: bool = Field(False, description="let the framework search the fastest convolutions (GPU)")

    @property
    def global_layers(self) -> int:
        """Layers L of the global discriminators."""
        return self.dis_layers_global or self.n_dis + 1

    @property
    def local_layers(self) -> int:
        """Layers L of the local discriminators."""
        return self.dis_layers_local or self.n_dis - 1

    @model_validator(mode="after")
    def sizes_fit(self) -> Self:
        """Refuse sizes at which a network cannot be built or run, naming the options to change."""
        deepest = max(self.global_layers, self.local_layers)
        smallest = 3 * 2 ** (deepest - 2)
        if self.img_size < smallest:
            raise ValueError(
                f"img_size {self.img_size} is too small for {deepest} discriminator layers: at least "
                f"{smallest} (or fewer layers: n_dis, dis_layers_global, dis_layers_local)"
            )
        if self.img_size % 4:
            raise ValueError(
                f"img_size {self.img_size} is no multiple of 4: an image would come back in another size"
            )
        if self.iteration % 2 and self.decay_flag and self.lr_rule == "closed":
            warnings.warn(
                f"iteration {self.iteration} is odd: the learning rate reaches 0 one iteration early",
                stacklevel=2,
            )
        return self
