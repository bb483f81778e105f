"""Two training steps side by side: one step, shadowed, free.

*One step* compares every phase of one iteration from one state. *Shadowed* runs a real trajectory and sets
both sides to one common state after every iteration, so that errors do not compound and a wrong update shows
in the iteration in which it happens. *Free* lets both run on their own; because GAN training is chaotic, the
bound there is an envelope: how far the reference drifts from itself when its weights are moved by one unit
in the last place.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neutral.backend import Arrays, Network, TrainStep
from neutral.family import Family
from neutral.randomness import generator
from neutral.state import OPTIMIZER, Array, State, prefixed
from neutral.training.initial import initial_state
from parity.compare import Comparison, Tolerance, compare


@dataclass(frozen=True)
class Subject:
    """What is compared: a family, one of its configurations, and the seed of states and batches."""

    family: Family
    config: Any
    seed: int = 0

    def state(self, step: TrainStep) -> State:
        """A state in which nothing is trivial: initial values, exercised (see `Family.exercise`)."""
        return self.family.exercise(initial_state(self.family, self.config, step), self.seed)

    def network_state(self, name: str, network: Network) -> State:
        """The same for one network alone."""
        shapes = {key: array.shape for key, array in network.state().items()}
        return self.family.exercise(self.family.initial(self.config, name, shapes, self.seed), self.seed)

    def batch(self, iteration: int) -> dict[str, Array]:
        """The synthetic batch of one iteration."""
        return self.family.batch(self.config, self.seed, iteration)

    def rates(self, iteration: int) -> Mapping[str, float]:
        """Learning rates in force in one iteration."""
        return self.family.learning_rates(self.config, iteration)

    def run(self, step: TrainStep, iteration: int) -> None:
        """One iteration of one side."""
        step.run(self.batch(iteration), self.rates(iteration))


def moving(step: TrainStep) -> tuple[str, ...]:
    """Names of the optimizers that an iteration of `step` updates, in order."""
    return tuple(phase.removesuffix("_update") for phase in step.phases if phase.endswith("_update"))


def observations(
    step: TrainStep, batch: Mapping[str, Array], rates: Mapping[str, float]
) -> dict[str, Arrays]:
    """What each phase of one iteration has made, by phase."""
    found: dict[str, Arrays] = {}
    step.run(batch, rates, lambda phase: found.update({phase: observation(step, phase)}))
    return found


def observation(step: TrainStep, phase: str) -> Arrays:
    """What a phase has made: outputs; losses, gradients and buffers; or parameters and optimizer slots."""
    optimizer, _, kind = phase.rpartition("_")
    if kind == "loss":
        losses = {f"losses.{name}": np.array(value) for name, value in step.losses().items()}
        gradients = prefixed(step.gradients(optimizer), "gradients")
        return {**losses, **gradients, **buffers(step)}
    if kind == "update":
        return step.state()
    return {**step.outputs(), **buffers(step)}


def buffers(step: TrainStep) -> State:
    """Buffers of every network: spectral-norm vectors, running statistics."""
    found: State = {}
    for name, network in step.networks.items():
        trainable = set(network.parameter_names())
        state = network.state()
        found |= {f"{name}.{key}": array for key, array in state.items() if key not in trainable}
    return found


def one_step(
    subject: Subject, actual: TrainStep, expected: TrainStep, state: Mapping[str, Array], tolerance: Tolerance
) -> Iterator[tuple[str, Comparison]]:
    """Every phase of iteration 1 from `state`: its name and the comparison of what it made."""
    for side in (expected, actual):
        side.load(state)
    other = observations(expected, subject.batch(1), subject.rates(1))
    own = observations(actual, subject.batch(1), subject.rates(1))
    for phase in dict.fromkeys([*other, *own]):
        yield phase, compare(own.get(phase, {}), other.get(phase, {}), tolerance, what=phase)


@dataclass(frozen=True)
class Shadowed:
    """Result of a shadowed run: the worst comparison, its iteration, and the error of every iteration."""

    worst: Comparison
    iteration: int
    errors: tuple[float, ...]


def shadowed(
    subject: Subject,
    actual: TrainStep,
    expected: TrainStep,
    state: Mapping[str, Array],
    iterations: int,
    tolerance: Tolerance,
) -> Shadowed:
    """`iterations` of a real trajectory, both sides set to the expected side's state after each.

    Compares losses and the whole training state every iteration. Stops at the first failure: from a wrong
    state nothing further can be learnt.
    """
    if iterations < 1:
        raise ValueError("a lockstep run needs at least one iteration")
    common: Mapping[str, Array] = state
    expected.load(common)
    errors: list[float] = []
    worst: tuple[Comparison, int] | None = None
    what = "state and losses after iteration"
    for iteration in range(1, iterations + 1):
        actual.load(common)
        for side in (expected, actual):
            subject.run(side, iteration)
        after = expected.state()
        own, other = {**_losses(actual), **actual.state()}, {**_losses(expected), **after}
        errors.append(largest_error(own, other))
        if worst is None or errors[-1] > worst[0].error or errors[-1] > tolerance.bound:
            worst = (compare(own, other, tolerance, what=f"{what} {iteration}"), iteration)
            if not worst[0].passed:
                break
        common = after
    assert worst is not None
    return Shadowed(*worst, tuple(errors))


def _losses(step: TrainStep) -> Arrays:
    return {f"losses.{name}": np.array(value) for name, value in step.losses().items()}


@dataclass(frozen=True)
class Free:
    """Drift of the candidate and of the perturbed reference from the reference, iteration by iteration.

    A drift is the largest error of any weight tensor, relative to that tensor's scale.
    """

    drift: tuple[float, ...]
    envelope: tuple[float, ...]


def free(
    subject: Subject,
    actual: TrainStep,
    expected: TrainStep,
    perturbed: TrainStep,
    state: Mapping[str, Array],
    iterations: int,
) -> Free:
    """`iterations` without synchronisation of candidate, reference and reference perturbed by one ulp."""
    expected.load(state)
    actual.load(state)
    perturbed.load(one_ulp(state, subject.seed))
    drift, envelope = [], []
    for iteration in range(1, iterations + 1):
        for side in (expected, actual, perturbed):
            subject.run(side, iteration)
        reference = weights(expected)
        drift.append(largest_error(weights(actual), reference))
        envelope.append(largest_error(weights(perturbed), reference))
    return Free(tuple(drift), tuple(envelope))


def weights(step: TrainStep) -> State:
    """Parameters and buffers of all networks, `<net>.<key>`."""
    state: State = {}
    for name, network in step.networks.items():
        state |= prefixed(network.state(), name)
    return state


def largest_error(actual: Mapping[str, Array], expected: Mapping[str, Array]) -> float:
    """Largest error of any tensor relative to its scale: the cheap check before a full comparison.

    Infinite where a name, a shape, a dtype or an integer differs, and where a value is not finite.
    """
    if actual.keys() != expected.keys():
        return math.inf
    return max((_error(actual[name], array) for name, array in expected.items()), default=math.inf)


def _error(actual: Array, expected: Array) -> float:
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        return math.inf
    if not np.issubdtype(expected.dtype, np.floating):
        return 0.0 if np.array_equal(actual, expected) else math.inf
    difference = float(np.abs(np.subtract(actual, expected)).max(initial=0.0))
    if difference == 0:
        return 0.0
    scale = float(np.abs(expected).max())
    error = difference / scale if scale > 0 else math.inf
    return error if math.isfinite(error) else math.inf


def one_ulp(state: Mapping[str, Array], seed: int) -> State:
    """Every weight moved to one of its two neighbours in floating point, at random; optimizer slots kept."""
    moved: State = {}
    for name, array in state.items():
        if name.startswith(OPTIMIZER) or not np.issubdtype(array.dtype, np.floating):
            moved[name] = array
            continue
        up = generator(seed, "ulp", name).random(array.shape) < 0.5
        moved[name] = np.nextafter(array, np.where(up, np.inf, -np.inf).astype(array.dtype))
    return moved


ENVELOPE_FACTOR = 10.0
"""How far beyond the envelope a drift may go. Two right implementations were measured at up to 3.5 times (ten
runs of 100 iterations); a schedule that is off by one iteration is beyond it a thousandfold at once."""

ENVELOPE_FLOOR = 1e-12
"""Drift that is always allowed: the first iterations of an envelope are single roundings."""

SATURATED = 1e-3
"""When the reference has drifted this far from itself, nothing can be judged any more."""


def envelope_excess(run: Free) -> tuple[float, int, int]:
    """Largest drift in units of what is allowed, its iteration, and how many iterations could be judged.

    Allowed is `ENVELOPE_FACTOR` times the largest envelope so far, plus `ENVELOPE_FLOOR`. Infinite when not
    even the first iteration could be judged: nothing compared is no pass.
    """
    worst, where, reach = 0.0, 1, 0.0
    for index, (drift, envelope) in enumerate(zip(run.drift, run.envelope, strict=True), start=1):
        reach = max(reach, envelope)
        if reach > SATURATED:
            return (worst if index > 1 else math.inf), where, index - 1
        excess = drift / (ENVELOPE_FACTOR * reach + ENVELOPE_FLOOR)
        if not excess <= worst:
            worst, where = excess, index
    return worst, where, len(run.drift)
