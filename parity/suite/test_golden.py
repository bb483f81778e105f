"""Numbers measured on the original implementation, reproduced by each backend."""

from __future__ import annotations

import pytest

from parity.checker import Checker
from parity.golden import Case, family_of, read_index, replay_case

FOLDER = "tests/golden"
"""Where the cases are, below the root of the repository."""

SLOW = ("manifest_full",)
"""Cases that build the full model: 279 million parameters per generator."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for every case of the families asked for."""
    if "golden" in metafunc.fixturenames:
        from parity.plugin import suite_of

        families = suite_of(metafunc.config).selection.families
        cases = [
            case for case in read_index(metafunc.config.rootpath / FOLDER) if family_of(case) in families
        ]
        marks = {case.name: [pytest.mark.slow] if case.name in SLOW else [] for case in cases}
        metafunc.parametrize(
            "golden", [pytest.param(c, id=f"{family_of(c)}-{c.name}", marks=marks[c.name]) for c in cases]
        )


def test_golden(golden: Case, backend: str, check: Checker) -> None:
    """Every quantity of the case within its bound."""
    for quantity in replay_case(golden, family_of(golden), backend):
        check.measured(
            quantity.name, quantity.error, quantity.bound, message=f"at {quantity.where}",
            family=quantity.family, case=quantity.case, dtype="float64",
        )  # fmt: skip
