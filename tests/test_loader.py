"""Batches read ahead by worker processes: the same batches, and no process left behind."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from neutral.data.loader import Loader
from neutral.demo import write_unpaired_demo
from neutral.errors import DataError, EnvironmentFault
from neutral.families.ugatit import data
from neutral.families.ugatit.config import Config


@pytest.fixture
def training(tmp_path):
    write_unpaired_demo(tmp_path / "demo", size=40, train=5, test=0)
    config = Config(dataset="demo", data_dir=str(tmp_path), light=True, img_size=32, n_dis=4, batch_size=2)
    return data.training_data(config)


def frameworks(iteration):
    """A source that tells which process made the batch, and whether that process imported a framework."""
    loaded = [name for name in ("torch", "paddle") if name in sys.modules]
    return {
        "loaded": np.array(len(loaded)),
        "process": np.array(os.getpid()),
        "iteration": np.array(iteration),
    }


def dies(iteration):
    os._exit(iteration)


def assert_equal(actual, expected):
    assert set(actual) == set(expected)
    for name in expected:
        np.testing.assert_array_equal(actual[name], expected[name])


def test_workers_change_nothing_and_the_tail_is_the_same(training):
    expected = {iteration: training.batch(iteration) for iteration in range(1, 13)}
    with Loader(training.batch) as alone:
        for iteration in (1, 2, 12, 3):
            assert_equal(alone.batch(iteration), expected[iteration])
    with Loader(training.batch, workers=2) as loader:
        for iteration in range(1, 13):
            assert_equal(loader.batch(iteration), expected[iteration])
        for iteration in (4, 5, 9, 2):  # any other order, too
            assert_equal(loader.batch(iteration), expected[iteration])
    with Loader(training.batch, workers=1, start=7) as resumed:
        for iteration in range(7, 13):
            assert_equal(resumed.batch(iteration), expected[iteration])


def test_workers_import_no_framework_and_are_other_processes():
    with Loader(frameworks, workers=1) as loader:
        batch = loader.batch(1)
    assert batch["loaded"] == 0
    assert batch["process"] != os.getpid()
    assert batch["iteration"] == 1


def test_damaged_picture_is_named_by_a_worker(training):
    for path in training.files["B"]:
        path.write_bytes(b"damaged")
    with (
        Loader(training.batch, workers=1) as loader,
        pytest.raises(DataError, match=r"trainB.*not a readable"),
    ):
        loader.batch(1)


def test_worker_that_dies_is_an_error():
    with Loader(dies, workers=1) as loader, pytest.raises(EnvironmentFault, match="workers=0"):
        loader.batch(1)


PARENT = """
import os, sys, time
from neutral.data.loader import Loader
from tests.test_loader import frameworks

if __name__ == "__main__":
    loader = Loader(frameworks, workers=2)
    seen = set()
    while len(seen) < 2:
        seen.update(int(loader.batch(n)["process"]) for n in range(1, 20))
    print(*seen, flush=True)
    if sys.argv[1] == "wait":
        time.sleep(60)
    sys.stdin.readline()
    print(int(loader.batch(1)["process"]) in seen, flush=True)
    loader.close()
"""


@pytest.fixture
def parent(tmp_path):
    """Start a process that reads with two workers; returns it and the process ids of the workers."""
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    started = []

    def start(mode):
        process = subprocess.Popen(
            [sys.executable, str(script), mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            start_new_session=True,
        )
        started.append(process)
        return process, [int(word) for word in process.stdout.readline().split()]

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the workers too, should they have stayed
        process.communicate()


def alive(process):
    """Whether a process runs; one that ended and was not yet waited for does not."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_killed_parent_leaves_no_worker(parent):
    process, workers = parent("wait")
    assert len(workers) == 2
    assert all(map(alive, workers))
    process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_workers_leave_ctrl_c_to_the_parent(parent):
    process, workers = parent("ask")
    for worker in workers:
        os.kill(worker, signal.SIGINT)
    out, err = process.communicate("\n")
    assert out.strip() == "True"
    assert err == ""
    assert process.returncode == 0
    assert not any(map(alive, workers))
