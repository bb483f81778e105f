"""Networks as ONNX files and as static graphs of the framework."""

from __future__ import annotations

import logging
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from neutral.backend import Arrays, Batch
from neutral.errors import ExportError
from neutral.export.libraries import require_libraries
from neutral.family import ExportSpec
from torch_impl.network import Network, to_array

GRAPH = "model"
"""Name of the files of a static graph, without their endings."""

FAILURES = (torch.onnx.OnnxExporterError, RuntimeError, ValueError, TypeError, OSError, zipfile.BadZipFile)
"""What the framework raises when it cannot make or read a graph."""

TALKATIVE = ("torch.export", "torch.onnx._internal.exporter._registration")
"""Loggers that warn of a missing torchvision, which nothing here uses, and repeat errors with tracebacks."""


def export_onnx(
    network: Network,
    spec: ExportSpec,
    target: Path,
    *,
    opset: int = 18,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write `network` as the ONNX file `target`. Raises `ExportError` when that cannot be done."""
    require_libraries("onnx", "onnxscript")
    from neutral.export import onnx_file

    with reported(f"{kind(network)}: PyTorch cannot export it"):
        program = torch.onnx.export(
            trace(network, spec),
            dynamo=True,
            opset_version=opset,
            input_names=list(spec.inputs),
            output_names=list(spec.outputs),
            verbose=False,
        )
    onnx_file.write(program.model_proto, spec, target, metadata)


def export_static(network: Network, spec: ExportSpec, folder: Path) -> None:
    """Write `network` as a static graph into `folder`. Raises `ExportError` when that cannot be done."""
    with reported(f"{kind(network)}: PyTorch cannot export it"):
        program = trace(network, spec)
        for node in program.graph.nodes:
            node.meta.pop("stack_trace", None)  # paths of this machine
        program.example_inputs = None  # would be stored as a pickle
        torch.export.save(program, folder / f"{GRAPH}.pt2")


def load_static(folder: Path, inputs: Sequence[str], outputs: Sequence[str]) -> StaticGraph:
    """The graph in `folder`. Raises `ExportError` when it cannot be read."""
    with reported(f"{folder}: not a readable static graph"):
        return StaticGraph(torch.export.load(folder / f"{GRAPH}.pt2").module(), inputs, outputs)


class StaticGraph:
    """A static graph with names for its inputs and outputs, in order. See `neutral.backend.Graph`."""

    def __init__(self, module: torch.nn.Module, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        self.module = module
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)

    def run(self, inputs: Batch) -> Arrays:
        """Outputs by name, float32. Raises `ExportError` when the inputs do not fit."""
        tensors = [torch.as_tensor(inputs[name], dtype=torch.float32) for name in self.inputs]
        try:
            with torch.no_grad():
                outputs = self.module(*tensors)
        except (AssertionError, RuntimeError, ValueError) as error:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in inputs.items())
            raise ExportError(f"the static graph cannot be run with {shapes}: {error}") from None
        return {name: to_array(tensor) for name, tensor in zip(self.outputs, outputs, strict=True)}


def trace(network: Network, spec: ExportSpec) -> torch.export.ExportedProgram:
    """The graph of `network` in eval mode, with the dynamic axes of `spec`."""
    samples, axes = [], []
    for name, shape in spec.inputs.items():
        dynamic = spec.dynamic.get(name, {})
        # A size of 1 would be taken as fixed.
        sizes = [max(size, 2) if axis in dynamic else size for axis, size in enumerate(shape)]
        samples.append(torch.zeros(sizes))
        axes.append(dict.fromkeys(dynamic, torch.export.Dim.DYNAMIC))
    with network.mode(train=False), torch.no_grad():
        return torch.export.export(network.module, tuple(samples), dynamic_shapes=tuple(axes), strict=False)


@contextmanager
def reported(what: str) -> Iterator[None]:
    """Turn a failure of the framework's exporter into an `ExportError` that begins with `what`."""
    levels = {name: logging.getLogger(name).level for name in TALKATIVE}
    for name in levels:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*LeafSpec.*deprecated", category=FutureWarning)
            yield
    except FAILURES as error:
        raise ExportError(f"{what}: {error}") from error
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def kind(network: Network) -> str:
    """Class of the network, for messages."""
    return type(network.module).__name__
