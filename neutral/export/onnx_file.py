"""The last steps of an ONNX file, the same for all frameworks: names, axes, metadata, large tensors apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError

from neutral.errors import ExportError
from neutral.export.description import Description, from_texts, symbolic_shape
from neutral.family import ExportSpec

LARGE = 512 * 1024**2
"""From this size in bytes on, tensors are written to a file of their own. Protobuf ends at 2 GiB."""

SMALL_TENSOR = 1024
"""Tensors below this size in bytes stay in the graph in any case."""


def data_file(target: Path) -> Path:
    """Where the tensors of a large `model.onnx` are: `model.onnx.data` beside it."""
    return target.with_name(f"{target.name}.data")


def write(
    model: onnx.ModelProto, spec: ExportSpec, target: Path, metadata: Mapping[str, str] | None = None
) -> None:
    """Write `model` to `target`, after giving it the names and dynamic axes of `spec` and `metadata`.

    `model` is changed. Inputs and outputs are taken in their order. Raises `ExportError` when their number
    differs or a name is taken.
    """
    _store_constants(model.graph)
    _rename(model.graph, spec)
    _name_axes(model.graph, spec)
    _remove_unused(model.graph)
    for node in model.graph.node:  # torch notes class names and the paths of source files here
        del node.metadata_props[:]
        node.ClearField("doc_string")
    del model.metadata_props[:]
    for name, text in (metadata or {}).items():
        model.metadata_props.add(key=name, value=text)
    external = sum(len(tensor.raw_data) for tensor in model.graph.initializer) >= LARGE
    onnx.save_model(
        model,
        str(target),
        save_as_external_data=external,
        location=data_file(target).name,
        size_threshold=SMALL_TENSOR,
    )


def description_of(file: Path) -> Description:
    """What an exported file says of itself. Raises `ExportError` when it is no export of this project."""
    try:
        model = onnx.load(str(file), load_external_data=False)
    except (DecodeError, OSError) as error:
        raise ExportError(f"{file}: not an ONNX file, and not replaced: {error}") from None
    return from_texts({entry.key: entry.value for entry in model.metadata_props}, file)


def opset_of(model: onnx.ModelProto) -> int:
    """Version of the standard operator set that `model` uses."""
    return int(next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")))


def _store_constants(graph: onnx.GraphProto) -> None:
    """Turn nodes that make a constant tensor (so paddle2onnx stores weights) into stored tensors."""
    kept = []
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensor = graph.initializer.add()
            tensor.CopyFrom(node.attribute[0].t)
            tensor.name = node.output[0]
        else:
            kept.append(node)
    if len(kept) < len(graph.node):
        del graph.node[:]
        graph.node.extend(kept)


def _rename(graph: onnx.GraphProto, spec: ExportSpec) -> None:
    """Give inputs and outputs the names of `spec`, wherever they are used."""
    names: dict[str, str] = {}
    for kind, values, wanted in (
        ("inputs", graph.input, tuple(spec.inputs)),
        ("outputs", graph.output, spec.outputs),
    ):
        if len(values) != len(wanted):
            found = ", ".join(value.name for value in values)
            raise ExportError(f"the graph has {len(values)} {kind} ({found}), not {len(wanted)}")
        names |= {value.name: name for value, name in zip(values, wanted, strict=True)}
    taken = {name for node in graph.node for name in (*node.input, *node.output)} - set(names)
    if clash := taken & set(names.values()):
        raise ExportError(f"the graph uses {', '.join(sorted(clash))} as a name inside")
    for value in (*graph.input, *graph.output):
        value.name = names[value.name]
    for node in graph.node:
        for used in (node.input, node.output):
            used[:] = [names.get(name, name) for name in used]


def _name_axes(graph: onnx.GraphProto, spec: ExportSpec) -> None:
    """Name the dynamic axes. Other axes keep the size that the framework found."""
    for value in (*graph.input, *graph.output):
        axes: Any = value.type.tensor_type.shape.dim
        for axis, name in spec.dynamic.get(value.name, {}).items():
            axes[axis].dim_param = name


def _remove_unused(graph: onnx.GraphProto) -> None:
    """Remove constants that nothing uses; ONNX Runtime warns of each."""
    used = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    if len(kept) < len(graph.initializer):
        del graph.initializer[:]
        graph.initializer.extend(kept)


def check(file: Path, spec: ExportSpec, opset: int) -> None:
    """Raise `ExportError` unless `file` is valid ONNX of this opset with the names and axes of `spec`."""
    try:
        onnx.checker.check_model(str(file), full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ExportError(f"{file.name}: not valid ONNX: {error}") from None
    model = onnx.load(str(file), load_external_data=False)
    if opset_of(model) != opset:
        raise ExportError(f"{file.name}: uses opset {opset_of(model)}, not {opset} as asked for")
    values = (*model.graph.input, *model.graph.output)
    if [value.name for value in values] != [*spec.inputs, *spec.outputs]:
        raise ExportError(f"{file.name}: inputs and outputs are {', '.join(value.name for value in values)}")
    for value in values:
        shape = [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        if not _fits(spec, value.name, shape):
            raise ExportError(f"{file.name}: {value.name} has the shape {shape}")


def _fits(spec: ExportSpec, name: str, shape: Sequence[int | str]) -> bool:
    """Whether dynamic axes have their names, inputs their sizes, and the other axes of outputs any size."""
    if name in spec.inputs:
        return list(shape) == symbolic_shape(spec, name, spec.inputs[name])
    axes = spec.dynamic.get(name, {})
    return all(
        size == axes[axis] if axis in axes else isinstance(size, int) and size > 0
        for axis, size in enumerate(shape)
    )
