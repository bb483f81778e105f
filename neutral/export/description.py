"""What an exported model says of itself: enough to use it without its checkpoint and without this project."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from neutral.config import FamilyConfig
from neutral.errors import ExportError
from neutral.family import ExportSpec

PROJECT = "framework-parity"


@dataclass(frozen=True)
class Description:
    """Travels in the metadata of an ONNX file, or beside a static graph.

    direction   which of the family's exports, for example A2B
    backend     the framework that made it; `versions` names it and its libraries
    iteration   training iterations of the checkpoint
    options     the family's own options (none of the run: no data set, no folder)
    inputs      names in order; each with its shape, where a dynamic axis is a name
    outputs     names in order
    produces    the network's own names of the outputs, in the same order
    meaning     what the values mean: layout, value range, colour order
    project     name and version of this project
    """

    family: str
    direction: str
    network: str
    backend: str
    versions: dict[str, str]
    iteration: int
    options: dict[str, Any]
    inputs: dict[str, list[int | str]]
    outputs: list[str]
    produces: list[str]
    meaning: dict[str, str]
    project: str

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def to_texts(self) -> dict[str, str]:
        """The same as texts, as ONNX metadata wants them: what is not a text is JSON."""
        return {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in self.to_json().items()
        }


def describe(
    family: str,
    direction: str,
    spec: ExportSpec,
    config: FamilyConfig,
    produces: list[str],
    *,
    backend: str,
    versions: Mapping[str, str],
    iteration: int,
) -> Description:
    """The description of one export of a family."""
    return Description(
        family=family,
        direction=direction,
        network=spec.network,
        backend=backend,
        versions=dict(versions),
        iteration=iteration,
        options=config.model_dump(mode="json", exclude=set(FamilyConfig.model_fields)),
        inputs={name: symbolic_shape(spec, name, shape) for name, shape in spec.inputs.items()},
        outputs=list(spec.outputs),
        produces=produces,
        meaning=dict(spec.meaning),
        project=f"{PROJECT} {_version()}",
    )


def symbolic_shape(spec: ExportSpec, name: str, shape: tuple[int, ...]) -> list[int | str]:
    """`shape` with the names of the dynamic axes of `name` in their places."""
    axes = spec.dynamic.get(name, {})
    return [axes.get(axis, size) for axis, size in enumerate(shape)]


def from_json(values: Mapping[str, Any], origin: Path) -> Description:
    """The description from what `to_json` made. Raises `ExportError` naming what is missing in `origin`."""
    names = [field.name for field in fields(Description)]
    missing = [name for name in names if name not in values]
    if missing:
        raise ExportError(f"{origin}: not exported by {PROJECT}: it does not state {', '.join(missing)}")
    return Description(**{name: values[name] for name in names})


def from_texts(texts: Mapping[str, str], origin: Path) -> Description:
    """The description from what `to_texts` made. Raises `ExportError`."""
    plain = {field.name for field in fields(Description) if field.type == "str"}
    try:
        values = {name: text if name in plain else json.loads(text) for name, text in texts.items()}
    except ValueError as error:
        raise ExportError(f"{origin}: its metadata is not readable: {error}") from None
    return from_json(values, origin)


def _version() -> str:
    try:
        return importlib.metadata.version(PROJECT)
    except importlib.metadata.PackageNotFoundError:  # used from a source tree that was not installed
        return "(not installed)"
