"""Using what was trained: the test phase, and the translation of pictures of one's own."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neutral import checkpoint as checkpoints
from neutral import registry
from neutral.backend import Backend, Model, Network
from neutral.checkpoint import Checkpoint
from neutral.config import FamilyConfig, validate
from neutral.data.folders import find_images
from neutral.errors import CheckpointError, ConfigError, DataError
from neutral.export.opened import open_exported
from neutral.images import read_image, write_image
from neutral.training.begin import run_folder
from neutral.training.folder import RunFolder
from neutral.training.hooks import Hooks, hooks_of
from neutral.training.resume import resumed

log = logging.getLogger("parity")


def draw_test_set(
    family: str, backend: str, given: Mapping[str, Any], place: Path | None = None
) -> list[Path]:
    """Write the pictures of the test set of a trained model; returns the files.

    The architecture is that of the checkpoint: the newest one of the run that `given` points to, or the one
    in `place`. Raises `CheckpointError` when there is none or `given` asks for another architecture.
    """
    spec = registry.family(family)
    hooks = hooks_of(spec)
    checkpoint = find_checkpoint(place if place is not None else run_folder(spec, given).root, family)
    config, _ = resumed(spec.config, checkpoint, given, hooks)
    engine = registry.backend(backend)
    networks = {name: load_network(engine, checkpoint, name, config) for name in hooks.test_networks}
    log.info("testing %s", checkpoint.folder)
    written = []
    for name, picture in hooks.test(config, networks):
        written.append(RunFolder.of(config).test / f"{name}.png")
        write_image(written[-1], picture)
    log.info("wrote %d pictures to %s", len(written), RunFolder.of(config).test)
    return written


def translate_pictures(
    family: str, backend: str, direction: str, place: Path, source: Path, target: Path, device: str = "cpu"
) -> list[Path]:
    """Translate the picture `source`, or every picture below the folder `source`, into the folder `target`.

    Files keep their names and end in .png. All pictures are looked at first: nothing is written when one is
    damaged (`DataError`) or a file would be overwritten.
    """
    spec = registry.family(family)
    hooks = hooks_of(spec)
    checkpoint = find_checkpoint(place, family)
    config = validate(
        spec.config, {**checkpoint.metadata.config, "device": device}, origin=f"{checkpoint.folder}"
    )
    directions = spec.exports(config)
    if direction not in directions:
        raise ConfigError(registry.unknown("direction", direction, tuple(directions)))
    files = _targets(source, target)
    network = load_network(registry.backend(backend), checkpoint, directions[direction].network, config)
    return _translate(hooks, config, network, files)


def translate_exported(place: Path, source: Path, target: Path) -> list[Path]:
    """Like `translate_pictures`, with the exported model in `place` and nothing else: no checkpoint.

    An ONNX file needs no framework. Raises `ExportError` when it is not an exported model.
    """
    model = open_exported(place)
    spec = registry.family(model.description.family)
    config = validate(spec.config, model.description.options, origin=str(place))
    return _translate(hooks_of(spec), config, model, _targets(source, target))


def find_checkpoint(place: Path, family: str) -> Checkpoint:
    """The checkpoint `place`, or the newest one in `place` or its folder `model`."""
    if (place / checkpoints.STATE).exists():
        return checkpoints.read(place, family)
    newest = checkpoints.newest(place) or checkpoints.newest(place / "model")
    if newest is None:
        raise CheckpointError(f"{place}: holds no complete checkpoint")
    return checkpoints.read(newest, family)


def load_network(backend: Backend, checkpoint: Checkpoint, name: str, config: FamilyConfig) -> Network:
    """One network with its trained values, on the device of `config`."""
    network = backend.network(
        checkpoint.metadata.family, name, config, dtype=config.dtype, device=config.device
    )
    network.load(checkpoint.network(name))
    return network


def _translate(hooks: Hooks, config: FamilyConfig, model: Model, files: Mapping[Path, Path]) -> list[Path]:
    for read, written in files.items():
        write_image(written, hooks.translate(config, model, read))
        log.info("%s -> %s", read, written)
    return list(files.values())


def _targets(source: Path, target: Path) -> dict[Path, Path]:
    """Where each picture goes. Raises `DataError` for a damaged picture or one that would be overwritten."""
    root, files = (source, find_images(source)) if source.is_dir() else (source.parent, [source])
    if target.is_file():
        raise DataError(f"{target}: a file; the translated pictures go into a folder")
    targets: dict[Path, Path] = {}
    for file in files:
        read_image(file)
        written = target / file.relative_to(root).with_suffix(".png")
        if written.exists() or written in targets.values():
            reason = "exists already" if written.exists() else "would hold two pictures of the same name"
            raise DataError(f"{written}: {reason}; nothing was written. Choose another folder")
        targets[file] = written
    return targets
