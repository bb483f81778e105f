"""U-GAT-IT's published checkpoints, read into canonical form and written. See `neutral.portable.Official`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from neutral import checkpoint
from neutral.config import validate
from neutral.errors import CheckpointError, ConfigError
from neutral.families.ugatit import layouts, published
from neutral.families.ugatit.config import Config
from neutral.families.ugatit.family import NETWORKS
from neutral.families.ugatit.shapes import options, shapes
from neutral.formats import paddle_file, safetensors_file, torch_file
from neutral.portable import Portable
from neutral.state import OPTIMIZER, Array, State, prefixed, require_shapes, under, weights_only

LAYOUTS = {
    "torch": "one .pt file of the official PyTorch project",
    "paddle": "six .pdparams files of the Paddle 1.8 port (BGR, float32)",
    "paddlegan": "one .pdparams file of PaddleGAN (float32)",
    "safetensors": "one .safetensors file in canonical names",
    "parity": "a checkpoint folder of this project, the same for both backends",
}

Networks = dict[str, State]
"""Tensors by name, by network."""


def read(source: Path) -> Portable:
    """The checkpoint at `source`: a file, or a folder (one checkpoint, or the newest of several).

    The layout is recognised by content. All six networks must be there, with names and shapes that fit one
    another. Raises `CheckpointError` or `StateError` that list what does not fit.
    """
    if not source.exists():
        raise CheckpointError(f"{source}: no such file or folder")
    if (source / checkpoint.STATE).exists():
        return _read_own(source)
    if source.is_dir() and not (source / checkpoint.MODEL).exists():
        run = source / "model"  # a run's folder: its checkpoints are in there
        newest = checkpoint.newest(run if run.is_dir() else source)
        if newest is not None:
            return _read_own(newest)
    file = source / checkpoint.MODEL if (source / checkpoint.MODEL).exists() else source
    found = published.named(file)
    layout, networks, notes = _networks(found, str(source))
    weights: State = {}
    for name in NETWORKS:
        weights |= prefixed(networks[name], name)
    _require_floats(weights, str(source))
    config = _config(weights, str(source))
    if config.light:
        notes += (f"a light model does not show its image size: img_size {config.img_size} is assumed",)
    return Portable(layout, weights, config, found.dataset, found.iteration, notes)


def targets(target: Path, layout: str, portable: Portable) -> list[Path]:
    """The files, or the folder for `parity`, that `write` makes at `target` (a folder, or a file to be).

    Raises `ConfigError` when `target` does not suit the layout or the iteration is not known.
    """
    if layout not in LAYOUTS:
        raise ConfigError(f"no layout {layout}; known: {', '.join(LAYOUTS)}")
    dataset = portable.dataset or "ugatit"
    if layout == "parity":
        return [checkpoint.folder_of(target, _iteration(portable))]
    if layout == "paddle":
        if target.suffix == ".pdparams":
            raise ConfigError(f"{target}: layout paddle is six files; give a folder (or use --to paddlegan)")
        return [target / published.paddle_name(dataset, name, _iteration(portable)) for name in NETWORKS]
    if target.suffix in (".pt", ".pth", ".pdparams", ".safetensors"):
        return [target]
    names: dict[str, Callable[[], str]] = {
        "torch": lambda: published.torch_name(dataset, _iteration(portable)),
        "paddlegan": lambda: "ugatit_light.pdparams" if _ugatit(portable).light else "ugatit.pdparams",
        "safetensors": lambda: checkpoint.MODEL,
    }
    return [target / names[layout]()]


def write(target: Path, layout: str, portable: Portable) -> tuple[str, ...]:
    """Write `portable` to `targets(...)`, whole or not at all. Returns what the layout does not hold."""
    files = targets(target, layout, portable)
    if layout == "parity":
        config = portable.config.model_dump()
        if portable.dataset is not None:
            config["dataset"] = portable.dataset
        metadata = checkpoint.Metadata(family="ugatit", iteration=_iteration(portable), config=config)
        checkpoint.write(target, portable.state, metadata)
        return () if _has_slots(portable) else ("no optimizer state: both optimizers start anew",)
    networks, notes = _official(portable)
    if layout == "torch":
        torch_file.write(files[0], networks)
    elif layout == "safetensors":
        flat = {f"{net}.{key}": array for net, state in networks.items() for key, array in state.items()}
        iteration = {} if portable.iteration is None else {"iteration": str(portable.iteration)}
        safetensors_file.write(files[0], flat, {"format": "parity", "family": "ugatit"} | iteration)
    elif layout == "paddlegan":
        turned = {name: layouts.to_paddlegan(state) for name, state in networks.items()}
        paddle_file.write(files[0], _single(turned))
    else:
        renamed = _single({name: layouts.to_paddle(state) for name, state in networks.items()})
        paddle_file.write_together(dict(zip(files, renamed.values(), strict=True)))
    if layout.startswith("paddle") and any(a.dtype == np.float64 for a in portable.state.values()):
        notes += ("float64 was rounded to float32, the only precision of this layout",)
    return notes


def _read_own(folder: Path) -> Portable:
    """One of this project's checkpoints, optimizer state included."""
    opened = checkpoint.read(folder, "ugatit")
    config = validate(Config, opened.metadata.config, origin=f"{folder}: its configuration")
    state = opened.state()
    _require_fit(weights_only(state), config, str(folder))
    return Portable("parity", state, config, config.dataset, opened.metadata.iteration)


