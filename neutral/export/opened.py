"""Exported models in use: an ONNX file, or the folder of a static graph, without the checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from neutral import registry
from neutral.backend import Arrays, Batch, Graph
from neutral.errors import ExportError
from neutral.export.description import Description, from_json, from_texts
from neutral.export.libraries import require_libraries
from neutral.export.write import DESCRIPTION, FORMAT, VERSION, digests


class Exported:
    """An exported network as a model: it takes and gives the names that the network itself uses."""

    def __init__(self, graph: Graph, description: Description) -> None:
        self.graph = graph
        self.description = description

    def forward(self, inputs: Batch, *, train: bool = False) -> Arrays:
        """Outputs by the network's own names. Raises `ExportError` for train mode: it was not exported."""
        if train:
            raise ExportError("an exported model has no train mode")
        outputs = self.graph.run(inputs)
        pairs = zip(self.description.produces, self.description.outputs, strict=True)
        return {own: outputs[exported] for own, exported in pairs}


def open_exported(place: Path) -> Exported:
    """The model in `place`: an ONNX file (needs no framework) or a folder (needs the one that made it).

    Raises `ExportError` when it cannot be read or was not made by this project. A folder of PyTorch holds an
    exported program, which PyTorch runs as code: open only folders of people you trust.
    """
    if place.is_dir():
        return _open_folder(place)
    require_libraries("onnxruntime")
    from neutral.export.onnx_run import OnnxGraph

    graph = OnnxGraph(place)
    return Exported(graph, from_texts(graph.metadata, place))


def _open_folder(folder: Path) -> Exported:
    values = _read(folder / DESCRIPTION)
    if (values.get("format"), values.get("version")) != (FORMAT, VERSION):
        raise ExportError(f"{folder / DESCRIPTION}: not {FORMAT} version {VERSION}")
    description = from_json(values, folder / DESCRIPTION)
    if digests(folder) != values.get("sha256"):
        raise ExportError(f"{folder}: its files are not those that were exported: damaged, missing or added")
    backend = registry.backend(description.backend)
    graph = backend.load_static(folder, tuple(description.inputs), tuple(description.outputs))
    return Exported(graph, description)


def _read(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ExportError(f"{file.parent}: not an exported model: {file.name} is missing") from None
    except (OSError, ValueError) as error:
        raise ExportError(f"{file}: cannot be read: {error}") from None
    if not isinstance(values, dict):
        raise ExportError(f"{file}: holds a {type(values).__name__}, not a mapping")
    return values
