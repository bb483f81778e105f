"""One check, and all that a run of the suite found: plain data that a verdict follows from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from parity.compare import Comparison

GROUPS = (
    "networks",
    "gradients",
    "losses",
    "optimizers",
    "steps",
    "training",
    "initial",
    "checkpoints",
    "onnx",
    "twins",
    "golden",
)
"""Groups of checks in the order of a run: what a later one rests on, an earlier one has checked."""


@dataclass(frozen=True)
class Check:
    """One line of the verdict.

    test       pytest's name of the test that made it
    family, case, group, name   what was checked; family and case are empty where it belongs to none
    backends   the backends compared, or the one that was held against recorded numbers
    error      what was measured, `bound` what it may reach; None where a check is yes or no
    compared   number of tensors
    worst      name of the tensor with the largest error, empty without one
    first      name of the first tensor that fails, in the order of the comparison, empty without one
    message    the report on a failure, empty otherwise
    hint       the first guess at the cause of a failure, empty without one
    known      why a failure is expected (a declared divergence), empty otherwise
    """

    test: str
    family: str
    case: str
    group: str
    name: str
    backends: tuple[str, ...]
    dtype: str
    passed: bool
    seconds: float
    error: float | None = None
    bound: float | None = None
    compared: int = 0
    worst: str = ""
    first: str = ""
    message: str = ""
    hint: str = ""
    known: str = ""

    @property
    def failed(self) -> bool:
        """Whether it counts against the verdict."""
        return not self.passed and not self.known

    @property
    def factor(self) -> float:
        """Error in units of its bound; 0 where there is none to relate to."""
        return self.error / self.bound if self.error is not None and self.bound else 0.0


@dataclass(frozen=True)
class Coverage:
    """How much of the suite ran.

    planned, finished   tests selected, and tests that came to an end
    slow                slow tests that were selected otherwise but not run for want of --slow
    deselected          tests that the user's own selection left out
    skipped             "test: reason" of tests that skipped themselves
    stopped             why the run ended early, empty otherwise
    """

    planned: int = 0
    finished: int = 0
    slow: int = 0
    deselected: int = 0
    skipped: tuple[str, ...] = ()
    stopped: str = ""


@dataclass(frozen=True)
class Report:
    """A run of the suite.

    families   title by name of the families that the run was asked for
    versions   by backend, the versions of its framework and libraries
    platform   machine, system, Python and numpy
    options    the options of the suite as texts
    created    UTC, ISO 8601
    """

    created: str
    families: dict[str, str]
    versions: dict[str, dict[str, str]]
    platform: dict[str, str]
    options: dict[str, str]
    tests: Coverage
    checks: tuple[Check, ...] = ()


def measurements(comparison: Comparison) -> dict[str, Any]:
    """The fields of `Check` that follow from a comparison."""
    worst = comparison.worst
    failures = comparison.verdict.failures
    explained = [judged.tensor.explanation for judged in failures]
    found = [hint for explanation in explained if explanation for hint in explanation.hints]
    return {
        "passed": comparison.passed,
        "error": comparison.error,
        "bound": comparison.bound,
        "compared": len(comparison.record.tensors),
        "worst": worst.tensor.name if worst else "",
        "first": failures[0].tensor.name if failures else "",
        "message": "" if comparison.passed else comparison.message(),
        "hint": found[0] if found else "",
    }
