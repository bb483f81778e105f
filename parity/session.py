"""The suite in one pytest session: which tests belong to it, in which order, and what came of them."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

import parity
from neutral import registry
from neutral.errors import ConfigError, DataError, EnvironmentFault
from parity.backends import Backends
from parity.checker import IDENTITY, Checker, Identity
from parity.compare import ParityFailure
from parity.plain import to_plain
from parity.report import write_report
from parity.run import Run
from parity.selection import Selection, parametrize
from parity.terminal import Lines
from parity.verdict import SuiteVerdict, rank, verdict

CHECKER = pytest.StashKey[Checker]()
IDENTITIES = pytest.StashKey[Identity]()


WHOLE = ("test_golden", "test_onnx", "test_all_move")
"""Files and tests of checks that mean something for the whole model only."""


def needs_whole_model(item: pytest.Item) -> bool:
    """Whether a test says nothing once layers are left out."""
    return item.path.stem in WHOLE or item.name.partition("[")[0] in WHOLE


class Suite:
    """Hooks of a session. Tests that are not of the suite keep pytest's behaviour, but for --slow."""

    def __init__(self, config: pytest.Config, selection: Selection, backends: Backends) -> None:
        self.config, self.selection, self.backends = config, selection, backends
        self.roots = [Path(parity.__file__).parent / "suite", *config.getini("parity_suite")]
        self.run = Run()
        self.names: set[str] = set()
        self.lines: Lines | None = None
        self.finished = False

    def owns(self, path: Path) -> bool:
        """Whether the tests of a file belong to the suite."""
        return any(path.is_relative_to(root) for root in self.roots)

    # Collection

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Families, cases, networks and backends as parameters."""
        if self.owns(metafunc.definition.path):
            parametrize(metafunc, self.selection.families)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out slow tests; put those of the suite in order and name what each is about."""
        if self.selection.simplify:
            whole = [item for item in items if self.owns(item.path) and needs_whole_model(item)]
            items[:] = [item for item in items if item not in set(whole)]
            self.config.hook.pytest_deselected(items=whole)
        slow = [item for item in items if not self.selection.slow and item.get_closest_marker("slow")]
        self.run.slow = sum(self.owns(item.path) for item in slow)
        if slow:
            items[:] = [item for item in items if item not in set(slow)]
            self.config.hook.pytest_deselected(items=slow)
        self.run.deselected -= self.run.slow
        for item in items:
            if self.owns(item.path):
                item.stash[IDENTITIES] = identity(item, self.selection)
                item.user_properties.append((IDENTITY, to_plain(item.stash[IDENTITIES])))
        own = [item for item in items if IDENTITIES in item.stash]
        own.sort(key=self.place)
        items[:] = own + [item for item in items if IDENTITIES not in item.stash]
        self.names = {item.nodeid for item in own}
        self.run.planned = len(own)
        self.run.collected = bool(own or self.run.slow or self.run.deselected)
        if not self.config.option.collectonly:
            require_backends(own)

    def place(self, item: pytest.Item) -> tuple[int, int]:
        """Place of a test in the run; those of no family come last."""
        about = item.stash[IDENTITIES]
        families = registry.FAMILIES
        return (families.index(about.family) if about.family else len(families), rank(about.group))

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Count what is left out."""
        self.run.deselected += sum(self.owns(item.path) for item in items)

    # Run

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Show the running test."""
        if self.lines:
            self.lines.start(nodeid, nodeid in self.names)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Let a test of the suite fail at its end with all that its checks found."""
        __tracebackhide__ = True
        checker = item.stash.get(CHECKER, None)
        try:
            result = yield
        except Exception:
            if checker and checker.failures():
                item.add_report_section("call", "failed checks", checker.failures())
            raise
        if checker:
            checker.finish()
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """For a difference, its report instead of a traceback; a backend that does not work ends the run."""
        report = yield
        if IDENTITIES not in item.stash or call.excinfo is None:
            return report
        error = call.excinfo.value
        ends_run = (EnvironmentFault, ConfigError) if call.when == "setup" else EnvironmentFault
        if isinstance(error, ends_run):
            self.run.stopped = str(error)
            pytest.exit(self.run.stopped, returncode=error.exit_status)
        if call.excinfo.errisinstance(ParityFailure):
            report.longrepr = str(call.excinfo.value)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """While tests run, pytest's categories without its letters: the checks have lines of their own."""
        if self.finished or report.nodeid not in self.names or self.config.option.verbose > 0:
            return None
        if hasattr(report, "wasxfail"):
            return ("xfailed" if report.skipped else "xpassed", "", "")
        if report.when == "call" or not report.passed:
            category = "error" if report.failed and report.when != "call" else report.outcome
            return (category, "", "")
        return ("", "", "")

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in the checks of a test and write their lines."""
        for check in self.run.take(report):
            if self.lines:
                self.lines.write(check)

    # Verdict

    def pytest_sessionstart(self) -> None:
        """Write through the reporter, which is there by now unless it was switched off."""
        reporter = self.config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            self.lines = Lines(reporter, self.selection.titles())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int
    ) -> Generator[None, object, object]:
        """Judge and write the report before pytest's summary, and give the verdict after it."""
        self.finished = True
        concluded = None
        asked = self.run.collected or self.selection.report or asks_for(self.config, self.roots)
        if asked and not self.config.option.collectonly:
            concluded = self.judge(session, exitstatus)
        result = yield
        if concluded and self.lines:
            self.lines.conclude(*concluded)
        return result

    def judge(self, session: pytest.Session, exitstatus: int) -> tuple[SuiteVerdict, list[str]]:
        """The verdict and where the report is; the exit status is not 0 unless the verdict is a pass."""
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            self.run.stopped = self.run.stopped or stopped(exitstatus)
        report = self.run.report(self.selection.titles(), self.backends.versions(), self.selection.texts())
        found = verdict(report)
        if not found.passed and exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self.selection.report is None:
            return found, []
        try:
            return found, [f"report: {write_report(report, self.selection.report)}"]
        except DataError as error:
            session.exitstatus = error.exit_status
            return found, [f"ERROR: {error}"]


