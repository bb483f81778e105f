"""The codec: Paddle tensors of a layer <-> canonical numpy arrays.

Which tensors have another name or layout than the canonical (PyTorch's) is decided by the type of the layer
that owns them, never by a shape: the weight of a square Linear must be transposed too. A tensor of a type
that nobody has looked at is an error, not a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import paddle
from paddle import nn

from neutral.errors import StateError
from neutral.state import Array, State, require_shapes

KNOWN = ("Linear", "Conv2D", "Conv2DTranspose", "BatchNorm2D", "PReLU", "Embedding",
         "NarrowingConv2d", "SpectralConv2d", "SpectralLinear", "AdaILN", "ILN")  # fmt: skip
"""Layer types whose tensors are canonical but for the two tables below."""

TRANSPOSED = {("Linear", "weight"), ("SpectralLinear", "weight_orig")}
"""Stored (inputs, outputs); canonical is (outputs, inputs)."""

RENAMED = {
    ("BatchNorm2D", "_mean"): "running_mean",
    ("BatchNorm2D", "_variance"): "running_var",
    ("PReLU", "_weight"): "weight",
}
"""Names that differ from the canonical ones."""


@dataclass(frozen=True)
class Entry:
    """One tensor of a layer under its canonical name; `transposed` when the canonical layout differs."""

    name: str
    tensor: paddle.Tensor
    trainable: bool
    transposed: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Canonical shape."""
        shape = tuple(self.tensor.shape)
        return shape[::-1] if self.transposed else shape

    def to_canonical(self, tensor: paddle.Tensor) -> Array:
        """A copy of `tensor` (the entry's own, its gradient or a moment) in the canonical layout."""
        array = tensor.detach().numpy()  # a copy, from any device; `cpu()` would make another
        return np.ascontiguousarray(array.T) if self.transposed else array

    def to_native(self, array: Array) -> paddle.Tensor:
        """`array` in the layout, dtype and device of the entry."""
        native = np.ascontiguousarray(array.T) if self.transposed else np.ascontiguousarray(array)
        return paddle.to_tensor(native, dtype=self.tensor.dtype, place=self.tensor.place).reshape(
            self.tensor.shape
        )


class Codec:
    """Canonical names of every tensor of a layer, in the order of its official state dict.

    Raises `StateError` when a layer type that owns tensors is not known.
    """

    def __init__(self, module: nn.Layer) -> None:
        self.entries: dict[str, Entry] = {}
        for path, layer in module.named_sublayers(include_self=True):
            self._add(path, layer)

    def _add(self, path: str, layer: nn.Layer) -> None:
        parameters = [(name, tensor) for name, tensor in layer._parameters.items() if tensor is not None]
        buffers = [(name, tensor) for name, tensor in layer._buffers.items() if tensor is not None]
        kind = type(layer).__name__
        if (parameters or buffers) and kind not in KNOWN:
            names = ", ".join(name for name, _ in parameters + buffers)
            raise StateError(f"{path}: layer type {kind} (tensors: {names}) is not known to the paddle codec")
        for name, tensor in parameters + buffers:
            local = RENAMED.get((kind, name), name)
            canonical = f"{path}.{local}" if path else local
            # Paddle keeps batch-norm statistics among the parameters, with `stop_gradient` set.
            trainable = (name, tensor) in parameters and not tensor.stop_gradient
            self.entries[canonical] = Entry(canonical, tensor, trainable, (kind, name) in TRANSPOSED)

    def names(self) -> tuple[str, ...]:
        """Canonical names in official order."""
        return tuple(self.entries)

    def trainable(self) -> list[Entry]:
        """Entries of the trainable parameters, in official order."""
        return [entry for entry in self.entries.values() if entry.trainable]

    def dump(self) -> State:
        """A canonical copy of every tensor."""
        return {name: entry.to_canonical(entry.tensor) for name, entry in self.entries.items()}

    def load(self, state: Mapping[str, Array], what: str) -> None:
        """Set every tensor. Names and shapes must fit exactly; nothing is changed when they do not."""
        require_shapes(state, {name: entry.shape for name, entry in self.entries.items()}, what)
        with paddle.no_grad():
            for name, entry in self.entries.items():
                entry.tensor.set_value(entry.to_native(state[name]))
