"""What a run of the suite was asked for: its options, and the parameters of its tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from neutral import registry
from neutral.errors import ConfigError
from neutral.family import Case, Family

DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class Selection:
    """The options of the suite, checked.

    families    names, in registry order
    iterations  length of the lockstep runs
    reference, candidate   names of two backends
    simplify    layer classes that pass their input on, to see whether a fault is theirs
    report      folder for parity.json, or None
    """

    families: tuple[str, ...]
    iterations: int
    device: str
    dtype: str
    reference: str
    candidate: str
    seed: int
    slow: bool
    simplify: tuple[str, ...]
    report: Path | None

    def texts(self) -> dict[str, str]:
        """The options that can change a result, as texts."""
        names = ("iterations", "device", "dtype", "reference", "candidate", "seed", "slow")
        left_out = {"simplify": ", ".join(self.simplify)} if self.simplify else {}
        return {name: str(getattr(self, name)) for name in names} | left_out

    def titles(self) -> dict[str, str]:
        """Title by name of the families asked for."""
        return {name: registry.family(name).title for name in self.families}


def add_options(parser: pytest.Parser) -> None:
    """The options of the suite, in a group of their own."""
    group = parser.getgroup("parity", "parity of two backends")
    group.addoption(
        "--family",
        action="append",
        default=[],
        metavar="NAME",
        help="check only this family; repeat it or separate names by commas (default: all)",
    )
    group.addoption(
        "--iterations",
        type=natural(1),
        default=200,
        metavar="N",
        help="iterations of the lockstep runs (default: 200)",
    )
    group.addoption("--device", default="cpu", help="cpu, cuda or cuda:N (default: cpu)")
    group.addoption(
        "--dtype", choices=DTYPES, default="float64", help="dtype of the comparison (default: float64)"
    )
    group.addoption("--reference", metavar="BACKEND", help="the backend taken as expected (default: torch)")
    group.addoption(
        "--seed",
        type=natural(0),
        default=0,
        metavar="N",
        help="seed of weights and inputs (default: 0)",
    )
    group.addoption("--slow", action="store_true", help="run the checks marked slow too")
    group.addoption(
        "--simplify",
        action="append",
        default=[],
        metavar="LAYER",
        help="let every layer of this class (e.g. ILN) pass its input on, in both implementations: "
        "a difference that vanishes was in that layer; repeat it or separate names by commas",
    )
    group.addoption(
        "--parity-report", type=Path, metavar="DIR", help="write what was measured to DIR/parity.json"
    )


class natural:  # noqa: N801 -- argparse shows the name in its messages
    """Converter for argparse: a whole number of at least `least`."""

    def __init__(self, least: int) -> None:
        self.least = least

    def __call__(self, text: str) -> int:
        """The number. Raises `ValueError`, which argparse turns into a usage error."""
        number = int(text)
        if number < self.least:
            raise ValueError(text)
        return number

    def __repr__(self) -> str:
        return f"whole number from {self.least}"


def selection(config: pytest.Config) -> Selection:
    """The options of a run. Raises `ConfigError` with the nearest name for an unknown family or backend."""
    asked = words(config.getoption("--family"))
    for name in asked:
        registry.family(name)
    backends = tuple(registry.BACKENDS)
    reference = config.getoption("--reference") or backends[0]
    if reference not in backends:
        raise ConfigError(registry.unknown("backend", reference, backends))
    return Selection(
        families=tuple(name for name in registry.FAMILIES if name in asked or not asked),
        iterations=config.getoption("--iterations"),
        device=config.getoption("--device"),
        dtype=config.getoption("--dtype"),
        reference=reference,
        candidate=next(name for name in backends if name != reference),
        seed=config.getoption("--seed"),
        slow=config.getoption("--slow"),
        simplify=tuple(words(config.getoption("--simplify"))),
        report=config.getoption("--parity-report"),
    )


def words(texts: list[str]) -> list[str]:
    """Names given by repeating an option, by commas, or both."""
    return [name.strip() for text in texts for name in text.split(",")]


def parametrize(metafunc: pytest.Metafunc, families: tuple[str, ...]) -> None:
    """Give a test of the suite its family, case, network and backend, as far as it asks for them."""
    names = [name for name in ("family", "case", "network") if name in metafunc.fixturenames]
    if names:
        rows = {
            key: row for family in families for key, row in rows_of(registry.family(family), tuple(names))
        }
        parameters = [
            pytest.param(*row, id="-".join(key), marks=[pytest.mark.slow] if slow else [])
            for key, (row, slow) in rows.items()
        ]
        metafunc.parametrize(names, parameters)
    if "backend" in metafunc.fixturenames:
        metafunc.parametrize("backend", list(registry.BACKENDS))


def rows_of(
    family: Family, names: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], tuple[list[Any], bool]]]:
    """Readable id, values of `names`, and whether it is slow, for each combination of one family."""
    if "case" not in names and "network" not in names:
        yield (family.name,), ([family], False)
        return
    for case in family.cases:
        for network in networks(family, case, names):
            values: dict[str, Any] = {"family": family, "case": case, "network": network}
            key = (family.name, case.name, network) if network else (family.name, case.name)
            yield key, ([values[name] for name in names], case.slow)


def networks(family: Family, case: Case, names: tuple[str, ...]) -> tuple[str, ...]:
    """The networks of a case when they are asked for, else one empty name."""
    return family.networks(case.config) if "network" in names else ("",)
