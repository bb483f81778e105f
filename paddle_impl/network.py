"""A network seen through canonical names and numpy arrays. See `neutral.backend.Network`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import paddle
from paddle import nn

from neutral.backend import Arrays, Batch, Gradients, Traced
from neutral.state import Array, State
from paddle_impl.state import Codec

simplified: set[str] = set()
"""Layer classes that pass on their first input in networks built from now on; see `Backend.simplify`."""


class Network:
    """`module` with its codec. Inputs go to `forward` in order; `module.outputs` names the outputs."""

    def __init__(self, module: nn.Layer) -> None:
        self.module = module
        self.codec = Codec(module)
        for _, layer in module.named_sublayers(include_self=True):
            if type(layer).__name__ in simplified:
                layer.forward = first_input
        self.output_names: tuple[str, ...] = getattr(module, "outputs", ("out",))

    def state(self) -> State:
        """A copy of parameters and buffers in canonical names and layout."""
        return self.codec.dump()

    def load(self, state: Mapping[str, Array]) -> None:
        """Set every parameter and buffer; names and shapes must fit exactly."""
        self.codec.load(state, type(self.module).__name__)

    def parameter_names(self) -> tuple[str, ...]:
        """Canonical names of the trainable parameters."""
        return tuple(entry.name for entry in self.codec.trainable())

    def forward(self, inputs: Batch, *, train: bool = False) -> Arrays:
        """Outputs by name, without gradients."""
        with self.mode(train), paddle.no_grad():
            return {name: to_array(tensor) for name, tensor in self._call(self._tensors(inputs)).items()}

    def gradients(self, inputs: Batch, probes: Batch | None, *, train: bool = True) -> Gradients:
        """Forward and backward with the loss sum(mean(output * probe)); without probes, sum(mean(output))."""
        tensors = self._tensors(inputs)
        for tensor in tensors.values():
            tensor.stop_gradient = False
        clear_gradients(self.module)
        with self.mode(train):
            outputs = self._call(tensors)
            weights = self._tensors(probes) if probes is not None else {}
            terms = [(out * weights[name] if weights else out).mean() for name, out in outputs.items()]
            loss = paddle.stack(terms).sum()
            loss.backward()
        result = Gradients(
            loss=loss.item(),
            outputs={name: to_array(tensor) for name, tensor in outputs.items()},
            inputs={name: to_array(t.grad) for name, t in tensors.items() if t.grad is not None},
            parameters={
                entry.name: entry.to_canonical(entry.tensor.grad)
                for entry in self.codec.trainable()
                if entry.tensor.grad is not None
            },
        )
        clear_gradients(self.module)
        return result

    def trace(self, inputs: Batch, *, train: bool = False) -> list[Traced]:
        """Outputs of every module of one forward pass, in the order in which they are finished."""
        traced: list[Traced] = []

        def keep(path: str, layer: nn.Layer, output: object) -> None:
            for tensor in output if isinstance(output, tuple) else (output,):
                traced.append(Traced(path, type(layer).__name__, to_array(tensor)))

        handles = [
            layer.register_forward_post_hook(lambda layer, _, output, path=path: keep(path, layer, output))
            for path, layer in self.module.named_sublayers(include_self=True)
        ]
        try:
            self.forward(inputs, train=train)
        finally:
            for handle in handles:
                handle.remove()
        return traced

    def _call(self, tensors: Mapping[str, paddle.Tensor]) -> dict[str, paddle.Tensor]:
        outputs = self.module(*tensors.values())
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        return dict(zip(self.output_names, outputs, strict=True))

    def _tensors(self, arrays: Batch) -> dict[str, paddle.Tensor]:
        like = next(iter(self.codec.entries.values())).tensor
        return {name: paddle.to_tensor(a, dtype=like.dtype, place=like.place) for name, a in arrays.items()}

    @contextmanager
    def mode(self, train: bool) -> Iterator[None]:
        """Train or eval mode inside the block; the previous mode is restored."""
        before = self.module.training
        set_mode(self.module, train)
        try:
            yield
        finally:
            set_mode(self.module, before)


def to_array(tensor: paddle.Tensor) -> Array:
    """A numpy copy of a tensor, cut off from its graph."""
    return tensor.detach().numpy()  # a copy, from any device


def set_mode(module: nn.Layer, train: bool) -> None:
    """Train or eval mode."""
    if train:
        module.train()
    else:
        module.eval()


def clear_gradients(module: nn.Layer) -> None:
    """Drop the gradients of all parameters; Paddle's own `clear_gradients` would leave zeros."""
    for parameter in module.parameters():
        parameter.clear_gradient(set_to_zero=False)


def first_input(x: paddle.Tensor, *_: paddle.Tensor) -> paddle.Tensor:
    """What a simplified layer computes."""
    return x
