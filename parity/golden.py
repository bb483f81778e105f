"""Replay of golden cases: numbers measured on the original implementations, which the twins must reproduce.

A golden folder holds `index.json` and one folder per family. A case is replayed in float64 with weights and
inputs of `parity.recipe`; every quantity gives one `Quantity` with its error, its bound and the place.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from neutral.backend import Backend
from neutral.errors import ConfigError, DataError, ParityError
from neutral.registry import FAMILIES, extra
from neutral.registry import backend as find_backend
from neutral.state import Array, State
from parity import recipe
from parity.golden_bounds import Bounds
from parity.statistics import pair_statistics


@dataclass(frozen=True)
class Quantity:
    """Largest error of one quantity of one case: relative to the scale of the tensor, or of the loss."""

    family: str
    case: str
    backend: str
    name: str
    error: float
    bound: float
    where: str

    @property
    def passed(self) -> bool:
        """Whether the error is a number within the bound."""
        return self.error <= self.bound


@dataclass(frozen=True)
class Case:
    """One case: its entry of the index, its own JSON and arrays (None where it has none)."""

    entry: Mapping[str, Any]
    folder: Path

    @property
    def name(self) -> str:
        """The case id, which is also the first part of every recipe name."""
        return str(self.entry["case"])

    def json(self) -> dict[str, Any]:
        """The case's JSON file."""
        return read_json(self._file(".json"))

    def arrays(self, suffix: str = ".npz") -> dict[str, Array]:
        """The arrays of one of the case's npz files; none may be pickled."""
        path = self._file(suffix)
        try:
            with np.load(path, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: cannot be read: {error}") from None

    def _file(self, suffix: str) -> Path:
        path = self.folder / f"{self.name}{suffix}"
        if not path.is_file():
            raise DataError(f"{path}: missing, though the index names case {self.name}")
        return path


class Worst:
    """Gathers the largest error of each quantity of a case."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[float, float, str]] = {}

    def add(self, name: str, error: float, bound: float, where: str) -> None:
        """Count one comparison; what is kept is the one that is worst for its bound."""
        error = math.inf if math.isnan(error) else error
        kept = self.found.get(name)
        if kept is None or error / bound > kept[0] / kept[1]:
            self.found[name] = (error, bound, where)

    def arrays(self, name: str, actual: Array | None, expected: Array, bound: float, where: str) -> None:
        """Largest difference relative to the expected array's scale; another shape is infinitely wrong."""
        if actual is None or actual.shape != expected.shape:
            given = "nothing" if actual is None else f"shape {actual.shape}"
            self.add(name, math.inf, bound, f"{where}: {given} given, shape {expected.shape} expected")
            return
        self.add(name, pair_statistics(actual, expected).error, bound, where)

    def rows(self, name: str, actual: list[Any], expected: list[Any], bound: float, where: str) -> None:
        """Rows of statistics: positions relative to the tensor's scale, L2 and probe relative to its L2."""
        columns = dict(zip(recipe.COLUMNS, expected, strict=True))
        scale = max(abs(columns["min"]), abs(columns["max"]))
        for column, value, wanted in zip(recipe.COLUMNS, actual, expected, strict=True):
            unit = columns["l2"] if column in ("l2", "probe") else scale
            difference = float(np.max(np.abs(np.subtract(value, wanted)), initial=0.0))
            self.add(name, relative(difference, unit), bound, f"{where} ({column})")

    def names(self, name: str, actual: Iterable[str], expected: Iterable[str]) -> None:
        """The same names on both sides; a difference is infinitely wrong."""
        differing = sorted(set(actual) ^ set(expected))
        self.add(name, math.inf if differing else 0.0, 1.0, ", ".join(differing) or "all names")


def relative(difference: float, unit: float) -> float:
    """difference / unit, and 0 where there is no difference."""
    if difference == 0:
        return 0.0
    return difference / unit if unit > 0 else math.inf


def select(directory: Path, families: Iterable[str] = (), cases: Iterable[str] = ()) -> list[Case]:
    """The cases of `directory`, all of them or those of some families or names.

    Raises `DataError` when the folder holds no case, `ConfigError` for a family or case it does not hold.
    """
    wanted, chosen = set(families), set(cases)
    entries = read_index(directory)
    known = {case.name for case in entries} | {family_of(case) for case in entries}
    if unknown := sorted((wanted | chosen) - known):
        raise ConfigError(f"{directory}: no such family or case: {', '.join(unknown)}")
    return [
        case
        for case in entries
        if (not wanted or family_of(case) in wanted) and (not chosen or case.name in chosen)
    ]


def replay_case(case: Case, family: str, backend: str) -> list[Quantity]:
    """Every quantity of one case on one backend."""
    from parity.golden_cases import REPLAYS  # imported here: it builds on the classes above

    kind = str(case.entry["type"])
    worst = Worst()
    if kind not in REPLAYS:
        raise ConfigError(f"{case.folder}: case {case.name} has an unknown type: {kind}")
    adapter = extra(family, "golden")
    try:
        REPLAYS[kind](Replay(case, family, adapter, find_backend(backend), Bounds(case.entry), worst))
    except ConfigError as error:
        raise ConfigError(f"case {case.name}: {error}") from None
    return [Quantity(family, case.name, backend, name, *found) for name, found in worst.found.items()]


@dataclass(frozen=True)
class Replay:
    """What a replay of one case works with."""

    case: Case
    family: str
    adapter: ModuleType
    backend: Backend
    bounds: Bounds
    worst: Worst

    def fill(self, network: str, state: Mapping[str, Array]) -> State:
        """Recipe values for every entry of `state`."""
        return recipe.network_state(self.case.name, network, {key: a.shape for key, a in state.items()})


def family_of(case: Case) -> str:
    """Family of a case."""
    return str(case.entry["family"])


def read_index(directory: Path) -> list[Case]:
    """All cases of a golden folder, or of one family's folder in it."""
    index = directory / "index.json"
    root, only = directory, None
    if not index.is_file() and (directory.parent / "index.json").is_file():
        index, root, only = directory.parent / "index.json", directory.parent, directory.name
    if not index.is_file():
        raise DataError(f"{directory}: no index.json here, so this is no folder of golden cases")
    entries = read_json(index).get("cases", [])
    cases = [Case(entry, root / entry["family"]) for entry in entries if only in (None, entry["family"])]
    if not cases:
        raise DataError(f"{index}: names no case" + (f" of {only}" if only else ""))
    return cases


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object; raises `DataError` naming the file."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as JSON: {error}") from None
    if not isinstance(values, dict):
        raise DataError(f"{path}: holds no JSON object")
    return values


