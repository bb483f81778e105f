"""Gradients of every network with respect to its inputs and to every parameter."""

from __future__ import annotations

from neutral.backend import Network
from neutral.randomness import generator
from parity.checker import Checker
from parity.compare import EXACT, compare
from parity.lockstep import Subject
from parity.tolerance import Tolerance


def test_gradients(
    pair: tuple[Network, Network], subject: Subject, network: str, allowed: Tolerance, check: Checker
) -> None:
    """Random weights on every element of every output; every parameter gets a gradient."""
    candidate, reference = pair
    inputs = subject.family.inputs(subject.config, network, 2, subject.seed)
    probes = {
        name: generator(subject.seed, "probe", network, name).standard_normal(output.shape)
        for name, output in reference.forward(inputs).items()
    }
    own, other = (side.gradients(inputs, probes) for side in pair)
    check(compare(own.inputs, other.inputs, allowed, what="inputs"))
    check(compare(own.parameters, other.parameters, allowed, what="parameters"))
    check(compare(candidate.state(), reference.state(), allowed, what="state after"))
    without = sorted(set(reference.parameter_names()) - set(other.parameters))
    check.measured("parameters without gradient", len(without), 0, message=", ".join(without))


def test_repeatable(
    pair: tuple[Network, Network], subject: Subject, network: str, candidate: str, reference: str, check: Checker
) -> None:
    """A second backward pass from the same state gives the same bits: gradients are cleared in between."""
    inputs = subject.family.inputs(subject.config, network, 1, subject.seed)
    for name, side in zip((candidate, reference), pair, strict=True):
        state = side.state()
        first = side.gradients(inputs, None).parameters
        side.load(state)
        second = side.gradients(inputs, None).parameters
        check(compare(second, first, EXACT, what="second backward"), backends=(name,))
