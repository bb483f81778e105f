"""How golden cases, which speak the original project's language, map to this family."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from neutral.backend import Backend
from neutral.config import validate
from neutral.errors import ConfigError
from neutral.families.ugatit.config import Config
from neutral.families.ugatit.family import NETWORKS
from neutral.families.ugatit.published import torch_name
from neutral.families.ugatit.schedule import learning_rate
from neutral.families.ugatit.shapes import shapes
from neutral.images import from_tensor, heatmap_picture
from neutral.state import Array, State

EVALUATED = ("genA2B", "disGA", "disLA")
"""Networks that a trajectory case runs once more after training, in eval mode, on the image `input/eval`."""

SMALLEST = {"dis_layers_global": 3, "dis_layers_local": 3}
EQUAL = 1e-16
"""Bound for values that the original and this project compute with the same few operations."""

RATES = {"lr_G": "generator", "lr_D": "discriminator"}
"""Optimizer whose learning rate a column of a trajectory holds."""

OF_THE_CASE = ("optimizer", "rho01")
"""Entries of a trajectory's configuration that are no options: a description, and how rho begins."""


def network(arch: str, options: Mapping[str, Any], inputs: Mapping[str, Any]) -> tuple[Config, str]:
    """Configuration and network of a forward case, from the original's class name and its arguments."""
    if arch == "ResnetGenerator":
        values = {
            "light": options["light"], "ch": options["ngf"], "n_res": options["n_blocks"],
            "img_size": whole(options["img_size"]), "img_ch": options["input_nc"], **SMALLEST,
        }  # fmt: skip
        return validate(Config, values, "golden case"), "genA2B"
    if arch == "Discriminator":
        side = whole(next(iter(inputs.values()))[-1])
        values = {
            "light": True, "ch": options["ndf"], "img_size": side, "img_ch": options["input_nc"],
            "dis_layers_global": options["n_layers"], "dis_layers_local": 3,
        }  # fmt: skip
        return validate(Config, values, "golden case"), "disGA"
    raise ConfigError(f"golden case of an unknown architecture: {arch}")


