"""Does an exported graph compute what its network computes? Measured, then judged.

Both sides are float32, so right ones differ by rounding: 4e-6 of scale in the smallest U-GAT-IT models,
1.2e-5 in the published light one at 256 x 256. `BOUND` holds wherever it can. Where it is exceeded, the
network's own rounding is measured against the same network in float64: two computations of equal quality
differ by at most the sum of their errors, so a graph may differ by `FACTOR` times that error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from neutral.backend import Arrays, Graph, Model
from neutral.errors import ExportError
from neutral.family import ExportSpec
from neutral.randomness import generator
from neutral.state import Array

BOUND = 1e-5
"""Error of scale that is always accepted."""

FACTOR = 3.0
"""2 for two errors of the same size, and a half more, because they are not of the same size."""

LIMIT = 1e-3
"""Error of scale that is never accepted, however imprecise the network itself is."""


@dataclass(frozen=True)
class Reference:
    """What a graph is compared with: a network in float32, and how to make the same network in float64."""

    network: Model
    make_precise: Callable[[], Model]

    @cached_property
    def precise(self) -> Model:
        """The network in float64, made when it is first needed."""
        return self.make_precise()


@dataclass(frozen=True)
class Agreement:
    """Outputs of a graph against those of a network, at one set of input shapes.

    `errors`: largest absolute difference over the largest absolute value expected, by output; infinite where
    shapes differ or a value is not finite. `rounding`: the same of the network against itself in float64;
    empty where no error exceeds `BOUND`.
    """

    against: str
    shapes: dict[str, tuple[int, ...]]
    errors: dict[str, float]
    rounding: dict[str, float] = field(default_factory=dict)

    @property
    def worst(self) -> float:
        """The largest error."""
        return max(self.errors.values(), default=float("inf"))

    def allowed(self, output: str) -> float:
        """The bound on the error of one output."""
        return min(max(BOUND, FACTOR * self.rounding.get(output, 0.0)), LIMIT)


def sample(shapes: Mapping[str, tuple[int, ...]], seed: int = 0) -> Arrays:
    """Random float32 inputs in [-1, 1) of these shapes."""
    return {
        name: (generator(seed, "export", name, *shape).random(shape) * 2 - 1).astype(np.float32)
        for name, shape in shapes.items()
    }


def measure(graph: Graph, references: Mapping[str, Reference], spec: ExportSpec) -> Iterator[Agreement]:
    """Run `graph` and each network at the sample shapes of `spec` and at all its other shapes."""
    for shapes in (spec.inputs, *spec.other_shapes):
        inputs = sample(shapes)
        actual = graph.run(inputs)
        for name, reference in references.items():
            expected = exported_names(spec, reference.network.forward(inputs))
            found = Agreement(name, dict(shapes), errors_of_scale(actual, expected))
            if not found.worst <= BOUND:
                precise = exported_names(spec, reference.precise.forward(inputs))
                found = Agreement(name, found.shapes, found.errors, errors_of_scale(expected, precise))
            yield found


def exported_names(spec: ExportSpec, outputs: Arrays) -> Arrays:
    """The outputs of a network under the names that they have in a graph."""
    return dict(zip(spec.outputs, outputs.values(), strict=True))


def errors_of_scale(actual: Arrays, expected: Arrays) -> dict[str, float]:
    """`error_of_scale` by name."""
    return {name: error_of_scale(actual[name], expected[name]) for name in expected}


def error_of_scale(actual: Array, expected: Array) -> float:
    """max |actual - expected| / max |expected|; infinite where shapes differ or a value is not finite."""
    if actual.shape != expected.shape or not (np.isfinite(actual).all() and np.isfinite(expected).all()):
        return float("inf")
    wanted = expected.astype(np.float64)
    difference = float(np.abs(actual.astype(np.float64) - wanted).max(initial=0.0))
    scale = float(np.abs(wanted).max(initial=0.0))
    return difference / scale if scale else difference


def require(found: Sequence[Agreement], what: str) -> None:
    """Raise `ExportError` that lists every error beyond what is allowed, or when nothing was compared."""
    if not found:
        raise ExportError(f"{what}: nothing was compared")
    lines = [
        f"  {name:<12} {error:.3g} (allowed: {agreement.allowed(name):.1e}) at {sizes(agreement)} "
        f"against {agreement.against}"
        for agreement in found
        for name, error in agreement.errors.items()
        if not error <= agreement.allowed(name)
    ]
    if lines:
        raise ExportError(
            f"{what}: the exported graph does not compute what the network does; nothing was written.\n"
            "Largest error, relative to the largest value:\n" + "\n".join(lines)
        )


def sizes(agreement: Agreement) -> str:
    """The input shapes in one word: 1x3x256x256."""
    return ", ".join("x".join(map(str, shape)) for shape in agreement.shapes.values())
