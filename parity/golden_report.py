"""What `parity golden` prints: a line per case and backend while it runs, a verdict, or one JSON object."""

from __future__ import annotations

import json
import sys

from rich.console import Console
from rich.table import Table

from parity.golden import Quantity, as_record

WIDTH = 160
"""Width of the table where the output is no terminal."""


class Report:
    """Gathers the quantities of a replay; progress goes to stderr, results to stdout."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(width=None if sys.stdout.isatty() else WIDTH)
        self.progress = Console(stderr=True)

    def begin(self, family: str, case: str, backend: str) -> None:
        """A case starts."""
        self.progress.print(f"[dim]{family} {case} on {backend} …[/dim]")

    def show(self, quantity: Quantity) -> None:
        """A quantity is known; a miss is shown at once."""
        if not quantity.passed and not self.as_json:
            self.progress.print(
                f"  MISS {quantity.name}: {quantity.error:.3g} of {quantity.bound:.3g} at {quantity.where}"
            )

    def end(self, quantities: list[Quantity], foreign: list[str]) -> None:
        """Table of the largest error of every quantity, the verdict, and families that are not built here."""
        failed = [quantity for quantity in quantities if not quantity.passed]
        if self.as_json:
            document = {
                "format": "parity-golden", "version": 1,
                "passed": not (failed or foreign), "not_built": foreign,
                "quantities": [as_record(quantity) for quantity in quantities],
            }  # fmt: skip
            json.dump(document, sys.stdout, indent=1, allow_nan=False)
            sys.stdout.write("\n")
            return
        table = Table(
            "case", "backend", "quantity", "error", "bound", "", "worst at", box=None, pad_edge=False
        )
        for q in quantities:
            mark = "ok" if q.passed else "[bold red]MISS[/bold red]"
            table.add_row(q.case, q.backend, q.name, f"{q.error:.2g}", f"{q.bound:.2g}", mark, q.where)
        self.console.print(table)
        cases = len({(q.case, q.backend) for q in quantities})
        if failed:
            text = f"MISSED: {len(failed)} of {len(quantities)} quantities in {cases} replays."
        else:
            text = f"Reproduced: {len(quantities)} quantities in {cases} replays, none beyond its bound."
        self.console.print(f"\n{text}")
        if foreign:
            self.console.print(f"NOT REPLAYED: families that are not built here: {', '.join(foreign)}.")
