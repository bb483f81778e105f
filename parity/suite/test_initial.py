"""Initial values: the same bits on both sides, whatever the order in which networks are made."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neutral.backend import Backend
from neutral.state import State, prefixed
from neutral.training.initial import initial_state
from parity.checker import Checker
from parity.compare import EXACT, compare
from parity.lockstep import Subject
from parity.suite.conftest import Steps

BEGINNING = 4
"""Elements after the first by which streams are told apart."""


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
    subject: Subject, backends: Mapping[str, Backend], reference: str, check: Checker
) -> None:
    """One network alone, its tensors drawn in reverse order, gets the same values; another seed others."""
    drawn: dict[str, State] = {"forwards": {}, "backwards": {}, "other seed": {}}
    for name in subject.family.networks(subject.config):
        side = backends[reference].network(subject.family.name, name, subject.config)
        shapes = {key: array.shape for key, array in side.state().items()}
        reverse = dict(reversed(shapes.items()))
        for way, order, seed in (
            ("forwards", shapes, 0),
            ("backwards", reverse, 0),
            ("other seed", shapes, 1),
        ):
            state = subject.family.initial(subject.config, name, order, subject.seed + seed)
            drawn[way] |= prefixed(state, name)
    check(compare(drawn["backwards"], drawn["forwards"], EXACT, what="drawn in reverse order"))
    same = [key for key, array in drawn["forwards"].items()
            if array.std() > 0 and np.array_equal(array, drawn["other seed"][key])]  # fmt: skip
    check.measured("tensors that ignore the seed", len(same), 0, message=", ".join(same))
    alike = drawn_alike(drawn["forwards"])
    check.measured("tensors drawn from one stream", len(alike), 0, message=", ".join(alike))


def drawn_alike(state: State) -> list[str]:
    """Names of random tensors that begin as another one does, but for a factor."""
    seen: dict[tuple[float, ...], str] = {}
    alike = []
    for key, array in state.items():
        values = array.ravel().astype(np.float64)
        if values.size > BEGINNING and values.std() > 0:
            ratios = tuple(np.round(values[1 : BEGINNING + 1] / values[0], 3))
            if ratios in seen:
                alike.append(f"{key} like {seen[ratios]}")
            seen.setdefault(ratios, key)
    return alike
