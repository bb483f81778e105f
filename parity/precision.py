"""How much precision two float32 runs lose, each against its own float64 run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from neutral.state import OPTIMIZER, Array

BAND = {"values": 4.0, "gradients": 8.0, "losses": 8.0, "optimizer": 10.0}
"""How many times larger one side's typical error may be than the other's (either way).

Measured over seven configurations and three seeds, candidate over reference: outputs and states 0.92 to 1.12,
gradients 0.59 to 2.7, losses 0.27 to 2.0 (33 scalars only), optimizer slots 2.0 to 5.3. The last is no noise:
PaddlePaddle computes 1 - beta2 in float32, which moves every second moment by 1.3e-5 of itself.
"""

FLOOR = 1e-9
"""Errors below a float32 rounding error count as this: a ratio of two nothings says nothing."""

Side = tuple[Mapping[str, Array], Mapping[str, Array]]


def precision_ratio(candidate: Side, reference: Side) -> Iterator[tuple[str, float, tuple[float, float]]]:
    """Kind of quantity, ratio of the larger typical error to the smaller, and both errors.

    Each side is (float32 run, float64 run). The typical error of a kind is the geometric mean over its
    tensors of the root mean square error relative to the root mean square of the tensor.
    """
    errors = [typical_errors(*side) for side in (candidate, reference)]
    for kind in errors[1]:
        own, other = errors[0][kind], errors[1][kind]
        yield kind, max(own / other, other / own), (own, other)


def typical_errors(actual: Mapping[str, Array], expected: Mapping[str, Array]) -> dict[str, float]:
    """Typical error by kind of quantity: values, gradients, losses, optimizer."""
    found: dict[str, list[float]] = {}
    for name, array in expected.items():
        if np.issubdtype(array.dtype, np.floating):
            found.setdefault(kind_of(name), []).append(relative_rms(actual[name], array))
    return {kind: float(np.exp(np.mean(np.log(np.maximum(errors, FLOOR))))) for kind, errors in found.items()}


def kind_of(name: str) -> str:
    """Kind of quantity of an observed name."""
    if name.startswith(OPTIMIZER):
        return "optimizer"
    first = name.partition(".")[0]
    return first if first in ("losses", "gradients") else "values"


def relative_rms(actual: Array, expected: Array) -> float:
    """Root mean square of the difference relative to that of `expected`; infinite where only that is zero."""
    wanted = expected.astype(np.float64)
    difference = actual.astype(np.float64) - wanted
    error, scale = float(np.sqrt(np.mean(difference**2))), float(np.sqrt(np.mean(wanted**2)))
    if error == 0:
        return 0.0
    return error / scale if scale > 0 else float("inf")
