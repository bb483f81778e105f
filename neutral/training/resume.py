"""Going on with a run: its own options hold, except where the user gives others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from neutral.checkpoint import Checkpoint
from neutral.config import FamilyConfig, validate
from neutral.errors import CheckpointError
from neutral.training.hooks import Hooks

Config = TypeVar("Config", bound=FamilyConfig)


def resumed(
    kind: type[Config], checkpoint: Checkpoint, given: Mapping[str, Any], hooks: Hooks
) -> tuple[Config, list[str]]:
    """Configuration to go on with, and one line per option that is no longer what it was.

    `given` are the options that the user names now. Raises `CheckpointError` when they ask for another
    architecture than the checkpoint has, and names each option with both values.
    """
    stored = validate(kind, checkpoint.metadata.config, origin=f"{checkpoint.folder}: its configuration")
    wanted = validate(kind, {**stored.model_dump(), **given}, origin="options")
    require_architecture(hooks, stored, wanted, checkpoint)
    before, after = stored.model_dump(), wanted.model_dump()
    changed = [f"{key}: {before[key]} -> {after[key]}" for key in after if after[key] != before[key]]
    return wanted, changed


def require_architecture(
    hooks: Hooks, stored: FamilyConfig, wanted: FamilyConfig, checkpoint: Checkpoint
) -> None:
    """Raise `CheckpointError` when `wanted` describes other names or shapes than `stored`."""
    has, asked = hooks.architecture(stored), hooks.architecture(wanted)
    problems = [
        f"  {option}: the checkpoint has {has.get(option, 'any')}, asked for is {asked.get(option, 'any')}"
        for option in sorted({*has, *asked})
        if has.get(option) != asked.get(option)
    ]
    if problems:
        raise CheckpointError(f"{checkpoint.folder}: a model of another size or kind\n" + "\n".join(problems))