def golden_command(
    directory: Path,
    backends: list[str],
    families: list[str],
    cases: list[str],
    as_json: bool,
) -> int:
    """`parity golden`: replay and print; 0 when every quantity is within its bound, else 1.

    A case of a family that is not built here cannot be reproduced: it is named, and the status is 1.
    """
    from parity.golden_report import Report

    selected = select(directory, families, cases)
    foreign = sorted({family_of(case) for case in selected} - set(FAMILIES))
    report = Report(as_json)
    quantities: list[Quantity] = []
    for case in selected:
        for backend in backends if family_of(case) in FAMILIES else ():
            report.begin(family_of(case), case.name, backend)
            for quantity in replay_case(case, family_of(case), backend):
                quantities.append(quantity)
                report.show(quantity)
    if not quantities:
        raise ParityError(f"{directory}: nothing was compared, which proves nothing")
    report.end(quantities, foreign)
    return 0 if all(quantity.passed for quantity in quantities) and not foreign else 1


def as_record(quantity: Quantity) -> dict[str, Any]:
    """A quantity for JSON; an infinite error becomes the text "inf"."""
    record = asdict(quantity) | {"passed": quantity.passed}
    return {key: str(v) if isinstance(v, float) and not math.isfinite(v) else v for key, v in record.items()}
