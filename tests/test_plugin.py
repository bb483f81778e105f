"""The plugin on a synthetic suite in its own process, with a fake family and fake backends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = """
import sys, types
import numpy as np
from types import SimpleNamespace
from neutral import registry
from neutral.family import Case

def fake(name, title):
    return SimpleNamespace(
        name=name, title=title, networks=lambda config: ("gen", "dis"),
        cases=(Case("tiny", None), Case("full", None, slow=True)))

for name, title in (("toy", "Toy"), ("other", "Other")):
    module = types.ModuleType(f"neutral.families.{name}")
    module.FAMILY = fake(name, title)
    sys.modules[f"neutral.families.{name}"] = module

registry.FAMILIES = ("toy", "other")
registry.BACKENDS = {"left": "left_impl", "right": "right_impl"}
"""

BACKEND = """
from neutral.errors import ConfigError, EnvironmentFault

class Fake:
    name = "{name}"
    def versions(self):
        return {{"{name}": "1.2"}}
    def check_device(self, device):
        if device != "cpu":
            raise EnvironmentFault(f"no device {{device}}")
    def simplify(self, kinds):
        if kinds:
            raise ConfigError(f"unknown layer class {{kinds[0]}}")
    def use_threads(self, count):
        pass

BACKEND = Fake()
"""

SUITE = """
import numpy as np
from parity.compare import EXACT, Tolerance, compare

def test_forward(check, backends, family, case, network, reference, candidate, seed):
    assert backends[reference].name != backends[candidate].name
    expected = {"out": np.arange(1.0, 5.0)}
    actual = {"out": expected["out"] * (1 + 1e-13)}
    check(compare(actual, expected, Tolerance(1e-11, 0.0), what=network), name=f"{network} forward")
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """Write a project with a suite of the given files and run pytest on it."""
    for name in ("left", "right"):
        pytester.mkpydir(f"{name}_impl")
        (pytester.path / f"{name}_impl" / "backend.py").write_text(BACKEND.format(name=name))
        (pytester.path / f"{name}.py").write_text("")
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\nparity_suite = suite\nfilterwarnings = error\nxfail_strict = true\n")
    monkeypatch.setenv("PYTHONPATH", f"{pytester.path}:{Path(__file__).parents[1]}")
    for name in ("PYTEST_ADDOPTS", "CI", "BUILD_NUMBER"):  # in CI, pytest prints its summary differently
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run(files: dict[str, str], *options: str) -> pytest.RunResult:
        (pytester.path / "suite").mkdir(exist_ok=True)
        for name, text in files.items():
            (pytester.path / "suite" / f"test_{name}.py").write_text(text)
        return pytester.runpytest_subprocess("-p", "parity.plugin", "suite", *options)

    return run


def test_one_line_for_each_check_and_the_verdict_at_the_end(suite):
    result = suite({"networks": SUITE})
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "Toy networks",
            "  tiny * gen forward * left | right * float64 * 1e-13 of 1e-11 * ok *s",
            "  tiny * dis forward * left | right * float64 * 1e-13 of 1e-11 * ok *s",
            "Other networks",
            "*= 4 passed, 4 deselected in *",
            "Toy: left 1.2 and right 1.2 agree in networks (not checked: *): 2 checks, worst 1e-13 of *",
            "Other: left 1.2 and right 1.2 agree in networks *",
            "4 slow checks not run (--slow)",
        ]
    )
    result.stdout.no_fnmatch_line("*test_networks.py*")
    assert result.stdout.str().isascii()


def test_options_choose_families_slow_cases_and_the_reference(suite):
    result = suite({"networks": SUITE}, "--family=toy", "--slow", "--reference", "right", "--seed", "3")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["  full * right | left *", "Toy: *4 checks*"])
    result.stdout.no_fnmatch_line("*Other*")
    result.stdout.no_fnmatch_line("*not run*")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--family", "toyy"], '*unknown family "toyy"; did you mean "toy"?*'),
        (["--reference", "lef"], '*unknown backend "lef"; did you mean "left"?*'),
        (["--iterations", "0"], "*invalid whole number from 1 value: '0'*"),
        (["--dtype", "float16"], "*invalid choice: 'float16'*"),
        (["--parity-report", "conftest.py"], "*conftest.py: no report can be written here*"),
    ],
)
def test_wrong_options_end_before_anything_runs(suite, options, message):
    result = suite({"networks": SUITE}, *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])
    result.stdout.no_fnmatch_line("*of 1e-11*")


