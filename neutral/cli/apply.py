"""`parity test` and `parity infer`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neutral.cli.train import BackendName, FamilyName, Json

CheckpointPlace = Annotated[
    Path | None, typer.Option("--checkpoint", help="Checkpoint, or a folder of checkpoints: the newest one.")
]


def run_test_command(
    context: typer.Context,
    family: FamilyName,
    backend: BackendName,
    checkpoint: CheckpointPlace = None,
    json: Json = False,
) -> None:
    """Write the test pictures of a trained model to <result_dir>/<dataset>/test.

    Takes the newest checkpoint of the run that dataset=... and result_dir=... point to, and its options.
    Options of the family follow as key=value or --key value.
    """
    from neutral import registry
    from neutral.cli.console import print_json, show_messages
    from neutral.cli.options import parse

    show_messages()
    registry.require_backend(backend)
    given = parse(registry.family(family).config, context.args)

    from neutral.training.apply import draw_test_set

    written = draw_test_set(family, backend, given, checkpoint)
    if json:
        print_json({"written": [str(path) for path in written]})


def infer_command(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A picture, or a folder of pictures.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the translated pictures.")],
    family: FamilyName,
    backend: BackendName,
    direction: Annotated[str, typer.Option("--direction", help="For example A2B or B2A.")],
    checkpoint: Annotated[
        Path, typer.Option("--checkpoint", help="Checkpoint, or a folder of checkpoints: the newest one.")
    ],
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or cuda:N.")] = "cpu",
    json: Json = False,
) -> None:
    """Translate pictures with a trained model. Nothing is overwritten."""
    from neutral import registry
    from neutral.cli.console import print_json, show_messages

    show_messages()
    registry.require_backend(backend)

    from neutral.training.apply import translate_pictures

    written = translate_pictures(family, backend, direction, checkpoint, source, target, device)
    if json:
        print_json({"written": [str(path) for path in written]})
