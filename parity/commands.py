"""The comparing commands as the command line shows them; each imports its work when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Families = Annotated[list[str] | None, typer.Option("--family", help="Only these families.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout.")]


def golden_command(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with index.json.")],
    backend: Annotated[
        list[str] | None, typer.Option("--backend", help="torch or paddle; default: both.")
    ] = None,
    family: Families = None,
    case: Annotated[list[str] | None, typer.Option("--case", help="Only these cases.")] = None,
    json: Json = False,
) -> None:
    """Replay numbers measured on the original implementations; exit status 1 when one is missed.

    Prints the largest error of each quantity in float64.
    """
    from neutral.registry import BACKENDS
    from parity.golden import golden_command as replay

    raise typer.Exit(replay(directory, backend or list(BACKENDS), family or [], case or [], json))


def faults_command(
    names: Annotated[list[str] | None, typer.Argument(metavar="[FAULT]...", help="Only these.")] = None,
    family: Annotated[str, typer.Option(help="The family whose implementations get the faults.")] = "ugatit",
    control: Annotated[bool, typer.Option(help="Run the suite without a fault first.")] = True,
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/faults.md on stdout.")] = False,
) -> None:
    """Plant known mistakes of ports, one after the other, and show which check of the suite catches each.

    In memory: no file is changed. Exit status 1 when one is not caught, or when there is a false alarm.
    """
    from parity.faults.command import plant_all

    raise typer.Exit(plant_all(family, names or [], control=control, as_json=json, as_page=markdown))


def check_command(
    family: Families = None,
    iterations: Annotated[int, typer.Option(min=1, help="Length of the lockstep runs.")] = 200,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:N.")] = "cpu",
    dtype: Annotated[
        str, typer.Option(help="float64 separates faults from rounding; or float32.")
    ] = "float64",
    reference: Annotated[str, typer.Option(help="Backend taken as expected.")] = "torch",
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights and inputs.")] = 0,
    slow: Annotated[bool, typer.Option("--slow", help="Run the checks marked slow too.")] = False,
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write DIR/parity.json.")] = None,
    json: Json = False,
) -> None:
    """Verify that both implementations of the registered families are the same model and the same training.

    The same as `pytest parity/`. Exit status 0: the same; 1: different, or nothing was checked.
    """
    from parity.check import run_suite

    options = {
        "--family": ",".join(family) if family else None, "--iterations": iterations, "--device": device,
        "--dtype": dtype, "--reference": reference, "--seed": seed,
    }  # fmt: skip
    raise typer.Exit(run_suite(options, slow=slow, report=report, as_json=json))
