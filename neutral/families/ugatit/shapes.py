"""Names and shapes of U-GAT-IT's tensors in official order, and the options that they show."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from neutral.errors import CheckpointError
from neutral.families.ugatit.config import Config
from neutral.family import Shapes
from neutral.state import Array


def shapes(config: Config, network: str) -> Shapes:
    """Shape by canonical name of one network, in the order of the official state dict."""
    if network.startswith("gen"):
        return generator_shapes(config)
    layers = config.global_layers if network.startswith("disG") else config.local_layers
    return discriminator_shapes(config, layers)


def generator_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """Shapes of a generator; m = 4 ch channels between its halvings and doublings."""
    c, m, image = config.ch, 4 * config.ch, config.img_ch
    pixels = 1 if config.light else (config.img_size // 4) ** 2
    found: dict[str, tuple[int, ...]] = {
        "gap_fc.weight": (1, m),
        "gmp_fc.weight": (1, m),
        "conv1x1.weight": (m, 2 * m, 1, 1),
        "conv1x1.bias": (m,),
        "gamma.weight": (m, m),
        "beta.weight": (m, m),
    }
    for block in range(1, config.n_res + 1):
        for part in (1, 2):
            found[f"UpBlock1_{block}.conv{part}.weight"] = (m, m, 3, 3)
            found[f"UpBlock1_{block}.norm{part}.rho"] = (1, m, 1, 1)
    found["DownBlock.1.weight"] = (c, image, 7, 7)
    found["DownBlock.5.weight"] = (2 * c, c, 3, 3)
    found["DownBlock.9.weight"] = (m, 2 * c, 3, 3)
    for block in range(12, 12 + config.n_res):
        for part in (1, 5):
            found[f"DownBlock.{block}.conv_block.{part}.weight"] = (m, m, 3, 3)
    found["FC.0.weight"] = (m, m * pixels)
    found["FC.2.weight"] = (m, m)
    for layer, inputs in ((2, m), (7, 2 * c)):
        found[f"UpBlock2.{layer}.weight"] = (inputs // 2, inputs, 3, 3)
        found |= {f"UpBlock2.{layer + 1}.{key}": (1, inputs // 2, 1, 1) for key in ("rho", "gamma", "beta")}
    found["UpBlock2.11.weight"] = (image, c, 7, 7)
    return found


def discriminator_shapes(config: Config, layers: int) -> dict[str, tuple[int, ...]]:
    """Shapes of a discriminator of so many layers, with the vectors of its spectral norms."""
    channels = config.ch * 2 ** (layers - 2)
    found: dict[str, tuple[int, ...]] = {}
    for name in ("gap_fc", "gmp_fc"):
        found |= spectral(name, (1, channels))
    found["conv1x1.weight"] = (channels, 2 * channels, 1, 1)
    found["conv1x1.bias"] = (channels,)
    found |= spectral("conv", (1, channels, 4, 4))
    inputs = config.img_ch
    for index in range(layers - 1):
        outputs = config.ch * 2**index
        found[f"model.{3 * index + 1}.bias"] = (outputs,)
        found |= spectral(f"model.{3 * index + 1}", (outputs, inputs, 4, 4))
        inputs = outputs
    return found


def spectral(layer: str, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """A spectrally normalised weight and its vectors u (outputs) and v (all other dimensions together)."""
    vectors = {f"{layer}.weight_u": shape[:1], f"{layer}.weight_v": (math.prod(shape[1:]),)}
    return {f"{layer}.weight_orig": shape} | vectors


def options(weights: Mapping[str, Array], what: str) -> dict[str, Any]:
    """Options of the architecture that `weights` (`<net>.<key>`) show; `what` names them in errors.

    The image size of a light model shows nowhere and is left out.
    """
    m = max(_shape(weights, "genA2B.conv1x1.weight", 4, what)[0], 1)
    width = _shape(weights, "genA2B.FC.0.weight", 2, what)[1]
    found: dict[str, Any] = {
        "light": width == m,
        "ch": m // 4,
        "n_res": _last(weights, "genA2B.UpBlock1_", 0),
        "img_ch": _shape(weights, "genA2B.DownBlock.1.weight", 4, what)[1],
    }
    if not found["light"]:
        found["img_size"] = 4 * math.isqrt(width // m)
    deep = {kind: (_last(weights, f"{net}.model.", 4) - 1) // 3 + 2 for kind, net in _DEPTHS.items()}
    if deep["global"] - 2 == deep["local"] >= 3:
        return found | {"n_dis": deep["global"] - 1}
    return found | {f"dis_layers_{kind}": layers for kind, layers in deep.items()}


_DEPTHS = {"global": "disGA", "local": "disLA"}


def _shape(weights: Mapping[str, Array], name: str, dimensions: int, what: str) -> tuple[int, ...]:
    if name not in weights or weights[name].ndim != dimensions:
        state = f"has shape {weights[name].shape}" if name in weights else "is missing"
        raise CheckpointError(f"{what}: not a checkpoint of U-GAT-IT: {name} {state}")
    return tuple(weights[name].shape)


def _last(weights: Mapping[str, Array], prefix: str, default: int) -> int:
    """The largest number directly behind `prefix` in a name."""
    numbers = [name[len(prefix) :].partition(".")[0] for name in weights if name.startswith(prefix)]
    return max((int(number) for number in numbers if number.isdecimal()), default=default)