FAILING = """
import numpy as np
from parity.compare import EXACT, Tolerance, compare

def test_state(check, family, case):
    one = np.arange(9.0).reshape(3, 3)
    check(compare({"u": one}, {"u": one}, EXACT, what="first"))
    check(compare({"w": one.T}, {"w": one}, Tolerance(1e-11, 0.0), what="second"))
    check(compare({"w": -one}, {"w": one}, Tolerance(1e-11, 0.0), what="third"), dtype="float32")
    check.measured("drift", 5.0, 4.0, message="beyond the envelope")
"""


def test_failing_checks_are_all_shown_written_and_fail_the_run(suite, pytester):
    result = suite({"steps": FAILING, "networks": SUITE}, "--family=toy", "--parity-report=out")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "  tiny * first *left | right * float64 * equal  ok *",
            "  tiny * second * 0.5 of 1e-11  FAIL *",
            "  tiny * third * float32 * 2 of 1e-11  FAIL *",
            "  tiny * drift * 5 of 4  FAIL *",
            "second: 1 of 1 tensors differ (1 values); allowed: 1e-11 of scale",
            "    likely: equal after transposing expected to axes (1, 0)",
            "third: 1 of 1 tensors differ*",
            "drift: 5, allowed 4",
            "beyond the envelope",
            "FAILED suite/test_steps.py::test_state?toy-tiny? *",
            "Toy: * DIFFER: 3 of 6 checks failed; first: tiny steps second*; most likely: w: equal*",
            "report: out/parity.json",
        ]
    )
    assert result.stdout.str().count("(1 values); allowed: 1e-11 of scale") == 2
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*checker.py*")
    content = json.loads((pytester.path / "out" / "parity.json").read_text())
    assert content["verdict"]["passed"] is False
    failed = [check["name"] for check in content["report"]["checks"] if not check["passed"]]
    assert failed == ["second", "third", "drift"]
    assert content["report"]["versions"] == {"left": {"left": "1.2"}, "right": {"right": "1.2"}}


def test_quiet_shows_failures_and_the_verdict_only(suite):
    result = suite({"steps": FAILING}, "--family=toy", "-q")
    result.stdout.fnmatch_lines(["  tiny * second * FAIL *", "Toy: *DIFFER*"])
    result.stdout.no_fnmatch_line("* ok *")


def test_verbose_names_the_worst_tensor(suite):
    result = suite({"networks": SUITE}, "--family=toy", "-v")
    result.stdout.fnmatch_lines(
        ["*test_forward?toy-tiny-gen? PASSED*50%*", "  tiny * gen forward * 1 tensor, worst out"]
    )


NO_PASS = {
    "no test": "",
    "no test of the suite asks for anything": "import pytest\n@pytest.mark.slow\ndef test_a(check): pass",
    "check is never used": "def test_a(check, family): pass",
    "everything is skipped": "import pytest\ndef test_a(family): pytest.skip('not today')",
    "nothing in the comparison": """
from parity.compare import EXACT, compare
def test_a(check, family):
    check(compare({}, {}, EXACT, what="empty"))
""",
    "nan is measured": "def test_a(check, family): check.measured('drift', float('nan'), 1.0)",
    "an exception": "def test_a(family): raise ValueError('broken')",
    "an exception after a check that failed": """
def test_a(check, family):
    check.measured("drift", 2.0, 1.0)
    raise ValueError("broken")
""",
    "a fixture that fails": """
import pytest
@pytest.fixture
def broken(): raise ValueError("broken")
def test_a(broken, family): pass
""",
    "a fixture that fails at its end": """
import pytest
@pytest.fixture
def broken():
    yield
    raise ValueError("broken")
def test_a(broken, check, family): check.measured("drift", 0.0, 1.0)
""",
    "one family is not checked": """
def test_a(check, family):
    if family.name == "toy":
        check.measured("drift", 0.0, 1.0)
""",
    "collection fails": "import nothing_of_that_name",
    "only a declared difference": """
import pytest
@pytest.mark.xfail(reason="ties of max")
def test_a(check, family): check.measured("drift", 2.0, 1.0)
""",
    "a declared difference that is gone": """
import pytest
@pytest.mark.xfail(reason="ties of max")
def test_a(check, family): check.measured("drift", 0.5, 1.0)
""",
}


