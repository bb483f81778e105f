"""When a checkpoint is written, and what is never written into one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from neutral.config import FamilyConfig
from neutral.errors import DivergedError
from neutral.state import Array

Kind = Literal["kept", "latest"]


def due(config: FamilyConfig, iteration: int) -> Kind | None:
    """The kind of checkpoint that follows `iteration`, or None. The last one of a run is kept."""
    if iteration % config.save_freq == 0 or iteration == config.iteration:
        return "kept"
    return "latest" if iteration % config.latest_freq == 0 else None


def require_finite_losses(losses: Mapping[str, float], iteration: int, advice: str) -> None:
    """Raise `DivergedError` that names every loss that is not finite."""
    bad = [f"{name} = {value}" for name, value in losses.items() if not np.isfinite(value)]
    if bad:
        raise DivergedError(f"iteration {iteration}: {', '.join(bad)}: training has diverged. {advice}")


def require_finite_state(state: Mapping[str, Array], iteration: int, advice: str) -> None:
    """Raise `DivergedError` that names every tensor with a value that is not finite.

    An update can ruin the weights while the losses of its iteration were still finite.
    """
    bad = [name for name, array in state.items() if not _is_finite(array)]
    if bad:
        raise DivergedError(
            f"iteration {iteration}: {len(bad)} tensors hold values that are not finite, first {bad[0]}: "
            f"training has diverged. {advice}"
        )


def _is_finite(array: Array) -> bool:
    # The sum decides nearly always and needs no second array of this size.
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(np.sum(array))) or bool(np.isfinite(array).all())
