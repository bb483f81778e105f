"""Bookkeeping of one run of the suite: test reports in, a `Report` out."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

import numpy as np
import pytest

from parity.checker import IDENTITY, PROPERTY, Identity, known
from parity.checks import Check, Coverage, Report
from parity.plain import from_plain


class Run:
    """Gathers what the tests of the suite report."""

    def __init__(self) -> None:
        self.planned = self.finished = self.slow = self.deselected = 0
        self.collected = False
        self.stopped = ""
        self.checks: list[Check] = []
        self.skipped: list[str] = []

    def take(self, report: pytest.TestReport) -> list[Check]:
        """The checks that this report of a phase (setup, call, teardown) brings; they are kept."""
        identity = identity_of(report)
        if identity is None:
            return []
        if report.when == "teardown":
            self.finished += 1
        checks = list(self.checks_of(report, identity))
        self.checks += checks
        return checks

    def checks_of(self, report: pytest.TestReport, identity: Identity) -> Iterable[Check]:
        """The recorded checks, and one for the test itself where they do not tell its outcome."""
        made = recorded(report) if report.when == "call" else []
        reason = getattr(report, "wasxfail", None)
        if reason is not None and not report.failed:
            made = [known(check, reason or "declared") for check in made]
            if not any(check.known for check in made):
                made.append(whole(identity, report, passed=False, known=reason or "declared"))
        elif report.failed and not any(not check.passed for check in made):
            made.append(whole(identity, report, passed=False, message=first_line(report)))
        elif report.skipped:
            self.skipped.append(f"{identity.test}: {skip_reason(report)}")
        elif report.when == "call" and not made:
            made.append(whole(identity, report, passed=True))
        return made

    def report(
        self, families: dict[str, str], versions: dict[str, dict[str, str]], options: dict[str, str]
    ) -> Report:
        """All of it, with the machine it ran on."""
        tests = Coverage(
            self.planned, self.finished, self.slow, self.deselected, tuple(self.skipped), self.stopped
        )
        return Report(
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            families=families,
            versions=versions,
            platform=machine(),
            options=options,
            tests=tests,
            checks=tuple(self.checks),
        )


def identity_of(report: pytest.TestReport) -> Identity | None:
    """What the test is about; None when it is not of the suite."""
    for name, value in report.user_properties:
        if name == IDENTITY:
            return from_plain(Identity, value, "test")
    return None


def recorded(report: pytest.TestReport) -> list[Check]:
    """The checks that the test made, in order."""
    properties: list[tuple[str, Any]] = report.user_properties
    return [from_plain(Check, value, "check") for name, value in properties if name == PROPERTY]


def whole(identity: Identity, report: pytest.TestReport, **found: Any) -> Check:
    """A check that stands for the test as a whole: yes or no, without a number."""
    return identity.check(seconds=report.duration, **found)


def first_line(report: pytest.TestReport) -> str:
    """Why a test failed, in one line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = str(crash.message if crash is not None else report.longrepr)
    return f"{report.when}: {text.strip().splitlines()[0] if text.strip() else 'failed'}"


def skip_reason(report: pytest.TestReport) -> str:
    """The reason given to pytest.skip."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return str(report.longrepr)


def machine() -> dict[str, str]:
    """Machine, system, Python and numpy."""
    return {
        "system": platform.platform(),
        "machine": platform.machine(),
        "processors": str(os.cpu_count()),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
