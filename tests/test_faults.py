"""Every planted fault is caught by the suite, sound programs pass, and docs/faults.md says what caught it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from neutral import registry
from neutral.errors import ConfigError
from neutral.families.ugatit.config import Config
from neutral.families.ugatit.schedule import learning_rate
from parity.faults.catch import GROUPS, Catch
from parity.faults.fault import Edit, Fault, catalogue, chosen, planted_in
from parity.faults.plant import changed, planted
from parity.faults.table import Outcome, catchers_in, caught_by, names_in, page
from parity.plain import from_plain

ROOT = Path(__file__).parent.parent
FAULTS = {(family, fault.name): fault for family in registry.FAMILIES for fault in catalogue(family)}
IDS = ["-".join(key) for key in FAULTS]
PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
RUNS = 2
"""Processes among which the faults are dealt."""

Found = Mapping[str, Catch]


@pytest.fixture(scope="module")
def found() -> Found:
    """What `parity faults` reports of every fault, by family and name, and of the run without one."""
    processes = [
        (family, run, start(family, [fault.name for fault in catalogue(family)[run::RUNS]], control=run == 0))
        for family in registry.FAMILIES
        for run in range(RUNS)
    ]
    reports: dict[str, Catch] = {}
    for family, run, process in processes:
        shown, errors = process.communicate()
        assert shown, errors
        result = json.loads(shown)
        for entry in result["faults"]:
            reports[f"{family}-{entry['name']}"] = from_plain(Catch, entry["catch"])
        if run == 0:
            reports[family] = from_plain(Catch, result["control"])
    return reports


def start(family: str, names: list[str], *, control: bool) -> subprocess.Popen[str]:
    """`parity faults` on some faults, as a process."""
    command = [sys.executable, "-m", "parity.cli", "faults", *names, f"--family={family}", "--json"]
    return subprocess.Popen(
        [*command, "--control" if control else "--no-control"], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


@pytest.mark.parametrize("family", registry.FAMILIES)
def test_no_alarm_without_a_fault(found: Found, family: str) -> None:
    control = found[family]
    assert not control.caught, control
    assert control.checks > 150


@pytest.mark.parametrize("key", FAULTS, ids=IDS)
def test_fault(found: Found, key: tuple[str, str]) -> None:
    """A fault is caught; a program that means the same passes, and something was checked."""
    fault, caught = FAULTS[key], found["-".join(key)]
    if fault.proof:
        assert not caught.caught, caught
        assert caught.checks > 10
    else:
        assert caught.group in GROUPS or caught.group in fault.tests, caught
        assert caught.error is None or not caught.error <= (caught.bound or 0), caught


def test_page_is_the_catalogue_and_says_what_is_measured(found: Found) -> None:
    assert sorted(names_in(PAGE)) == sorted(name for _, name in FAULTS)
    measured = {key[1]: caught_by(found["-".join(key)]) for key, fault in FAULTS.items() if not fault.proof}
    assert catchers_in(PAGE) == measured


@pytest.mark.parametrize("key", FAULTS, ids=IDS)
def test_source_reads_as_the_catalogue_says(key: tuple[str, str]) -> None:
    """Without a framework: every edit fits once, and what it makes is Python."""
    fault = FAULTS[key]
    assert fault.edits
    for path in {edit.path for edit in fault.edits}:
        file = ROOT / f"{path.replace('.', '/')}.py"
        before = file.read_text(encoding="utf-8")
        after = changed(before, fault.name, [edit for edit in fault.edits if edit.path == path])
        compile(after, str(file), "exec")
        assert after != before
    assert all((ROOT / test).is_file() for test in fault.tests)


def test_names_are_unique() -> None:
    assert len(FAULTS) == sum(len(catalogue(family)) for family in registry.FAMILIES)
    assert len({repr(fault.edits) for fault in FAULTS.values()}) == len(FAULTS)


def test_a_planted_fault_is_taken_out_again() -> None:
    config = Config(light=True, iteration=10, lr=1.0)
    late = chosen("ugatit", ["decay-of-rate-begins-late"])[0]
    before = [learning_rate(config, iteration) for iteration in range(1, 11)]
    with planted(late):
        assert learning_rate(config, 6) == 1.0
    with pytest.raises(StopIteration), planted(late):
        next(iter(()))
    assert [learning_rate(config, iteration) for iteration in range(1, 11)] == before
    assert before[5] == pytest.approx(0.8)


def test_a_constant_is_replaced_and_put_back() -> None:
    from parity import tolerance

    edits = planted_in("parity", "tolerance", {"TABLE": ('("step", "float64")', '("step", "float16")')})
    before = tolerance.TABLE
    with planted(Fault("constant", "", edits)):
        assert ("step", "float16") in tolerance.TABLE
    assert tolerance.TABLE is before


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Edit("neutral", "state", "prefixed", "no such text", ""), "0 places that read: no such text"),
        (Edit("neutral", "state", "prefixed", "name", ""), "places that read: name"),
        (Edit("neutral", "state", "prefixd", "name", ""), "neutral.state has no prefixd"),
    ],
)
def test_a_catalogue_that_no_longer_fits_is_an_error(edit: Edit, message: str) -> None:
    with pytest.raises(ConfigError, match=message), planted(Fault("old", "", (edit,))):
        pass


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ConfigError, match='did you mean "missing-residual"'):
        chosen("ugatit", ["mising-residual"])
    with pytest.raises(ConfigError, match='did you mean "ugatit"'):
        catalogue("ugatti")


def test_a_fault_that_is_not_caught_is_shown() -> None:
    fault = next(iter(FAULTS.values()))
    missed = Outcome(fault, Catch(5))
    caught = Outcome(fault, Catch(5, "losses", "batch 1", error=1.0, bound=0.1))
    assert not missed.expected
    assert caught.expected
    assert "NOT CAUGHT" in missed.line()
    assert "**not caught**" in page([missed])
    assert "0 of 1 faults are caught" in page([missed])
    assert "| losses, batch 1 | 1 of 0.1 |" in page([caught])
