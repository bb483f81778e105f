"""Frozen dataclasses as plain JSON values and back; nan and infinities as the texts "nan", "inf", "-inf"."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from neutral.errors import DataError

Record = TypeVar("Record")


def to_plain(value: Any) -> Any:
    """`value` as dicts, lists, texts, numbers and None, fit for strict JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def from_plain(kind: type[Record], value: Any, where: str = "record") -> Record:
    """The dataclass `kind` from what `to_plain` made. Raises `DataError` naming the wrong entry."""
    return typing.cast(Record, revive(kind, value, where))


def revive(kind: Any, value: Any, where: str) -> Any:
    """One value of annotation `kind`: a dataclass, tuple[X, ...], dict[str, X], X | None or a plain type."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        inner = next(argument for argument in arguments if argument is not types.NoneType)
        return None if value is None else revive(inner, value, where)
    if origin is tuple:
        require(isinstance(value, list), where, "a list", value)
        return tuple(revive(arguments[0], item, f"{where}[{place}]") for place, item in enumerate(value))
    if origin is dict:
        require(isinstance(value, dict), where, "an object", value)
        return {key: revive(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(kind):
        return revive_record(kind, value, where)
    if kind is float and (value in ("nan", "inf", "-inf") or isinstance(value, int)):
        require(not isinstance(value, bool), where, "float", value)
        return float(value)
    require(type(value) is kind, where, kind.__name__, value)
    return value


def revive_record(kind: Any, value: Any, where: str) -> Any:
    """A dataclass from a dict that has exactly its fields."""
    require(isinstance(value, dict), where, "an object", value)
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    if set(value) != set(names):
        wrong = ", ".join(sorted(set(value) ^ set(names)))
        raise DataError(f"{where}: entries missing or not known: {wrong}")
    return kind(**{name: revive(hints[name], value[name], f"{where}.{name}") for name in names})


def require(condition: bool, where: str, wanted: str, value: Any) -> None:
    """Raise `DataError` unless `condition`."""
    if not condition:
        raise DataError(f"{where}: {wanted} expected, {type(value).__name__} given")
