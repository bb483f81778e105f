"""What a backend offers, as the neutral code and the comparison see it: numpy in, numpy out.

Implemented by `torch_impl.backend` and `paddle_impl.backend`; obtained with `neutral.registry.backend`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from neutral.family import ExportSpec
from neutral.state import Array, State

Arrays = dict[str, Array]
Batch = Mapping[str, Array]
Observer = Callable[[str], None]


@dataclass(frozen=True)
class Gradients:
    """Result of one forward and backward pass: loss = sum over outputs of mean(output * probe)."""

    loss: float
    outputs: Arrays
    inputs: Arrays
    parameters: State


@dataclass(frozen=True)
class Traced:
    """Output of one module in one forward pass, in execution order; `path` uses canonical module names."""

    path: str
    kind: str
    output: Array


class Model(Protocol):
    """What computes outputs by name from inputs by name: a network, or a network that was exported."""

    def forward(self, inputs: Batch, *, train: bool = False) -> Arrays:
        """Outputs by name, without gradients. The previous mode is restored."""
        ...


class Graph(Protocol):
    """An exported graph, opened: inputs and outputs by their exported names."""

    def run(self, inputs: Batch) -> Arrays:
        """Outputs by name. Raises `ExportError` when the inputs do not fit."""
        ...


class Network(Model, Protocol):
    """One network, seen through canonical names and numpy arrays."""

    def state(self) -> State:
        """A copy of parameters and buffers, in canonical names and layout, in the official order."""
        ...

    def load(self, state: Mapping[str, Array]) -> None:
        """Set every parameter and buffer. Raises `StateError` when a name or a shape does not fit."""
        ...

    def parameter_names(self) -> tuple[str, ...]:
        """Canonical names of the trainable parameters, in the official order."""
        ...

    def gradients(self, inputs: Batch, probes: Batch | None, *, train: bool = True) -> Gradients:
        """Forward and backward with the loss sum(mean(output * probe)); without probes, sum(mean(output))."""
        ...

    def trace(self, inputs: Batch, *, train: bool = False) -> list[Traced]:
        """Outputs of every module of one forward pass, in execution order."""
        ...


class TrainStep(Protocol):
    """One training iteration of a family: networks, optimizers and the named phases between them."""

    networks: Mapping[str, Network]
    phases: tuple[str, ...]

    def run(
        self, batch: Batch, learning_rates: Mapping[str, float], observe: Observer | None = None
    ) -> None:
        """One iteration. `observe(phase)` is called after each phase."""
        ...

    def losses(self) -> dict[str, float]:
        """Every loss of the current iteration by its official name."""
        ...

    def outputs(self) -> Arrays:
        """Images and logits of the current iteration by their official names."""
        ...

    def gradients(self, optimizer: str) -> State:
        """Gradients `<net>.<key>` of the parameters of one optimizer; no entry where there is none."""
        ...

    def state(self) -> State:
        """A copy of the training state (see `neutral.state`); everything `load` needs."""
        ...

    def load(self, state: Mapping[str, Array]) -> None:
        """Set the training state; weights without optimizer slots start the optimizers anew."""
        ...


class Backend(Protocol):
    """A framework: construction, devices, export."""

    name: str

    def versions(self) -> dict[str, str]:
        """Name and version of the framework and of the libraries below it."""
        ...

    def check_device(self, device: str) -> None:
        """Raise `EnvironmentFault` when `device` ("cpu", "cuda" or "cuda:1") cannot be used."""
        ...

    def simplify(self, kinds: tuple[str, ...]) -> None:
        """Let layers of these classes pass on their first input, in all networks built from now on.

        To find out whether a difference is theirs. Raises `ConfigError` for a class that no family has.
        """
        ...

    def use_threads(self, count: int) -> None:
        """Compute on `count` CPU threads from now on."""
        ...

    def network(
        self, family: str, name: str, config: Any, *, dtype: str = "float32", device: str = "cpu"
    ) -> Network:
        """One network of a family, by its official name (`genA2B`). Its values are unset until `load`."""
        ...

    def layer(
        self, family: str, kind: str, *args: Any, dtype: str = "float32", device: str = "cpu"
    ) -> Network:
        """One layer class of a family's networks as a network: inputs in call order, one output `out`."""
        ...

    def step(
        self, family: str, config: Any, *, dtype: str = "float32", device: str = "cpu"
    ) -> TrainStep:
        """The training step of a family. Its values are unset until `load`."""
        ...

    def export_onnx(
        self,
        network: Any,
        spec: ExportSpec,
        target: Path,
        *,
        opset: int = 18,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Write a float32 `network` of this backend, in eval mode, as the ONNX file `target`.

        Names and dynamic axes are those of `spec`. The graph is not checked here: see `neutral.export.write`.
        Raises `ExportError` when the framework cannot do it.
        """
        ...

    def export_static(self, network: Any, spec: ExportSpec, folder: Path) -> None:
        """Write a float32 `network` as the framework's own static graph into the empty `folder`."""
        ...

    def load_static(self, folder: Path, inputs: Sequence[str], outputs: Sequence[str]) -> Graph:
        """The graph that `export_static` wrote, on the CPU; inputs and outputs get these names, in order."""
        ...
