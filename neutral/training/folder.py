"""Where a run writes.

<result_dir>/<dataset>/
    model/step_0000500/       checkpoints
    img/A2B_0000200.png       sample pictures
    test/A2B_1.png            pictures of the test phase
    logs/train.log            text
    logs/metrics.jsonl        one JSON object per log line, every loss
    logs/tb/                  TensorBoard
    config.resolved.yml       every option as used
    env.json                  versions, machine, command
"""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from neutral import checkpoint, durable
from neutral.backend import Backend
from neutral.checkpoint import Checkpoint
from neutral.config import FamilyConfig, read_file
from neutral.errors import CheckpointError


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run and the places in it."""

    root: Path

    @staticmethod
    def of(config: FamilyConfig) -> RunFolder:
        """`<result_dir>/<dataset>`."""
        return RunFolder(Path(config.result_dir, config.dataset))

    @property
    def model(self) -> Path:
        """Checkpoints."""
        return self.root / "model"

    @property
    def images(self) -> Path:
        """Sample pictures."""
        return self.root / "img"

    @property
    def test(self) -> Path:
        """Pictures of the test phase."""
        return self.root / "test"

    @property
    def logs(self) -> Path:
        """Text log, metrics and TensorBoard."""
        return self.root / "logs"

    @property
    def config_file(self) -> Path:
        """Every option as used."""
        return self.root / "config.resolved.yml"

    @property
    def environment_file(self) -> Path:
        """Versions, machine and command."""
        return self.root / "env.json"

    def is_used(self) -> bool:
        """Whether a run was started here."""
        return self.config_file.exists() or self.model.exists()

    def is_trained(self) -> bool:
        """Whether a run has left something to lose here: a checkpoint, or pictures."""
        return any(
            folder.is_dir() and any(folder.iterdir()) for folder in (self.model, self.images, self.test)
        )

    def require_unused(self) -> None:
        """Raise `CheckpointError` when a run was trained here: two runs are never mixed.

        One that ended before its first checkpoint and picture may be begun anew.
        """
        if self.is_trained():
            raise CheckpointError(
                f"{self.root}: holds a run already. Go on with it (--resume), "
                "or choose another place (result_dir=...)"
            )

    def newest(self, family: str) -> Checkpoint | None:
        """The newest complete checkpoint. Raises `CheckpointError` when it is of another family."""
        folder = checkpoint.newest(self.model)
        return checkpoint.read(folder, family) if folder is not None else None

    def stored_options(self) -> dict[str, object]:
        """The options of the run that was started here."""
        return read_file(self.config_file)

    def describe(self, config: FamilyConfig, backend: Backend, threads: int) -> None:
        """Write `config.resolved.yml` and `env.json`, and remove what a killed run left unfinished."""
        for parent in (self.root, self.model, self.images):
            durable.remove_leftovers(parent)
        durable.write_text(self.config_file, yaml.safe_dump(config.model_dump(), sort_keys=False))
        environment = {
            "backend": backend.name,
            "versions": backend.versions(),
            "python": platform.python_version(),
            "platform": platform.platform(),
            "processors": os.cpu_count(),
            "threads": threads,
            "command": sys.argv,
        }
        durable.write_text(self.environment_file, json.dumps(environment, indent=1))
