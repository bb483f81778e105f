"""Learning rate of U-GAT-IT: constant in the first half of the run, linear decay in the second."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from neutral.families.ugatit.config import Config


def learning_rates(config: Config, iteration: int) -> dict[str, float]:
    """Learning rate of both optimizers in force in `iteration` (counted from 1)."""
    rate = learning_rate(config, iteration)
    return {"discriminator": rate, "generator": rate}


def learning_rate(config: Config, iteration: int) -> float:
    """lr up to half = N // 2, then lr * (1 - (iteration - half) / half), not below 0.

    `lr_rule = "official"` repeats the published arithmetic instead: lr / half is subtracted before every
    iteration of the second half and nothing is clamped, so an even N ends at rounding noise and an odd N
    at -lr / half.
    """
    half = config.iteration // 2
    if not config.decay_flag or iteration <= half:
        return config.lr
    if config.lr_rule == "official":
        return float(_subtracted(config.lr, half, config.iteration)[iteration - half])
    return max(0.0, config.lr * (1 - (iteration - half) / half))


@lru_cache(maxsize=4)
def _subtracted(rate: float, half: int, total: int) -> NDArray[np.float64]:
    """`rate` after 0, 1, 2, … successive float64 subtractions of rate / half."""
    steps = np.full(total - half + 1, rate / half)
    steps[0] = rate
    return np.subtract.accumulate(steps)
