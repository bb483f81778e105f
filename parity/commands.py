"""The comparing commands as the command line shows them; each imports its work when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]


def golden_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with index.json.")],
    backend: Annotated[
        list[str] | None, typer.Option("--backend", help="torch or paddle; default: both.")
    ] = None,
    family: Annotated[list[str] | None, typer.Option("--family", help="Only these families.")] = None,
    case: Annotated[list[str] | None, typer.Option("--case", help="Only these cases.")] = None,
    json: Json = False,
) -> None:
    """Replay numbers measured on the original implementations; exit status 1 when one is missed.

    Prints the largest error of each quantity in float64.
    """
    from neutral.registry import BACKENDS
    from parity.golden import golden_command as replay

    raise typer.Exit(replay(directory, backend or list(BACKENDS), family or [], case or [], json))
