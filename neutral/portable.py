"""Checkpoints between this project and the original projects: what a family offers for `parity port`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from neutral.config import FamilyConfig
from neutral.state import State


@dataclass(frozen=True)
class Portable:
    """A checkpoint in canonical names and layouts.

    layout      where it came from, one of the family's `LAYOUTS`
    state       training state: `<net>.<key>`, and optimizer slots where the source has them
    config      options that the tensors show (or, from this project's checkpoints, all of them)
    dataset     name of the data set, as far as file names tell
    iteration   iterations trained so far, as far as file names tell
    notes       what reading changed or assumed, one sentence each
    """

    layout: str
    state: State
    config: FamilyConfig
    dataset: str | None = None
    iteration: int | None = None
    notes: tuple[str, ...] = ()


class Official(Protocol):
    """The module that a family names for the role `official`."""

    LAYOUTS: Mapping[str, str]
    """Layouts by name, with a line of explanation; `parity` is this project's own checkpoint."""

    def read(self, source: Path) -> Portable:
        """The checkpoint at `source`, its layout recognised by content. Raises `ParityError`s only."""
        ...

    def targets(self, target: Path, layout: str, portable: Portable) -> list[Path]:
        """The files or the folder that `write` makes at `target`."""
        ...

    def write(self, target: Path, layout: str, portable: Portable) -> tuple[str, ...]:
        """Write `portable`, whole or not at all; replaces files. Returns what the layout could not hold."""
        ...
