"""What `parity port` does: look at a checkpoint, and write it in another layout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from neutral import registry
from neutral.errors import CheckpointError, ConfigError
from neutral.portable import Official, Portable
from neutral.state import OPTIMIZER

SUFFIXES = {".pt": "torch", ".pth": "torch", ".pdparams": "paddlegan", ".safetensors": "safetensors"}
"""Layout of a target whose name tells it."""

OWN = "parity"
STATISTICS = ("min", "max", "mean")


def official_of(family: str) -> Official:
    """The module that reads and writes the published checkpoints of `family`."""
    return cast(Official, registry.extra(family, "official"))


def with_names(portable: Portable, iteration: int | None, dataset: str) -> Portable:
    """`portable` with the iteration and the data set that the user gives, where they are given."""
    return replace(
        portable,
        iteration=portable.iteration if iteration is None else iteration,
        dataset=dataset or portable.dataset,
    )


def port(
    official: Official, portable: Portable, target: Path | None, to: str, *, force: bool, dry_run: bool
) -> dict[str, Any]:
    """Write `portable` at `target`; returns layout, files and consequences.

    Raises `CheckpointError` when a file exists (unless `force`), `ConfigError` when the layout is not known.
    """
    if target is None:
        raise ConfigError("DST is missing: where to write (or --inspect, to look only)")
    layout = to or SUFFIXES.get(target.suffix, "")
    if layout not in official.LAYOUTS:
        known = "".join(f"\n  {name:<12} {text}" for name, text in official.LAYOUTS.items())
        raise ConfigError(f"{target}: {f'no layout {to}' if to else 'name a layout with --to'}{known}")
    files = official.targets(target, layout, portable)
    require_free(files, layout, force=force)
    consequences = () if dry_run else official.write(target, layout, portable)
    if layout == portable.layout == OWN:
        consequences += ("checkpoints of this project serve both backends as they are; this is a plain copy",)
    return {
        "to": layout,
        "files": [str(file) for file in files],
        "written": not dry_run,
        "consequences": consequences,
    }


def require_free(files: list[Path], layout: str, *, force: bool) -> None:
    """Raise `CheckpointError` that lists what would be overwritten; checkpoint folders never are."""
    taken = [str(file) for file in files if file.exists()]
    if taken and not (force and layout != OWN):
        advice = "remove it first" if layout == OWN else "--force replaces files"
        raise CheckpointError("exists already; nothing was written (" + advice + ")\n  " + "\n  ".join(taken))


def description(source: Path, portable: Portable) -> dict[str, Any]:
    """What `source` is: layout, options that differ from the defaults, size of each network, notes."""
    networks: dict[str, dict[str, int]] = {}
    for name, array in portable.state.items():
        group = "optimizers" if name.startswith(OPTIMIZER) else name.partition(".")[0]
        entry = networks.setdefault(group, {"tensors": 0, "values": 0})
        entry["tensors"] += 1
        entry["values"] += array.size
    return {
        "source": str(source),
        "layout": portable.layout,
        "iteration": portable.iteration,
        "dataset": portable.dataset,
        "options": portable.config.model_dump(exclude_defaults=True),
        "networks": networks,
        "notes": portable.notes,
    }


def tensors(portable: Portable) -> list[dict[str, Any]]:
    """Name, shape, dtype, and least, largest and mean finite value; `not_finite` counts the others."""
    rows: list[dict[str, Any]] = []
    for name, array in portable.state.items():
        values = np.asarray(array, dtype=np.float64).reshape(-1)
        finite = values[np.isfinite(values)]
        row: dict[str, Any] = {"name": name, "shape": list(array.shape), "dtype": str(array.dtype)}
        row |= {key: float(getattr(finite, key)()) if finite.size else None for key in STATISTICS}
        rows.append(row | {"not_finite": values.size - finite.size})
    return rows


def lines(result: dict[str, Any]) -> list[str]:
    """The result for a reader."""
    when = "iteration not known" if result["iteration"] is None else f"iteration {result['iteration']}"
    text = [f"{result['source']}: layout {result['layout']}, {when}"]
    text += [f"  {key} = {value}" for key, value in result["options"].items()]
    for name, entry in result["networks"].items():
        text.append(f"  {name:<10} {entry['tensors']:>4} tensors {entry['values']:>13,} values")
    text += table(result["tensors"]) if "tensors" in result else []
    text += [f"note: {note}" for note in (*result["notes"], *result.get("consequences", ()))]
    if "files" in result:
        text += [f"{'wrote' if result['written'] else 'would write'} {file}" for file in result["files"]]
    return text


def table(rows: list[dict[str, Any]]) -> list[str]:
    """One line per tensor."""
    width = max((len(row["name"]) for row in rows), default=4)
    head = " ".join(f"{key:>11}" for key in STATISTICS)
    text = [f"{'name':<{width}}  {'shape':<18} {'dtype':<8} {head}"]
    for row in rows:
        cells = ["-" if row[key] is None else f"{row[key]:.4g}" for key in STATISTICS]
        numbers = " ".join(f"{cell:>11}" for cell in cells)
        shape = "x".join(map(str, row["shape"])) or "scalar"
        odd = f"  {row['not_finite']} not finite" if row["not_finite"] else ""
        text.append(f"{row['name']:<{width}}  {shape:<18} {row['dtype']:<8} {numbers}{odd}")
    return text
