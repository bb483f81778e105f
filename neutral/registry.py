"""Families and backends by name. The only way from here to an implementation; nothing is imported early."""

from __future__ import annotations

import importlib
import importlib.util
from difflib import get_close_matches
from functools import cache
from types import ModuleType
from typing import cast

from neutral.backend import Backend
from neutral.errors import ConfigError, EnvironmentFault
from neutral.family import Family

FAMILIES = ("ugatit",)
"""A family is `neutral.families.<name>` and the same name below each implementation."""

BACKENDS = {"torch": "torch_impl", "paddle": "paddle_impl"}
"""Backend name (also the module of its framework) and the package that implements it."""


@cache
def family(name: str) -> Family:
    """The family `name`. Raises `ConfigError` with the nearest known name."""
    if name not in FAMILIES:
        raise ConfigError(unknown("family", name, FAMILIES))
    return cast(Family, importlib.import_module(f"neutral.families.{name}").FAMILY)


@cache
def backend(name: str) -> Backend:
    """The backend `name`, its framework imported. Raises `EnvironmentFault` when it is not installed."""
    require_backend(name)
    return cast(Backend, importlib.import_module(f"{BACKENDS[name]}.backend").BACKEND)


def require_backend(name: str) -> None:
    """Raise `ConfigError` for an unknown backend, `EnvironmentFault` for one that is not installed."""
    if not name:
        raise ConfigError(f"--backend is missing. Known: {', '.join(BACKENDS)}")
    if name not in BACKENDS:
        raise ConfigError(unknown("backend", name, tuple(BACKENDS)))
    if not installed(name):
        raise EnvironmentFault(
            f"backend {name}: the framework is not installed. "
            f"Install it with: pip install 'framework-parity[{name}]'"
        )


def installed(name: str) -> bool:
    """Whether the framework of backend `name` can be found (without importing it)."""
    return importlib.util.find_spec(name) is not None


def unknown(what: str, name: str, known: tuple[str, ...]) -> str:
    """'unknown family "ugatti"; did you mean "ugatit"? Known: …'."""
    near = get_close_matches(name, known, n=1)
    guess = f'; did you mean "{near[0]}"?' if near else "."
    return f'unknown {what} "{name}"{guess} Known: {", ".join(known)}'


def extra(family_name: str, role: str) -> ModuleType:
    """The module a family names for `role` (data, pictures, official, golden)."""
    path = family(family_name).extras.get(role)
    if path is None:
        raise ConfigError(f"family {family_name} has nothing for: {role}")
    return importlib.import_module(path)
