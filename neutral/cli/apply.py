"""`parity test` and `parity infer`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neutral.cli.train import BackendName, FamilyName, Json
from neutral.errors import ConfigError

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
    model: Annotated[
        Path | None, typer.Option("--model", help="Exported model (parity export): needs no other option.")
    ] = None,
    family: FamilyName = "",
    backend: BackendName = "",
    direction: Annotated[str, typer.Option("--direction", help="For example A2B or B2A.")] = "",
    checkpoint: CheckpointPlace = None,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or cuda:N.")] = "cpu",
    json: Json = False,
) -> None:
    """Translate pictures with a trained model, from its checkpoint or exported. Nothing is overwritten.

    Either --model alone, or --family, --backend, --direction and --checkpoint.
    """
    from neutral.cli.console import print_json, show_messages

    show_messages()
    if model is not None:
        _refuse(family=family, backend=backend, direction=direction, checkpoint=checkpoint)

        from neutral.training.apply import translate_exported

        written = translate_exported(model, source, target)
    else:
        written = _translate(family, backend, direction, checkpoint, source, target, device)
    if json:
        print_json({"written": [str(path) for path in written]})


def _translate(
    family: str,
    backend: str,
    direction: str,
    checkpoint: Path | None,
    source: Path,
    target: Path,
    device: str,
) -> list[Path]:
    from neutral import registry

    given = {"--family": family, "--backend": backend, "--direction": direction, "--checkpoint": checkpoint}
    missing = [name for name, value in given.items() if not value]
    if checkpoint is None or missing:
        raise ConfigError(f"infer: {', '.join(missing)} missing (or --model FILE for an exported model)")
    registry.require_backend(backend)

    from neutral.training.apply import translate_pictures

    return translate_pictures(family, backend, direction, checkpoint, source, target, device)


def _refuse(**given: object) -> None:
    """Options that an exported model answers itself."""
    if names := [f"--{name}" for name, value in given.items() if value]:
        raise ConfigError(f"infer --model: the exported model says itself what {', '.join(names)} would")
