"""`.safetensors` files: a table of names, dtypes and shapes, then the tensors; nothing in it can run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from neutral import durable
from neutral.errors import CheckpointError
from neutral.state import Array, State


def is_safetensors(file: Path) -> bool:
    """Whether the content begins like a safetensors file: length of a JSON table, then the table."""
    with file.open("rb") as opened:
        start = opened.read(9)
    return len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") < 2**27


def read(file: Path) -> tuple[State, dict[str, str]]:
    """Tensors in the order of the file, and its metadata. Raises `CheckpointError` that names the file."""
    try:
        with safe_open(file, framework="numpy") as opened:
            metadata = dict(opened.metadata() or {})
            return {name: opened.get_tensor(name) for name in opened.keys()}, metadata  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, AttributeError) as error:
        # numpy has no bfloat16 and no 8-bit floats: a TypeError or AttributeError of safetensors.
        raise CheckpointError(f"{file}: cannot be read: {error}") from None


def write(file: Path, state: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """Write tensors and metadata; the file appears whole or not at all."""
    whole = {name: np.asarray(array, order="C") for name, array in state.items()}
    with durable.new_file(file) as temporary:
        try:
            save_file(cast(dict[str, np.ndarray], whole), temporary, metadata=dict(metadata))
        except SafetensorError as error:
            raise CheckpointError(f"{file}: cannot be written: {error}") from None
