"""Many iterations: shadowed (one common state after each) and free (each on its own, inside an envelope)."""

from __future__ import annotations

from neutral.family import Case
from parity.checker import Checker
from parity.lockstep import Subject, envelope_excess, free, shadowed
from parity.suite.conftest import Steps
from parity.tolerance import tolerance


def test_shadowed(
    subject: Subject, case: Case, step: Steps, candidate: str, reference: str,
    iterations: int, dtype: str, check: Checker,
) -> None:  # fmt: skip
    """Losses and the whole training state after every iteration of the reference's trajectory."""
    own, other = step(candidate), step(reference)
    length = max(1, round(iterations * case.share))
    run = shadowed(subject, own, other, subject.state(other), length, tolerance("shadowed", dtype))
    check(run.worst, name=f"shadowed, {len(run.errors)} iterations")


def test_free(
    subject: Subject, case: Case, step: Steps, candidate: str, reference: str, iterations: int, check: Checker
) -> None:
    """Half as many iterations without synchronisation: the drift of all weights inside the envelope."""
    own, other, perturbed = step(candidate), step(reference), step(reference)
    length = max(1, round(iterations * case.share / 2))
    run = free(subject, own, other, perturbed, subject.state(other), length)
    excess, iteration, judged = envelope_excess(run)
    drift, envelope = run.drift[iteration - 1], run.envelope[iteration - 1]
    text = f"drift {drift:.3g}, envelope {envelope:.3g} in iteration {iteration}"
    check.measured(f"free, {judged} of {length}: drift / envelope", excess, 1.0, message=text)
