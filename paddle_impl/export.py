"""Networks as ONNX files and as static graphs of the framework."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import paddle
from paddle.static import InputSpec

from neutral.backend import Arrays, Batch
from neutral.errors import ExportError
from neutral.export.libraries import require_libraries
from neutral.family import ExportSpec
from paddle_impl.network import Network, to_array

GRAPH = "model"
"""Name of the files of a static graph, without their endings."""

FAILURES = (RuntimeError, ValueError, TypeError, OSError)
"""What the framework raises when it cannot make or read a graph."""


def export_onnx(
    network: Network,
    spec: ExportSpec,
    target: Path,
    *,
    opset: int = 18,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write `network` as the ONNX file `target`. Raises `ExportError` when that cannot be done."""
    require_libraries("onnx", "paddle2onnx")
    from neutral.export import onnx_file
    from paddle_impl.converter import convert

    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        with reported(f"{kind(network)}: Paddle cannot export it"):
            trace(network, spec, Path(folder))
        model = convert(Path(folder) / f"{GRAPH}.json", Path(folder) / f"{GRAPH}.pdiparams", opset)
    onnx_file.write(model, spec, target, metadata)


def export_static(network: Network, spec: ExportSpec, folder: Path) -> None:
    """Write `network` as a static graph into `folder`. Raises `ExportError` when that cannot be done."""
    with reported(f"{kind(network)}: Paddle cannot export it"):
        trace(network, spec, folder)


def load_static(folder: Path, inputs: Sequence[str], outputs: Sequence[str]) -> StaticGraph:
    """The graph in `folder`. Raises `ExportError` when it cannot be read."""
    with reported(f"{folder}: not a readable static graph"):
        return StaticGraph(paddle.jit.load(str(folder / GRAPH)), inputs, outputs)


class StaticGraph:
    """A static graph with names for its inputs and outputs, in order. See `neutral.backend.Graph`."""

    def __init__(self, module: paddle.nn.Layer, inputs: Sequence[str], outputs: Sequence[str]) -> None:
        self.module = module
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)

    def run(self, inputs: Batch) -> Arrays:
        """Outputs by name, float32. Raises `ExportError` when the inputs do not fit."""
        tensors = [paddle.to_tensor(inputs[name], dtype="float32", place="cpu") for name in self.inputs]
        try:
            with paddle.no_grad():
                outputs = self.module(*tensors)
        except (AssertionError, RuntimeError, ValueError) as error:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in inputs.items())
            raise ExportError(f"the static graph cannot be run with {shapes}: {error}") from None
        return {name: to_array(tensor) for name, tensor in zip(self.outputs, outputs, strict=True)}


def trace(network: Network, spec: ExportSpec, folder: Path) -> None:
    """Write the graph of `network` in eval mode, with the dynamic axes of `spec`, as files in `folder`."""
    samples = []
    for name, shape in spec.inputs.items():
        dynamic = spec.dynamic.get(name, {})
        sizes = [None if axis in dynamic else size for axis, size in enumerate(shape)]
        samples.append(InputSpec(sizes, "float32", name))
    with network.mode(train=False), paddle.no_grad():
        paddle.jit.save(network.module, str(folder / GRAPH), input_spec=samples)


@contextmanager
def reported(what: str) -> Iterator[None]:
    """Turn a failure of the framework's exporter into an `ExportError` that begins with `what`."""
    try:
        yield
    except FAILURES as error:
        raise ExportError(f"{what}: {error}") from error


def kind(network: Network) -> str:
    """Class of the network, for messages."""
    return type(network.module).__name__
