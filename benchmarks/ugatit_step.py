"""One training step of U-GAT-IT: published order against fast path, PyTorch against PaddlePaddle.

    python benchmarks/ugatit_step.py                                    # light model, 256x256, batch 1
    python benchmarks/ugatit_step.py --repeat 5 --json out.json img_size=128 ch=32

Every variant is timed in turn, round after round, so that other work on the machine falls on all of them;
the numbers are medians. Peak memory is measured in a fresh process for each variant. The losses of both
orders must be equal to the last bit, or the comparison is refused.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from neutral import registry
from neutral.config import load_config

WORKER = Path(__file__).with_name("worker.py")
ORDERS = {"published": False, "fast": True}
BACKENDS = ("torch", "paddle")
DEFAULT_MKL = "paddle, default MKL"
"""Paddle with its default CPU path: a value that the user has set, even an empty one, is left alone."""

Row = dict[str, float]


class Worker:
    """A backend in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.versions: dict[str, str] = self.read()["versions"]

    def run(self, order: str) -> dict[str, Any]:
        """One iteration."""
        print(json.dumps({"fast_step": ORDERS[order]}), file=self.process.stdin, flush=True)
        return self.read()

    def read(self) -> dict[str, Any]:
        """The next answer."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"the worker ended with status {self.process.wait()}")
        values: dict[str, Any] = json.loads(line)
        return values


@contextmanager
def worker(name: str, threads: int, options: dict[str, Any]) -> Iterator[Worker]:
    """A worker that ends with the block. `name`: a backend, or `DEFAULT_MKL`."""
    backend = name.partition(",")[0]
    environment = os.environ | ({"MKL_DEBUG_CPU_TYPE": ""} if name == DEFAULT_MKL else {})
    task = json.dumps({"backend": backend, "threads": threads, "options": options})
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", str(WORKER), task], env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield Worker(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()  # the worker ends when nothing more can come


def time_all(
    variants: list[tuple[str, str]], repeat: int, start: Any
) -> tuple[dict[str, Row], dict[str, Any]]:
    """Medians of wall clock and processor seconds by "<name>/<order>", and versions by name."""
    found: dict[str, list[dict[str, Any]]] = {f"{name}/{order}": [] for name, order in variants}
    with ExitStack() as stack:
        workers = {name: stack.enter_context(start(name)) for name in dict.fromkeys(n for n, _ in variants)}
        for count in range(repeat + 1):  # the first round warms up
            for name, order in variants if count % 2 else reversed(variants):
                if name == DEFAULT_MKL and count != 1:
                    continue  # once is enough for a factor of this size, and lasts as long as all others
                result = workers[name].run(order)
                note(f"round {count} of {repeat}: {name}, {order}: {result['seconds']:.2f} s")
                if count:
                    found[f"{name}/{order}"].append(result)
        versions = {name: side.versions for name, side in workers.items()}
    rows = {
        key: {unit: median(result[unit] for result in results) for unit in ("seconds", "cpu")}
        for key, results in found.items()
    }
    return rows, versions


def memory_of(start: Any, name: str, order: str) -> tuple[float, dict[str, float]]:
    """Peak memory in GiB over two iterations in a fresh process, and the losses of the second."""
    with start(name) as side:
        side.run(order)
        result = side.run(order)
    note(f"memory: {name}, {order}: {result['peak'] / 2**30:.2f} GiB")
    return result["peak"] / 2**30, result["losses"]


def measure(options: dict[str, Any], repeat: int, threads: int) -> dict[str, Any]:
    """Everything, as it is printed and written."""

    def start(name: str) -> Any:
        return worker(name, threads, options)

    variants = [(name, order) for name in BACKENDS for order in ORDERS]
    rows, versions = time_all([*variants, (DEFAULT_MKL, "fast")], repeat, start)
    losses = {}
    for name, order in variants:
        rows[f"{name}/{order}"]["memory"], losses[name, order] = memory_of(start, name, order)
    for name in BACKENDS:
        if losses[name, "published"] != losses[name, "fast"]:
            sys.exit(f"{name}: the losses of the two orders differ: nothing to compare")
    machine = {"machine": platform.machine(), "processors": os.cpu_count(), "threads": threads}
    return {"options": options, "repeat": repeat, **machine, "versions": versions, "rows": rows,
            "ratios": ratios(rows)}  # fmt: skip


def ratios(rows: dict[str, Row]) -> dict[str, Row]:
    """What was asked, each as one row divided by another."""
    pairs = {f"{name}: fast / published": (f"{name}/fast", f"{name}/published") for name in BACKENDS}
    pairs["paddle / torch, fast"] = ("paddle/fast", "torch/fast")
    pairs["paddle: default MKL / chosen path"] = (f"{DEFAULT_MKL}/fast", "paddle/fast")
    return {
        title: {unit: rows[a][unit] / rows[b][unit] for unit in rows[a] if unit in rows[b]}
        for title, (a, b) in pairs.items()
    }


def note(text: str) -> None:
    """Progress, beside the result."""
    print(text, file=sys.stderr, flush=True)


def show(found: dict[str, Any]) -> None:
    """The tables."""
    print(f"{found['processors']} processors ({found['machine']}), {found['threads']} threads, ", end="")
    print(f"medians of {found['repeat']}; options {found['options']}")
    for name, versions in found["versions"].items():
        print(f"  {name}: {', '.join(f'{key} {value}' for key, value in versions.items())}")
    for part, unit in (("rows", ("s", "s", "GiB")), ("ratios", ("", "", ""))):
        print(f"\n{part:<36}{'time':>10}{'processor':>12}{'peak memory':>14}")
        for title, row in found[part].items():
            cells = [f"{row[key]:.2f} {u}".strip() if key in row else "" for key, u in
                     zip(("seconds", "cpu", "memory"), unit, strict=True)]  # fmt: skip
            print(f"{title:<36}{cells[0]:>10}{cells[1]:>12}{cells[2]:>14}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3, help="timed rounds, after one that warms up")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="CPU threads (default: all)")
    parser.add_argument("--json", type=Path, help="write the numbers there, too")
    parser.add_argument("options", nargs="*", help="options of the family as key=value (default light=true)")
    given = parser.parse_args()
    if given.repeat < 1:
        parser.error("--repeat: at least 1")
    kind = registry.family("ugatit").config
    config = load_config(kind, overrides=["light=true", *given.options])
    options = config.model_dump(exclude_unset=True)
    found = measure(options, given.repeat, given.threads)
    show(found)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
