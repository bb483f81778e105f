"""The `check` fixture: records comparisons, and fails the test at its end with all that failed."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest

from parity.checks import Check, measurements
from parity.compare import Comparison, ParityFailure
from parity.plain import to_plain

PROPERTY = "parity check"
"""Name under which a check travels in a test's user properties, hence in its report."""
IDENTITY = "parity test"
"""Name under which what a test is about travels; only tests of the suite have it."""


@dataclass(frozen=True)
class Identity:
    """What one test of the suite is about, before it has run; the defaults of its checks."""

    test: str
    family: str
    case: str
    group: str
    name: str
    backends: tuple[str, ...]
    dtype: str

    def check(self, **found: Any) -> Check:
        """A check of this test with what was found."""
        return Check(**{**asdict(self), **found})


class Checker:
    """Records the checks of one test.

        check(comparison)                                    # named after the test
        check(comparison, name="genA2B", dtype="float32")
        check.measured("drift", 1.8, 4.0, message="free run against its envelope")

    A check that fails does not end the test: the test goes on and fails at its end, with every report. A
    test that asks for `check` and never uses it fails: nothing was checked.
    """

    def __init__(self, item: pytest.Item, identity: Identity) -> None:
        self.item = item
        self.identity = identity
        self.checks: list[Check] = []
        self.started = time.perf_counter()

    def __call__(self, comparison: Comparison, *, name: str = "", **fields: Any) -> bool:
        """Record a comparison and say whether it passed.

        `fields` replace what the test's parameters say: backends, dtype, family, case, group.
        """
        return self.record(name or comparison.record.what, **measurements(comparison), **fields)

    def measured(self, name: str, error: float, bound: float, *, message: str = "", **fields: Any) -> bool:
        """Record a number that may reach `bound` and say whether it does not exceed it; nan never passes."""
        passed = error <= bound
        report = "" if passed else f"{name}: {error:.6g}, allowed {bound:.6g}\n{message}".rstrip()
        return self.record(name, error=error, bound=bound, passed=passed, message=report, **fields)

    def record(self, name: str, **fields: Any) -> bool:
        """Record one check with the time since the last one."""
        now = time.perf_counter()
        check = self.identity.check(name=name, seconds=now - self.started, **fields)
        self.started = now
        self.checks.append(check)
        self.item.user_properties.append((PROPERTY, to_plain(check)))
        return check.passed

    def failures(self) -> str:
        """The reports of the checks that failed, empty when none did."""
        return "\n\n".join(check.message for check in self.checks if not check.passed)

    def finish(self) -> None:
        """Raise `ParityFailure` when a check failed or none was made."""
        __tracebackhide__ = True
        if not self.checks:
            raise ParityFailure("nothing was checked: the test asked for `check` and did not use it")
        if text := self.failures():
            raise ParityFailure(text)


def known(check: Check, reason: str) -> Check:
    """The check as a declared divergence, when it did not pass."""
    return check if check.passed else replace(check, known=reason)
