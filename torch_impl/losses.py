"""Losses shared by the families. All are means over every element."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def mean_absolute(actual: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """mean |actual - expected|."""
    return F.l1_loss(actual, expected)


def squared_distance_to(target: float, logit: torch.Tensor) -> torch.Tensor:
    """mean (logit - target)^2: least-squares GAN, arXiv 1611.04076."""
    return F.mse_loss(logit, torch.full_like(logit, target))


def cross_entropy_with(target: float, logit: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of sigmoid(logit) with a constant target, computed stably from the logit."""
    return F.binary_cross_entropy_with_logits(logit, torch.full_like(logit, target))
