"""One training iteration by phases; the fast path against the published order; float32 against float64."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neutral.backend import Arrays, Backend
from neutral.config import merge_overrides
from parity.checker import Checker
from parity.compare import compare
from parity.lockstep import Subject, observations, one_step
from parity.precision import BAND, precision_ratio
from parity.suite.conftest import Steps
from parity.tolerance import Tolerance, tolerance


def test_phases(
    subject: Subject, step: Steps, candidate: str, reference: str, allowed: Tolerance, check: Checker
) -> None:
    """Outputs, losses, gradients, buffers, updated parameters and optimizer slots after every phase."""
    own, other = step(candidate), step(reference)
    for phase, comparison in one_step(subject, own, other, subject.state(other), allowed):
        check(comparison, name=phase)


def test_fast_path(
    subject: Subject, backends: Mapping[str, Backend], backend: str, dtype: str, device: str, check: Checker
) -> None:
    """The fast path gives the state and the losses of the published order over five iterations."""
    found: list[Arrays] = []
    for fast in (True, False):
        config = merge_overrides(subject.config, {"fast_step": fast})
        side = backends[backend].step(subject.family.name, config, dtype=dtype, device=device)
        side.load(subject.state(side))
        for iteration in range(1, 6):
            subject.run(side, iteration)
        losses = {f"losses.{name}": np.array(value) for name, value in side.losses().items()}
        found.append(losses | side.state())
    check(compare(found[0], found[1], tolerance("fast_path", dtype), what="fast path, five iterations"))


def test_float32_precision(
    subject: Subject, backends: Mapping[str, Backend],
    candidate: str, reference: str, device: str, check: Checker,
) -> None:  # fmt: skip
    """Neither float32 run loses clearly more precision than the other, each against its own float64 run."""
    observed: dict[tuple[str, str], dict[str, Arrays]] = {}
    for name in (candidate, reference):
        for dtype in ("float32", "float64"):
            side = backends[name].step(subject.family.name, subject.config, dtype=dtype, device=device)
            state = {key: array.astype(np.float32) if array.dtype == np.float64 else array
                     for key, array in subject.state(side).items()}  # fmt: skip
            batch = {key: array.astype(np.float32) for key, array in subject.batch(1).items()}
            side.load(state)
            observed[name, dtype] = observations(side, batch, subject.rates(1))
    for phase in observed[reference, "float64"]:
        own, other = (
            (observed[name, "float32"][phase], observed[name, "float64"][phase])
            for name in (candidate, reference)
        )
        for kind, ratio, errors in precision_ratio(own, other):
            text = f"error against float64: {candidate} {errors[0]:.2g}, {reference} {errors[1]:.2g}"
            check.measured(f"{phase}: {kind}", ratio, BAND[kind], message=text, dtype="float32")
