"""What a family declares, once, for both frameworks, for training and for the suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from neutral.config import FamilyConfig
from neutral.state import Array, State

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class OptimizerSpec:
    """Adam over `networks`, in this order. `weight_decay` is added to the gradient (L2, not decoupled)."""

    networks: tuple[str, ...]
    betas: tuple[float, float]
    eps: float = 1e-8
    weight_decay: float = 0.0


@dataclass(frozen=True)
class ExportSpec:
    """Names, sample shape and dynamic axes of one exported network.

    `outputs` are the names in the exported graph, in the order of the network's own outputs. `dynamic` maps
    an input or output name to its dynamic axes: `{"input": {0: "batch"}}`.
    """

    network: str
    inputs: Mapping[str, tuple[int, ...]]
    outputs: tuple[str, ...]
    dynamic: Mapping[str, Mapping[int, str]]
    other_shapes: tuple[Mapping[str, tuple[int, ...]], ...] = ()
    """Further input shapes at which the exported graph must agree with the framework."""
    meaning: Mapping[str, str] = field(default_factory=dict)
    """What the values mean, written into the exported model: `{"color_order": "RGB"}`."""


@dataclass(frozen=True)
class Case:
    """One configuration that the suite checks. The name appears in every line of the verdict."""

    name: str
    config: Any
    slow: bool = False
    share: float = 1.0
    """Share of the suite's iterations that the lockstep runs of this case get."""


@dataclass(frozen=True)
class Family:
    """One model family. The callables take the family's configuration first.

    config            class of the configuration (all options, validated)
    networks          official names of the networks, in checkpoint order
    optimizers        optimizers by name, in the order of their updates
    learning_rates    (config, iteration from 1) -> learning rate by optimizer, as in force in that iteration
    initial           (config, network, shapes, seed) -> canonical initial state of one network
    exercise          (state, seed) -> state with every value non-trivial, so that the suite sees faults
                      that default values hide
    inputs            (config, network, batch, seed) -> inputs by name for one network
    batch             (config, seed, iteration) -> one synthetic training batch by input name
    cases             configurations of the suite
    data              (config) -> training data (see `neutral.data`)
    exports           (config) -> what can be exported, by direction or network name
    title, paper, original   for `parity list`
    """

    name: str
    title: str
    paper: str
    original: str
    config: type[FamilyConfig]
    networks: Callable[[Any], tuple[str, ...]]
    optimizers: Callable[[Any], Mapping[str, OptimizerSpec]]
    learning_rates: Callable[[Any, int], Mapping[str, float]]
    initial: Callable[[Any, str, Shapes, int], State]
    exercise: Callable[[Mapping[str, Array], int], State]
    inputs: Callable[[Any, str, int, int], dict[str, Array]]
    batch: Callable[[Any, int, int], dict[str, Array]]
    cases: tuple[Case, ...]
    exports: Callable[[Any], Mapping[str, ExportSpec]]
    held: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Range in which an update leaves the parameters of that last name: `{"rho": (0, 1)}`."""
    extras: Mapping[str, str] = field(default_factory=dict)
    """Optional modules of the family by role: training, data, pictures, official, golden (import path)."""
