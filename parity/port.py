"""`parity port`: checkpoints from one layout to another, and what is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Target = Annotated[
    Path | None, typer.Argument(metavar="DST", help="File or folder to write; --inspect needs none.")
]
Layout = Annotated[
    str, typer.Option("--to", help="torch, paddle, paddlegan, safetensors or parity; DST's suffix may tell.")
]
Iteration = Annotated[
    int | None, typer.Option("--iteration", min=0, help="Iterations trained, where SRC does not tell.")
]


def port_command(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="Checkpoint: a file or a folder.")],
    target: Target = None,
    family: Annotated[str, typer.Option("--family", help="Model family, see `parity list`.")] = "ugatit",
    to: Layout = "",
    iteration: Iteration = None,
    dataset: Annotated[str, typer.Option("--dataset", help="Data set name for the files written.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and write nothing.")] = False,
    inspect: Annotated[bool, typer.Option("--inspect", help="Table of SRC in canonical names.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")] = False,
) -> None:
    """Move a checkpoint between PyTorch's, Paddle's and this project's files.

    The layout of SRC is recognised by its content, and no pickled code is executed. Checkpoint folders of
    this project serve both backends as they are: `parity train --backend paddle --resume` goes on with a run
    that was started in torch, optimizer state and schedule included.
    """
    from neutral.cli.console import print_json
    from parity.porting import description, lines, official_of, port, tensors, with_names

    official = official_of(family)
    portable = with_names(official.read(source), iteration, dataset)
    result = description(source, portable)
    if inspect:
        result["tensors"] = tensors(portable)
    if target is not None or not inspect:
        result |= port(official, portable, target, to, force=force, dry_run=dry_run)
    if json:
        print_json(result)
    else:
        print("\n".join(lines(result)))
