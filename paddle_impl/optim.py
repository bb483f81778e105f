"""Optimizers with exact state transfer through canonical names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import paddle

from neutral.family import OptimizerSpec
from neutral.state import Array, State, require_shapes
from paddle_impl.state import Codec, Entry


class Adam:
    """Adam (arXiv 1412.6980) over the parameters of some networks, L2 decay added to the gradient.

    State per parameter `<net>.<key>`: `moment1` and `moment2` in the canonical layout, `step` (0-d int64,
    number of updates so far). All slots exist from the start, zero before the first update.
    """

    def __init__(self, spec: OptimizerSpec, codecs: Mapping[str, Codec]) -> None:
        self.betas = spec.betas
        self.entries: dict[str, Entry] = {
            f"{net}.{entry.name}": entry for net in spec.networks for entry in codecs[net].trainable()
        }
        self.parameters = [entry.tensor for entry in self.entries.values()]
        self.optimizer = paddle.optimizer.Adam(
            learning_rate=0.0, parameters=self.parameters, beta1=spec.betas[0], beta2=spec.betas[1],
            epsilon=spec.eps, weight_decay=spec.weight_decay,
        )  # fmt: skip
        # Slots are made now, so that their values can be set by parameter: the names in Paddle's own
        # optimizer state count objects of the whole process and do not fit another one.
        block = paddle.base.framework.default_main_program().global_block()
        self.optimizer._create_accumulators(block, self.parameters)
        self.steps = dict.fromkeys(self.entries, 0)

    def set_learning_rate(self, rate: float) -> None:
        """Learning rate of the next updates."""
        self.optimizer.set_lr(rate)

    def clear_gradients(self) -> None:
        """Drop all gradients: a parameter without a gradient is not updated."""
        self.optimizer.clear_grad(set_to_zero=False)

    def step(self) -> None:
        """One update of every parameter that has a gradient."""
        for name, entry in self.entries.items():
            self.steps[name] += entry.tensor.grad is not None  # Paddle keeps powers of beta, not the step
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
            state[f"{name}.moment1"] = entry.to_canonical(self._slot("moment1", entry))
            state[f"{name}.moment2"] = entry.to_canonical(self._slot("moment2", entry))
            state[f"{name}.step"] = np.array(self.steps[name], dtype=np.int64)
        return state

    def load(self, state: Mapping[str, Array] | None) -> None:
        """Set all slots; None sets them to zero, as before the first update."""
        if state is not None:
            require_shapes(state, self.shapes(), "optimizer state")
        for name, entry in self.entries.items():
            tensor = entry.tensor
            if state is None:
                moment1, moment2, step = paddle.zeros_like(tensor), paddle.zeros_like(tensor), 0
            else:
                moment1 = entry.to_native(state[f"{name}.moment1"])
                moment2 = entry.to_native(state[f"{name}.moment2"])
                step = int(state[f"{name}.step"])
            self._slot("moment1", entry).set_value(moment1)
            self._slot("moment2", entry).set_value(moment2)
            self.steps[name] = step
            kind = np.dtype(str(tensor.dtype).removeprefix("paddle."))
            for slot, beta in zip(("beta1_pow_acc", "beta2_pow_acc"), self.betas, strict=True):
                self._slot(slot, entry).set_value(np.array([beta_power(beta, step, kind)], dtype=kind))

    def _slot(self, slot: str, entry: Entry) -> paddle.Tensor:
        return self.optimizer._get_accumulator_master(slot, entry.tensor)


@lru_cache(maxsize=64)
def beta_power(beta: float, step: int, dtype: np.dtype[np.generic]) -> float:
    """beta^(step + 1) to the last bit as Paddle has it after `step` updates: a running product in `dtype`."""
    factor = dtype.type(beta)
    factors = np.full(step + 1, factor, dtype=dtype)
    with np.errstate(under="ignore"):
        return float(np.multiply.accumulate(factors)[-1])
