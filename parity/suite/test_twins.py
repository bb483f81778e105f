"""The source files of the implementations are translations of each other; see `parity.twins`."""

from __future__ import annotations

from collections.abc import Iterable

from neutral import registry
from neutral.family import Family
from parity.checker import Checker
from parity.twins import Difference, differences, implementation


def undeclared() -> tuple[Difference, ...]:
    """Differences between the sources of the two implementations."""
    expected, actual = map(implementation, registry.BACKENDS)
    return differences(expected, actual)


def report(check: Checker, name: str, found: Iterable[Difference]) -> None:
    """Record how many differences there are; none is allowed."""
    lines = [str(difference) for difference in found]
    check.measured(name, len(lines), 0, message="\n".join(lines))


def test_shared_files(check: Checker) -> None:
    """Files that belong to no family."""
    report(check, "shared source files", (found for found in undeclared() if "/" not in found.place))


def test_files_of_family(family: Family, check: Checker) -> None:
    """Files of one family."""
    inside = (found for found in undeclared() if found.place.startswith(f"{family.name}/"))
    report(check, "source files", inside)
