"""A progress bar on a terminal, plain log lines elsewhere; both on stderr."""

from __future__ import annotations

import logging
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from typing_extensions import Self

from neutral.training.clock import Clock

console = Console(stderr=True)


class ConsoleHandler(logging.Handler):
    """Messages on stderr. With a progress bar they stand above it, without the lines of single iterations."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message, unwrapped."""
        if record.name == "parity.iteration" and console.is_terminal:
            return
        style = "yellow" if record.levelno >= logging.WARNING else None
        console.print(self.format(record), style=style, markup=False, highlight=False, soft_wrap=True)


class ProgressBar:
    """Iterations done and left, their rate, and where the time goes. Shows nothing without a terminal."""

    def __init__(self, total: int, done: int, clock: Clock) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Speed(clock),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            speed_estimate_period=600,  # an iteration may take longer than the usual half a minute
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("training", total=total, completed=done)

    def advance(self, losses: dict[str, float]) -> None:
        """One more iteration; show its losses."""
        shown = " ".join(f"{name} {value:.4g}" for name, value in losses.items())
        self._progress.update(self._task, advance=1, description=shown)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


class _Speed(ProgressColumn):
    """Iterations per second, and the share of the time spent waiting for data."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def render(self, task: Task) -> Text:  # noqa: ARG002  (the interface of rich)
        """`0.63 it/s, data 2 %`."""
        return Text(self._clock.speed())
