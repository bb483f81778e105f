"""Paddle's static graph to ONNX, with the converter kept at arm's length.

paddle2onnx 2.1 has two dangers. It ends the process, by `SystemExit` or by an abort of its C++ part, so it
runs in a process of its own. And with graphs of PaddlePaddle 3.3 it is silently wrong: some attributes are
saved as float64 where it reads float32, so the slope of a leaky ReLU is whatever lies in memory. These
attributes, and no others, are rewritten before the conversion. Graphs of earlier versions have no such
attribute and stay as they are.

`paddle.onnx.export` is not used: it may install packages while it runs.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx

from neutral.errors import ExportError

NARROWED = {
    "leaky_relu": ("negative_slope",),
    "pad3d": ("pad_value",),
    "group_norm": ("epsilon",),
    "softplus": ("beta", "threshold"),
    "linear_interp": ("scale",),
    "bilinear_interp": ("scale",),
    "nearest_interp": ("scale",),
    "bicubic_interp": ("scale",),
    "trilinear_interp": ("scale",),
}
"""Attributes, by operation, that the converter reads as float32."""

CONVERT = """
import sys, paddle2onnx
graph, weights, target, opset = sys.argv[1:]
paddle2onnx.export(graph, weights, target, opset_version=int(opset), optimize_tool="none")
"""
"""Program of the converting process. Its arguments: graph, weights, target, opset."""

SAID = 15
"""How many of the converter's last lines an error repeats."""


def convert(graph: Path, weights: Path, opset: int) -> onnx.ModelProto:
    """The ONNX model of a static graph; `graph` (JSON) is rewritten, and its folder is used for the result.

    Raises `ExportError` with the converter's own words when it ends in any way without a result.
    """
    target = graph.with_suffix(".onnx")
    graph.write_text(narrowed(graph.read_text(encoding="utf-8")), encoding="utf-8")
    words = [sys.executable, "-c", CONVERT, str(graph), str(weights), str(target), str(opset)]
    done = subprocess.run(
        words, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode or not target.is_file():
        said = "\n".join(f"{done.stdout}\n{done.stderr}".strip().splitlines()[-SAID:])
        raise ExportError(f"paddle2onnx {ending(done.returncode)} and made no ONNX model. It said:\n{said}")
    return onnx.load(str(target))


def narrowed(text: str) -> str:
    """A graph as JSON text, with the attributes of `NARROWED` declared as float32."""
    graph = json.loads(text)
    _narrow_operations(graph)
    return json.dumps(graph, separators=(",", ":"))


def ending(status: int) -> str:
    """How a process ended, in words."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


def _narrow_operations(part: Any) -> None:
    """Find the operations in a part of a graph: mappings with the key "#" (kind) and "A" (attributes)."""
    if isinstance(part, dict):
        names = NARROWED.get(str(part.get("#", "")).partition(".")[2], ())
        for attribute in part.get("A", ()) if names else ():
            if attribute["N"] in names:
                attribute["AT"] = _as_float32(attribute["AT"])
        for inner in part.values():
            _narrow_operations(inner)
    elif isinstance(part, list):
        for inner in part:
            _narrow_operations(inner)


def _as_float32(value: Any) -> Any:
    """An attribute value, single or array, with the type tag of float64 replaced by that of float32."""
    if isinstance(value, dict):
        return {
            key: "0.a_f32" if (key, inner) == ("#", "0.a_f64") else _as_float32(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_as_float32(inner) for inner in value]
    return value
