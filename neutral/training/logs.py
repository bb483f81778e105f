"""Everything a run says about itself, in three forms: a text log, JSON lines, TensorBoard."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

from neutral.durable import append, new_file, reported
from neutral.images import Picture
from neutral.training.events import EventFile
from neutral.training.hooks import Hooks

log = logging.getLogger("parity")
lines = logging.getLogger("parity.iteration")
"""The log lines of single iterations; a console with a progress bar leaves them out."""


@dataclass(frozen=True)
class Entry:
    """One logged iteration. Times in seconds: `elapsed` since the start of the run, over all its sessions;
    the others per iteration, mean since the last entry."""

    iteration: int
    elapsed: float
    data_time: float
    compute_time: float
    rates: Mapping[str, float]
    losses: Mapping[str, float]


class Logs:
    """The logs of one session, which goes on where an earlier one, of `start` iterations, ended."""

    def __init__(self, folder: Path, hooks: Hooks, total: int, start: int) -> None:
        self._hooks, self._total = hooks, total
        self._metrics = folder / "metrics.jsonl"
        with reported(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self._text = _TextFile(folder / "train.log")
        self._text.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        drop_later(self._metrics, start)
        self._events = EventFile(folder / "tb", start + 1)
        log.addHandler(self._text)

    def add(self, entry: Entry) -> None:
        """Log one iteration in all three forms."""
        lines.info("%s", self.line(entry))
        values = {
            "iteration": entry.iteration,
            "time": round(entry.elapsed, 3),
            "data_time": round(entry.data_time, 6),
            "compute_time": round(entry.compute_time, 6),
            "learning_rates": dict(entry.rates),
            "losses": dict(entry.losses),
        }
        append(self._metrics, f"{json.dumps(values)}\n".encode())
        rates = {f"learning_rate/{name}": rate for name, rate in entry.rates.items()}
        losses = {f"loss/{name}": loss for name, loss in entry.losses.items()}
        seconds = {"time/data": entry.data_time, "time/compute": entry.compute_time}
        self._events.scalars(entry.iteration, rates | losses | seconds)

    def line(self, entry: Entry) -> str:
        """`[  200/1000000] time: 320.1, d_lr: 0.0001, g_lr: 0.0001, d_loss: 3.06, g_loss: 1066.2`."""
        width = len(str(self._total))
        columns = [f"time: {entry.elapsed:.1f}"]
        columns += [f"{name}: {entry.rates[source]:.7f}" for name, source in self._hooks.rates.items()]
        columns += [f"{name}: {value:.6g}" for name, value in headline(self._hooks, entry.losses).items()]
        return f"[{entry.iteration:>{width}}/{self._total}] " + ", ".join(columns)

    def picture(self, iteration: int, name: str, picture: Picture) -> None:
        """Show a sample picture in TensorBoard; `A2B_0000200` goes under `A2B`."""
        self._events.image(iteration, f"samples/{name.partition('_')[0]}", picture)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        log.removeHandler(self._text)


def headline(hooks: Hooks, losses: Mapping[str, float]) -> dict[str, float]:
    """The losses that the log line shows, by column; those that this run does not compute are left out."""
    return {column: losses[loss] for column, loss in hooks.headline.items() if loss in losses}


def drop_later(metrics: Path, last: int) -> None:
    """Remove half-written lines and what follows iteration `last`, so that no iteration is logged twice."""
    if not metrics.exists():
        return
    with reported(metrics):
        before = metrics.read_text(encoding="utf-8").splitlines()
    kept = [line for line in before if _iteration(line) <= last]
    if kept != before:
        with new_file(metrics) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")


def _iteration(line: str) -> float:
    try:
        return float(json.loads(line)["iteration"])
    except (ValueError, KeyError, TypeError):
        return float("inf")


class _TextFile(logging.Handler):
    """A log file whose failure ends the run; that of the standard library prints a traceback and goes on."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        append(self._path, f"{self.format(record)}\n".encode())
