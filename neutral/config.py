"""Configuration: options of a family, from a TOML or YAML file and `key=value` overrides, validated strictly.

An unknown key, a wrong type or a value out of range is a `ConfigError` that names the key, the value, the
reason and the nearest known key. Nothing is evaluated: values are data.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from neutral.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class FamilyConfig(BaseModel):
    """Options that every family has. A family adds its own, under the names of its original project."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    dataset: str = Field("YOUR_DATASET_NAME", description="folder below dataset/")
    data_dir: str = Field("dataset", description="folder that holds the data sets")
    result_dir: str = Field("results", description="output root")
    iteration: int = Field(1_000_000, ge=2, description="number of training iterations")
    batch_size: int = Field(1, ge=1, description="samples per training step")
    print_freq: int = Field(1000, ge=1, description="sample pictures every k iterations")
    save_freq: int = Field(100_000, ge=1, description="checkpoint to keep every k iterations")
    latest_freq: int = Field(1000, ge=1, description="checkpoint to resume from every k iterations")
    log_freq: int = Field(10, ge=1, description="log line and metrics every k iterations")
    keep_last: int = Field(
        0, ge=0, description="keep only the newest k of the save_freq checkpoints; 0 keeps all"
    )
    seed: int = Field(0, ge=0, description="seed of initial weights, order and augmentation")
    device: str = Field("cpu", pattern=r"^(cpu|cuda(:\d+)?)$", description="cpu, cuda or cuda:N")
    dtype: str = Field("float32", pattern=r"^(float32|float64)$", description="float32 or float64")
    workers: int = Field(
        0, ge=0, description="processes that read and augment images; 0 reads in the training process"
    )
    threads: int = Field(0, ge=0, description="CPU threads; 0: OMP_NUM_THREADS, or all processors")
    fast_step: bool = Field(
        True, description="skip redundant work; the result is the same (proven by the suite)"
    )


Config = TypeVar("Config", bound=FamilyConfig)


def load_config(kind: type[Config], file: Path | None = None, overrides: Iterable[str] = ()) -> Config:
    """Configuration of class `kind` from `file` (.toml, .yml, .yaml) and then `key=value` overrides."""
    values = read_file(file) if file is not None else {}
    values.update(parse_overrides(overrides))
    return validate(kind, values, origin=str(file) if file is not None else "options")


def validate(kind: type[Config], values: Mapping[str, Any], origin: str) -> Config:
    """`kind(**values)`; raises `ConfigError` that lists every problem at once."""
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        lines = [describe(kind, problem) for problem in error.errors()]
        count = "1 wrong option" if len(lines) == 1 else f"{len(lines)} wrong options"
        raise ConfigError(f"{origin}: {count}\n" + "\n".join(lines)) from None


def describe(kind: type[BaseModel], problem: Any) -> str:
    """One line for one problem of pydantic: key, value, reason, and the nearest known key."""
    key = ".".join(map(str, problem["loc"]))
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(key, kind.model_fields, n=1)
        return f"  {key}: unknown option" + (f'; did you mean "{near[0]}"?' if near else "")
    reason = problem["msg"].removeprefix("Value error, ")
    return f"  {key}: {reason} (given: {problem['input']!r})" if key else f"  {reason}"


def read_file(file: Path) -> dict[str, Any]:
    """The mapping in a TOML or YAML file. Raises `ConfigError` naming the file, and the line where known."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from None
    try:
        if file.suffix == ".toml":
            values = tomllib.loads(text)
        elif file.suffix in (".yml", ".yaml"):
            values = yaml.safe_load(text) or {}
        else:
            raise ConfigError(f"{file}: a configuration file ends in .toml, .yml or .yaml")
    except (tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{file}: {error}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{file}: holds a {type(values).__name__}, not options as key: value")
    return values


def parse_overrides(overrides: Iterable[str]) -> dict[str, Any]:
    """`["lr=1e-4", "light=true"]` as a mapping of texts; types are settled by validation."""
    values: dict[str, Any] = {}
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f'"{text}": an override has the form key=value')
        values[key.strip()] = value.strip()
    return values


def merge_overrides(config: Config, overrides: Mapping[str, Any]) -> Config:
    """`config` with some options replaced, validated again."""
    return validate(type(config), {**config.model_dump(), **overrides}, origin="options")
