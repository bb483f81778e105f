"""Forward outputs of every network: eval, train, and the state that the forwards leave behind."""

from __future__ import annotations

import numpy as np

from neutral.backend import Arrays, Network
from neutral.state import prefixed
from parity.checker import Checker
from parity.compare import EXACT, compare
from parity.lockstep import Subject
from parity.tolerance import Tolerance

LOW_CONTRAST = 1e-3
"""Factor on the inputs. An eps of 1e-5 that went through float32 then moves the first norm by 1e-8."""


def test_forward(
    pair: tuple[Network, Network], subject: Subject, network: str, allowed: Tolerance, check: Checker
) -> None:
    """Eval mode, three forwards in train mode, eval mode again: outputs, and the state after each."""
    inputs = subject.family.inputs(subject.config, network, 2, subject.seed)
    own, other = (forwards(side, inputs) for side in pair)
    check(compare(own, other, allowed, what=f"{network}: forward"))


def forwards(side: Network, inputs: Arrays) -> Arrays:
    """Outputs of five forwards and the state after each in train mode."""
    found = prefixed(side.forward(inputs), "eval")
    for count in (1, 2, 3):
        found |= prefixed(side.forward(inputs, train=True), f"train {count}")
        found |= prefixed(side.state(), f"state {count}")
    return found | prefixed(side.forward(inputs), "eval again")


def test_low_contrast(
    pair: tuple[Network, Network], subject: Subject, network: str, allowed: Tolerance, check: Checker
) -> None:
    """Inputs of almost one colour: eps outweighs the variance, and shows when it was rounded or misplaced."""
    inputs = subject.family.inputs(subject.config, network, 1, subject.seed)
    faint = {name: np.multiply(array, LOW_CONTRAST) for name, array in inputs.items()}
    own, other = (side.forward(faint) for side in pair)
    check(compare(own, other, allowed, what=f"{network}: low contrast"))


def test_eval_leaves_state(
    pair: tuple[Network, Network], subject: Subject, network: str, check: Checker
) -> None:
    """A forward in eval mode changes no parameter and no buffer, on either side."""
    inputs = subject.family.inputs(subject.config, network, 1, subject.seed)
    before = [side.state() for side in pair]
    for side in pair:
        side.forward(inputs)
    after = [side.state() for side in pair]
    own, other = (prefixed(s[0], "candidate") | prefixed(s[1], "reference") for s in (after, before))
    check(compare(own, other, EXACT, what=f"{network}: state left by eval"))


def test_modules(
    pair: tuple[Network, Network], subject: Subject, network: str, allowed: Tolerance, check: Checker
) -> None:
    """The output of every module, in execution order and under the same path."""
    inputs = subject.family.inputs(subject.config, network, 1, subject.seed)
    own, other = (
        {f"{index:03d} {traced.path}": traced.output for index, traced in enumerate(side.trace(inputs))}
        for side in pair
    )
    check(compare(own, other, allowed, what=f"{network}: every module"))
