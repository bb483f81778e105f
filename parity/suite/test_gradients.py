"""Gradients of every network with respect to its inputs and to every parameter."""

from __future__ import annotations

from neutral.backend import Network
from neutral.randomness import generator
from neutral.state import prefixed
from parity.checker import Checker
from parity.compare import EXACT, compare
from parity.lockstep import Subject
from parity.selection import Selection
from parity.tolerance import Tolerance


def test_gradients(
    pair: tuple[Network, Network],
    subject: Subject,
    network: str,
    allowed: Tolerance,
    options: Selection,
    check: Checker,
) -> None:
    """Random weights on every element of every output; every parameter gets a gradient."""
    reference = pair[1]
    inputs = subject.family.inputs(subject.config, network, 2, subject.seed)
    probes = {
        name: generator(subject.seed, "probe", network, name).standard_normal(output.shape)
        for name, output in reference.forward(inputs).items()
    }
    results = [side.gradients(inputs, probes) for side in pair]
    own, other = (
        prefixed(result.inputs, "input") | result.parameters | prefixed(side.state(), "state after")
        for side, result in zip(pair, results, strict=True)
    )
    check(compare(own, other, allowed, what=f"{network}: gradients"))
    if options.simplify:
        return  # what only feeds a layer that was left out gets no gradient
    without = sorted(set(reference.parameter_names()) - set(results[1].parameters))
    check.measured(f"{network}: without gradient", len(without), 0, message=", ".join(without))


def test_repeatable(
    pair: tuple[Network, Network], subject: Subject, network: str,
    candidate: str, reference: str, check: Checker,
) -> None:  # fmt: skip
    """A second backward pass from the same state gives the same bits: gradients are cleared in between."""
    inputs = subject.family.inputs(subject.config, network, 1, subject.seed)
    for name, side in zip((candidate, reference), pair, strict=True):
        state = side.state()
        first = side.gradients(inputs, None).parameters
        side.load(state)
        second = side.gradients(inputs, None).parameters
        check(compare(second, first, EXACT, what=f"{network}: second backward"), backends=(name,))
