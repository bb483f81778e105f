"""Writing exported models: made beside the target, checked there, and moved to it only when they are right.

model.onnx              ONNX; what it says of itself is in its metadata
model.onnx.data         its tensors, when they are large

folder/                 a static graph of one of the frameworks, in files of that framework, and
folder/export.json      what it is
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from neutral import durable
from neutral.backend import Backend, Network
from neutral.errors import ExportError
from neutral.export.agreement import Agreement, Reference, measure, require
from neutral.export.description import Description
from neutral.export.libraries import require_libraries
from neutral.family import ExportSpec

DESCRIPTION = "export.json"
FORMAT, VERSION = "parity-static-graph", 1


@dataclass(frozen=True)
class Written:
    """The files of one export, the main one first, and how well the graph agrees with the frameworks."""

    files: tuple[Path, ...]
    agreement: tuple[Agreement, ...]


def write_onnx(
    backend: Backend,
    network: Network,
    spec: ExportSpec,
    description: Description,
    target: Path,
    references: Mapping[str, Reference],
    *,
    opset: int = 18,
    force: bool = False,
) -> Written:
    """Export a float32 `network` of `backend` to the ONNX file `target` and check it under ONNX Runtime.

    The graph must agree with every one of `references` (`network`, and the same network in other frameworks,
    by name) at every shape of `spec`. Raises `ExportError` when it does not, or cannot be made; then nothing
    is at `target` that was not there before.
    """
    require_libraries("onnx", "onnxruntime")
    from neutral.export import onnx_file
    from neutral.export.onnx_run import OnnxGraph

    tensors = onnx_file.data_file(target)
    _refuse_existing((target, tensors), force)
    if target.exists():
        onnx_file.description_of(target)  # only an export of this project is replaced
    with durable.scratch(target) as folder:
        made = folder / target.name
        backend.export_onnx(network, spec, made, opset=opset, metadata=description.to_texts())
        onnx_file.check(made, spec, opset)
        found = tuple(measure(OnnxGraph(made), references, spec))
        require(found, target.name)
        # The old graph goes first and the new one comes last: no graph ever lies beside wrong tensors.
        target.unlink(missing_ok=True)
        tensors.unlink(missing_ok=True)
        files = [target]
        if onnx_file.data_file(made).exists():
            durable.place(onnx_file.data_file(made), tensors)
            files.append(tensors)
        durable.place(made, target)
    return Written(tuple(files), found)


def write_static(
    backend: Backend,
    network: Network,
    spec: ExportSpec,
    description: Description,
    target: Path,
    references: Mapping[str, Reference],
    *,
    force: bool = False,
) -> Written:
    """Export a float32 `network` of `backend` to the folder `target` as a static graph; see `write_onnx`."""
    if target.exists() and not (force and (target / DESCRIPTION).is_file()):
        reason = "not an exported model, and not replaced" if force else "exists already; --force replaces it"
        raise ExportError(f"{target}: {reason}")
    with durable.scratch(target) as room:
        made = room / target.name
        made.mkdir()
        backend.export_static(network, spec, made)
        graph = backend.load_static(made, tuple(spec.inputs), spec.outputs)
        found = tuple(measure(graph, references, spec))
        require(found, target.name)
        files = digests(made)
        header = {"format": FORMAT, "version": VERSION, "sha256": files}
        text = json.dumps(header | description.to_json(), indent=1)
        (made / DESCRIPTION).write_text(text, encoding="utf-8")
        if target.exists():
            durable.remove_folder(target)
        durable.place_folder(made, target)
    return Written(tuple(target / name for name in (DESCRIPTION, *files)), found)


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a static graph, by name; without the description."""
    found = {}
    for file in sorted(folder.iterdir()):
        if file.name != DESCRIPTION:
            with file.open("rb") as opened:
                found[file.name] = sha256_of(opened)
    return found


def sha256_of(opened: BinaryIO) -> str:
    """SHA-256 of an open file, read in pieces."""
    digest = hashlib.sha256()
    while piece := opened.read(2**20):
        digest.update(piece)
    return digest.hexdigest()


def _refuse_existing(files: tuple[Path, ...], force: bool) -> None:
    for file in files:
        if file.is_dir() or (file.exists() and not force):
            reason = "is a folder" if file.is_dir() else "exists already; --force replaces it"
            raise ExportError(f"{file}: {reason}")