def _networks(found: published.Named, what: str) -> tuple[str, Networks, tuple[str, ...]]:
    """Layout, canonical tensors by network, and notes."""
    file = next(iter(found.files.values()))
    if "" not in found.files:
        stored = {name: paddle_file.read(path) for name, path in found.files.items()}
        return _from_paddle(_states(stored, what), what)
    if torch_file.is_torch_file(file):
        stored = _states(torch_file.read(file), what)
        return "torch", {name: layouts.from_torch(state) for name, state in stored.items()}, ()
    if paddle_file.is_pickle(file):
        return _from_paddle(_states(paddle_file.read(file), what), what)
    if safetensors_file.is_safetensors(file):
        state, _ = safetensors_file.read(file)
        nested = {name: under(state, name) for name in NETWORKS}
        strangers = sorted(set(state) - {f"{net}.{key}" for net in nested for key in nested[net]})
        if strangers:
            raise CheckpointError(f"{what}: tensors that are not U-GAT-IT's:\n  " + "\n  ".join(strangers))
        return "safetensors", _states({name: part for name, part in nested.items() if part}, what), ()
    raise CheckpointError(f"{what}: neither a file of PyTorch, nor of Paddle, nor safetensors")


def _from_paddle(stored: Networks, what: str) -> tuple[str, Networks, tuple[str, ...]]:
    layout = layouts.paddle_layout((f"{net}.{key}" for net in stored for key in stored[net]), what)
    if layout == "paddlegan":
        found = {net: layouts.from_paddlegan(state, f"{what}: {net}") for net, state in stored.items()}
        return layout, found, ("PaddleGAN trains on images resized with bicubic interpolation",)
    found = {net: layouts.from_paddle(state) for net, state in stored.items()}
    return layout, found, ("trained on BGR: input and output channels were reversed, rho was held in [0, 1]",)


def _states(stored: Any, what: str) -> Networks:
    """The six state dicts in `stored`. Raises `CheckpointError` when they are not all there."""
    if not isinstance(stored, dict):
        raise CheckpointError(f"{what}: holds a {type(stored).__name__}, not six state dicts")
    missing = [name for name in NETWORKS if name not in stored]
    if missing:
        present = ", ".join(str(key)[:60] for key in list(stored)[:8]) or "nothing"
        raise CheckpointError(
            f"{what}: not a checkpoint of U-GAT-IT: {', '.join(missing)} missing; it holds {present}"
        )
    for name in NETWORKS:
        state = stored[name]
        if not isinstance(state, dict) or not all(isinstance(item, np.ndarray) for item in state.values()):
            raise CheckpointError(f"{what}: {name} is not a dictionary of tensors")
    return {name: {str(key): array for key, array in stored[name].items()} for name in NETWORKS}


def _config(weights: State, what: str) -> Config:
    """The configuration that the tensors show; every tensor must fit it."""
    config = validate(Config, options(weights, what), origin=f"{what}: the architecture that it shows")
    _require_fit(weights, config, what)
    return config


def _require_fit(weights: State, config: Config, what: str) -> None:
    expected = {f"{net}.{key}": shape for net in NETWORKS for key, shape in shapes(config, net).items()}
    require_shapes(weights, expected, what)


def _require_floats(weights: Mapping[str, Array], what: str) -> None:
    wrong = [f"  {name}: {a.dtype}" for name, a in weights.items() if not np.issubdtype(a.dtype, np.floating)]
    if wrong:
        raise CheckpointError(f"{what}: tensors that are not floating-point numbers\n" + "\n".join(wrong))


def _official(portable: Portable) -> tuple[Networks, tuple[str, ...]]:
    """Tensors by network in official order, for RGB images; and what is lost."""
    config = _ugatit(portable)
    networks: Networks = {}
    notes: tuple[str, ...] = ()
    for name in NETWORKS:
        state = under(portable.state, name)
        if config.color_order == "bgr":
            state = layouts.reversed_colours(state)
        networks[name] = {key: state[key] for key in shapes(config, name)}
    if config.color_order == "bgr":
        notes += ("trained on BGR: input and output channels were reversed",)
    if _has_slots(portable):
        notes += ("the optimizer state has no place in this layout and stays behind",)
    return networks, notes


def _ugatit(portable: Portable) -> Config:
    if not isinstance(portable.config, Config):
        raise ConfigError(f"a configuration of {type(portable.config).__module__}, not of U-GAT-IT")
    return portable.config


def _iteration(portable: Portable) -> int:
    if portable.iteration is None:
        raise ConfigError("the file name does not tell the iteration; give it with --iteration")
    return portable.iteration


def _has_slots(portable: Portable) -> bool:
    return any(name.startswith(OPTIMIZER) for name in portable.state)


def _single(networks: Networks) -> Networks:
    """In float32."""
    return {
        name: {key: array.astype(np.float32, copy=False) for key, array in state.items()}
        for name, state in networks.items()
    }
