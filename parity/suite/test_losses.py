"""Every loss of the training step under its official name, on several batches.

The learning rates are zero, so that the losses do not depend on an update.
"""

from __future__ import annotations

import numpy as np

from parity.checker import Checker
from parity.compare import compare
from parity.lockstep import Subject
from parity.suite.conftest import Steps
from parity.tolerance import Tolerance


def test_losses(
    subject: Subject, step: Steps, candidate: str, reference: str, allowed: Tolerance, check: Checker
) -> None:
    """Losses of three batches, each from the same state."""
    sides = [step(name) for name in (candidate, reference)]
    state = subject.state(sides[1])
    for iteration in (1, 2, 3):
        found = []
        for side in sides:
            side.load(state)
            side.run(subject.batch(iteration), dict.fromkeys(subject.rates(iteration), 0.0))
            found.append({name: np.array(value) for name, value in side.losses().items()})
        check(compare(found[0], found[1], allowed, what=f"batch {iteration}"))
