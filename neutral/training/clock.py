"""Where the time of a run goes: waiting for data, computing, the rest."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Seconds since the start of the run, and seconds per iteration spent on data and on computing.

    `earlier`: training time of the sessions before this one.
    """

    def __init__(self, earlier: float = 0.0) -> None:
        self._start = time.perf_counter() - earlier
        self._spent = {"data": 0.0, "compute": 0.0}
        self._iterations = 0
        self._recent = ""

    @property
    def elapsed(self) -> float:
        """Seconds since the start of the run, over all its sessions."""
        return time.perf_counter() - self._start

    @contextmanager
    def measuring(self, what: str) -> Iterator[None]:
        """Add the time of the block to "data" or "compute"; "compute" ends an iteration."""
        begin = time.perf_counter()
        yield
        self._spent[what] += time.perf_counter() - begin
        self._iterations += what == "compute"

    def per_iteration(self) -> tuple[float, float]:
        """(data, compute) seconds per iteration since the last call of this method."""
        count = max(1, self._iterations)
        data, compute = self._spent["data"] / count, self._spent["compute"] / count
        self._recent = self._speed(data, compute)
        self._spent, self._iterations = {"data": 0.0, "compute": 0.0}, 0
        return data, compute

    def speed(self) -> str:
        """`0.63 it/s, data 2 %`, of the last stretch."""
        if self._iterations:
            return self._speed(
                self._spent["data"] / self._iterations, self._spent["compute"] / self._iterations
            )
        return self._recent

    def _speed(self, data: float, compute: float) -> str:
        total = max(data + compute, 1e-9)
        return f"{1 / total:.2f} it/s, data {100 * data / total:.0f} %"
