"""Run the suite on an implementation with a planted fault, and tell which check catches it first.

It is the suite itself that runs, in this process and in its own order: networks, gradients, losses,
optimizers, steps, training, initial, checkpoints, golden. It stops at the first check that fails.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterable, Sequence
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
FINDERS = {
    "networks": ("networks", "test_modules"),
    **dict.fromkeys(("losses", "optimizers", "training"), ("steps", "test_phases")),
}
"""By group of the first failure: group and test that name the first module or phase that differs."""


@dataclass(frozen=True)
class Catch:
    """What the suite said to one fault.

    checks   number of checks that ran, the failed one included
    group, name, case, backends   the first check that failed; empty when none did
    error, bound                  what it measured and what it allowed; None where it is yes or no
    worst    the tensor with the largest error
    first    the first tensor that fails, in the order of the comparison: of execution, where it is modules
    place    the first module, or the first phase of a step, that differs, where one could be named
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
    place: str = ""
    text: str = ""
    hint: str = ""
    seconds: float = 0.0

    @property
    def caught(self) -> bool:
        """Whether a check failed."""
        return bool(self.group)


class Watch:
    """pytest plugin: selects tests of the suite, and keeps their checks.

    cases, groups   of the family, of the suite
    test, network   further restrictions where they are not empty
    """

    def __init__(
        self, cases: Iterable[str], groups: Iterable[str], test: str = "", network: str = ""
    ) -> None:
        self.cases, self.groups, self.test, self.network = set(cases), set(groups), test, network
        self.run = Run()
        self.checks: list[Check] = []
        self.seconds = 0.0

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, object, object]:
        """After the suite has put its tests in order, keep those that are wanted."""
        result = yield
        items[:] = [item for item in items if self.wants(item)]
        return result

    def wants(self, item: pytest.Item) -> bool:
        """Whether a test is wanted; those outside the suite are."""
        if not item.path.is_relative_to(SUITE):
            return True
        case, network = parameter(item, "case"), parameter(item, "network")
        return (
            (not isinstance(case, Case) or case.name in self.cases)
            and item.path.stem.removeprefix("test_") in self.groups
            and item.name.startswith(self.test)
            and (not self.network or network == self.network)
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the checks of a test."""
        self.seconds += report.duration
        checks = self.run.take(report)
        self.checks += [outside(report)] if not checks and report.failed else checks

    @property
    def failed(self) -> Check | None:
        """The first check that failed."""
        return next((check for check in self.checks if check.failed), None)


def parameter(item: pytest.Item, name: str) -> object:
    """The value of a parameter of a test, None without it."""
    callspec = getattr(item, "callspec", None)
    return callspec.params.get(name) if callspec is not None else None


def outside(report: pytest.TestReport) -> Check:
    """A failed test outside the suite as a check."""
    file, _, name = report.nodeid.partition("[")[0].partition("::")
    return Check(
        report.nodeid, "", "", file, name, (), "", passed=False, seconds=report.duration,
        message=first_line(report),
    )  # fmt: skip


def run(
    family: str, cases: Iterable[str], *, groups: Iterable[str] = GROUPS, iterations: int = ITERATIONS
) -> Catch:
    """Run the suite as the implementation is now up to the first check that fails, and look for the place."""
    options = [f"--family={family}", f"--iterations={iterations}"]
    watch = watched([SUITE, *options], Watch(cases, groups))
    return result(watch, place(watch.failed, options) if watch.failed else "")


def run_tests(files: Iterable[str]) -> Catch:
    """Run test files of the repository, and stop at the first test that fails."""
    paths = [ROOT / file for file in files]
    if missing := [str(path) for path in paths if not path.is_file()]:
        raise ConfigError(f"{', '.join(missing)}: not there; faults are planted in a clone of the repository")
    return result(watched([*paths], Watch((), ())))


def watched(arguments: Sequence[str | Path], watch: Watch) -> Watch:
    """pytest with these arguments, in this process, silent. Raises `ConfigError` when it ran no test."""
    shown = io.StringIO()
    own = ["-x", f"--rootdir={ROOT}", "-p", "parity.plugin", "-p", "no:cacheprovider"]
    with redirect_stdout(shown), redirect_stderr(shown):
        status = pytest.main([*map(str, arguments), *own], plugins=[watch])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise ConfigError(f"pytest ended with status {int(status)}:\n{shown.getvalue()[-2000:]}")
    return watch


def place(failed: Check, options: Sequence[str]) -> str:
    """The first module, or the first phase of an iteration, that differs; empty where neither does."""
    if failed.group not in FINDERS:
        return ""
    group, test = FINDERS[failed.group]
    network = failed.name.split()[0].rstrip(":") if group == "networks" else ""
    watch = Watch([failed.case], [group], test, network)
    found = watched([SUITE / f"test_{group}.py", *options], watch).failed
    if found is None or not found.first:
        return ""
    return f"module {found.first.partition(' ')[2] or 'as a whole'}" if network else f"phase {found.name}"


def result(watch: Watch, where: str = "") -> Catch:
    """What came of a run."""
    check = watch.failed
    if check is None:
        return Catch(len(watch.checks), seconds=watch.seconds)
    number = watch.checks.index(check) + 1
    text = (check.message.splitlines() or [""])[0]
    return Catch(
        number, check.group, check.name, check.case, check.backends, check.error, check.bound,
        check.worst, check.first, where, text, check.hint, watch.seconds,
    )  # fmt: skip


def catch(family: str, fault: Fault) -> Catch:
    """Plant `fault`, run the suite on its case (or the tests it names), and take it out again."""
    with planted(fault):
        if fault.tests:
            return run_tests(fault.tests)
        return run(family, [fault.case], groups=fault.groups or GROUPS)
