"""Does an exported graph compute what its network computes? Measured, then judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neutral.backend import Arrays, Graph, Model
from neutral.errors import ExportError
from neutral.family import ExportSpec
from neutral.randomness import generator
from neutral.state import Array

BOUND = 1e-5
"""Largest error of scale of a float32 graph: 4e-6 measured for U-GAT-IT's small models, both frameworks."""


@dataclass(frozen=True)
class Agreement:
    """Outputs of a graph against those of a network, at one set of input shapes.

    `errors`: largest absolute difference over the largest absolute value expected, by output; infinite where
    shapes differ or a value is not finite.
    """

    against: str
    shapes: dict[str, tuple[int, ...]]
    errors: dict[str, float]

    @property
    def worst(self) -> float:
        """The largest error."""
        return max(self.errors.values(), default=float("inf"))


def sample(shapes: Mapping[str, tuple[int, ...]], seed: int = 0) -> Arrays:
    """Random float32 inputs in [-1, 1) of these shapes."""
    return {
        name: (generator(seed, "export", name, *shape).random(shape) * 2 - 1).astype(np.float32)
        for name, shape in shapes.items()
    }


def measure(graph: Graph, networks: Mapping[str, Model], spec: ExportSpec) -> Iterator[Agreement]:
    """Run `graph` and each network at the sample shapes of `spec` and at all its other shapes."""
    for shapes in (spec.inputs, *spec.other_shapes):
        inputs = sample(shapes)
        actual = graph.run(inputs)
        for name, network in networks.items():
            expected = dict(zip(spec.outputs, network.forward(inputs).values(), strict=True))
            errors = {output: error_of_scale(actual[output], expected[output]) for output in spec.outputs}
            yield Agreement(name, dict(shapes), errors)


def error_of_scale(actual: Array, expected: Array) -> float:
    """max |actual - expected| / max |expected|; infinite where shapes differ or a value is not finite."""
    if actual.shape != expected.shape or not (np.isfinite(actual).all() and np.isfinite(expected).all()):
        return float("inf")
    wanted = expected.astype(np.float64)
    difference = float(np.abs(actual.astype(np.float64) - wanted).max(initial=0.0))
    scale = float(np.abs(wanted).max(initial=0.0))
    return difference / scale if scale else difference


def require(found: Sequence[Agreement], what: str, bound: float = BOUND) -> None:
    """Raise `ExportError` that lists what is beyond `bound`, or when nothing was compared."""
    if not found:
        raise ExportError(f"{what}: nothing was compared")
    lines = [
        f"  {name:<12} {error:.3g} at {_sizes(agreement)} against {agreement.against}"
        for agreement in found
        for name, error in agreement.errors.items()
        if not error <= bound
    ]
    if lines:
        raise ExportError(
            f"{what}: the exported graph does not compute what the network does; nothing was written.\n"
            f"Largest error, relative to the largest value (allowed: {bound:.0e}):\n" + "\n".join(lines)
        )


def _sizes(agreement: Agreement) -> str:
    return ", ".join("x".join(map(str, shape)) for shape in agreement.shapes.values())
