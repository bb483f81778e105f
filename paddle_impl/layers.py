"""Layers that the frameworks do not offer with the wanted meaning, shared by the families.

Shapes: N batch, C channels, H, W pixels; O, I channels of a weight, K its kernel size.
"""

from __future__ import annotations

import paddle
from paddle import nn
from paddle.nn import functional as F

from paddle_impl import cpu


class ReflectionPad(nn.Layer):
    """Reflection padding by `size` pixels: (N,C,H,W) -> (N,C,H+2 size,W+2 size)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Mirror the pixels at each edge, which is not repeated itself."""
        if cpu.applies(x) and self.size < min(x.shape[2:]):
            return cpu.reflection_pad(x, self.size)
        return F.pad(x, [self.size] * 4, mode="reflect")


class NearestDoubling(nn.Layer):
    """Every pixel four times: (N,C,H,W) -> (N,C,2H,2W)."""

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Double height and width."""
        if cpu.applies(x):
            return cpu.nearest_doubling(x)
        return F.interpolate(x, scale_factor=2, mode="nearest")


class NarrowingConv2d(nn.Conv2D):
    """Convolution with stride 1, without padding and bias, to fewer channels than it gets."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__(inputs, outputs, kernel, bias_attr=False)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """(N,I,H,W) -> (N,O,H-K+1,W-K+1)."""
        if cpu.applies(x):
            return cpu.narrowing_convolution(x, self.weight)
        return F.conv2d(x, self.weight)


class InstanceNorm(nn.Layer):
    """(x - mean) / sqrt(var + 1e-5) over H, W of each image and channel; biased variance, no parameters.

    (N,C,H,W) -> (N,C,H,W), the same in train and eval. Ulyanov et al., arXiv 1607.08022.
    """

    eps = 1e-5

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """Normalise each image and channel."""
        if x.dtype == paddle.float64:
            # Paddle's kernel rounds eps to float32, which moves float64 results by 1e-12 and more.
            centred = x - x.mean(axis=(2, 3), keepdim=True)
            variance = (centred * centred).mean(axis=(2, 3), keepdim=True)
            return centred / paddle.sqrt(variance + self.eps)
        return F.instance_norm(x, eps=self.eps)


class SpectralNorm(nn.Layer):
    """A weight divided by its largest singular value, estimated by one power iteration per forward.

    With W the weight as a matrix (O, rest), train mode moves  v <- W'u / |W'u|,  u <- W v / |W v|  and
    stores both; eval mode uses the stored pair. The weight is  weight_orig / (u' W v),  u and v constants
    for the gradient. Two forwards before one backward each keep the u, v of their own forward.
    Miyato et al., arXiv 1802.05957; state as written by `torch.nn.utils.spectral_norm`.
    """

    eps = 1e-12

    def __init__(self, shape: tuple[int, ...], outputs: int, bias: bool) -> None:
        super().__init__()
        self.bias = self.create_parameter([outputs]) if bias else None
        self.weight_orig = self.create_parameter(list(shape))
        self.register_buffer("weight_u", paddle.empty([outputs]))
        self.register_buffer("weight_v", paddle.empty([self.weight_orig.size // outputs]))

    def matrix(self) -> paddle.Tensor:
        """`weight_orig` as the matrix W (O, rest)."""
        return self.weight_orig.flatten(1)

    def weight(self) -> paddle.Tensor:
        """The normalised weight; in train mode u and v move first."""
        matrix = self.matrix()
        u, v = self.weight_u, self.weight_v
        if self.training:
            with paddle.no_grad():
                v = F.normalize(matrix.T @ u, axis=0, epsilon=self.eps)
                u = F.normalize(matrix @ v, axis=0, epsilon=self.eps)
                paddle.assign(u, self.weight_u)
                paddle.assign(v, self.weight_v)
        else:
            u, v = u.clone(), v.clone()
        sigma = (u * (matrix @ v)).sum()
        return self.weight_orig / sigma


class SpectralConv2d(SpectralNorm):
    """Convolution without padding whose weight (O,I,K,K) is spectrally normalised."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, bias: bool = True) -> None:
        super().__init__((outputs, inputs, kernel, kernel), outputs, bias)
        self.stride = stride

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """(N,I,H,W) -> (N,O,H',W'), H' = (H - K) // stride + 1."""
        return F.conv2d(x, self.weight(), self.bias, stride=self.stride)


class SpectralLinear(SpectralNorm):
    """Linear layer without bias whose weight (I,O) is spectrally normalised."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__((inputs, outputs), outputs, bias=False)

    def matrix(self) -> paddle.Tensor:
        """`weight_orig` as the matrix W (O, rest)."""
        return self.weight_orig.T  # Paddle stores (inputs, outputs)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """(N,I) -> (N,O)."""
        return F.linear(x, self.weight())
