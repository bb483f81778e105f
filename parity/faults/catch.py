"""Run the suite on an implementation with a planted fault, and tell which check catches it first.

It is the suite itself that runs, in this process, with its own order: networks, gradients, losses, optimizers,
steps, training, initial, checkpoints, golden. It stops at the first check that fails.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

import parity
from neutral.errors import ConfigError
from neutral.family import Case
from parity import suite
from parity.checks import Check
from parity.faults.fault import Fault
from parity.faults.plant import planted
from parity.run import Run, first_line

SUITE = Path(suite.__file__).parent
ROOT = Path(parity.__file__).parent.parent
"""The repository, for the tests that a fault names."""

GROUPS = (
    "networks", "gradients", "losses", "optimizers", "steps", "training", "initial", "checkpoints", "golden",
)  # fmt: skip
"""Groups that are run: `twins` reads files, which a planted fault does not touch, and `onnx` is no twin's."""
ITERATIONS = 3
"""Length of the lockstep runs: a state fault shows in the iteration after it happens."""
MODULES = "test_modules"
"""The test that names the first module that differs; it is run as well when a forward pass differs."""


@dataclass(frozen=True)
class Catch:
    """What the suite said to one fault.

    checks   number of checks that ran, the failed one included
    group, name, case, backends   the first check that failed; empty when none did
    error, bound                  what it measured and what it allowed; None where it is yes or no
    worst    the tensor with the largest error
    first    the first tensor that fails, in the order of the comparison: of execution, where it is modules
    module   the first module whose output differs, where forward passes differ
    text     first line of the report on the failure
    hint     the guess of the comparison
    seconds  time of the run
    """

    checks: int
    group: str = ""
    name: str = ""
    case: str = ""
    backends: tuple[str, ...] = ()
    error: float | None = None
    bound: float | None = None
    worst: str = ""
    first: str = ""
    module: str = ""
    text: str = ""
    hint: str = ""
    seconds: float = 0.0

    @property
    def caught(self) -> bool:
        """Whether a check failed."""
        return bool(self.group)


class Watch:
    """pytest plugin: selects the tests of some cases, stops the run at the first failure, keeps the checks."""

    def __init__(self, cases: Iterable[str], groups: Iterable[str]) -> None:
        self.cases, self.groups = set(cases), set(groups)
        self.run = Run()
        self.checks: list[Check] = []
        self.failed: Check | None = None
        self.modules: Check | None = None
        self.seconds = 0.0

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, object, object]:
        """After the suite has put its tests in order, keep those that are wanted."""
        result = yield
        items[:] = [item for item in items if self.wants(item)]
        return result

    def wants(self, item: pytest.Item) -> bool:
        """Whether a test is of a wanted group and case; tests outside the suite are."""
        if not item.path.is_relative_to(SUITE):
            return True
        case = parameter(item, "case")
        named = not isinstance(case, Case) or case.name in self.cases
        return named and item.path.stem.removeprefix("test_") in self.groups

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """After a failure, run nothing but the search for the first module of the same network."""
        if self.failed is None:
            return None
        network = str(parameter(item, "network") or "")
        wanted = item.name.startswith(MODULES) and network and network in self.failed.name
        return None if wanted and self.modules is None else True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the checks of a test."""
        self.seconds += report.duration
        checks = self.run.take(report)
        if not checks and report.failed:
            checks = [outside(report)]
        failed = next((check for check in checks if check.failed), None)
        if self.failed is None:
            self.checks += checks
            self.failed = failed
        if MODULES in report.nodeid:
            self.modules = failed or self.modules

    def catch(self) -> Catch:
        """What came of the run."""
        check, modules = self.failed, self.modules
        if check is None:
            return Catch(len(self.checks), seconds=self.seconds)
        lines = check.message.splitlines() or [""]
        return Catch(
            len(self.checks), check.group, check.name, check.case, check.backends, check.error, check.bound,
            check.worst, check.first, modules.first if modules else "", lines[0], check.hint, self.seconds,
        )  # fmt: skip


def parameter(item: pytest.Item, name: str) -> object:
    """The value of a parameter of a test, None without it."""
    callspec = getattr(item, "callspec", None)
    return callspec.params.get(name) if callspec is not None else None


def outside(report: pytest.TestReport) -> Check:
    """A failed test outside the suite as a check."""
    file, _, name = report.nodeid.partition("::")
    return Check(
        report.nodeid, "", "", file, name, (), "", passed=False, seconds=report.duration,
        message=first_line(report),
    )  # fmt: skip


def run(
    family: str, cases: Iterable[str], *, groups: Iterable[str] = GROUPS, iterations: int = ITERATIONS
) -> Catch:
    """Run the suite as the implementation is now, and stop at the first check that fails."""
    return watched([str(SUITE), f"--family={family}", f"--iterations={iterations}"], Watch(cases, groups))


def run_tests(files: Iterable[str]) -> Catch:
    """Run test files of the repository, and stop at the first that fails."""
    paths = [ROOT / file for file in files]
    if missing := [str(path) for path in paths if not path.is_file()]:
        raise ConfigError(f"{', '.join(missing)}: not there; faults are planted in a clone of the repository")
    return watched([*map(str, paths), "-x"], Watch((), ()))


def watched(arguments: list[str], watch: Watch) -> Catch:
    """pytest with these arguments, in this process, silent. Raises `ConfigError` when it ran no test."""
    shown = io.StringIO()
    with redirect_stdout(shown), redirect_stderr(shown):
        status = pytest.main(
            [*arguments, f"--rootdir={ROOT}", "-p", "parity.plugin", "-p", "no:cacheprovider"], plugins=[watch]
        )
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise ConfigError(f"pytest ended with status {int(status)}:\n{shown.getvalue()[-2000:]}")
    return watch.catch()


def catch(family: str, fault: Fault) -> Catch:
    """Plant `fault`, run the suite on its case (or the tests it names), and take it out again."""
    with planted(fault):
        return run_tests(fault.tests) if fault.tests else run(family, [fault.case], groups=fault.groups or GROUPS)
