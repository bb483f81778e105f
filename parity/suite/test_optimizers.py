"""Optimizer updates: each side against the published formula, and both against each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neutral.family import OptimizerSpec
from neutral.state import State
from parity.checker import Checker
from parity.compare import compare
from parity.lockstep import Subject, moving
from parity.suite.conftest import Steps
from parity.tolerance import Tolerance, tolerance

LEARNING_RATE = 0.01
"""Large enough that a wrong term shows, small enough that the model stays finite."""

Arrays = Mapping[str, NDArray[Any]]


def rates(subject: Subject, iteration: int) -> dict[str, float]:
    """A learning rate for each optimizer and iteration, no two alike: one that comes late or twice shows."""
    names = subject.family.optimizers(subject.config)
    return {name: LEARNING_RATE / (iteration + 0.5 * place) for place, name in enumerate(names)}


def adam(spec: OptimizerSpec, rate: float, before: Arrays, gradients: Arrays, name: str) -> State:
    """Parameters and slots after one update, by the formulas of arXiv 1412.6980 with L2 decay."""
    beta1, beta2 = spec.betas
    after: State = {}
    for key, gradient in gradients.items():
        slot = f"optimizer.{name}.{key}"
        weight, count = before[key], int(before[f"{slot}.step"]) + 1
        gradient = gradient + spec.weight_decay * weight
        moment1 = beta1 * before[f"{slot}.moment1"] + (1 - beta1) * gradient
        moment2 = beta2 * before[f"{slot}.moment2"] + (1 - beta2) * gradient * gradient
        scale = np.sqrt(moment2 / (1 - beta2**count)) + spec.eps
        after[key] = weight - rate * moment1 / (1 - beta1**count) / scale
        after[f"{slot}.moment1"] = moment1
        after[f"{slot}.moment2"] = moment2
        after[f"{slot}.step"] = np.array(count, dtype=np.int64)
    return after


def hold(subject: Subject, state: State) -> State:
    """Parameters brought into the range in which the family holds them."""
    return {
        key: np.clip(array, *subject.family.held[key.rpartition(".")[2]])
        if key.rpartition(".")[2] in subject.family.held
        else array
        for key, array in state.items()
    }


def test_formula(subject: Subject, step: Steps, backend: str, dtype: str, check: Checker) -> None:
    """The second update (moments are not zero) of every parameter and slot, computed in numpy."""
    side = step(backend)
    side.load(subject.state(side))
    side.run(subject.batch(1), rates(subject, 1))
    found: dict[str, dict[str, State]] = {}

    def observe(phase: str) -> None:
        optimizer, _, kind = phase.rpartition("_")
        if kind == "loss":
            found[optimizer] = {"before": side.state(), "gradients": side.gradients(optimizer)}
        elif kind == "update":
            found[optimizer]["after"] = side.state()

    rate = rates(subject, 2)
    side.run(subject.batch(2), rate, observe)
    optimizers = subject.family.optimizers(subject.config)
    for name in moving(side):
        spec = optimizers[name]
        before, gradients = found[name]["before"], found[name]["gradients"]
        expected = hold(subject, adam(spec, rate[name], before, gradients, name))
        actual = {key: found[name]["after"][key] for key in expected}
        check(compare(actual, expected, tolerance("formula", dtype), what=f"{name}: Adam"))


def test_all_move(subject: Subject, step: Steps, backend: str, check: Checker) -> None:
    """A large learning rate moves every parameter: none was forgotten, and none that is not trained moves."""
    side = step(backend)
    state = subject.state(side)
    side.load(state)
    side.run(subject.batch(1), dict.fromkeys(subject.family.optimizers(subject.config), 1.0))
    after = side.state()
    optimizers = subject.family.optimizers(subject.config)
    trained = [net for name in moving(side) for net in optimizers[name].networks]
    wrong = [
        f"{net}.{key}"
        for net, network in side.networks.items()
        for key in network.parameter_names()
        if np.array_equal(after[f"{net}.{key}"], state[f"{net}.{key}"]) is (net in trained)
    ]
    check.measured("wrongly moved or still", len(wrong), 0, message=", ".join(wrong))


def test_updates(
    subject: Subject, step: Steps, candidate: str, reference: str, allowed: Tolerance, check: Checker
) -> None:
    """The update that follows three iterations of the reference, moments and steps included."""
    own, other = step(candidate), step(reference)
    other.load(subject.state(other))
    for iteration in (1, 2, 3):
        subject.run(other, iteration)
    state = other.state()
    for side in (own, other):
        side.load(state)
        subject.run(side, 4)
    check(compare(own.state(), other.state(), allowed, what="state after the fourth update"))
