"""Batches by iteration number, read ahead by worker processes when wished.

The source is a pure function of the iteration, so the batches do not depend on the number of workers, and the
position to resume from is the iteration number.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import TracebackType

import cv2
from typing_extensions import Self

from neutral.errors import EnvironmentFault
from neutral.state import Array

Source = Callable[[int], dict[str, Array]]
"""Iteration -> batch by input name. For worker processes it must be picklable: a function of a module, or a
method of an object that holds plain data."""

AHEAD = 3
"""Batches kept ready or in work per worker process."""


class Loader:
    """`batch(iteration)` for iterations in any order, fastest when they come one after the other.

    workers   processes that read ahead; 0 computes each batch in the calling process
    start     the first iteration that will be asked for: reading begins at once

    Close it, or use it in a `with` statement. Worker processes ignore Ctrl-C (the calling process decides
    what happens then) and end by themselves when the calling process is gone, however it went.
    """

    def __init__(self, source: Source, *, workers: int = 0, start: int = 1) -> None:
        self._source = source
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._queue: deque[tuple[int, Future[dict[str, Array]]]] = deque()
        if workers:
            self._pool = ProcessPoolExecutor(
                workers, multiprocessing.get_context("spawn"), _start_worker, (source,)
            )
            self._read_ahead(start)

    def batch(self, iteration: int) -> dict[str, Array]:
        """The batch of `iteration`. Raises what the source raises, for example `DataError` naming a file."""
        if self._pool is None:
            return self._source(iteration)
        if not self._queue or self._queue[0][0] != iteration:
            self._drop_queue()
        self._read_ahead(iteration)
        try:
            result = self._queue.popleft()[1].result()
        except BrokenProcessPool:
            raise EnvironmentFault(_BROKEN) from None
        self._read_ahead(iteration + 1)
        return result

    def close(self) -> None:
        """End the worker processes; batches in work are dropped."""
        self._drop_queue()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read_ahead(self, iteration: int) -> None:
        """Fill the queue, which begins at `iteration` or is empty."""
        assert self._pool is not None
        with _interrupt_blocked():
            while len(self._queue) < AHEAD * self._workers:
                following = iteration + len(self._queue)
                try:
                    self._queue.append((following, self._pool.submit(_run, following)))
                except BrokenProcessPool:
                    raise EnvironmentFault(_BROKEN) from None

    def _drop_queue(self) -> None:
        while self._queue:
            self._queue.popleft()[1].cancel()


_BROKEN = (
    "a process that reads training data ended unexpectedly (out of memory, or killed); "
    "with workers=0 the data is read in the training process. "
    "A script that trains needs the guard: if __name__ == '__main__'"
)

_source: Source


def _run(iteration: int) -> dict[str, Array]:
    return _source(iteration)


def _start_worker(source: Source) -> None:
    """Set a worker process up: it leaves Ctrl-C to its parent, uses one thread, and ends with its parent."""
    global _source
    _source = source
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(0)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for the end of the parent process, then end this one at once: a killed parent cannot tell it."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)


@contextmanager
def _interrupt_blocked() -> Iterator[None]:
    """Hold Ctrl-C back while processes start: they inherit that, and are not interrupted half set up.

    Where the system has no such mask (Windows), a Ctrl-C in the first moments ends a worker process.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
