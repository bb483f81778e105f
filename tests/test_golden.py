"""`parity golden`: what it reproduces, what it refuses, and that a wrong number is a miss."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from neutral.errors import ConfigError, DataError
from parity.cli import main
from parity.golden import read_index, select
from parity.golden_bounds import Bounds

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def copy(tmp_path):
    """A golden folder that may be changed."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "golden"))


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main(["golden", *map(str, arguments), "--json"])
    return ended.value.code, capsys.readouterr()


def test_reproduces_a_case_on_both_backends(capsys):
    status, printed = run(capsys, GOLDEN, "--case", "adailn", "--case", "iln")
    result = json.loads(printed.out)
    assert (status, result["passed"]) == (0, True)
    assert {(q["case"], q["backend"]) for q in result["quantities"]} == {
        (case, backend) for case in ("adailn", "iln") for backend in ("torch", "paddle")
    }
    assert all(q["error"] <= 1e-13 for q in result["quantities"])


def test_one_changed_number_is_a_miss(copy, capsys):
    file = copy / "ugatit" / "iln.npz"
    arrays = dict(np.load(file))
    arrays["gx"][1, 2, 3, 4] *= 1 + 1e-6
    np.savez(file, **arrays)
    status, printed = run(capsys, copy / "ugatit", "--case", "iln", "--backend", "torch")
    missed = [q["name"] for q in json.loads(printed.out)["quantities"] if not q["passed"]]
    assert (status, missed) == (1, ["gradients"])


def test_rho_at_its_bounds_is_replayed(copy, capsys):
    """`rho01` begins with rho at 0 and 1; the numbers of the other start are then missed."""
    index = json.loads((copy / "index.json").read_text())
    for case in index["cases"]:
        if case["case"] == "traj_light":
            case["config"]["rho01"] = True
    (copy / "index.json").write_text(json.dumps(index))
    status, printed = run(capsys, copy, "--case", "traj_light", "--backend", "torch")
    missed = {q["name"] for q in json.loads(printed.out)["quantities"] if not q["passed"]}
    assert status == 1
    assert {"losses", "parameter norms"} <= missed


def test_a_family_that_is_not_built_is_named_and_no_pass(copy, capsys):
    index = json.loads((copy / "index.json").read_text())
    index["cases"] = [case for case in index["cases"] if case["case"] == "iln"]
    index["cases"].append({"case": "traj", "family": "cyclegan", "type": "trajectory"})
    (copy / "index.json").write_text(json.dumps(index))
    status, printed = run(capsys, copy, "--backend", "torch")
    assert (status, json.loads(printed.out)["not_built"]) == (1, ["cyclegan"])


def test_what_is_no_golden_folder_is_refused(tmp_path, copy):
    with pytest.raises(DataError, match=r"no index\.json"):
        read_index(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="no such family or case: nothing"):
        select(copy, cases=["nothing"])
    (copy / "index.json").write_text("{")
    with pytest.raises(DataError, match=r"index\.json: cannot be read as JSON"):
        read_index(copy)


def test_pickled_arrays_are_refused(copy):
    np.savez(copy / "ugatit" / "iln.npz", out=np.array([{"code": 1}], dtype=object))
    case = select(copy, cases=["iln"])[0]
    with pytest.raises(DataError, match=r"iln\.npz: cannot be read"):
        case.arrays()


def test_a_missing_file_is_named(copy):
    (copy / "ugatit" / "iln.npz").unlink()
    with pytest.raises(DataError, match=r"iln\.npz: missing"):
        select(copy, cases=["iln"])[0].arrays()


def test_bounds_follow_the_measured_sensitivity():
    entry = {"sensitivity to noise": {"per iteration": [1e-13, 1e-9, 1e-3], "final": 1e-6}}
    bounds = Bounds(entry)
    assert [bounds.loss(i) for i in (1, 2, 3)] == [1e-9, 1e-8, 1e-2]
    assert bounds.state(3) == pytest.approx(1e-5)
    assert bounds.judged(3)
    chaotic = Bounds({"sensitivity": {"per iteration": [1e-13, 1e-8], "final": 0.02}})
    assert chaotic.judged(1)
    assert not chaotic.judged(2)
