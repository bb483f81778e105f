"""`parity list`."""

from __future__ import annotations

from typing import Annotated

import typer


def list_command(
    json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """List the model families and the backends."""
    from neutral import registry
    from neutral.cli.console import print_json

    families = [registry.family(name) for name in registry.FAMILIES]
    backends = {name: registry.installed(name) for name in registry.BACKENDS}
    if json:
        rows = [
            {
                "name": family.name,
                "title": family.title,
                "paper": family.paper,
                "original": family.original,
                "networks": list(family.networks(family.config.model_validate({}))),
                "cases": [case.name for case in family.cases],
            }
            for family in families
        ]
        print_json({"families": rows, "backends": backends})
        return
    print("families")
    for family in families:
        print(f"  {family.name}  {family.title}: {family.paper}; original: {family.original}")
    print("backends")
    for name, there in backends.items():
        print(f"  {name}  {'installed' if there else 'not installed'}")
