"""What came of planted faults: lines for the terminal, JSON, and the page docs/faults.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from parity.faults.catch import Catch
from parity.faults.fault import Edit, Fault
from parity.plain import to_plain

INTRODUCTION = """# Planted faults

Each mistake below is one that ports have made, or that the two frameworks invite. `parity faults` plants one
after the other in an implementation, in memory, and runs the suite on it until a check fails, in the order of
the suite: networks, gradients, losses, optimizers, steps, training, initial, checkpoints, golden. The case
that is run is the smallest light model, but where another is named. Without a fault, every check passes.

This page is the output of `parity faults --markdown`; `tests/test_faults.py` runs the same and holds the page
to it. Faults are planted in one implementation (the other one is right), in both at once (then only numbers
of the original project can tell), or in what both share ("neutral").
"""

COLUMNS = ("Fault", "What it is", "Planted in", "Caught by", "Measured", "First seen in")


@dataclass(frozen=True)
class Outcome:
    """A fault and what the suite said to it."""

    fault: Fault
    catch: Catch

    @property
    def expected(self) -> bool:
        """Whether it was caught, or passed as the equivalent program that it is."""
        return self.catch.caught is not bool(self.fault.proof)

    def line(self) -> str:
        """One line for the terminal."""
        if not self.catch.caught:
            state = "equivalent, passes" if self.fault.proof else "NOT CAUGHT"
        else:
            state = f"{'ALARM' if self.fault.proof else 'caught'} by {caught_by(self.catch)}"
        details = [measured(self.catch), first_seen(self.catch)] if self.catch.caught else []
        return "; ".join(part for part in (f"{self.fault.name:<36} {state}", *details) if part)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        edits = [str(edit) for edit in self.fault.edits]
        about = {"name": self.fault.name, "what": self.fault.what, "planted": list(self.fault.sides)}
        return about | {"edits": edits, "proof": self.fault.proof, "catch": to_plain(self.catch)}


def caught_by(catch: Catch) -> str:
    """'gradients: genA2B: gradients', with the case where it is not the smallest."""
    return f"{catch.group}: {catch.name}" if catch.group.endswith(".py") else f"{catch.group}, {catch.name}"


def measured(catch: Catch) -> str:
    """'0.68 of 1e-11', 'an error' where the program stopped, or 'no' where the answer is yes or no."""
    if catch.error is None:
        return "test fails" if catch.group.endswith(".py") else "stops with an error"
    return f"{catch.error:.2g} of {catch.bound or 0:.2g}"


def first_seen(catch: Catch) -> str:
    """Module, phase or tensor; the error where the program stopped."""
    if catch.error is None:
        return "" if catch.group.endswith(".py") else catch.text.removeprefix("call: ").partition(":")[0]
    return "; ".join(part for part in (catch.place, catch.first) if part)


def page(outcomes: Iterable[Outcome]) -> str:
    """The page in Markdown: how many, the table, and the programs that mean the same."""
    found = list(outcomes)
    faults = [outcome for outcome in found if not outcome.fault.proof]
    same = [outcome for outcome in found if outcome.fault.proof]
    lines = [INTRODUCTION, summary(faults), "", row(COLUMNS), row(["---"] * len(COLUMNS))]
    lines += [row(cells(outcome)) for outcome in faults]
    lines += ["", "## Programs that mean the same", ""]
    lines += ["These are planted too, and must not raise an alarm.", ""]
    for outcome in same:
        lines += [f"- `{outcome.fault.name}`: {outcome.fault.what}. {outcome.fault.proof}"]
    return "\n".join(lines) + "\n"


def summary(faults: Sequence[Outcome]) -> str:
    """'84 of 84 faults are caught: 30 in networks, ...'."""
    caught = [outcome.catch for outcome in faults if outcome.catch.caught]
    groups = Counter("tests of that part" if catch.group.endswith(".py") else catch.group for catch in caught)
    where = ", ".join(f"{count} in {group}" for group, count in groups.items())
    return f"{len(caught)} of {len(faults)} faults are caught: {where}."


def cells(outcome: Outcome) -> list[str]:
    """One row of the table."""
    fault, catch = outcome.fault, outcome.catch
    planted = ", ".join(dict.fromkeys(map(planted_in, fault.edits)))
    if not catch.caught:
        return [f"`{fault.name}`", fault.what, planted, "**not caught**", "", ""]
    case = f" (case {catch.case})" if catch.case not in ("", "light") else ""
    return [
        f"`{fault.name}`", fault.what, planted, caught_by(catch) + case, measured(catch), first_seen(catch),
    ]  # fmt: skip


def planted_in(edit: Edit) -> str:
    """'paddle: layers, SpectralNorm.weight'."""
    return f"{edit.side}: {edit.module} {edit.place}"


def row(texts: Sequence[str]) -> str:
    """One line of a Markdown table."""
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"


def names_in(text: str) -> list[str]:
    """Names of the faults on a page, in order."""
    lines = [line for line in text.splitlines() if line.startswith(("| `", "- `"))]
    return [line.split("`")[1] for line in lines]


def catchers_in(text: str) -> dict[str, str]:
    """What the table of a page says caught each fault, by name."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip("`"): cells[3].partition(" (case")[0] for cells in rows}
