"""How many CPU threads a run computes on.

The number is settled here for every framework: PyTorch would take all processors, Paddle one. It is written
to `env.json` and to the log, because it decides the order in which sums are divided and so the last bits: a
resumed run repeats the uninterrupted one bit by bit on the same number of threads.
"""

from __future__ import annotations

import os


def thread_count(wanted: int) -> int:
    """`wanted`; where that is 0, OMP_NUM_THREADS, or every processor that this process may use."""
    if wanted:
        return wanted
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdecimal() and int(given):
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
