"""What a family adds to the training loop and the commands around it: the rest is the same for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from neutral.backend import Model, Network
from neutral.family import Family
from neutral.images import Picture
from neutral.registry import extra
from neutral.state import Array

Networks = Mapping[str, Network]
Pictures = Iterable[tuple[str, Picture]]
"""Pictures, (H, W, 3) uint8 RGB, with their file names without an ending."""


class TrainingData(Protocol):
    """The training set of one run. Picklable, because worker processes get a copy."""

    def batch(self, iteration: int) -> dict[str, Array]:
        """The batch of `iteration` (from 1): a pure function of the configuration and the iteration."""
        ...


@dataclass(frozen=True)
class Hooks:
    """One per family, named `HOOKS` in the module `extras["training"]`.

    rates          columns of the log line: column -> optimizer whose learning rate it shows
    headline       columns of the log line: column -> loss
    banner         (config) -> what the start of a run prints: label -> value
    architecture   (config) -> what decides names and shapes of the state, as option -> effective value
    data           (config) -> training data; raises `DataError` when there is none
    describe       (training data) -> one line that says how much there is
    previews       (training data, iteration, networks) -> sample pictures, none where not wanted
    test_networks  networks that the test phase needs
    test           (config, networks) -> pictures of the test set
    translate      (config, network or exported network, file) -> the translated picture
    """

    rates: Mapping[str, str]
    headline: Mapping[str, str]
    banner: Callable[[Any], Mapping[str, object]]
    architecture: Callable[[Any], Mapping[str, object]]
    data: Callable[[Any], TrainingData]
    describe: Callable[[Any], str]
    previews: Callable[[Any, int, Networks], Pictures]
    test_networks: tuple[str, ...]
    test: Callable[[Any, Networks], Pictures]
    translate: Callable[[Any, Model, Path], Picture]


def hooks_of(family: Family) -> Hooks:
    """The hooks of `family`; this imports its data and picture code."""
    return cast(Hooks, extra(family.name, "training").HOOKS)
