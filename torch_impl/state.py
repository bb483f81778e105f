"""The codec: PyTorch tensors of a module <-> canonical numpy arrays.

The canonical layout is PyTorch's own, so nothing is transposed here. The layer types are listed all the same:
a tensor of a type that nobody has looked at is an error, not a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from neutral.errors import StateError
from neutral.state import Array, State, require_shapes

KNOWN = ("Linear", "Conv2d", "ConvTranspose2d", "BatchNorm2d", "PReLU", "Embedding",
         "NarrowingConv2d", "SpectralConv2d", "SpectralLinear", "AdaILN", "ILN")  # fmt: skip
"""Layer types whose tensors are canonical as they are."""


@dataclass(frozen=True)
class Entry:
    """One tensor of a module under its canonical name; `transposed` when the canonical layout differs."""

    name: str
    tensor: torch.Tensor
    trainable: bool
    transposed: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Canonical shape."""
        return tuple(self.tensor.shape)

    def to_canonical(self, tensor: torch.Tensor) -> Array:
        """A copy of `tensor` (the entry's own, its gradient or a moment) in the canonical layout."""
        return tensor.detach().cpu().numpy().copy()

    def to_native(self, array: Array) -> torch.Tensor:
        """`array` in the layout, dtype and device of the entry."""
        contiguous = np.ascontiguousarray(array)
        return (
            torch.as_tensor(contiguous, dtype=self.tensor.dtype).to(self.tensor.device).reshape(array.shape)
        )


class Codec:
    """Canonical names of every tensor of a module, in the order of its official state dict.

    Raises `StateError` when a layer type that owns tensors is not known.
    """

    def __init__(self, module: nn.Module) -> None:
        self.entries: dict[str, Entry] = {}
        for path, layer in module.named_modules():
            self._add(path, layer)

    def _add(self, path: str, layer: nn.Module) -> None:
        parameters = [(name, tensor) for name, tensor in layer._parameters.items() if tensor is not None]
        buffers = [(name, tensor) for name, tensor in layer._buffers.items() if tensor is not None]
        kind = type(layer).__name__
        if (parameters or buffers) and kind not in KNOWN:
            names = ", ".join(name for name, _ in parameters + buffers)
            raise StateError(f"{path}: layer type {kind} (tensors: {names}) is not known to the torch codec")
        for name, tensor in parameters + buffers:
            canonical = f"{path}.{name}" if path else name
            self.entries[canonical] = Entry(canonical, tensor, isinstance(tensor, nn.Parameter))

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
        with torch.no_grad():
            for name, entry in self.entries.items():
                entry.tensor.copy_(entry.to_native(state[name]))
