"""From options to a run: a new one, or one to go on with."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from neutral import registry
from neutral.checkpoint import Checkpoint
from neutral.config import FamilyConfig, validate
from neutral.errors import CheckpointError
from neutral.family import Family
from neutral.training.folder import RunFolder
from neutral.training.hooks import Hooks, hooks_of
from neutral.training.loop import Result, Run, train
from neutral.training.resume import resumed

log = logging.getLogger("parity")

PLACE = ("dataset", "result_dir")
"""Options that say where a run is."""


def begin(family: str, backend: str, given: Mapping[str, Any], *, resume: bool = False) -> Result:
    """Train `family` with the options `given`; the others have their defaults, or those of the resumed run.

    Options, folders and checkpoint are checked before the framework is imported.
    """
    spec = registry.family(family)
    hooks = hooks_of(spec)
    checkpoint = None
    if resume:
        config, checkpoint = _to_resume(spec, hooks, given)
        before = checkpoint.metadata.backend if checkpoint is not None else backend
        if before != backend:
            log.warning("changed since the checkpoint: backend: %s -> %s", before, backend)
    else:
        config = validate(spec.config, given, origin="options")
        RunFolder.of(config).require_unused()
    return train(Run(spec, hooks, config, registry.backend(backend)), checkpoint)


def run_folder(family: Family, given: Mapping[str, Any]) -> RunFolder:
    """The folder that the options `given` point to, whatever else they say."""
    place = {key: given[key] for key in PLACE if key in given}
    return RunFolder.of(validate(family.config, place, origin="options"))


def _to_resume(
    family: Family, hooks: Hooks, given: Mapping[str, Any]
) -> tuple[FamilyConfig, Checkpoint | None]:
    """Configuration and checkpoint to go on with; no checkpoint when the run ended before its first."""
    folder = run_folder(family, given)
    if not folder.is_used():
        raise CheckpointError(
            f"{folder.root}: holds no run to resume (dataset and result_dir say where it is)"
        )
    checkpoint = folder.newest(family.name)
    if checkpoint is None:
        log.warning("%s holds no checkpoint yet: beginning again at iteration 1", folder.root)
        return validate(family.config, {**folder.stored_options(), **given}, origin="options"), None
    config, changed = resumed(family.config, checkpoint, given, hooks)
    for line in changed:
        log.warning("changed since the checkpoint: %s", line)
    return config, checkpoint
