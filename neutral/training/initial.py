"""The state before the first iteration."""

from __future__ import annotations

from neutral.backend import TrainStep
from neutral.config import FamilyConfig
from neutral.family import Family
from neutral.state import State, prefixed


def initial_state(family: Family, config: FamilyConfig, step: TrainStep) -> State:
    """Initial values of every network of `step`, drawn from `config.seed`; the optimizers start anew."""
    state: State = {}
    for name, network in step.networks.items():
        shapes = {key: array.shape for key, array in network.state().items()}
        state |= prefixed(family.initial(config, name, shapes, config.seed), name)
    return state
