"""Checkpoints: one folder per iteration, the same for every backend.

    step_0000500/
        model.safetensors       networks, `<net>.<key>` in canonical names and layouts
        training.safetensors    optimizer slots, `optimizer.<optimizer>.<net>.<key>.<slot>`
        state.json              format and version, family, iteration, kind, backend, configuration, losses

The folder appears whole or not at all. No random state is stored: order, augmentation and noise are functions
of the seed and the iteration (see `neutral.randomness`), so the iteration says where every stream stands.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from neutral import durable
from neutral.errors import CheckpointError
from neutral.state import OPTIMIZER, Array, State

FORMAT, VERSION = "parity-checkpoint", 1
MODEL, TRAINING, STATE = "model.safetensors", "training.safetensors", "state.json"
NAME = re.compile(r"step_(\d{7,})")

log = logging.getLogger("parity")


@dataclass(frozen=True)
class Metadata:
    """What `state.json` says. `kind`: "kept" for good, or "latest", which the next checkpoint replaces.

    `config` holds every option of the family. `elapsed` is the training time so far, in seconds.
    """

    family: str
    iteration: int
    config: dict[str, Any]
    kind: Literal["kept", "latest"] = "kept"
    backend: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    losses: dict[str, float] = field(default_factory=dict)
    elapsed: float = 0.0


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint on disk: its metadata is read, its tensors are read when asked for."""

    folder: Path
    metadata: Metadata

    def network(self, name: str) -> State:
        """The canonical state of one network. Raises `CheckpointError` when the file has none."""
        state = _read_tensors(self.folder / MODEL, f"{name}.")
        if not state:
            raise CheckpointError(f"{self.folder / MODEL}: holds no network {name}")
        return {key.removeprefix(f"{name}."): array for key, array in state.items()}

    def state(self) -> State:
        """The whole training state: networks and optimizer slots."""
        return _read_tensors(self.folder / MODEL) | _read_tensors(self.folder / TRAINING)


def folder_of(parent: Path, iteration: int) -> Path:
    """`<parent>/step_0000500`."""
    return parent / f"step_{iteration:07d}"


def write(parent: Path, state: Mapping[str, Array], metadata: Metadata) -> Path:
    """Write `state` below `parent` and return the new folder.

    Raises `CheckpointError` when it cannot be written or a complete checkpoint of this iteration is there.
    """
    target = folder_of(parent, metadata.iteration)
    with durable.reported(target):
        if target.exists() and not is_complete(target):
            durable.remove_folder(target)
    with durable.new_folder(target) as folder:
        for name, part in ((MODEL, False), (TRAINING, True)):
            tensors = {key: array for key, array in state.items() if key.startswith(OPTIMIZER) is part}
            _write_tensors(folder / name, tensors, target)
        sizes = {name: (folder / name).stat().st_size for name in (MODEL, TRAINING)}
        header = {"format": FORMAT, "version": VERSION}
        text = json.dumps(header | asdict(metadata) | {"bytes": sizes}, indent=1)
        (folder / STATE).write_text(text, encoding="utf-8")
    return target


def read(folder: Path, family: str | None = None) -> Checkpoint:
    """The checkpoint in `folder`, checked: complete, of a known version and, where given, of `family`.

    Raises `CheckpointError` that names the file and the reason.
    """
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: no such checkpoint folder")
    file = folder / STATE
    values = _read_json(file)
    if values.get("format") != FORMAT:
        raise CheckpointError(f"{file}: not the state of a checkpoint (format: {values.get('format')!r})")
    if values.get("version") != VERSION:
        raise CheckpointError(
            f"{file}: checkpoint version {values.get('version')!r}; this program reads version {VERSION}"
        )
    metadata = _metadata(file, values)
    if family is not None and metadata.family != family:
        raise CheckpointError(f"{folder}: a checkpoint of family {metadata.family}, not of {family}")
    for name, size in values["bytes"].items():
        _require_size(folder / name, size)
    return Checkpoint(folder, metadata)


def is_complete(folder: Path) -> bool:
    """Whether `folder` can be read."""
    try:
        read(folder)
    except CheckpointError:
        return False
    return True


def newest(parent: Path) -> Path | None:
    """The complete checkpoint of the largest iteration below `parent`; damaged ones are passed over."""
    for folder in sorted(_candidates(parent), key=iteration_of, reverse=True):
        try:
            read(folder)
        except CheckpointError as error:
            log.warning("passed over: %s", error)
        else:
            return folder
    return None


def prune(parent: Path, keep_last: int) -> None:
    """Delete what is no longer wanted: every "latest" but the newest checkpoint, and old "kept" ones.

    `keep_last`: how many of the kept checkpoints stay, the newest ones; 0 keeps all.
    """
    folders = sorted(filter(is_complete, _candidates(parent)), key=iteration_of)
    kept = [folder for folder in folders if read(folder).metadata.kind == "kept"]
    stay = set(kept[-keep_last:]) | set(folders[-1:])
    for folder in folders:
        if folder not in stay:
            durable.remove_folder(folder)


def iteration_of(folder: Path) -> int:
    """500 for `…/step_0000500`."""
    match = NAME.fullmatch(folder.name)
    if match is None:
        raise CheckpointError(f"{folder}: not named like a checkpoint (step_0000500)")
    return int(match.group(1))


def _candidates(parent: Path) -> list[Path]:
    if not parent.is_dir():
        return []
    return [entry for entry in parent.iterdir() if NAME.fullmatch(entry.name) and entry.is_dir()]


def _metadata(file: Path, values: Mapping[str, Any]) -> Metadata:
    fields = Metadata.__dataclass_fields__
    missing = sorted({*fields, "bytes"} - set(values))
    if missing:
        raise CheckpointError(f"{file}: lacks {', '.join(missing)}")
    return Metadata(**{name: values[name] for name in fields})


def _read_json(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{file.parent}: not a checkpoint: {file.name} is missing") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{file}: cannot be read: {error}") from None
    if not isinstance(values, dict):
        raise CheckpointError(f"{file}: holds a {type(values).__name__}, not a mapping")
    return values


def _require_size(file: Path, size: int) -> None:
    if not file.is_file():
        raise CheckpointError(f"{file}: is missing")
    actual = file.stat().st_size
    if actual != size:
        raise CheckpointError(f"{file}: truncated or changed: {actual} bytes, {size} were written")


def _write_tensors(file: Path, tensors: Mapping[str, Array], target: Path) -> None:
    # safetensors writes the memory as it lies: a transposed view would be stored wrongly, without an error.
    whole = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    try:
        save_file(cast(dict[str, np.ndarray], whole), file, metadata={"format": FORMAT})
        durable.share(file)  # safetensors makes files that only their owner may read
    except SafetensorError as error:
        raise CheckpointError(f"{target}: cannot be written: {error}. No checkpoint was made there") from None


def _read_tensors(file: Path, prefix: str = "") -> State:
    """The tensors whose name begins with `prefix`, in the order of the file."""
    with _open_tensors(file) as opened:
        return {name: opened.get_tensor(name) for name in opened.keys() if name.startswith(prefix)}  # noqa: SIM118


@contextmanager
def _open_tensors(file: Path) -> Iterator[Any]:
    try:
        with safe_open(file, framework="numpy") as opened:
            yield opened
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{file}: cannot be read: {error}") from None
