"""Lines of the terminal for tests of the suite: one for each check, instead of pytest's dots; the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from parity.checks import Check
from parity.verdict import SuiteVerdict, check_line


class Lines:
    """Writes through pytest's own reporter, which knows terminal, colours and verbosity."""

    def __init__(self, reporter: pytest.TerminalReporter, titles: Mapping[str, str]) -> None:
        self.reporter = reporter
        self.titles = titles
        self.heading = ("", "")
        self.overwrite = bool(reporter.isatty) and reporter.verbosity == 0

    def start(self, nodeid: str, suite: bool) -> None:
        """Before pytest writes the name of a file: not for a test of the suite, which shows for a moment."""
        self.reporter.showfspath = False if suite else None
        if suite and self.overwrite:
            self.reporter.rewrite(f"  ... {nodeid.rpartition('::')[2][:60]}", erase=True)

    def write(self, check: Check) -> None:
        """Heading where family or group change, then the line of the check; only failures when quiet."""
        if self.reporter.verbosity < 0 and not check.failed:
            return
        if self.overwrite:
            self.reporter.rewrite("", erase=True)
            self.reporter.write("\r")
        if (check.family, check.group) != self.heading:
            self.heading = (check.family, check.group)
            title = self.titles.get(check.family, check.family)
            self.reporter.write_line("")
            self.reporter.write_line(f"{title} {check.group}".strip(), bold=True)
        colour = {"green": check.passed, "red": check.failed, "yellow": bool(check.known)}
        self.reporter.write_line(check_line(check, verbose=self.reporter.verbosity > 0), **colour)

    def conclude(self, verdict: SuiteVerdict, notes: Sequence[str]) -> None:
        """The verdict, as the last lines of all."""
        self.reporter.write_line("")
        for line in verdict.lines:
            self.reporter.write_line(line, bold=True, green=verdict.passed, red=not verdict.passed)
        for note in notes:
            self.reporter.write_line(note)
