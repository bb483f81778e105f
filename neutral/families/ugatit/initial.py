"""Initial values of U-GAT-IT, drawn by numpy per canonical name: both frameworks start bit-identical."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from neutral.families.ugatit.config import Config
from neutral.family import Shapes
from neutral.randomness import generator
from neutral.state import Array, State


def initial(config: Config, network: str, shapes: Shapes, seed: int) -> State:
    """Initial float32 state of one network.

    Convolution and linear weights and biases: U(-b, b), b = 1 / sqrt(fan_in) (Kaiming-uniform with
    a = sqrt(5)). `rho` is 0.9 in AdaLIN and 0 in ILN; ILN has gamma 1 and beta 0. Spectral-norm vectors
    are normal, scaled to length 1, and not warmed up.
    """
    return {key: _initial_value(key, network, shapes, seed) for key in shapes}


def _initial_value(key: str, network: str, shapes: Shapes, seed: int) -> Array:
    shape = shapes[key]
    last = key.rpartition(".")[2]
    if last == "rho":
        value: Array = np.full(shape, 0.9 if key.startswith("UpBlock1_") else 0.0)
    elif last in ("gamma", "beta"):
        value = np.full(shape, 1.0 if last == "gamma" else 0.0)
    else:
        rng = generator(seed, "initial", network, key)
        if last in ("weight_u", "weight_v"):
            vector = rng.standard_normal(shape)
            value = vector / np.sqrt(np.sum(vector * vector))
        else:
            bound = 1 / math.sqrt(_fan_in(key, shapes))
            value = rng.random(shape, dtype=np.float32) * np.float32(2 * bound) - np.float32(bound)
    return value.astype(np.float32, copy=False)


def _fan_in(key: str, shapes: Shapes) -> int:
    """Inputs per output of the layer that owns `key`; a bias takes it from the weight beside it."""
    layer = key.rpartition(".")[0]
    for weight in (f"{layer}.weight", f"{layer}.weight_orig"):
        if weight in shapes:
            return math.prod(shapes[weight][1:])
    raise KeyError(f"{key}: no weight beside it")


def exercise(state: Mapping[str, Array], seed: int) -> State:
    """`state` with values that hide nothing: defaults such as ILN's rho = 0 or gamma = 1 mask faults.

    `rho` takes 0, 1 and values between, channel by channel; ILN's gamma and beta and all biases become
    non-trivial; raw weights of spectral norms are enlarged, so that they differ from the normalised ones.
    """
    return {key: _exercised(key, array, seed) for key, array in state.items()}


def _exercised(key: str, array: Array, seed: int) -> Array:
    rng = generator(seed, "exercise", key)
    last = key.rpartition(".")[2]
    values = np.asarray(array, dtype=np.float64)
    if last == "rho":
        mixed = rng.random(array.shape)
        mixed[:, 0::3] = 0.0
        mixed[:, 1::3] = 1.0
        return mixed
    if last == "gamma":
        return values + 0.1 * rng.standard_normal(array.shape)
    if last in ("beta", "bias"):
        return values + 0.1 * rng.standard_normal(array.shape)
    if last == "weight_orig":
        return 1.5 * values
    return values
