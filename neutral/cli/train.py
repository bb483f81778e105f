"""`parity train`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

FREE_OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Lets a command take the options of any family; `neutral.cli.options` reads them."""

FamilyName = Annotated[str, typer.Option("--family", help="Model family, see `parity list`.")]
BackendName = Annotated[str, typer.Option("--backend", help="torch or paddle.")]
Json = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON on stdout; messages go to stderr.")
]


def train_command(
    context: typer.Context,
    family: FamilyName,
    backend: BackendName = "",
    config: Annotated[Path | None, typer.Option("--config", help="TOML or YAML file with options.")] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on from the newest checkpoint; options not given stay as they were."
        ),
    ] = False,
    options: Annotated[
        bool, typer.Option("--options", help="Show all options of the family and stop.")
    ] = False,
    json: Json = False,
) -> None:
    """Train a model family; options of the family follow as key=value or --key value.

    Writes checkpoints, sample pictures and logs to <result_dir>/<dataset>. Ctrl-C finishes the iteration and
    saves; --resume goes on. `parity train --family ugatit --options` lists the options.
    """
    from neutral import registry
    from neutral.cli.console import print_json, show_messages
    from neutral.cli.options import parse, table
    from neutral.config import read_file

    show_messages()
    kind = registry.family(family).config
    if options:
        print(table(kind))
        return
    registry.require_backend(backend)
    given = (read_file(config) if config is not None else {}) | parse(kind, context.args)

    from neutral.training.begin import begin

    result = begin(family, backend, given, resume=resume)
    if json:
        print_json(asdict(result) | {"checkpoint": str(result.checkpoint)})
