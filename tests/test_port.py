"""`parity port` as a command: real files in, real files out, one screen on bad input."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neutral.families.ugatit import official
from neutral.families.ugatit.config import Config
from neutral.families.ugatit.initial import exercise, initial
from neutral.families.ugatit.shapes import shapes
from neutral.portable import Portable
from neutral.state import prefixed
from parity.cli import main


@cache
def portable() -> Portable:
    config = Config(light=True, ch=4, n_res=1, img_size=16, dis_layers_global=4, dis_layers_local=3)
    state = {}
    for net in official.NETWORKS:
        drawn = exercise(initial(config, net, shapes(config, net), 1), 1)
        state |= prefixed({key: array.astype(np.float32) for key, array in drawn.items()}, net)
    slots = {"optimizer.generator.genA2B.gap_fc.weight.moment1": np.full((1, 16), 3.0, np.float32)}
    return Portable("parity", state | slots, config, "ds", 40)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A checkpoint folder of this project."""
    official.write(tmp_path / "model", "parity", portable())
    return tmp_path / "model/step_0000040"


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of `parity port`."""
    with pytest.raises(SystemExit) as end:
        main(["port", *map(str, words)])
    shown = capsys.readouterr()
    return int(end.value.code or 0), shown.out, shown.err


def files_of(folder: Path) -> dict[str, bytes]:
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_there_and_back_through_every_layout(
    capsys: pytest.CaptureFixture[str], source: Path, tmp_path: Path
) -> None:
    place = source
    for layout in ("torch", "paddle", "paddlegan", "safetensors", "torch", "parity"):
        target = tmp_path / f"{len(list(tmp_path.iterdir()))}-{layout}"
        status, out, _ = run(
            capsys, place, target, "--to", layout, "--dataset", "ds", "--iteration", 40, "--json"
        )
        result = json.loads(out)
        assert status == 0
        assert result["written"]
        assert all(Path(file).exists() for file in result["files"])
        place = Path(result["files"][0])
    assert place.name == "step_0000040"
    found = official.read(place)
    assert found.iteration == 40
    for key, array in found.state.items():
        assert np.array_equal(array, portable().state[key]), key


@pytest.mark.parametrize(
    ("name", "layout"),
    [("x.pt", "torch"), ("x.pth", "torch"), ("x.pdparams", "paddlegan"), ("x.safetensors", "safetensors")],
)
def test_the_suffix_of_the_target_tells_the_layout(
    capsys: pytest.CaptureFixture[str], source: Path, tmp_path: Path, name: str, layout: str
) -> None:
    status, _, _ = run(capsys, source, tmp_path / name)
    assert status == 0
    assert official.read(tmp_path / name).layout == layout
    odd = tmp_path / "odd.bin"
    (tmp_path / name).rename(odd)
    assert official.read(odd).layout == layout, "content decides, not the name"


def test_own_checkpoints_are_copied_with_their_optimizer_state(
    capsys: pytest.CaptureFixture[str], source: Path, tmp_path: Path
) -> None:
    status, out, _ = run(capsys, source, tmp_path / "copy", "--to", "parity")
    assert status == 0
    assert "both backends as they are" in out
    assert files_of(tmp_path / "copy/step_0000040").keys() == files_of(source).keys()
    copied = official.read(tmp_path / "copy/step_0000040").state
    assert copied.keys() == portable().state.keys()
    assert all(np.array_equal(copied[key], array) for key, array in portable().state.items())


def test_dry_run_writes_nothing(capsys: pytest.CaptureFixture[str], source: Path, tmp_path: Path) -> None:
    before = files_of(tmp_path)
    words = (source, tmp_path / "new", "--to", "paddle", "--dataset", "photos", "--dry-run")
    status, out, _ = run(capsys, *words)
    assert status == 0
    assert out.count("would write") == 6
    assert "photos_disLB_params_0000040.pdparams" in out
    assert files_of(tmp_path) == before
    assert not (tmp_path / "new").exists()


def test_inspect_shows_every_tensor(capsys: pytest.CaptureFixture[str], source: Path, tmp_path: Path) -> None:
    status, out, _ = run(capsys, source, "--inspect")
    assert status == 0
    line = next(line for line in out.splitlines() if line.startswith("genA2B.UpBlock1_1.norm1.rho"))
    rho = portable().state["genA2B.UpBlock1_1.norm1.rho"]
    assert line.split()[1:] == ["1x16x1x1", "float32", "0", "1", f"{rho.mean(dtype=np.float64):.4g}"]
    strange = dict(portable().state)
    strange["genB2A.conv1x1.bias"] = np.array([np.nan, np.inf] + [0.5] * 14, np.float32)
    official.write(tmp_path / "x.pt", "torch", replace(portable(), state=strange))
    status, out, _ = run(capsys, tmp_path / "x.pt", "--inspect", "--json")
    row = next(row for row in json.loads(out)["tensors"] if row["name"] == "genB2A.conv1x1.bias")
    assert (row["not_finite"], row["min"], row["max"], row["mean"]) == (2, 0.5, 0.5, 0.5)


def test_nothing_is_overwritten_without_force(
    capsys: pytest.CaptureFixture[str], source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "x.pt"
    target.write_text("precious")
    status, _, err = run(capsys, source, target)
    assert (status, target.read_text()) == (2, "precious")
    assert "--force" in err
    assert run(capsys, source, target, "--force")[0] == 0
    assert official.read(target).layout == "torch"
    before = files_of(source)
    status, _, err = run(capsys, target, source.parent, "--to", "parity", "--iteration", 40, "--force")
    assert status == 2
    assert "remove it first" in err
    assert files_of(source) == before


def test_one_of_six_files_in_the_way_stops_all(
    capsys: pytest.CaptureFixture[str], source: Path, tmp_path: Path
) -> None:
    target = tmp_path / "six"
    target.mkdir()
    (target / "ds_disGB_params_0000040.pdparams").write_text("precious")
    status, _, err = run(capsys, source, target, "--to", "paddle", "--dataset", "ds")
    assert status == 2
    assert "ds_disGB_params_0000040.pdparams" in err
    assert files_of(target) == {"ds_disGB_params_0000040.pdparams": b"precious"}


BAD: list[tuple[list[str], str]] = [
    (["absent.pt", "y.pt"], r"absent.pt: no such file"),
    (["text.pt", "y.pt"], "text.pt: neither"),
    (["cut.pt", "y.pt"], "cut.pt: truncated or damaged"),
    (["cut.safetensors", "y.pt"], "cut.safetensors: cannot be read"),
    (["cut.pdparams", "y.pt"], "cut.pdparams: truncated"),
    (["empty", "y.pt"], "empty: holds no checkpoint"),
    (["good.pt"], "DST is missing"),
    (["good.pt", "y"], "name a layout with --to"),
    (["good.pt", "y", "--to", "tensorflow"], "no layout tensorflow"),
    (["good.pt", "y", "--to", "parity"], "--iteration"),
    (["good.pt", "y.pdparams", "--to", "paddle"], "six files"),
    (["good.pt", "y.pt", "--family", "ugatti"], 'did you mean "ugatit"'),
    (["good.pt", "text.pt/y.pt"], "text.pt/y.pt: cannot be written"),
]


@pytest.mark.parametrize(("words", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_input_is_one_message(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, layout in (("pt", "torch"), ("pdparams", "paddlegan"), ("safetensors", "safetensors")):
        official.write(tmp_path / f"good.{name}", layout, portable())
        content = (tmp_path / f"good.{name}").read_bytes()
        (tmp_path / f"cut.{name}").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.pt").write_text("precious")
    (tmp_path / "empty").mkdir()
    before = files_of(tmp_path)
    status, _, err = run(capsys, *words)
    assert status == 2
    assert message in err
    assert "Traceback" not in err
    assert len(err.splitlines()) < 25
    assert files_of(tmp_path) == before


def test_a_full_disk_leaves_nothing(
    capsys: pytest.CaptureFixture[str], source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("neutral.durable._flush", full)
    for layout in ("torch", "paddle", "paddlegan", "safetensors"):
        target = tmp_path / layout
        status, _, err = run(capsys, source, target, "--to", layout, "--dataset", "ds")
        assert status == 2
        assert "No space left on device" in err
        assert not any(target.rglob("*"))


def test_the_command_imports_no_framework(source: Path, tmp_path: Path) -> None:
    program = (
        "import sys; sys.argv[0] = 'parity'\n"
        "from parity.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print([name for name in ('torch', 'paddle') if name in sys.modules])"
    )
    words = [sys.executable, "-c", program, "port", str(source), str(tmp_path / "x.pt")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert (tmp_path / "x.pt").exists()
