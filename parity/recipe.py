"""The numbers of golden cases: every weight, buffer, input and probe as a function of case, name and shape.

One fresh PCG64 generator per tensor, seeded with the first eight bytes (little endian) of
sha256("<case>/<name>"). Only numpy is used; no framework's random generator plays a part.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

import numpy as np

from neutral.state import Array, State

Shape = tuple[int, ...]


def rng_for(case: str, name: str) -> np.random.Generator:
    """The generator of one tensor."""
    digest = hashlib.sha256(f"{case}/{name}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "little")))


def normal(case: str, name: str, shape: Shape) -> Array:
    """Standard normal values."""
    return rng_for(case, name).standard_normal(shape)


def image_pm1(case: str, name: str, shape: Shape) -> Array:
    """Uniform values in [-1, 1)."""
    return rng_for(case, name).random(shape) * 2 - 1


def image_01(case: str, name: str, shape: Shape) -> Array:
    """Uniform values in [0, 1)."""
    return rng_for(case, name).random(shape)


def network_state(case: str, network: str, shapes: Mapping[str, Shape]) -> State:
    """All weights and buffers of one network; tensor names are `<network>/<key>`."""
    return {key: tensor(case, f"{network}/{key}", shape) for key, shape in shapes.items()}


def tensor(case: str, name: str, shape: Shape) -> Array:
    """One weight or buffer; its distribution follows from the last component of its name."""
    rng = rng_for(case, name)
    last = name.rpartition(".")[2]
    if last == "num_batches_tracked":
        return np.zeros(shape, dtype=np.int64)
    if last == "running_var":
        return 1 + 0.1 * rng.random(shape)
    if last == "rho":
        return rng.random(shape) * 0.8 + 0.1
    values = rng.standard_normal(shape)
    if last in ("weight_u", "weight_v"):
        unit: Array = values / np.sqrt(np.sum(values * values))
        return unit
    if last == "gamma" or (last == "weight" and len(shape) == 1):
        return 1 + 0.1 * values
    if last in ("running_mean", "beta", "bias"):
        return 0.1 * values
    return values * (1 / math.sqrt(math.prod(shape[1:])))


COLUMNS = ("mean", "std", "min", "max", "l2", "first4", "probe")
"""Columns of a row of statistics."""


def statistics(case: str, name: str, array: Array) -> list[float | list[float]]:
    """[mean, std, min, max, L2, first four values, probe]; the probe is a random functional of all values."""
    flat = np.asarray(array, dtype=np.float64).ravel()
    l2 = float(np.sqrt(np.sum(flat * flat)))
    return [
        float(flat.mean()), float(flat.std()), float(flat.min()), float(flat.max()), l2,
        [float(value) for value in flat[:4]], probe(case, name, array),
    ]  # fmt: skip


def probe(case: str, name: str, array: Array) -> float:
    """Sum of the values times standard normal weights drawn for `probe/<name>`."""
    flat = np.asarray(array, dtype=np.float64).ravel()
    return float(np.sum(flat * rng_for(case, f"probe/{name}").standard_normal(flat.size)))
