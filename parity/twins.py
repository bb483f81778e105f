"""Do the two implementations read as translations of each other? Compared over syntax trees.

Twin files have the same names, the same classes, functions, methods and constants in the same order, the same
parameters and defaults and the same docstrings. `parity.outline.VOCABULARY` says which words may differ;
`DECLARED` lists the rest, each with its reason. A declaration that matches nothing is a difference, too.

    python -m parity.twins         # prints every difference; exit status 1 when there is one
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from neutral import registry
from neutral.errors import EnvironmentFault
from parity.outline import Item, Outline, outline

DECLARED: Mapping[str, str] = {
    "converter.py: existence": "Paddle's ONNX converter is a library of its own, with faults to work around",
    "export.py::TALKATIVE: existence": "torch's exporter logs what it raises as well",
    "export.py::trace: docstring": "Paddle traces into files",
    "export.py::trace: parameters": "Paddle traces into files",
    "cpu.py: existence": "equal forms of what Paddle computes slowly on a CPU",
    "framework.py: existence": "settings that must stand before and after the import of Paddle",
    "backend.py::DTYPES: value": "dtypes are objects in torch and names in Paddle",
    "backend.py::FrameworkBackend.versions: docstring": "Paddle says which CPU path was chosen",
    "backend.py::FrameworkBackend.export_static: docstring": "each has a static graph of its own",
    "backend.py::FrameworkBackend._device: docstring": "Paddle has a device for the whole process as well",
    "layers.py::SpectralLinear: docstring": "Paddle stores the weight of a Linear as (inputs, outputs)",
    "network.py::clear_gradients: docstring": "Paddle's own method leaves zeros, which Adam would apply",
    "optim.py::Adam._slot: existence": "Paddle names slots by counters; they are reached by parameter",
    "optim.py::beta_power: existence": "Paddle stores powers of beta where torch stores the step",
    "state.py: docstring": "the canonical layout is torch's: only one side has to say what it transposes",
    "state.py::TRANSPOSED: existence": "the canonical layout is torch's",
    "state.py::RENAMED: existence": "the canonical names are torch's",
}
"""What may differ, as "<place>: <aspect>", and why."""


@dataclass(frozen=True)
class Difference:
    """One way in which the twins differ at one place.

    place     "<file>" or "<file>::<name>"
    aspect    existence, order, kind, bases, parameters, value, decorators, docstring or declaration
    """

    place: str
    aspect: str
    what: str

    @property
    def key(self) -> str:
        """How `DECLARED` names it."""
        return f"{self.place}: {self.aspect}"

    def __str__(self) -> str:
        return f"{self.key}: {self.what}"


def differences(
    expected: Path, actual: Path, declared: Mapping[str, str] = DECLARED
) -> tuple[Difference, ...]:
    """All undeclared differences between two packages, given their folders.

    Raises `EnvironmentFault` when a folder holds no source: comparing nothing is no agreement.
    """
    sides = {root.name: sources(root) for root in (expected, actual)}
    found = list(_differences(sides))
    keys = {difference.key for difference in found}
    stale = [Difference(key, "declaration", "matches no difference") for key in declared if key not in keys]
    return tuple([difference for difference in found if difference.key not in declared] + stale)


def sources(root: Path) -> dict[str, str]:
    """Source texts of a package by path below it."""
    files = sorted(root.rglob("*.py"))
    if not files:
        raise EnvironmentFault(f"{root}: no Python source here, so there are no twins to compare")
    return {file.relative_to(root).as_posix(): file.read_text(encoding="utf-8") for file in files}


def implementation(backend: str) -> Path:
    """Folder of the implementation of a backend; nothing is imported."""
    package = registry.BACKENDS[backend]
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EnvironmentFault(f"{package}: the package is not installed")
    return Path(spec.submodule_search_locations[0])


def _differences(sides: Mapping[str, Mapping[str, str]]) -> Iterator[Difference]:
    (expected_name, expected), (actual_name, actual) = sides.items()
    for file in sorted({*expected, *actual}):
        if file not in actual:
            yield Difference(file, "existence", f"in {expected_name} only")
        elif file not in expected:
            yield Difference(file, "existence", f"in {actual_name} only")
        else:
            outlines = {
                expected_name: outline(expected[file]),
                actual_name: outline(actual[file]),
            }
            yield from _file(file, outlines)


def _file(file: str, outlines: Mapping[str, Outline]) -> Iterator[Difference]:
    """Docstring, then which items there are, then their order, then each of them."""
    (expected_name, expected), (actual_name, actual) = outlines.items()
    yield from _docstring(file, expected.docstring, actual.docstring, (expected_name, actual_name))
    shared = set(expected.names()) & set(actual.names())
    for name, side in outlines.items():
        for item in side.items:
            if item.name not in shared:
                what = f"{item.kind} in {name} only (line {item.line})"
                yield Difference(f"{file}::{item.name}", "existence", what)
    orders = [[name for name in side.names() if name in shared] for side in outlines.values()]
    yield from _order(file, *orders)
    twins = {item.name: item for item in actual.items}
    for item in expected.items:
        if item.name in shared:
            yield from _item(f"{file}::{item.name}", item, twins[item.name], (expected_name, actual_name))


def _order(file: str, expected: Sequence[str], actual: Sequence[str]) -> Iterator[Difference]:
    for expected_name, actual_name in zip(expected, actual, strict=False):
        if expected_name != actual_name:
            yield Difference(f"{file}::{expected_name}", "order", f"{actual_name} stands in its place")
            return
    if len(expected) != len(actual):
        yield Difference(file, "order", "a name is declared twice on one side")


def _item(place: str, expected: Item, actual: Item, names: tuple[str, str]) -> Iterator[Difference]:
    titles = {"class": "bases", "constant": "value"}
    for aspect, one, other in (
        ("kind", expected.kind, actual.kind),
        (titles.get(expected.kind, "parameters"), expected.signature, actual.signature),
        ("decorators", expected.decorators, actual.decorators),
    ):
        if one != other:
            yield Difference(place, aspect, f"({one}) in {names[0]}, ({other}) in {names[1]}")
    yield from _docstring(place, expected.docstring, actual.docstring, names)


def _docstring(
    place: str, expected: str | None, actual: str | None, names: tuple[str, str]
) -> Iterator[Difference]:
    if expected == actual:
        return
    if expected is None or actual is None:
        yield Difference(place, "docstring", f"none in {names[0] if expected is None else names[1]}")
        return
    words = zip(expected.split(), actual.split(), strict=False)
    index = next((i for i, (one, other) in enumerate(words) if one != other), 0)
    excerpts = [" ".join(text.split()[max(0, index - 2) : index + 6]) for text in (expected, actual)]
    yield Difference(place, "docstring", f'"{excerpts[0]}" in {names[0]}, "{excerpts[1]}" in {names[1]}')


def main() -> int:
    """Print the differences between the implementations; exit status 1 when there is one."""
    reference, *candidates = map(implementation, registry.BACKENDS)
    found = [difference for candidate in candidates for difference in differences(reference, candidate)]
    for difference in found:
        print(difference)
    print(f"{len(found)} undeclared differences, {len(DECLARED)} declared")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
