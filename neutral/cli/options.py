"""Options of a family on the command line: `key=value`, or the original projects' `--key value`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from neutral.errors import ConfigError

if TYPE_CHECKING:
    from neutral.config import FamilyConfig

TRUE = ("true", "yes", "on", "1")
FALSE = ("false", "no", "off", "0")


def parse(kind: type[FamilyConfig], words: Sequence[str]) -> dict[str, str]:
    """Options in `words` by name: `key=value`, `--key value`, `--key=value`, and `--key` alone for a boolean.

    Values stay text and names unchecked: validation of the configuration follows. `--save-freq` is
    `save_freq`. Raises `ConfigError` for a stray word and for an option without its value.
    """
    options: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        key, equals, value = word.lstrip("-").partition("=")
        key = key.replace("-", "_")
        if not equals:
            if not word.startswith("--") or not key:
                raise ConfigError(f'"{word}": an option has the form key=value or --key value')
            value = _value(kind, key, rest)
        options[key] = value
    return options


def _value(kind: type[FamilyConfig], key: str, rest: list[str]) -> str:
    """The value of `--key`, taken from the front of `rest`."""
    field = kind.model_fields.get(key)
    if field is not None and field.annotation is bool:
        return rest.pop(0) if rest and rest[0].lower() in TRUE + FALSE else "true"
    if rest and not rest[0].startswith("--"):
        return rest.pop(0)
    if field is None:  # an unknown name is reported as such, with the nearest known one
        return "true"
    raise ConfigError(f"--{key}: needs a value")


def with_plain_switches(words: Sequence[str], switches: Sequence[str] = ("--resume",)) -> list[str]:
    """`--resume True` becomes `--resume`, and `--resume False` nothing: as the originals write switches."""
    plain: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        answer = rest[0].lower() if rest and word in switches else ""
        if answer in TRUE + FALSE:
            rest.pop(0)
        if answer not in FALSE:
            plain.append(word)
    return plain


def table(kind: type[FamilyConfig]) -> str:
    """All options with their defaults and meanings, one per line."""
    rows = [
        (name, _default(field.default), field.description or "") for name, field in kind.model_fields.items()
    ]
    name_width, default_width = (max(len(row[column]) for row in rows) for column in (0, 1))
    return "\n".join(
        f"{name:<{name_width}}  {default:<{default_width}}  {text}" for name, default, text in rows
    )


def _default(value: Any) -> str:
    return {None: "-", "": '""'}.get(value, str(value).lower() if isinstance(value, bool) else str(value))