def whole(side: int) -> int:
    """The next size that an option may have; of the networks, only the full generator depends on it."""
    return max(8, -(-side // 4) * 4)


def trajectory(options: Mapping[str, Any]) -> Config:
    """Configuration of a trajectory case, with the learning-rate arithmetic as published."""
    values = {name: value for name, value in options.items() if name not in OF_THE_CASE}
    return validate(Config, {**values, "lr_rule": "official"}, "golden case")


def start(options: Mapping[str, Any], state: Mapping[str, Array]) -> State:
    """The state a trajectory begins with, from the recipe's: with `rho01`, every rho rounded to 0 or 1."""
    if not options.get("rho01", False):
        return dict(state)
    return {
        key: np.round(np.asarray(array, np.float64)) if key.endswith(".rho") else array
        for key, array in state.items()
    }


def manifest(label: str) -> tuple[Config, str]:
    """Configuration and network of a manifest label such as `gen_light ngf4 n2 img32`."""
    kind = label.split()[0]
    numbers = {name: int(value) for name, value in re.findall(r"([a-z_]+?)(\d+)", label)}
    if kind.startswith("gen_"):
        options = {
            "light": kind == "gen_light", "ngf": numbers["ngf"], "n_blocks": numbers["n"],
            "img_size": numbers["img"], "input_nc": 3,
        }  # fmt: skip
        return network("ResnetGenerator", options, {})
    layers = numbers["n_layers"]
    options = {"ndf": numbers["ndf"], "n_layers": layers, "input_nc": 3}
    return network("Discriminator", options, {"x": [1, 3, 3 * 2 ** (layers - 2), 3 * 2 ** (layers - 2)]})


def operation(name: str, options: Mapping[str, Any]) -> tuple[str, int, tuple[str, ...]]:
    """Layer class of an operation case, its channels, and its inputs beside x."""
    kinds = {"adailn": ("AdaILN", ("gamma", "beta")), "iln": ("ILN", ())}
    found = next((kind for start, kind in kinds.items() if name.startswith(start)), None)
    if found is None or options.get("eps", 1e-5) != 1e-5:
        raise ConfigError(f"golden case {name} with {dict(options)}: this family has no such layer")
    return found[0], int(options["num_features"]), found[1]


def functions(case: Any, backend: Backend) -> Iterator[tuple[str, Any, Any, float]]:
    """(quantity, actual, expected, bound) of a case that is no network.

    The learning rates of a resumed original run are not replayed: the original lowers the rate once too often
    there and ends below zero, while a run resumed here continues exactly as if it had not stopped.
    """
    if case.name.startswith("misc"):
        values = case.json()
        before, after = values["rho_clipper"]["before"], values["rho_clipper"]["after"]
        yield "rho after an update", clamped(backend, before), after, EQUAL
        for label, rows in values["lr"].items():
            if match := re.match(r"iteration_(\d+)_(?!resumed)", label):
                config = trajectory({"iteration": int(match[1]), "lr": 1e-4})
                actual = [[iteration, learning_rate(config, iteration)] for iteration, _ in rows]
                yield "learning rates", [rate for _, rate in actual], [rate for _, rate in rows], EQUAL
    elif case.name.startswith("cam_rule"):
        yield from _pictures(case.arrays())
    elif case.name.startswith("checkpoint"):
        yield from _checkpoint(case.json())
    else:
        raise ConfigError(f"golden case {case.name}: this family knows no such function")


def clamped(backend: Backend, values: list[float]) -> list[float]:
    """`values` as an ILN's rho after a generator update that changes nothing else."""
    options = {"light": True, "ch": len(values), "n_res": 0, "img_size": 8, **SMALLEST}
    step = backend.step("ugatit", Config.model_validate(options), dtype="float64")
    state = {name: np.ones_like(array) for name, array in step.state().items()}
    rho = "genA2B.UpBlock2.8.rho"
    state[rho] = np.reshape(np.array(values), state[rho].shape)
    step.load(state)
    step.generator_update()  # type: ignore[attr-defined]  # phases are methods; no gradient, so only the clamp acts
    return [float(value) for value in step.state()[rho].ravel()]


def _pictures(arrays: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any, float]]:
    """Heatmaps in colour, and an image as it is written; stored in BGR."""
    for index in range(sum(name.startswith("heatmap") for name in arrays)):
        expected = arrays[f"cam{index}_bgr_u8"][..., ::-1]
        heatmap = arrays[f"heatmap{index}"][..., 0]
        yield "heatmap pictures", heatmap_picture(heatmap, *expected.shape[:2]), expected, EQUAL
    written = np.clip(np.rint(arrays["img_denorm_bgr"][..., ::-1] * 255.0), 0, 255)
    yield "image picture", from_tensor(arrays["img"]), written.astype(np.uint8), EQUAL


def _checkpoint(stored: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any, float]]:
    """File name, networks in order, and number, first and last of each network's entries."""
    yield "file name", _codes(torch_name("ds", 100_000)), _codes("ds_params_0100000.pt"), EQUAL
    yield "networks", _codes(" ".join(NETWORKS)), _codes(" ".join(stored["top_level"])), EQUAL
    structure = {name: stored["structure"][name] for name in NETWORKS}
    rows = {
        name: [key for key in entries if not key.startswith("__") and key != "..."]
        for name, entries in structure.items()
    }
    channels = int(re.findall(r"\d+", structure["genA2B"]["gap_fc.weight"])[1])
    config = Config.model_validate({
        "light": True, "img_size": 256, "ch": channels // 4,
        "n_res": (structure["genA2B"]["__n__"] - 20) // 6,
        "dis_layers_global": (structure["disGA"]["__n__"] - 11) // 4 + 1,
        "dis_layers_local": (structure["disLA"]["__n__"] - 11) // 4 + 1,
    })  # fmt: skip
    for name in NETWORKS:
        entries = shapes(config, name)
        keys = list(entries)
        yield f"{name}: entries", [len(keys)], [structure[name]["__n__"]], EQUAL
        for key, wanted in zip((keys[0], keys[-1]), rows[name], strict=True):
            text = f"{key}: Tensor{list(entries[key])}"
            expected = f"{wanted}: {structure[name][wanted].rpartition(' ')[0]}"
            yield f"{name}: first and last entry", _codes(text), _codes(expected), EQUAL


def _codes(text: str) -> list[int]:
    """A text as numbers, so that it is compared like every other quantity."""
    return [ord(character) for character in text]
