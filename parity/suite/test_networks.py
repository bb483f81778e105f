"""Forward outputs of every network: eval, train, and the state that the forwards leave behind."""

from __future__ import annotations

from neutral.backend import Network
from parity.checker import Checker
from parity.compare import EXACT, compare
from parity.lockstep import Subject
from parity.tolerance import Tolerance


def test_forward(
    pair: tuple[Network, Network], subject: Subject, network: str, allowed: Tolerance, check: Checker
) -> None:
    """Eval mode; three forwards in train mode, after each of which the buffers agree; eval mode again."""
    candidate, reference = pair
    inputs = subject.family.inputs(subject.config, network, 2, subject.seed)
    check(compare(candidate.forward(inputs), reference.forward(inputs), allowed, what="eval"))
    for count in (1, 2, 3):
        outputs = [side.forward(inputs, train=True) for side in pair]
        check(compare(*outputs, allowed, what=f"train, forward {count}"))
    check(compare(candidate.state(), reference.state(), allowed, what="state after"))
    check(compare(candidate.forward(inputs), reference.forward(inputs), allowed, what="eval again"))


def test_eval_leaves_state(
    pair: tuple[Network, Network], subject: Subject, network: str, candidate: str, reference: str, check: Checker
) -> None:
    """A forward in eval mode changes no parameter and no buffer, on either side."""
    inputs = subject.family.inputs(subject.config, network, 1, subject.seed)
    for name, side in zip((candidate, reference), pair, strict=True):
        before = side.state()
        side.forward(inputs)
        check(compare(side.state(), before, EXACT, what="state after eval"), backends=(name,))


def test_modules(
    pair: tuple[Network, Network], subject: Subject, network: str, allowed: Tolerance, check: Checker
) -> None:
    """The output of every module, in execution order and under the same path."""
    inputs = subject.family.inputs(subject.config, network, 1, subject.seed)
    outputs = [
        {f"{index:03d} {traced.path}": traced.output for index, traced in enumerate(side.trace(inputs))}
        for side in pair
    ]
    check(compare(*outputs, allowed, what="every module"))
