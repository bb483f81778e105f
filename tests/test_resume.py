"""U-GAT-IT on real pictures, killed with SIGKILL at random moments and resumed: bit-identical at the end."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from neutral import checkpoint
from neutral.demo import write_unpaired_demo

ITERATIONS = 40
OPTIONS = (
    "light=true", "ch=4", "n_res=1", "img_size=16", "dis_layers_global=4", "dis_layers_local=3",
    "dataset=demo", "resize_margin=4", f"iteration={ITERATIONS}", "save_freq=100", "latest_freq=3",
    "log_freq=1", "print_freq=16",
)  # fmt: skip
KILLS = 3


def start(folder, backend, *words):
    """A training process in `folder`, its messages in a file there."""
    command = [
        sys.executable,
        "-m",
        "parity.cli",
        "train",
        "--family",
        "ugatit",
        "--backend",
        backend,
        *OPTIONS,
    ]
    with (folder / "messages.txt").open("a") as messages:
        return subprocess.Popen(
            [*command, *words],
            cwd=folder,
            stdout=messages,
            stderr=subprocess.STDOUT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )


def losses(folder):
    """All losses of all iterations, in order."""
    lines = (folder / "results/demo/logs/metrics.jsonl").read_text().splitlines()
    return [json.loads(line)["losses"] for line in lines]


def finish(folder, process, status):
    assert process.wait(timeout=240) == status, (folder / "messages.txt").read_text()


def logged(folder):
    """Iterations that the run has logged so far."""
    file = folder / "results/demo/logs/metrics.jsonl"
    return file.read_text().count("\n") if file.exists() else 0


def run_and_kill(folder, backend, rng):
    """Train to the end, killed a few iterations after each of `KILLS` starts; how often that came in time."""
    killed = 0
    for kill in range(KILLS):
        process = start(folder, backend, *(("--resume",) if kill else ()))
        target = logged(folder) + rng.randint(1, 5)
        deadline = time.monotonic() + 240
        while logged(folder) < min(target, ITERATIONS - 1):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        killed += process.wait() == -signal.SIGKILL
    finish(folder, start(folder, backend, "--resume"), 0)
    return killed


@pytest.mark.parametrize("backend", ["torch", "paddle"])
def test_a_killed_run_ends_with_the_state_of_an_uninterrupted_one(tmp_path, backend):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        write_unpaired_demo(folder / "dataset/demo", size=32, train=3, test=1)
    finish(whole, start(whole, backend), 0)
    assert run_and_kill(killed, backend, random.Random(backend)) >= 2
    ends = [checkpoint.newest(folder / "results/demo/model") for folder in (whole, killed)]
    assert [end.name for end in ends] == [f"step_{ITERATIONS:07d}"] * 2
    for name in (checkpoint.MODEL, checkpoint.TRAINING):
        expected, actual = ((end / name).read_bytes() for end in ends)
        assert actual == expected
    assert losses(killed) == losses(whole)
    assert len(losses(whole)) == ITERATIONS
    for picture in (whole / "results/demo/img").iterdir():
        assert (killed / "results/demo/img" / picture.name).read_bytes() == picture.read_bytes()


SHORT = ("iteration=12", "save_freq=6", "dtype=float64", "no_preview=true")


@pytest.mark.parametrize(("first", "second"), [("torch", "paddle"), ("paddle", "torch")])
def test_a_run_goes_on_in_the_other_framework(tmp_path, first, second):
    """In float64, from iteration 6 of 12: the learning rate decays there, Adam is in full swing."""
    whole, moved = tmp_path / "whole", tmp_path / "moved"
    write_unpaired_demo(whole / "dataset/demo", size=32, train=3, test=1)
    finish(whole, start(whole, first, *SHORT), 0)
    shutil.copytree(whole, moved)
    shutil.rmtree(moved / "results/demo/model/step_0000012")
    finish(moved, start(moved, second, "--resume", *SHORT), 0)
    assert f"backend: {first} -> {second}" in (moved / "messages.txt").read_text()
    assert len(losses(moved)) == 12
    for expected, actual in zip(losses(whole), losses(moved), strict=True):
        assert actual == pytest.approx(expected, rel=1e-9)
    expected, actual = (
        checkpoint.read(folder / "results/demo/model/step_0000012").state() for folder in (whole, moved)
    )
    assert list(actual) == list(expected)
    for name, array in expected.items():
        scale = np.abs(array).max()
        assert np.abs(actual[name] - array).max() <= 1e-9 * scale, name
