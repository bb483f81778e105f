"""`parity doctor`: what is installed, what works, and which combinations are known to be bad."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor_command(
    json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """Show versions and devices, and say which known problems this installation has.

    Exit status 3 when a backend is installed and does not work, or when none is installed.
    """
    from neutral.cli.console import print_json
    from neutral.diagnosis import diagnose

    found = diagnose()
    if json:
        print_json(found)
    else:
        for heading in ("versions", "backends"):
            print(heading)
            for name, value in found[heading].items():
                print(f"  {name:<24} {value}")
        for heading in ("problems", "remarks"):
            for text in found[heading]:
                print(f"{heading[:-1]}: {text}")
    if found["problems"]:
        raise typer.Exit(3)
