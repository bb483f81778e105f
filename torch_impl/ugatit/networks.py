"""Networks of U-GAT-IT (arXiv 1907.10830), names and order of the official PyTorch project.

Shapes: N batch, C image channels, S image side, s = S / 4, c base channels (`ch`), m = 4 c.
Every padding is a reflection; convolutions themselves never pad.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from neutral.families.ugatit.config import Config
from torch_impl.layers import (
    InstanceNorm,
    NarrowingConv2d,
    NearestDoubling,
    ReflectionPad,
    SpectralConv2d,
    SpectralLinear,
)


def build(name: str, config: Config) -> nn.Module:
    """The network of that official name."""
    if name in ("genA2B", "genB2A"):
        return Generator(config)
    if name in ("disGA", "disGB"):
        return Discriminator(config, config.global_layers)
    if name in ("disLA", "disLB"):
        return Discriminator(config, config.local_layers)
    raise KeyError(name)


def instance_and_layer_norm(
    x: torch.Tensor, rho: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor
) -> torch.Tensor:
    """gamma * (rho * instance norm + (1 - rho) * layer norm) + beta, unbiased variances, eps 1e-5.

    x (N,m,H,W); rho, gamma and beta broadcast to (N,m,1,1). The layer statistics (over channels and
    pixels) follow from those of the instances, and both norms share one pass over the centred pixels:
        rho * (x - mean_i) / std_i + (1 - rho) * (x - mean_l) / std_l
        = (x - mean_i) * (rho / std_i + (1 - rho) / std_l) + (mean_i - mean_l) * (1 - rho) / std_l
    """
    eps = 1e-5
    channels, pixels = x.shape[1], x.shape[2] * x.shape[3]
    mean_i = x.mean(dim=(2, 3), keepdim=True)
    mean_l = mean_i.mean(dim=1, keepdim=True)
    centred = x - mean_i
    offset = mean_i - mean_l
    squares = (centred * centred).sum(dim=(2, 3), keepdim=True)
    var_i = squares / (pixels - 1)
    var_l = (squares + pixels * offset * offset).sum(dim=1, keepdim=True) / (channels * pixels - 1)
    share_i = rho / torch.sqrt(var_i + eps)
    share_l = (1 - rho) / torch.sqrt(var_l + eps)
    return centred * ((share_i + share_l) * gamma) + (offset * share_l * gamma + beta)


class AdaILN(nn.Module):
    """Adaptive layer-instance norm: `rho` is learned, gamma and beta come from the style vector."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.rho = nn.Parameter(torch.empty(1, channels, 1, 1))

    def forward(self, x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor) -> torch.Tensor:
        """x (N,m,H,W), gamma and beta (N,m) -> (N,m,H,W)."""
        return instance_and_layer_norm(x, self.rho, gamma[:, :, None, None], beta[:, :, None, None])


class ILN(nn.Module):
    """Layer-instance norm with learned `rho`, `gamma` and `beta`."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.rho = nn.Parameter(torch.empty(1, channels, 1, 1))
        self.gamma = nn.Parameter(torch.empty(1, channels, 1, 1))
        self.beta = nn.Parameter(torch.empty(1, channels, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,C,H,W) -> (N,C,H,W)."""
        return instance_and_layer_norm(x, self.rho, self.gamma, self.beta)


class ResnetBlock(nn.Module):
    """x + two 3x3 convolutions with instance norm; no activation after the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            ReflectionPad(1),
            nn.Conv2d(channels, channels, 3, bias=False),
            InstanceNorm(),
            nn.ReLU(),
            ReflectionPad(1),
            nn.Conv2d(channels, channels, 3, bias=False),
            InstanceNorm(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,m,s,s) -> (N,m,s,s)."""
        return x + self.conv_block(x)


