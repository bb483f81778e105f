"""Bounds of golden replays, from what is known of the numbers themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FORWARD = 1e-10
"""Outputs and gradients, of the scale of the tensor. Right implementations were measured at 3e-13 and below
(one batch-norm-free generator, both backends); the least semantic slip (eps rounded to float32) gives 1e-11
to 1e-8."""

LOSS = 1e-9
"""Losses of a trajectory, relative: ten thousand times what two right implementations show in float64."""

FINAL = 1e-8
"""Statistics of the state after a trajectory, of the scale of the tensor."""

CHAOTIC = 1e-4
"""A case whose final state moves by more than this under 1e-13 noise cannot be judged to its end."""

CALM = 1e-9
"""Iterations of a chaotic case are judged while the noise has moved the losses by less than this."""

MARGIN = 10
"""A bound is at least this many times the measured sensitivity."""


class Bounds:
    """Bounds of one case, widened where the original itself is sensitive to rounding.

    The index states for a trajectory how far losses (per iteration) and the final state move when every
    initial weight is changed by a relative 1e-13.
    """

    def __init__(self, entry: Mapping[str, Any]) -> None:
        measured: Mapping[str, Any] = next((entry[key] for key in entry if key.startswith("sensitivity")), {})
        values = list(measured.values())
        self.per_iteration: list[float] = next((v for v in values if isinstance(v, list)), [])
        self.of_final: float = next((float(v) for v in values if not isinstance(v, list)), 0.0)

    @property
    def chaotic(self) -> bool:
        """Whether only the first iterations can be judged."""
        return self.of_final > CHAOTIC

    def judged(self, iteration: int) -> bool:
        """Whether the losses of `iteration` (from 1) can be judged."""
        return not self.chaotic or self._sensitivity(iteration) < CALM

    def loss(self, iteration: int) -> float:
        """Relative bound for the losses of `iteration` (from 1)."""
        return max(LOSS, MARGIN * self._sensitivity(iteration))

    def state(self, iteration: int) -> float:
        """Bound for state statistics after `iteration`, of the scale of the tensor."""
        sensitivity = self._sensitivity(iteration) if self.chaotic else self.of_final
        return max(FINAL, MARGIN * sensitivity)

    def _sensitivity(self, iteration: int) -> float:
        return self.per_iteration[iteration - 1] if iteration <= len(self.per_iteration) else 0.0
