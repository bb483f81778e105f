"""Losses shared by the families. All are means over every element."""

from __future__ import annotations

import paddle
from paddle.nn import functional as F


def mean_absolute(actual: paddle.Tensor, expected: paddle.Tensor) -> paddle.Tensor:
    """mean |actual - expected|."""
    return F.l1_loss(actual, expected)


def squared_distance_to(target: float, logit: paddle.Tensor) -> paddle.Tensor:
    """mean (logit - target)^2: least-squares GAN, arXiv 1611.04076."""
    return F.mse_loss(logit, paddle.full_like(logit, target))


def cross_entropy_with(target: float, logit: paddle.Tensor) -> paddle.Tensor:
    """Binary cross-entropy of sigmoid(logit) with a constant target, computed stably from the logit."""
    return F.binary_cross_entropy_with_logits(logit, paddle.full_like(logit, target))