class ResnetAdaILNBlock(nn.Module):
    """x + two 3x3 convolutions with AdaILN; no activation after the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pad1 = ReflectionPad(1)
        self.conv1 = nn.Conv2d(channels, channels, 3, bias=False)
        self.norm1 = AdaILN(channels)
        self.relu1 = nn.ReLU()
        self.pad2 = ReflectionPad(1)
        self.conv2 = nn.Conv2d(channels, channels, 3, bias=False)
        self.norm2 = AdaILN(channels)

    def forward(self, x: torch.Tensor, gamma: torch.Tensor, beta: torch.Tensor) -> torch.Tensor:
        """x (N,m,s,s), gamma and beta (N,m) -> (N,m,s,s)."""
        out = self.relu1(self.norm1(self.conv1(self.pad1(x)), gamma, beta))
        return self.norm2(self.conv2(self.pad2(out)), gamma, beta) + x


class Generator(nn.Module):
    """Image (N,C,S,S) -> image (N,C,S,S) in [-1,1], CAM logits (N,2), heatmap (N,1,s,s)."""

    outputs = ("out", "cam_logit", "heatmap")

    def __init__(self, config: Config) -> None:
        super().__init__()
        base, channels = config.ch, 4 * config.ch
        side = config.img_size // 4
        self.light, self.blocks = config.light, config.n_res
        self.gap_fc = nn.Linear(channels, 1, bias=False)
        self.gmp_fc = nn.Linear(channels, 1, bias=False)
        self.conv1x1 = nn.Conv2d(2 * channels, channels, 1)
        self.gamma = nn.Linear(channels, channels, bias=False)
        self.beta = nn.Linear(channels, channels, bias=False)
        for index in range(1, config.n_res + 1):
            self.add_module(f"UpBlock1_{index}", ResnetAdaILNBlock(channels))
        self.DownBlock = nn.Sequential(
            *down_sampling(config.img_ch, base, 7, stride=1),
            *down_sampling(base, 2 * base, 3, stride=2),
            *down_sampling(2 * base, channels, 3, stride=2),
            *[ResnetBlock(channels) for _ in range(config.n_res)],
        )
        self.FC = nn.Sequential(
            nn.Linear(channels if config.light else channels * side * side, channels, bias=False),
            nn.ReLU(),
            nn.Linear(channels, channels, bias=False),
            nn.ReLU(),
        )
        self.UpBlock2 = nn.Sequential(
            *up_sampling(channels, 2 * base),
            *up_sampling(2 * base, base),
            ReflectionPad(3),
            NarrowingConv2d(base, config.img_ch, 7),
            nn.Tanh(),
        )

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Translate an image in [-1,1]. Train and eval mode are the same."""
        x = self.DownBlock(image)
        features, cam_logit = class_activation(x, self.gap_fc, self.gmp_fc, weights(self.gap_fc, self.gmp_fc))
        x = F.relu(self.conv1x1(features))
        heatmap = x.sum(dim=1, keepdim=True)
        style = self.FC(x.mean(dim=(2, 3)) if self.light else x.flatten(1))
        gamma, beta = self.gamma(style), self.beta(style)
        for index in range(1, self.blocks + 1):
            x = getattr(self, f"UpBlock1_{index}")(x, gamma, beta)
        return self.UpBlock2(x), cam_logit, heatmap


class Discriminator(nn.Module):
    """Image (N,C,S,S) -> logits (N,1,h,h), CAM logits (N,2), heatmap (N,1,h+1,h+1), h = S / 2^(L-2) - 2.

    L layers; only the convolutions and CAM layers are spectrally normalised, not `conv1x1`.
    """

    outputs = ("out", "cam_logit", "heatmap")

    def __init__(self, config: Config, layers: int) -> None:
        super().__init__()
        base = config.ch
        channels = base * 2 ** (layers - 2)
        self.gap_fc = SpectralLinear(channels, 1)
        self.gmp_fc = SpectralLinear(channels, 1)
        self.conv1x1 = nn.Conv2d(2 * channels, channels, 1)
        self.pad = ReflectionPad(1)
        self.conv = SpectralConv2d(channels, 1, 4, stride=1, bias=False)
        model = spectral_block(config.img_ch, base, stride=2)
        for index in range(layers - 3):
            model += spectral_block(base * 2**index, base * 2 ** (index + 1), stride=2)
        model += spectral_block(channels // 2, channels, stride=1)
        self.model = nn.Sequential(*model)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Judge an image in [-1,1]. In train mode every call moves u and v of the spectral norms."""
        x = self.model(image)
        # The logits use the normalised CAM weights, the features are scaled by the raw ones (as published).
        raw = self.gap_fc.matrix(), self.gmp_fc.matrix()
        features, cam_logit = class_activation(x, self.gap_fc, self.gmp_fc, raw)
        x = F.leaky_relu(self.conv1x1(features), 0.2)
        heatmap = x.sum(dim=1, keepdim=True)
        return self.conv(self.pad(x)), cam_logit, heatmap


def weights(gap_fc: nn.Linear, gmp_fc: nn.Linear) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights (1,m) of the two CAM layers."""
    return gap_fc.weight, gmp_fc.weight


def class_activation(
    x: torch.Tensor, gap_fc: nn.Module, gmp_fc: nn.Module, scales: tuple[torch.Tensor, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Class activation map: features (N,2m,h,w) scaled per channel by `scales` (1,m), and logits (N,2).

    One logit from the global mean, one from the global maximum (one of tied maxima gets the gradient).
    """
    average = x.mean(dim=(2, 3))
    maximum = F.adaptive_max_pool2d(x, 1).flatten(1)
    cam_logit = torch.cat([gap_fc(average), gmp_fc(maximum)], dim=1)
    gap_scale, gmp_scale = scales
    features = torch.cat([x * gap_scale[:, :, None, None], x * gmp_scale[:, :, None, None]], dim=1)
    return features, cam_logit


def down_sampling(inputs: int, outputs: int, kernel: int, stride: int) -> list[nn.Module]:
    """Reflection padding, convolution, instance norm, ReLU."""
    return [
        ReflectionPad(kernel // 2),
        nn.Conv2d(inputs, outputs, kernel, stride=stride, bias=False),
        InstanceNorm(),
        nn.ReLU(),
    ]


def up_sampling(inputs: int, outputs: int) -> list[nn.Module]:
    """Nearest-neighbour doubling, reflection padding, convolution, ILN, ReLU."""
    return [
        NearestDoubling(),
        ReflectionPad(1),
        NarrowingConv2d(inputs, outputs, 3),
        ILN(outputs),
        nn.ReLU(),
    ]


def spectral_block(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    """Reflection padding, spectrally normalised 4x4 convolution, leaky ReLU."""
    return [ReflectionPad(1), SpectralConv2d(inputs, outputs, 4, stride), nn.LeakyReLU(0.2)]
