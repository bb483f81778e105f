"""One backend in a process of its own, told what to do by lines of JSON: see `ugatit_step.py`.

    python benchmarks/worker.py '{"backend": "torch", "threads": 1, "options": {"img_size": 256}}'

Answers one line for each line it reads: {"fast_step": true} runs one iteration and answers
{"seconds": wall clock, "cpu": processor seconds, "peak": largest resident memory so far, in bytes}.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from neutral import registry
from neutral.training.initial import initial_state

FAMILY = "ugatit"


def main(backend: str, threads: int, options: dict[str, Any]) -> None:
    """Build the step, say what it runs on, then one iteration for every line."""
    family, side = registry.family(FAMILY), registry.backend(backend)
    side.use_threads(threads)
    config = family.config(**options)
    step = side.step(FAMILY, config)
    step.load(initial_state(family, config, step))
    batch, rates = family.batch(config, 0, 1), family.learning_rates(config, 1)
    answer({"versions": side.versions()})
    for line in sys.stdin:
        # Both orders work on one state, so the networks need not be in memory twice.
        step.config = config.model_copy(update=json.loads(line))
        wall, cpu = time.perf_counter(), time.process_time()
        step.run(batch, rates)
        losses = step.losses()
        seconds, cpu = time.perf_counter() - wall, time.process_time() - cpu
        answer({"seconds": seconds, "cpu": cpu, "peak": peak(), "losses": losses})


def peak() -> int:
    """Largest resident memory of this process so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def answer(values: dict[str, Any]) -> None:
    """One line for the parent."""
    os.write(ANSWERS, (json.dumps(values) + "\n").encode())


if __name__ == "__main__":
    ANSWERS = os.dup(1)
    os.dup2(2, 1)  # what a framework prints is not an answer
    main(**json.loads(sys.argv[1]))