def asks_for(config: pytest.Config, roots: list[Path]) -> bool:
    """Whether a path of the command line is in the suite or holds it, even if no test was found there."""
    paths = [(config.invocation_params.dir / text.partition("::")[0]).resolve() for text in config.args]
    return any(path.is_relative_to(root) or root.is_relative_to(path) for path in paths for root in roots)


def identity(item: pytest.Item, selection: Selection) -> Identity:
    """What a test of the suite is about: its file names the group, its parameters the rest."""
    callspec = getattr(item, "callspec", None)
    parameters = callspec.params if callspec is not None else {}
    family, case, backend = (parameters.get(name) for name in ("family", "case", "backend"))
    name = getattr(item, "originalname", None) or item.name
    network = parameters.get("network")
    pair = (selection.reference, selection.candidate)
    return Identity(
        test=item.nodeid,
        family=getattr(family, "name", ""),
        case=getattr(case, "name", ""),
        group=item.path.stem.removeprefix("test_"),
        name=" ".join([*([network] if network else []), name.removeprefix("test_").replace("_", " ")]),
        backends=(backend,) if isinstance(backend, str) else pair,
        dtype=selection.dtype,
    )


def require_backends(items: list[pytest.Item]) -> None:
    """Refuse to start a run that needs a framework which is not installed: a skip would look like a pass."""
    needed = any({"backends", "backend"} & set(getattr(item, "fixturenames", ())) for item in items)
    missing = [name for name in registry.BACKENDS if needed and not registry.installed(name)]
    if missing:
        raise pytest.UsageError(
            f"the suite compares {' and '.join(registry.BACKENDS)}; not installed: {', '.join(missing)}. "
            f"Install with: pip install 'framework-parity[{','.join(missing)}]'"
        )


def stopped(exitstatus: int) -> str:
    """Why a run ended early."""
    reasons: dict[int, str] = {
        pytest.ExitCode.INTERRUPTED: "interrupted, or an error in collection",
        pytest.ExitCode.INTERNAL_ERROR: "internal error",
        pytest.ExitCode.USAGE_ERROR: "usage error",
        pytest.ExitCode.NO_TESTS_COLLECTED: "no test was selected",
    }
    return reasons.get(exitstatus, f"exit status {exitstatus}")
