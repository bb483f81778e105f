"""What the tests of the suite share: the subject, and both sides of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from neutral.backend import Backend, Network, TrainStep
from neutral.family import Case, Family
from parity.lockstep import Subject
from parity.tolerance import Tolerance, tolerance

Steps = Callable[[str], TrainStep]


@pytest.fixture
def subject(family: Family, case: Case, seed: int) -> Subject:
    """The family in the configuration of the case."""
    return Subject(family, case.config, seed)


@pytest.fixture
def step(subject: Subject, backends: Mapping[str, Backend], dtype: str, device: str) -> Steps:
    """Makes the training step of the subject on a backend, by name."""

    def make(backend: str) -> TrainStep:
        return backends[backend].step(subject.family.name, subject.config, dtype=dtype, device=device)

    return make


@pytest.fixture
def pair(
    subject: Subject, network: str, backends: Mapping[str, Backend],
    candidate: str, reference: str, dtype: str, device: str,
) -> tuple[Network, Network]:  # fmt: skip
    """One network of the case, (candidate, reference), in one non-trivial state."""
    sides = []
    for name in (candidate, reference):
        side = backends[name].network(
            subject.family.name, network, subject.config, dtype=dtype, device=device
        )
        side.load(subject.network_state(network, side))
        sides.append(side)
    return sides[0], sides[1]


@pytest.fixture
def allowed(dtype: str) -> Tolerance:
    """How much two right implementations may differ in one step."""
    return tolerance("step", dtype)
