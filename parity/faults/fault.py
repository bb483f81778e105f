"""What a planted fault is."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from types import ModuleType

from neutral import registry
from neutral.errors import ConfigError

NEUTRAL = "neutral"
"""The side of a fault that both implementations share."""


@dataclass(frozen=True)
class Edit:
    """One replacement in the source of one function or constant.

    side       name of a backend, or "neutral"
    module     below the package of that side: "ugatit.networks"
    place      qualified name in the module: "Generator.forward", or a constant of a class or of the module
    old, new   text that occurs exactly once there, and what stands in its place
    """

    side: str
    module: str
    place: str
    old: str
    new: str

    @property
    def path(self) -> str:
        """Name of the module for an import."""
        return f"{registry.BACKENDS.get(self.side, self.side)}.{self.module}"

    def __str__(self) -> str:
        return f"{self.path}.{self.place}: {one_line(self.old)} -> {one_line(self.new) or '(nothing)'}"


@dataclass(frozen=True)
class Fault:
    """A mistake that ports are known to make.

    name    short, in kebab case
    what    the mistake in plain words
    edits   what plants it
    case    case of the family whose checks are run
    tests   test files of the repository that are run instead of the suite, for what the suite has no part in
    proof   empty, or why no check can catch it: the program means the same
    groups  groups of the suite that are run; all of them when empty
    """

    name: str
    what: str
    edits: tuple[Edit, ...]
    case: str = "light"
    tests: tuple[str, ...] = ()
    proof: str = ""
    groups: tuple[str, ...] = ()

    @property
    def sides(self) -> tuple[str, ...]:
        """Where it is planted: backends, or "neutral"."""
        return tuple(dict.fromkeys(edit.side for edit in self.edits))


Replacement = tuple[str, str]


def planted_in(
    sides: str, module: str, replacements: Mapping[str, Replacement | list[Replacement]]
) -> tuple[Edit, ...]:
    """Edits of one module by place, on each of `sides`: "paddle", or "torch paddle" for the same in both."""
    edits = []
    for side in sides.split():
        for place, found in replacements.items():
            pairs = [found] if isinstance(found, tuple) else found
            edits += [Edit(side, module, place, old, new) for old, new in pairs]
    return tuple(edits)


def one_line(text: str) -> str:
    """`text` with every run of white space as one blank."""
    return " ".join(text.split())


def catalogue(family: str) -> tuple[Fault, ...]:
    """The planted faults of a family. Raises `ConfigError` for an unknown family, or one that has none."""
    registry.family(family)
    path = f"{__package__}.{family}"
    if find_spec(path) is None:
        raise ConfigError(f"family {family} has no catalogue of faults ({path})")
    return catalogue_of(importlib.import_module(path))


def catalogue_of(module: ModuleType) -> tuple[Fault, ...]:
    """FAULTS of a catalogue module."""
    faults: tuple[Fault, ...] = module.FAULTS
    return faults


def chosen(family: str, names: Sequence[str]) -> tuple[Fault, ...]:
    """The faults of these names, all without names. Raises `ConfigError` with the nearest known name."""
    faults = {fault.name: fault for fault in catalogue(family)}
    for name in names:
        if name not in faults:
            raise ConfigError(registry.unknown("fault", name, tuple(faults)))
    return tuple(fault for name, fault in faults.items() if name in names or not names)
