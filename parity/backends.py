"""The backends of a run by name, each imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from neutral import registry
from neutral.backend import Backend


class Backends(Mapping[str, Backend]):
    """`backends["torch"]`: imported at once, and checked for the device of the run.

    Raises `EnvironmentFault` when the framework or the device is not there.
    """

    def __init__(self, device: str, simplify: tuple[str, ...] = ()) -> None:
        self.device, self.simplify = device, simplify
        self.loaded: dict[str, Backend] = {}

    def __getitem__(self, name: str) -> Backend:
        if name not in self.loaded:
            if name not in registry.BACKENDS:
                raise KeyError(name)
            backend = registry.backend(name)
            backend.check_device(self.device)
            backend.simplify(self.simplify)
            backend.use_threads(1)  # the suite's models are small: more threads would wait for each other
            self.loaded[name] = backend
        return self.loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(registry.BACKENDS)

    def __len__(self) -> int:
        return len(registry.BACKENDS)

    def versions(self) -> dict[str, dict[str, str]]:
        """Versions of those that were used."""
        return {name: backend.versions() for name, backend in self.loaded.items()}
