"""What the training steps of all families share: networks, optimizers, state, observation."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from neutral.backend import Arrays, Batch, Observer
from neutral.registry import family as find_family
from neutral.state import OPTIMIZER, Array, State, prefixed, require_names, under
from torch_impl.network import Network, to_array
from torch_impl.optim import Adam


class Step:
    """Base of `<family>.step.Step`, which has one method per phase. See `neutral.backend.TrainStep`.

    batch       tensors of the current iteration by input name
    images, cam_logits   tensors of this iteration by their official names; `images` begins with the batch
    modules     the framework's modules by network name
    """

    phases: tuple[str, ...]

    def __init__(self, family: str, config: Any, dtype: torch.dtype, device: torch.device) -> None:
        spec = find_family(family)
        build = importlib.import_module(f"torch_impl.{family}.networks").build
        self.config, self.dtype, self.device = config, dtype, device
        self.networks = {
            name: Network(build(name, config).to(dtype=dtype, device=device))
            for name in spec.networks(config)
        }
        self.modules = {name: network.module for name, network in self.networks.items()}
        for module in self.modules.values():
            module.train()
        self.optimizers = {
            name: Adam(optimizer, {net: self.networks[net].codec for net in optimizer.networks})
            for name, optimizer in spec.optimizers(config).items()
        }
        self.batch: dict[str, torch.Tensor] = {}
        self.images: dict[str, torch.Tensor] = {}
        self.cam_logits: dict[str, torch.Tensor] = {}
        self.recorded: dict[str, torch.Tensor] = {}

    def run(self, batch: Batch, learning_rates: Mapping[str, float], observe: Observer | None = None) -> None:
        """One iteration; `observe(phase)` is called after each phase."""
        self.batch = {
            name: torch.as_tensor(array, dtype=self.dtype, device=self.device)
            for name, array in batch.items()
        }
        self.images, self.cam_logits, self.recorded = dict(self.batch), {}, {}
        for name, optimizer in self.optimizers.items():
            optimizer.set_learning_rate(learning_rates[name])
        for phase in self.phases:
            getattr(self, phase)()
            if observe is not None:
                observe(phase)

    def record(self, losses: Mapping[str, torch.Tensor]) -> None:
        """Keep the losses of this iteration, cut off from their graph."""
        self.recorded.update({name: loss.detach() for name, loss in losses.items()})

    def losses(self) -> dict[str, float]:
        """Losses of the current iteration so far."""
        return {name: loss.item() for name, loss in self.recorded.items()}

    def outputs(self) -> Arrays:
        """Images and CAM logits made in the current iteration so far, without the batch itself."""
        images = {name: to_array(image) for name, image in self.images.items() if name not in self.batch}
        cam_logits = {f"{name}.cam_logit": to_array(logit) for name, logit in self.cam_logits.items()}
        return images | cam_logits

    def gradients(self, optimizer: str) -> State:
        """Gradients by canonical name; no entry for a parameter that has none."""
        return self.optimizers[optimizer].gradients()

    def state(self) -> State:
        """A copy of the training state."""
        state: State = {}
        for name, network in self.networks.items():
            state |= prefixed(network.state(), name)
        for name, optimizer in self.optimizers.items():
            state |= prefixed(optimizer.state(), f"{OPTIMIZER}{name}")
        return state

    def load(self, state: Mapping[str, Array]) -> None:
        """Set the training state; without any optimizer slots the optimizers start anew."""
        has_slots = any(name.startswith(OPTIMIZER) for name in state)
        known = [f"{net}.{key}" for net, network in self.networks.items() for key in network.codec.names()]
        if has_slots:
            for name, optimizer in self.optimizers.items():
                known += [f"{OPTIMIZER}{name}.{key}" for key in optimizer.names()]
        require_names(state, known, "training state")
        for name, network in self.networks.items():
            network.load(under(state, name))
        for name, optimizer in self.optimizers.items():
            optimizer.load(under(state, f"{OPTIMIZER}{name}") if has_slots else None)


@contextmanager
def trainable(parameters: Iterable[torch.Tensor], wanted: bool) -> Iterator[None]:
    """Inside, `parameters` get gradients only if `wanted`; afterwards they do."""
    parameters = list(parameters)
    for parameter in parameters:
        parameter.requires_grad_(wanted)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
