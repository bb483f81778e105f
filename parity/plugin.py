"""pytest plugin of the suite: options, parameters from the registry, the `check` fixture, the verdict.

    pytest parity/ --family ugatit --dtype float64 --parity-report report

A test belongs to the suite when its file is below `parity/suite`, or below a folder that the ini option
`parity_suite` names. It may ask for

    family, case, network    a registered family, one of its cases, one network of that case (parameters)
    backend                  name of each backend in turn (a parameter)
    backends                 the backends by name, each imported when it is first used
    reference, candidate     names of the two backends that are compared
    dtype, device, seed, iterations     the options
    check                    see `parity.checker.Checker`
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from neutral.backend import Backend
from neutral.errors import ParityError
from parity.backends import Backends
from parity.checker import Checker
from parity.report import require_writable
from parity.selection import Selection, add_options, selection
from parity.session import CHECKER, IDENTITIES, Suite

SUITE = "parity suite"
"""Name of the session's hooks among pytest's plugins."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the suite, and where else its tests may be."""
    add_options(parser)
    parser.addini("parity_suite", "folders whose tests belong to the suite", type="paths", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Check the options before anything runs."""
    config.addinivalue_line("markers", "slow: takes long or much memory; runs with --slow")
    try:
        chosen = selection(config)
        if chosen.report is not None:
            require_writable(chosen.report)
    except ParityError as error:
        raise pytest.UsageError(str(error)) from None
    config.pluginmanager.register(Suite(config, chosen, Backends(chosen.device, chosen.simplify)), SUITE)


def suite_of(config: pytest.Config) -> Suite:
    """The hooks of this session."""
    suite = config.pluginmanager.getplugin(SUITE)
    assert isinstance(suite, Suite)
    return suite


@pytest.fixture
def check(request: pytest.FixtureRequest) -> Checker:
    """Records comparisons; see `parity.checker.Checker`."""
    item = request.node
    if IDENTITIES not in item.stash:
        raise pytest.UsageError(f"{item.nodeid}: `check` is for tests of the suite (ini: parity_suite)")
    checker = item.stash[CHECKER] = Checker(item, item.stash[IDENTITIES])
    return checker


@pytest.fixture(scope="session")
def options(request: pytest.FixtureRequest) -> Selection:
    """All options of the run."""
    return suite_of(request.config).selection


@pytest.fixture(scope="session")
def backends(request: pytest.FixtureRequest) -> Mapping[str, Backend]:
    """The backends by name. A framework or a device that does not work ends the run: nothing is skipped."""
    return suite_of(request.config).backends


@pytest.fixture(scope="session")
def reference(options: Selection) -> str:
    """Name of the backend taken as expected."""
    return options.reference


@pytest.fixture(scope="session")
def candidate(options: Selection) -> str:
    """Name of the backend taken as actual."""
    return options.candidate


@pytest.fixture(scope="session")
def dtype(options: Selection) -> str:
    """float64, or float32."""
    return options.dtype


@pytest.fixture(scope="session")
def device(options: Selection) -> str:
    """cpu, cuda or cuda:N."""
    return options.device


@pytest.fixture(scope="session")
def seed(options: Selection) -> int:
    """Seed of weights and inputs."""
    return options.seed


@pytest.fixture(scope="session")
def iterations(options: Selection) -> int:
    """Iterations of the lockstep runs."""
    return options.iterations
