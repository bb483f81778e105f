"""The verdict follows from the report alone, never passes for nothing, and the file can be read again."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from neutral.errors import DataError
from parity.checks import Check, Coverage, Report, measurements
from parity.compare import Tolerance, compare
from parity.report import FILE, read_report, require_writable, write_report
from parity.verdict import report_text, verdict

GOOD = Check(
    test="test_networks.py::test_forward",
    family="toy",
    case="light",
    group="networks",
    name="gen forward",
    backends=("torch", "paddle"),
    dtype="float64",
    passed=True,
    seconds=0.4,
    error=3.1e-15,
    bound=1e-11,
    compared=3,
    worst="out",
)
BAD = replace(
    GOOD, group="gradients", name="gen", passed=False, error=0.5, worst="conv.weight", message="long"
)
ALL = tuple(replace(GOOD, group=group) for group in ("networks", "gradients", "steps", "training"))


def report(*checks: Check, **tests) -> Report:
    return Report(
        created="2000-01-01T00:00:00+00:00",
        families={"toy": "Toy"},
        versions={"torch": {"torch": "2.0"}, "paddle": {"paddle": "3.0"}},
        platform={"python": "3.11"},
        options={"dtype": "float64"},
        tests=Coverage(**{"planned": 1, "finished": 1, **tests}),
        checks=checks,
    )


def test_all_groups_pass():
    found = verdict(report(*ALL))
    assert found.passed
    assert found.lines == (
        "Toy: torch 2.0 and paddle 3.0 are the same model and the same training: 4 checks, "
        "worst 3.1e-15 of 1e-11 (light networks gen forward)",
    )


def test_a_part_claims_only_that_part():
    assert "agree in networks (not checked: gradients, steps, training)" in verdict(report(GOOD)).lines[0]
    assert "are the same model (not checked: steps, training)" in verdict(report(*ALL[:2])).lines[0]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (report(), "Toy: NOT CHECKED"),
        (replace(report(), families={}), "NOT CHECKED"),
        (report(*ALL, BAD), "DIFFER: 1 of 5 checks failed"),
        (report(*ALL, planned=9), "NOT FINISHED: 1 of 9 tests ran"),
        (report(*ALL, stopped="interrupted"), "NOT FINISHED: 1 of 1 test ran (interrupted)"),
        (replace(report(*ALL), families={"toy": "Toy", "other": "Other"}), "Other: NOT CHECKED"),
        (report(replace(BAD, known="declared")), "agree in"),
    ],
)
def test_no_pass(found, reason):
    assert not verdict(found).passed
    assert reason in "\n".join(verdict(found).lines)


@pytest.mark.parametrize("end", [{"planned": 9}, {"stopped": "interrupted"}])
def test_an_unfinished_run_claims_nothing(end):
    assert verdict(report(*ALL, **end)).lines[0] == "Toy: NOT FINISHED: 4 checks so far, none failed"


def test_the_first_failure_is_that_of_the_earliest_group_with_its_likely_cause():
    steps = replace(BAD, group="steps")
    line = verdict(report(GOOD, steps, BAD)).lines[0]
    assert "first: light gradients gen 0.5 of 1e-11; most likely: conv.weight: the backward pass" in line
    line = verdict(report(replace(BAD, hint="equal after transposing"))).lines[0]
    assert line.endswith("most likely: conv.weight: equal after transposing")


def test_what_was_left_out_is_said():
    found = verdict(report(*ALL, slow=3, deselected=1, skipped=("test_onnx: no converter",)))
    assert found.passed
    assert found.lines[1:] == (
        "3 slow checks not run (--slow)",
        "1 test not selected",
        "skipped: test_onnx: no converter",
    )


def test_a_declared_difference_is_counted_but_does_not_fail():
    found = verdict(report(*ALL, replace(BAD, known="ties of max")))
    assert found.passed
    assert "5 checks, 1 of them a declared difference" in found.lines[0]


def test_text_has_one_line_for_each_check_and_the_verdict():
    text = report_text(report(*ALL, BAD))
    heading, line = text.splitlines()[:2]
    assert heading == "Toy networks"
    assert " ".join(line.split()) == "light gen forward torch | paddle float64 3.1e-15 of 1e-11 ok 0.4s"
    assert "0.5 of 1e-11  FAIL" in text
    assert text.splitlines()[-1] == verdict(report(*ALL, BAD)).lines[-1]
    assert text.isascii()


def test_measurements_of_a_comparison():
    expected = {"w": np.arange(6.0).reshape(2, 3), "square": np.arange(9.0).reshape(3, 3)}
    found = measurements(
        compare({**expected, "square": expected["square"].T}, expected, Tolerance(1e-11, 0.0), what="test")
    )
    assert (found["passed"], found["compared"], found["worst"], found["bound"]) == (False, 2, "square", 1e-11)
    assert found["error"] == 0.5
    assert "transposing" in found["hint"]


def test_file_is_read_back_and_judged_the_same(tmp_path):
    before = report(*ALL, replace(BAD, error=float("inf"), bound=None), skipped=("x: y",))
    file = write_report(before, tmp_path / "new" / "folder")
    assert read_report(file) == before
    content = json.loads(file.read_text())
    assert content["verdict"] == {"passed": False, "lines": list(verdict(before).lines)}
    assert (content["format"], content["version"]) == ("framework-parity report", 1)
    assert [path.name for path in file.parent.iterdir()] == [FILE]


FROZEN = {
    "report": ["checks", "created", "families", "options", "platform", "tests", "versions"],
    "tests": ["deselected", "finished", "planned", "skipped", "slow", "stopped"],
    "checks": [
        *("backends", "bound", "case", "compared", "dtype", "error", "family", "first", "group", "hint"),
        *("known", "message", "name", "passed", "seconds", "test", "worst"),
    ],
}


def test_schema_is_frozen(tmp_path):
    """Others read these names: a change here needs a new version of the format."""
    content = json.loads(write_report(report(GOOD), tmp_path).read_text())
    assert sorted(content["report"]) == FROZEN["report"]
    assert sorted(content["report"]["tests"]) == FROZEN["tests"]
    assert sorted(content["report"]["checks"][0]) == FROZEN["checks"]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: {**content, "version": 99}, "version 99"),
        (lambda content: {**content, "format": "other"}, "is not a framework-parity report"),
        (lambda content: [content], "is not a framework-parity report"),
        (lambda content: {**content, "report": {**content["report"], "checks": 3}}, "report.checks: a list"),
        (lambda content: {**content, "report": {}}, "missing or not known"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, damage, reason):
    file = write_report(report(GOOD), tmp_path)
    file.write_text(json.dumps(damage(json.loads(file.read_text()))))
    with pytest.raises(DataError, match=reason):
        read_report(file)


def test_a_truncated_file_is_refused(tmp_path):
    file = write_report(report(GOOD), tmp_path)
    file.write_text(file.read_text()[:100])
    with pytest.raises(DataError, match=r"parity\.json: cannot be read"):
        read_report(file)


@pytest.mark.parametrize("writer", [require_writable, lambda folder: write_report(report(GOOD), folder)])
def test_a_folder_that_cannot_be_made_is_an_error(tmp_path, writer):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(DataError, match=r"written"):
        writer(tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "kept"


def test_a_failed_write_leaves_the_old_report_whole(tmp_path, monkeypatch):
    file = write_report(report(GOOD), tmp_path)
    before = file.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DataError, match="No space left"):
        write_report(report(*ALL), tmp_path)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
