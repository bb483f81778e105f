"""Initial values: the same bits on both sides, whatever the order in which networks are made."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neutral.backend import Backend
from neutral.training.initial import initial_state
from parity.checker import Checker
from parity.compare import EXACT, compare
from parity.lockstep import Subject
from parity.suite.conftest import Steps


def test_same_bits(subject: Subject, step: Steps, candidate: str, reference: str, check: Checker) -> None:
    """Drawn once, loaded and dumped again on both sides: names, order, shapes and every bit."""
    sides = [step(name) for name in (candidate, reference)]
    states = [initial_state(subject.family, subject.config, side) for side in sides]
    for side, state in zip(sides, states, strict=True):
        side.load(state)
    check(compare(sides[0].state(), sides[1].state(), EXACT, what="loaded and dumped"))
    orders = [list(side.state()) for side in sides]
    wrong = [own for own, other in zip(*orders, strict=True) if own != other]
    check.measured("names out of order", len(wrong), 0, message=", ".join(wrong))


def test_independent_of_order(
    subject: Subject, network: str, backends: Mapping[str, Backend], reference: str, check: Checker
) -> None:
    """One network alone gets the values that it gets among all others."""
    side = backends[reference].network(subject.family.name, network, subject.config)
    shapes = {key: array.shape for key, array in side.state().items()}
    alone = subject.family.initial(subject.config, network, shapes, subject.seed)
    backwards = subject.family.initial(subject.config, network, dict(reversed(shapes.items())), subject.seed)
    check(compare(backwards, alone, EXACT, what="drawn in reverse order"))
    other = subject.family.initial(subject.config, network, shapes, subject.seed + 1)
    same = [key for key in alone if alone[key].std() > 0 and np.array_equal(alone[key], other[key])]
    check.measured("tensors that ignore the seed", len(same), 0, message=", ".join(same))
