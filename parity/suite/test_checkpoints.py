"""Checkpoints: a state returns to its backend bit by bit, and goes on in the other as if nothing happened."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neutral import checkpoint
from neutral.backend import Arrays, TrainStep
from neutral.state import State
from parity.checker import Checker
from parity.compare import EXACT, compare
from parity.lockstep import Subject
from parity.suite.conftest import Steps
from parity.tolerance import tolerance

HANDED_OVER = 5
"""Iterations before and after the hand-over."""


def test_round_trip(subject: Subject, step: Steps, backend: str, tmp_path: Path, check: Checker) -> None:
    """State, file, state: every bit, on the backend that wrote it; and the next iteration as well."""
    side = step(backend)
    side.load(subject.state(side))
    subject.run(side, 1)
    before = side.state()
    folder = save(subject, tmp_path, before)
    subject.run(side, 2)
    continued = side.state()
    side.load(checkpoint.read(folder).state())
    check(compare(side.state(), before, EXACT, what="written and read"))
    subject.run(side, 2)
    check(compare(side.state(), continued, EXACT, what="the iteration after"))


def test_hand_over(
    subject: Subject, step: Steps, candidate: str, reference: str, dtype: str, tmp_path: Path, check: Checker
) -> None:
    """A run that changes the backend half-way, both ways, against the run that does not."""
    whole = trajectory(subject, step(reference), 1, 2 * HANDED_OVER)
    for first, second in ((reference, candidate), (candidate, reference)):
        begun, going_on = step(first), step(second)
        trajectory(subject, begun, 1, HANDED_OVER)
        folder = save(subject, tmp_path / first, begun.state())
        going_on.load(checkpoint.read(folder).state())
        found = trajectory(subject, going_on, HANDED_OVER + 1, 2 * HANDED_OVER)
        what = f"{first}, then {second}"
        check(compare(found, whole, tolerance("hand_over", dtype), what=what), backends=(first, second))


def save(subject: Subject, parent: Path, state: State) -> Path:
    """Write a checkpoint as training does."""
    parent.mkdir(exist_ok=True)
    metadata = checkpoint.Metadata(subject.family.name, 1, subject.config.model_dump())
    return checkpoint.write(parent, state, metadata)


def trajectory(subject: Subject, side: TrainStep, first: int, last: int) -> Arrays:
    """State and losses after iterations `first` to `last`, begun anew when `first` is 1."""
    if first == 1:
        side.load(subject.state(side))
    for iteration in range(first, last + 1):
        subject.run(side, iteration)
    return side.state() | {f"losses.{name}": np.array(value) for name, value in side.losses().items()}
