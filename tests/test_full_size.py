"""The paper's own configuration: 279 million parameters per generator. Slow, and 10 GiB of memory.

    pytest tests/test_full_size.py --slow -s

Every pass runs in a process of its own, one after the other, and leaves its arrays in files that are compared
in pieces.
"""

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from parity.compare import compare, require
from parity.precision import BAND
from parity.tolerance import tolerance

WORKER = Path(__file__).with_name("full_size_worker.py")
RUNS = (("torch", "float32"), ("torch", "float64"), ("paddle", "float32"), ("paddle", "float64"))
PEAK = 11 * 2**30
"""Bytes of memory that no pass may exceed. Measured: PyTorch 5.3 GiB in float32 and 7.2 GiB in float64,
PaddlePaddle 5.0 GiB and 9.3 GiB."""

LARGEST = 1e-3
"""Bound on the typical error of float32, in units of scale."""

PARAMETERS = {"genA2B": 278_959_808, "disGA": 53_130_176, "disLA": 3_290_560}
"""Trainable numbers of each kind of network; the other three are the same again."""


def run(backend, network, dtype, folder):
    """Peak memory in bytes of one pass."""
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(WORKER), backend, network, dtype, str(folder)],
        env=os.environ | {"PYTHONPATH": root}, capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


def arrays(folder, backend, dtype):
    """What a pass has left, on the disk until it is looked at."""
    files = sorted((folder / f"{backend}-{dtype}").glob("*.npy"))
    return {file.stem: np.load(file, mmap_mode="r") for file in files}


def typical_error(folder, backend, kind):
    """Geometric mean over tensors of a kind: error of float32, root mean square, in units of scale."""
    single, double = arrays(folder, backend, "float32"), arrays(folder, backend, "float64")
    record = compare(single, double, tolerance("step", "float32"), what=backend, same_dtype=False).record
    pairs = [tensor.pair for tensor in record.tensors if tensor.name.startswith(kind)]
    assert all(pair.finite == pair.size for pair in pairs)
    return math.exp(np.mean([math.log(max(math.sqrt(pair.mse) / pair.scale, 1e-12)) for pair in pairs]))


@pytest.mark.slow
@pytest.mark.parametrize("network", PARAMETERS)
def test_same_model(network, tmp_path):
    """Built, ported through the canonical state, forward and backward: the same model, equally precise."""
    peaks = {f"{backend} {dtype}": run(backend, network, dtype, tmp_path) for backend, dtype in RUNS}
    for name, peak in peaks.items():
        print(f"{network}, {name}: peak memory {peak / 2**30:.1f} GiB")
    try:
        own, other = (arrays(tmp_path, backend, "float64") for backend in ("paddle", "torch"))
        comparison = compare(own, other, tolerance("step", "float64"), what=f"{network}, float64")
        print(f"{network}, float64: {len(own)} tensors, worst error {comparison.error:.2g} of scale")
        require(comparison)
        trained = [array.size for name, array in own.items() if name.startswith("gradients.")]
        assert sum(trained) - own["gradients.input"].size == PARAMETERS[network]
        # Not side against side: a ReLU whose input is nearly 0 opens on one side only, and moves whole
        # gradients by a per cent.
        for kind in ("values", "gradients"):
            errors = {backend: typical_error(tmp_path, backend, kind) for backend in ("paddle", "torch")}
            print(
                f"{network}, float32 {kind}: errors", {name: f"{error:.2g}" for name, error in errors.items()}
            )
            assert max(errors.values()) < BAND[kind] * min(errors.values())
            assert max(errors.values()) < LARGEST
    finally:
        shutil.rmtree(tmp_path)  # gigabytes that pytest would keep
    assert max(peaks.values()) < PEAK
