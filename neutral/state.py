"""Canonical state: the hub between the frameworks.

A state is a flat mapping from canonical names to numpy arrays. Names and layouts are those of the
official PyTorch checkpoints: convolution weights (out, in, kh, kw), linear weights (out, in),
spectral norm as `weight_orig`, `weight_u`, `weight_v`.

    network state    `<key>`                                     e.g. `FC.0.weight`
    training state   `<net>.<key>`                               e.g. `genA2B.FC.0.weight`
                     `optimizer.<optimizer>.<net>.<key>.<slot>`  slots of Adam: `moment1`, `moment2`, `step`
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from neutral.errors import StateError

Array = NDArray[np.generic]
State = dict[str, Array]

OPTIMIZER = "optimizer."


def prefixed(state: Mapping[str, Array], prefix: str) -> State:
    """The same arrays under `<prefix>.<name>`."""
    return {f"{prefix}.{name}": array for name, array in state.items()}


def under(state: Mapping[str, Array], prefix: str) -> State:
    """The entries below `<prefix>.`, with the prefix removed; empty when there are none."""
    start = f"{prefix}."
    return {name[len(start) :]: array for name, array in state.items() if name.startswith(start)}


def weights_only(state: Mapping[str, Array]) -> State:
    """A training state without its optimizer slots."""
    return {name: array for name, array in state.items() if not name.startswith(OPTIMIZER)}


def require_names(actual: Iterable[str], expected: Iterable[str], what: str) -> None:
    """Raise `StateError` that lists every missing and every unexpected name; both sets must be equal."""
    actual_names, expected_names = set(actual), set(expected)
    problems = [f"  missing     {name}" for name in sorted(expected_names - actual_names)]
    problems += [f"  unexpected  {name}" for name in sorted(actual_names - expected_names)]
    if problems:
        raise StateError(f"{what}: {len(problems)} names do not fit\n" + "\n".join(problems))


def require_shapes(
    actual: Mapping[str, Array], expected: Mapping[str, tuple[int, ...]], what: str
) -> None:
    """Raise `StateError` that lists every name and every shape of `actual` that does not fit."""
    require_names(actual, expected, what)
    problems = [
        f"  {name}: {tuple(actual[name].shape)} given, {shape} expected"
        for name, shape in expected.items()
        if tuple(actual[name].shape) != shape
    ]
    if problems:
        raise StateError(f"{what}: {len(problems)} shapes do not fit\n" + "\n".join(problems))
