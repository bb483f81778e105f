"""`parity faults`: plant every known mistake, and show which check of the suite catches it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from neutral import registry
from parity.faults.catch import Catch, catch, run
from parity.faults.fault import chosen
from parity.faults.table import Outcome, caught_by, page
from parity.plain import to_plain

CONTROL = "light"
"""Case that is run without a fault first: an alarm there would make every catch worthless."""


def plant_all(family: str, names: Sequence[str], *, control: bool, as_json: bool, as_page: bool) -> int:
    """Plant the faults `names` (all without names) and print what caught each.

    Returns 0 when every fault is caught and no sound program raises an alarm, else 1. Raises `ConfigError`
    for an unknown name.
    """
    faults = chosen(family, names)
    for name in registry.BACKENDS:
        registry.backend(name).use_threads(1)
    show = (lambda text: print(text, file=sys.stderr)) if as_json or as_page else print
    clean = run(family, [CONTROL]) if control else None
    if clean is not None:
        show(control_line(clean))
    outcomes = []
    for fault in faults:
        outcomes.append(Outcome(fault, catch(family, fault)))
        show(outcomes[-1].line())
    if as_json:
        found = {"family": family, "control": to_plain(clean), "faults": [o.plain() for o in outcomes]}
        print(json.dumps(found, indent=1))
    elif as_page:
        print(page(outcomes), end="")
    sound = clean is None or not clean.caught
    return 0 if sound and all(outcome.expected for outcome in outcomes) else 1


def control_line(clean: Catch) -> str:
    """What the suite says without a fault."""
    if clean.caught:
        return f"FALSE ALARM without a fault: {caught_by(clean)}"
    return f"without a fault: {clean.checks} checks pass"
