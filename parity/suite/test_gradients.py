"""Gradients of every network with respect to its inputs and to every parameter."""

from __future__ import annotations

import numpy as np

from neutral.backend import Network
from neutral.randomness import generator
from neutral.state import Array, State, prefixed
from parity.checker import Checker
from parity.compare import EXACT, compare
from parity.lockstep import Subject
from parity.selection import Selection
from parity.suite.conftest import Networks
from parity.tolerance import Tolerance, tolerance


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
    names = [set(side.parameter_names()) for side in pair]
    check.measured(
        f"{network}: trained on one side only", len(names[0] ^ names[1]), 0,
        message=", ".join(sorted(names[0] ^ names[1])),
    )  # fmt: skip
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


def test_ties(
    made: Networks, subject: Subject, network: str, candidate: str, reference: str, check: Checker
) -> None:
    """Where several elements are the maximum, the same one gets the gradient on both sides.

    Flat images, in a state in which every output is one product: all pixels are equal to the last bit,
    whatever the order of sums. In float64 always: float32 convolutions may add before they multiply.
    """
    inputs = subject.family.inputs(subject.config, network, 2, subject.seed)
    flat = {name: np.full_like(array, 0.5) for name, array in inputs.items()}
    found = []
    for side in (made(candidate, "float64"), made(reference, "float64")):
        side.load(one_product(side.state()))
        found.append(side.gradients(flat, None).inputs)
    what = f"{network}: gradients of flat images"
    check(compare(found[0], found[1], tolerance("step", "float64"), what=what), dtype="float64")


def one_product(state: State) -> State:
    """`state` without biases, and with one element, a power of two, for each output of a convolution."""
    return {
        key: largest_only(array) if array.ndim == 4
        else np.zeros_like(array) if key.endswith("bias") else array
        for key, array in state.items()
    }  # fmt: skip


def largest_only(weight: Array) -> Array:
    """Each row of a weight (O, ...) with nothing but its largest element, rounded to a power of two."""
    rows = weight.reshape(len(weight), -1)
    largest = np.abs(rows) == np.abs(rows).max(axis=1, keepdims=True)
    powers = np.sign(rows) * 2.0 ** np.round(np.log2(np.abs(rows).max(axis=1, keepdims=True)))
    return np.where(largest, powers, 0.0).reshape(weight.shape)
