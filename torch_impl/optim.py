"""Optimizers with exact state transfer through canonical names."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from neutral.family import OptimizerSpec
from neutral.state import Array, State, require_shapes
from torch_impl.state import Codec, Entry


class Adam:
    """Adam (arXiv 1412.6980) over the parameters of some networks, L2 decay added to the gradient.

    State per parameter `<net>.<key>`: `moment1` and `moment2` in the canonical layout, `step` (0-d int64,
    number of updates so far). All slots exist from the start, zero before the first update.
    """

    def __init__(self, spec: OptimizerSpec, codecs: Mapping[str, Codec]) -> None:
        self.entries: dict[str, Entry] = {
            f"{net}.{entry.name}": entry for net in spec.networks for entry in codecs[net].trainable()
        }
        self.parameters = [entry.tensor for entry in self.entries.values()]
        self.optimizer = torch.optim.Adam(
            self.parameters, lr=0.0, betas=spec.betas, eps=spec.eps, weight_decay=spec.weight_decay
        )
        self.load(None)

    def set_learning_rate(self, rate: float) -> None:
        """Learning rate of the next updates."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def clear_gradients(self) -> None:
        """Drop all gradients: a parameter without a gradient is not updated."""
        self.optimizer.zero_grad(set_to_none=True)

    def step(self) -> None:
        """One update of every parameter that has a gradient."""
        self.optimizer.step()

    def gradients(self) -> State:
        """Gradients by canonical name; no entry for a parameter that has none."""
        return {
            name: entry.to_canonical(entry.tensor.grad)
            for name, entry in self.entries.items()
            if entry.tensor.grad is not None
        }

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every slot by canonical name."""
        shapes: dict[str, tuple[int, ...]] = {}
        for name, entry in self.entries.items():
            shapes |= {f"{name}.moment1": entry.shape, f"{name}.moment2": entry.shape, f"{name}.step": ()}
        return shapes

    def names(self) -> tuple[str, ...]:
        """Canonical names of all slots."""
        return tuple(self.shapes())

    def state(self) -> State:
        """A canonical copy of all slots."""
        state: State = {}
        for name, entry in self.entries.items():
            slots = self.optimizer.state[entry.tensor]
            state[f"{name}.moment1"] = entry.to_canonical(slots["exp_avg"])
            state[f"{name}.moment2"] = entry.to_canonical(slots["exp_avg_sq"])
            state[f"{name}.step"] = np.array(int(slots["step"].item()), dtype=np.int64)
        return state

    def load(self, state: Mapping[str, Array] | None) -> None:
        """Set all slots; None sets them to zero, as before the first update."""
        if state is not None:
            require_shapes(state, self.shapes(), "optimizer state")
        for name, entry in self.entries.items():
            tensor = entry.tensor
            if state is None:
                moment1, moment2, step = torch.zeros_like(tensor), torch.zeros_like(tensor), 0
            else:
                moment1 = entry.to_native(state[f"{name}.moment1"])
                moment2 = entry.to_native(state[f"{name}.moment2"])
                step = int(state[f"{name}.step"])
            self.optimizer.state[tensor] = {
                "step": torch.tensor(float(step)),
                "exp_avg": moment1.detach().clone(),
                "exp_avg_sq": moment2.detach().clone(),
            }
