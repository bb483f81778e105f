"""The four layouts in which U-GAT-IT's tensors are published, and the canonical one, network by network.

    torch       the official PyTorch project: the canonical names and layouts themselves
    paddle      the Paddle 1.8 port of it: u and v below `<layer>.spectral_norm`, trained on BGR images
    paddlegan   PaddleGAN: linear weights (in, out), constant scale and bias entries for instance norm

Linear weights are known by the name of their layer: many are square, so their shape does not tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from neutral.errors import CheckpointError
from neutral.state import Array, State

LINEAR = re.compile(r"(gap_fc|gmp_fc|gamma|beta|FC\.[02])\.weight(_orig)?")
NORMALISED = re.compile(r"(DownBlock(?:\.\d+\.conv_block)?)\.(\d+)\.weight")
"""A convolution of a generator that an instance norm follows, in the next position."""

INSTANCE_NORM = re.compile(r"DownBlock(\.\d+\.conv_block)?\.\d+\.(scale|bias)")
VECTOR = re.compile(r"(.+)\.(weight_[uv])")
IMAGE_IN = {"DownBlock.1.weight", "model.1.weight_orig"}
IMAGE_OUT = "UpBlock2.11.weight"
IMAGE_VECTOR = "model.1.weight_v"

PARAMETRIZED = {
    "parametrizations.weight.original": "weight_orig",
    "parametrizations.weight.0._u": "weight_u",
    "parametrizations.weight.0._v": "weight_v",
}
"""PyTorch's newer spectral norm, under the names of the older one."""


def paddle_layout(names: Iterable[str], what: str) -> str:
    """`paddle` or `paddlegan`, by what only one of them writes; never by a shape."""
    names = list(names)
    port = any(".spectral_norm." in name for name in names)
    paddlegan = any(INSTANCE_NORM.fullmatch(name.partition(".")[2]) for name in names)
    if port and paddlegan:
        raise CheckpointError(f"{what}: has both the Paddle port's names and PaddleGAN's")
    if not port and not paddlegan:
        raise CheckpointError(
            f"{what}: has neither the Paddle port's names (.spectral_norm.weight_u) nor PaddleGAN's "
            "(DownBlock.2.scale): it cannot be known which way round the linear weights are"
        )
    return "paddle" if port else "paddlegan"


def from_torch(state: Mapping[str, Array]) -> State:
    """Canonical names; removes the prefix of `DataParallel`, renames PyTorch's newer spectral norm."""
    wrapped = bool(state) and all(name.startswith("module.") for name in state)
    found: State = {}
    for name, array in state.items():
        canonical = name.removeprefix("module.") if wrapped else name
        for new, old in PARAMETRIZED.items():
            if canonical.endswith(f".{new}"):
                canonical = canonical.removesuffix(new) + old
        found[canonical] = array
    return found


def from_paddle(state: Mapping[str, Array]) -> State:
    """Canonical tensors from the Paddle port: RGB, and rho held in [0, 1], as its forward pass does."""
    renamed = {name.replace(".spectral_norm.", "."): array for name, array in without_derived(state).items()}
    rgb = reversed_colours(renamed)
    return {name: np.clip(array, 0, 1) if name.endswith(".rho") else array for name, array in rgb.items()}


def to_paddle(state: Mapping[str, Array]) -> State:
    """The Paddle port's names and BGR, from canonical tensors."""
    bgr = reversed_colours(state)
    return {VECTOR.sub(r"\1.spectral_norm.\2", name): array for name, array in bgr.items()}


def reversed_colours(state: Mapping[str, Array]) -> State:
    """RGB <-> BGR: the same network for images whose channels come in the other order."""
    found = dict(state)
    for name in IMAGE_IN & set(found):
        found[name] = np.flip(found[name], axis=1)
    if IMAGE_OUT in found:
        found[IMAGE_OUT] = np.flip(found[IMAGE_OUT], axis=0)
    if IMAGE_VECTOR in found and found[IMAGE_VECTOR].size % 16 == 0:
        # v goes with a row of the weight as a matrix: channel, then the 16 taps of the kernel.
        found[IMAGE_VECTOR] = np.flip(found[IMAGE_VECTOR].reshape(-1, 16), axis=0).reshape(-1)
    return found


def from_paddlegan(state: Mapping[str, Array], what: str) -> State:
    """Canonical tensors from PaddleGAN. Raises `CheckpointError` when an instance norm was trained."""
    found: State = {}
    for name, array in without_derived(state).items():
        if INSTANCE_NORM.fullmatch(name):
            expected = 1 if name.endswith(".scale") else 0
            if not np.all(array == expected):
                raise CheckpointError(
                    f"{what}: {name} is not {expected} throughout: an instance norm was trained, "
                    "and the instance norms of U-GAT-IT have no parameters"
                )
        else:
            found[name] = array.T if LINEAR.fullmatch(name) else array
    return found


def to_paddlegan(state: Mapping[str, Array]) -> State:
    """PaddleGAN's tensors: linear weights turned, constants for the instance norms."""
    found: State = {}
    for name, array in state.items():
        found[name] = array.T if LINEAR.fullmatch(name) else array
        if match := NORMALISED.fullmatch(name):
            norm = f"{match[1]}.{int(match[2]) + 1}"
            found[f"{norm}.scale"] = np.ones(array.shape[0], array.dtype)
            found[f"{norm}.bias"] = np.zeros(array.shape[0], array.dtype)
    return found


def without_derived(state: Mapping[str, Array]) -> State:
    """`state` without the normalised weights that Paddle may save beside the trained ones."""
    return {
        name: array
        for name, array in state.items()
        if not (name.endswith(".weight") and f"{name}_orig" in state)
    }
