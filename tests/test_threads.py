"""The number of CPU threads: who decides it, that it reaches the framework, and that it is written down."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from neutral.training.threads import thread_count

TOY = Path(__file__).with_name("toy_family.py")


@pytest.mark.parametrize(
    ("wanted", "environment", "count"),
    [(3, "2", 3), (3, None, 3), (0, "2", 2), (0, "0", None), (0, "many", None), (0, None, None)],
)
def test_who_decides(monkeypatch, wanted, environment, count):
    """The option, then the environment, then all processors that the process may use (None here)."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if environment is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", environment)
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert thread_count(wanted) == (count or available)


def test_run_says_how_many(tmp_path):
    words = ("train", "--family", "toy", "--backend", "numpy", "dataset=toy", "iteration=2", "threads=3")
    program = [sys.executable, str(TOY), *words]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert "CPU threads" in done.stderr
    environment = json.loads((tmp_path / "results/toy/env.json").read_text())
    assert environment["threads"] == 3
    assert environment["versions"]["told to use"] == "3 threads"
