"""`parity export`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from neutral.cli.train import BackendName, FamilyName, Json


class Format(str, Enum):
    """What can be written."""

    ONNX = "onnx"
    STATIC = "static"


def export_command(
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="File (onnx: model.onnx) or folder (static) to make.")
    ],
    family: FamilyName,
    backend: BackendName,
    direction: Annotated[str, typer.Option("--direction", help="For example A2B or B2A.")],
    checkpoint: Annotated[
        Path, typer.Option("--checkpoint", help="Checkpoint, or a folder of checkpoints: the newest one.")
    ],
    form: Annotated[
        Format, typer.Option("--format", help="ONNX, or the framework's own static graph.")
    ] = Format.ONNX,
    opset: Annotated[int, typer.Option("--opset", min=18, max=20, help="ONNX operator set.")] = 18,
    verify: Annotated[bool, typer.Option("--verify", help="Compare with the other framework too.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace what was exported there before.")] = False,
    json: Json = False,
) -> None:
    """Export a trained network, after checking that the graph computes the same as the network.

    The graph is run at several sizes, on the CPU, and compared with the network it came from; when it
    differs, nothing is written. `parity infer --model OUT` uses it.
    """
    from neutral import registry
    from neutral.cli.console import print_json, show_messages

    show_messages()
    registry.require_backend(backend)

    from neutral.export.checkpoint import export_checkpoint

    result = export_checkpoint(
        family, backend, direction, checkpoint, target,
        form=form.value, opset=opset, verify=verify, force=force,
    )  # fmt: skip
    if json:
        print_json(result)
