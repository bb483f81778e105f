"""Exporting from a checkpoint: the architecture is that of the checkpoint."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from neutral import registry
from neutral.backend import Network
from neutral.config import validate
from neutral.errors import ConfigError
from neutral.export.agreement import Reference, sample, sizes
from neutral.export.description import Description, describe
from neutral.export.write import Written, write_onnx, write_static
from neutral.family import ExportSpec
from neutral.training.apply import find_checkpoint, load_network

log = logging.getLogger("parity")

Format = Literal["onnx", "static"]


@dataclass(frozen=True)
class Exporting:
    """One network of a checkpoint on one backend, in float32 on the CPU, ready to be exported."""

    network: Network
    spec: ExportSpec
    description: Description
    reference: Reference


def export_checkpoint(
    family: str,
    backend: str,
    direction: str,
    place: Path,
    target: Path,
    *,
    form: Format = "onnx",
    opset: int = 18,
    verify: bool = False,
    force: bool = False,
) -> dict[str, Any]:
    """Export one direction of the checkpoint `place` to `target`; returns what was written and measured.

    The graph is always compared with the network it came from; with `verify` also with the same network in
    the other framework. Raises `ParityError`s; then nothing is written.
    """
    started = time.perf_counter()
    made = prepared(family, backend, direction, place)
    references = {backend: made.reference}
    if verify:
        others = [name for name in registry.BACKENDS if name != backend]
        references |= {name: prepared(family, name, direction, place).reference for name in others}
    engine = registry.backend(backend)
    written: Written
    if form == "onnx":
        written = write_onnx(
            engine, made.network, made.spec, made.description, target, references, opset=opset, force=force
        )
    else:
        written = write_static(
            engine, made.network, made.spec, made.description, target, references, force=force
        )
    for found in written.agreement:
        own = f", rounding alone {max(found.rounding.values()):.1e}" if found.rounding else ""
        log.info("%s against %s: error of scale %.1e%s", sizes(found), found.against, found.worst, own)
    for file in written.files:
        log.info("wrote %s (%.1f MB)", file, file.stat().st_size / 1e6)
    return {
        "files": [str(file) for file in written.files],
        "agreement": [asdict(found) for found in written.agreement],
        "worst": max(found.worst for found in written.agreement),
        "seconds": round(time.perf_counter() - started, 1),
    } | made.description.to_json()  # fmt: skip


def prepared(family: str, backend: str, direction: str, place: Path) -> Exporting:
    """The network of `direction` from the checkpoint `place`, which may be a folder of checkpoints."""
    spec = registry.family(family)
    checkpoint = find_checkpoint(place, family)
    values = {**checkpoint.metadata.config, "device": "cpu", "dtype": "float32"}
    config = validate(spec.config, values, origin=str(checkpoint.folder))
    directions = spec.exports(config)
    if direction not in directions:
        raise ConfigError(registry.unknown("direction", direction, tuple(directions)))
    export = directions[direction]
    engine = registry.backend(backend)
    network = load_network(engine, checkpoint, export.network, config)
    description = describe(
        family, direction, export, config, list(network.forward(sample(export.inputs))),
        backend=backend, versions=engine.versions(), iteration=checkpoint.metadata.iteration,
    )  # fmt: skip
    precise = config.model_copy(update={"dtype": "float64"})
    reference = Reference(network, lambda: load_network(engine, checkpoint, export.network, precise))
    return Exporting(network, export, description, reference)
