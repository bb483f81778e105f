"""Checkpoint files: whole or absent, exact, refused when damaged. Real files, real processes."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neutral import checkpoint, durable
from neutral.checkpoint import Metadata
from neutral.errors import CheckpointError

METADATA = Metadata("ugatit", 500, {"ch": 4}, "kept", "torch", {"torch": "2"}, {"loss": 0.1}, 12.5)


def state():
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((3, 4)).astype(np.float32)
    return {
        "gen.weight": weight,
        "gen.transposed": rng.standard_normal((5, 2)).T,
        "dis.weight_u": rng.standard_normal(3),
        "optimizer.G.gen.weight.moment1": weight * 2,
        "optimizer.G.gen.weight.step": np.array(7, np.int64),
    }


def write_steps(parent: Path, *kinds_and_iterations):
    for kind, iteration in kinds_and_iterations:
        checkpoint.write(parent, state(), replace(METADATA, kind=kind, iteration=iteration))


def names(parent: Path):
    return sorted(entry.name for entry in parent.iterdir())


def test_a_checkpoint_comes_back_bit_identical(tmp_path):
    folder = checkpoint.write(tmp_path, state(), METADATA)
    assert folder.name == "step_0000500"
    found = checkpoint.read(folder, "ugatit")
    assert found.metadata == METADATA
    actual, expected = found.state(), state()
    assert sorted(actual) == sorted(expected)
    for name, array in expected.items():
        assert actual[name].dtype == array.dtype
        assert actual[name].shape == array.shape
        assert actual[name].tobytes() == np.ascontiguousarray(array).tobytes()
    assert list(found.network("dis")) == ["weight_u"]


def test_optimizer_slots_lie_apart_from_the_model(tmp_path):
    folder = checkpoint.write(tmp_path, state(), METADATA)
    (folder / "training.safetensors").write_bytes(b"")
    model = checkpoint.Checkpoint(folder, METADATA)
    assert sorted(model.network("gen")) == ["transposed", "weight"]


def test_a_missing_network_is_named(tmp_path):
    found = checkpoint.read(checkpoint.write(tmp_path, state(), METADATA))
    with pytest.raises(CheckpointError, match="holds no network genB2A"):
        found.network("genB2A")


@pytest.mark.parametrize("name", ["model.safetensors", "training.safetensors"])
def test_a_truncated_file_is_refused_by_name(tmp_path, name):
    folder = checkpoint.write(tmp_path, state(), METADATA)
    file = folder / name
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(CheckpointError, match=f"{name}: truncated"):
        checkpoint.read(folder)


def test_a_corrupt_header_is_refused_by_name(tmp_path):
    folder = checkpoint.write(tmp_path, state(), METADATA)
    file = folder / "model.safetensors"
    file.write_bytes(b"\xff" * file.stat().st_size)
    with pytest.raises(CheckpointError, match=r"model\.safetensors: cannot be read"):
        checkpoint.read(folder).state()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "not the state of a checkpoint"),
        ({"version": 99}, "checkpoint version 99; this program reads version 1"),
        ({"family": "spade"}, "a checkpoint of family spade, not of ugatit"),
    ],
)
def test_a_foreign_checkpoint_is_refused(tmp_path, change, message):
    folder = checkpoint.write(tmp_path, state(), METADATA)
    file = folder / "state.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(CheckpointError, match=message):
        checkpoint.read(folder, "ugatit")


def test_damaged_metadata_is_refused(tmp_path):
    folder = checkpoint.write(tmp_path, state(), METADATA)
    file = folder / "state.json"
    file.write_text("{")
    with pytest.raises(CheckpointError, match=r"state\.json: cannot be read"):
        checkpoint.read(folder)
    file.write_text('{"format": "parity-checkpoint", "version": 1, "family": "ugatit"}')
    with pytest.raises(CheckpointError, match="lacks backend, bytes, config"):
        checkpoint.read(folder)
    file.unlink()
    with pytest.raises(CheckpointError, match=r"not a checkpoint: state\.json is missing"):
        checkpoint.read(folder)


def test_newest_is_numeric_and_passes_over_what_is_not_complete(tmp_path):
    assert checkpoint.newest(tmp_path / "absent") is None
    write_steps(tmp_path, ("kept", 900), ("kept", 10_000_000), ("kept", 9_999_999))
    assert checkpoint.newest(tmp_path) == tmp_path / "step_10000000"
    (tmp_path / "step_10000000" / "model.safetensors").write_bytes(b"cut")
    (tmp_path / "step_20000000").mkdir()
    (tmp_path / ".writing-step_30000000-ab").mkdir()
    (tmp_path / "latest").mkdir()
    (tmp_path / "step_90000000").write_text("a file")
    assert checkpoint.newest(tmp_path) == tmp_path / "step_9999999"


@pytest.mark.parametrize(
    ("keep_last", "expected"),
    [
        (0, ["step_0000100", "step_0000200", "step_0000300", "step_0000350"]),
        (2, ["step_0000200", "step_0000300", "step_0000350"]),
        (1, ["step_0000300", "step_0000350"]),
    ],
)
def test_prune_keeps_the_newest(tmp_path, keep_last, expected):
    kept, latest = ("kept", "latest")
    write_steps(tmp_path, (kept, 100), (latest, 150), (kept, 200), (latest, 250), (kept, 300), (latest, 350))
    checkpoint.prune(tmp_path, keep_last)
    assert names(tmp_path) == expected


def test_prune_drops_a_latest_that_a_kept_one_follows(tmp_path):
    write_steps(tmp_path, ("latest", 150), ("kept", 200))
    checkpoint.prune(tmp_path, 5)
    assert names(tmp_path) == ["step_0000200"]


def test_a_complete_checkpoint_is_not_overwritten_and_a_broken_one_is(tmp_path):
    folder = checkpoint.write(tmp_path, state(), METADATA)
    before = (folder / "model.safetensors").read_bytes()
    with pytest.raises(CheckpointError, match="exists already"):
        checkpoint.write(tmp_path, {"gen.weight": np.zeros(2)}, METADATA)
    assert (folder / "model.safetensors").read_bytes() == before
    (folder / "state.json").unlink()
    checkpoint.write(tmp_path, state(), METADATA)
    assert checkpoint.is_complete(folder)
    assert names(tmp_path) == ["step_0000500"]


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from neutral import checkpoint
from neutral.errors import CheckpointError
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
metadata = checkpoint.Metadata("ugatit", 7, {})
try:
    checkpoint.write(Path(sys.argv[1]), {"gen.weight": np.zeros(100_000)}, metadata)
except CheckpointError as error:
    print(error)
"""


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(tmp_path):
    write_steps(tmp_path, ("kept", 5))
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert f"{tmp_path / 'step_0000007'}: cannot be written" in done.stdout
    assert "too large" in done.stdout
    assert names(tmp_path) == ["step_0000005"]
    assert checkpoint.newest(tmp_path) == tmp_path / "step_0000005"


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "model").write_text("a file where a folder should be")
    with pytest.raises(CheckpointError, match="step_0000500: cannot be written"):
        checkpoint.write(tmp_path / "model", state(), METADATA)
    assert (tmp_path / "model").read_text() == "a file where a folder should be"


@pytest.fixture
def ordinary_user():
    """Root may write everywhere: act as a user who may not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
@pytest.mark.usefixtures("ordinary_user")
def test_an_unwritable_folder_is_a_clear_error():
    with pytest.raises(CheckpointError, match=r"^/step_0000500: cannot be written: (Perm|Read-only)"):
        checkpoint.write(Path("/"), state(), METADATA)


def test_write_text_replaces_whole_and_keeps_the_old_on_failure(tmp_path):
    file = tmp_path / "config.yml"
    durable.write_text(file, "one")
    durable.write_text(file, "two")
    assert file.read_text() == "two"
    with pytest.raises(ValueError, match="surrogates"):
        durable.write_text(file, "\udc80")
    assert file.read_text() == "two"
    assert names(tmp_path) == ["config.yml"]


def test_leftovers_of_a_killed_process_are_removed(tmp_path):
    write_steps(tmp_path, ("kept", 5))
    (tmp_path / ".writing-step_0000006-ab").mkdir()
    (tmp_path / ".writing-config.yml-ab").write_text("half")
    durable.remove_leftovers(tmp_path)
    assert names(tmp_path) == ["step_0000005"]
