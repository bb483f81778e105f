"""Equal forms of operations that Paddle's CPU kernels compute slowly. Times: forward and backward, float32.

They hold where a graph is run, not where one is recorded for export: there the plain operation is kept.
All three are the same sums of the same products. Padding and doubling are exact in the forward pass; where a
gradient adds several terms, they are added in another order.
"""

from __future__ import annotations

import paddle
from paddle.nn import functional as F


def applies(x: paddle.Tensor) -> bool:
    """Whether `x` is a real tensor on the CPU."""
    return paddle.in_dynamic_mode() and x.place.is_cpu_place()


def reflection_pad(x: paddle.Tensor, size: int) -> paddle.Tensor:
    """(N,C,H,W) -> (N,C,H+2 size,W+2 size), H and W larger than `size`.

    Concatenated from slices: 25 ms against 82 ms at 1x64x256x256 and one pixel.
    """
    top, bottom = x[:, :, 1 : size + 1], x[:, :, -1 - size : -1]
    if size > 1:
        top, bottom = top.flip(2), bottom.flip(2)
    x = paddle.concat([top, x, bottom], axis=2)
    left, right = x[:, :, :, 1 : size + 1], x[:, :, :, -1 - size : -1]
    if size > 1:
        left, right = left.flip(3), right.flip(3)
    return paddle.concat([left, x, right], axis=3)


def nearest_doubling(x: paddle.Tensor) -> paddle.Tensor:
    """(N,C,H,W) -> (N,C,2H,2W), every pixel four times.

    Four equal channels shuffled into the pixels of one: 59 ms against 184 ms at 1x128x128x128.
    """
    n, c, h, w = x.shape
    return F.pixel_shuffle(x.unsqueeze(2).expand([n, c, 4, h, w]).reshape([n, 4 * c, h, w]), 2)


def narrowing_convolution(x: paddle.Tensor, weight: paddle.Tensor) -> paddle.Tensor:
    """Convolution (stride 1, no padding) of x (N,I,H,W) with weight (O,I,K,K).

    Paddle copies the neighbourhood of every pixel, I K^2 numbers (822 MB at 64 channels, 256x256 pixels and a
    7x7 kernel), and multiplies. The same convolution written as a transposed one, its kernel turned round,
    multiplies first and adds up O K^2 numbers per pixel: 107 ms against 1640 ms from 64 to 3 channels there,
    540 ms against 1087 ms from 128 to 64 channels with a 3x3 kernel.
    """
    turned = weight.flip([2, 3]).transpose([1, 0, 2, 3])
    return F.conv2d_transpose(x, turned, padding=weight.shape[2] - 1)
