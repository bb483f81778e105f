"""What the tests of the suite share: the subject, and both sides of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from neutral.backend import Backend, Network, TrainStep
from neutral.family import Case, Family
from parity.lockstep import Subject
from parity.tolerance import Tolerance, tolerance

Steps = Callable[[str], TrainStep]
Networks = Callable[[str, str], Network]


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
def made(subject: Subject, network: str, backends: Mapping[str, Backend], device: str) -> Networks:
    """Makes the network of the case on a backend, by name, in a dtype, in one non-trivial state."""

    def make(backend: str, dtype: str) -> Network:
        side = backends[backend].network(
            subject.family.name, network, subject.config, dtype=dtype, device=device
        )
        side.load(subject.network_state(network, side))
        return side

    return make


@pytest.fixture
def pair(made: Networks, candidate: str, reference: str, dtype: str) -> tuple[Network, Network]:
    """One network of the case, (candidate, reference), in one non-trivial state."""
    return made(candidate, dtype), made(reference, dtype)


@pytest.fixture
def allowed(dtype: str) -> Tolerance:
    """How much two right implementations may differ in one step."""
    return tolerance("step", dtype)