@pytest.mark.parametrize("name", NO_PASS)
def test_no_pass(suite, pytester, name):
    result = suite({"networks": NO_PASS[name]}, "--parity-report=out")
    assert result.ret != 0
    content = json.loads((pytester.path / "out" / "parity.json").read_text())
    assert content["verdict"]["passed"] is False
    result.stdout.re_match_lines([".*(NOT CHECKED|NOT FINISHED|DIFFER|agree in )"])


def test_a_declared_difference_beside_a_pass(suite):
    declared = """
import pytest
def test_a(check, family): check.measured("same", 0.5, 1.0)
@pytest.mark.xfail(reason="ties of max")
def test_b(check, family): check.measured("ties", 2.0, 1.0)
"""
    result = suite({"gradients": declared}, "--family=toy")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["  * ties * 2 of 1  known *", "Toy: *2 checks, 1 of them a declared difference*"]
    )


def test_a_run_cut_short_is_no_pass(suite):
    stopping = "def test_a(family):\n    if family.name == 'other': raise KeyboardInterrupt"
    result = suite({"networks": stopping})
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["NOT FINISHED: 1 of 2 tests ran (interrupted*"])


def test_a_selection_by_the_user_is_named(suite):
    result = suite({"networks": SUITE}, "-k", "gen", "--family=toy")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["1 slow check not run (--slow)", "2 tests not selected"])


def test_a_missing_framework_is_an_error_not_a_skip(suite, pytester):
    (pytester.path / "right.py").unlink()
    result = suite({"networks": SUITE})
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*not installed: right. Install with: pip install *"])


def test_a_device_that_is_not_there_ends_the_run(suite):
    result = suite({"networks": SUITE}, "--device", "cuda")
    assert result.ret == 3
    result.stdout.fnmatch_lines(["Toy: NOT CHECKED*", "NOT FINISHED: 0 of 4 tests ran (no device cuda)"])


def test_an_empty_suite_is_not_checked(suite):
    result = suite({})
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["Toy: NOT CHECKED: nothing was compared", "NOT FINISHED: 0 of 0 tests *"])


def test_groups_run_in_the_order_of_what_rests_on_what(suite):
    test = "def test_a(check, family): check.measured('x', 0.0, 1.0)"
    result = suite(dict.fromkeys(("checkpoints", "gradients", "networks", "twins"), test), "--family=toy")
    headings = [line for line in result.outlines if line.startswith("Toy ")]
    assert headings == ["Toy networks", "Toy gradients", "Toy checkpoints", "Toy twins"]


def test_backend_parameter_and_options_as_fixtures(suite):
    test = """
def test_a(check, backend, family, case, dtype, device, iterations, seed):
    assert (dtype, device, iterations, seed) == ("float32", "cpu", 7, 5)
    check.measured("alone", 0.0, 1.0)
"""
    options = ("--dtype=float32", "--iterations=7", "--seed=5", "--family=toy")
    result = suite({"golden": test}, *options)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["  tiny * alone * left * float32 *", "  tiny * alone * right * float32 *"])


def test_tests_outside_the_suite_keep_their_dots_and_get_no_verdict(suite, pytester):
    file = pytester.makepyfile("def test_plain(): pass")
    result = pytester.runpytest_subprocess("-p", "parity.plugin", file.name)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*.py .*100%*", "*1 passed in *"])
    result.stdout.no_fnmatch_line("*NOT CHECKED*")
    assert suite({}, "--collect-only").ret == pytest.ExitCode.NO_TESTS_COLLECTED
