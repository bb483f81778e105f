"""The installation: versions, backends, devices, and combinations that are known to be bad."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from typing import Any

from neutral import registry
from neutral.errors import EnvironmentFault

PACKAGES = (
    "numpy", "torch", "paddlepaddle", "paddlepaddle-gpu", "paddle2onnx", "onnx", "onnxruntime", "onnxscript",
    "opencv-python-headless", "pillow", "pydantic", "safetensors", "scikit-image", "tensorboard", "typer",
)  # fmt: skip


def diagnose() -> dict[str, Any]:
    """Versions, state of each backend, problems (something does not work) and remarks (something to know)."""
    found = versions()
    backends = {name: backend_state(name) for name in registry.BACKENDS}
    problems = [f"backend {name}: {state}" for name, state in backends.items() if state.startswith("broken")]
    if all(state == "not installed" for state in backends.values()):
        problems.append("no framework is installed: pip install 'framework-parity[cpu]'")
    return {
        "versions": {"python": platform.python_version(), "platform": platform.platform()} | found,
        "backends": backends,
        "problems": problems,
        "remarks": remarks(found),
    }


def versions() -> dict[str, str]:
    """Version of each package of interest, "not installed" where it is not there."""
    result = {}
    for name in PACKAGES:
        try:
            result[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            result[name] = "not installed"
    return result


def backend_state(name: str) -> str:
    """ "cpu", "cpu, cuda", "not installed", or "broken: …". Imports the framework."""
    if not registry.installed(name):
        return "not installed"
    try:
        backend = registry.backend(name)
    except (ImportError, OSError, EnvironmentFault) as error:
        return f"broken: {error}"
    try:
        backend.check_device("cuda")
    except EnvironmentFault:
        return "cpu"
    return "cpu, cuda"


def remarks(found: dict[str, str], processor: str | None = None) -> list[str]:
    """What to know about the packages `found` (package -> version) on this machine."""
    there = {name for name, version in found.items() if version != "not installed"}
    texts = []
    if "paddlepaddle" in there and "paddle2onnx" not in there:
        python = " It has no wheels for Python 3.13" if sys.version_info >= (3, 13) else ""
        texts.append(f"paddle2onnx is missing: ONNX export from Paddle does not work.{python}")
    if "torch" in there and "onnxscript" not in there:
        texts.append("onnxscript is missing: ONNX export from PyTorch does not work")
    if "onnxruntime" not in there:
        texts.append("onnxruntime is missing: exported ONNX files cannot be checked")
    if found.get("onnx", "").startswith(("1.17.", "1.18.", "1.19.")):
        texts.append(
            f"onnx {found['onnx']} has known advisories: open no ONNX file of unknown origin with it"
        )
    if {"paddlepaddle", "paddlepaddle-gpu"} <= there:
        texts.append(
            "paddlepaddle and paddlepaddle-gpu are both installed and overwrite each other: remove one"
        )
    amd = "AMD" in (processor if processor is not None else _processor())
    if amd and "paddlepaddle" in there and os.environ.get("MKL_DEBUG_CPU_TYPE") != "5":
        texts.append(
            "AMD processor: Paddle is several times faster with MKL_DEBUG_CPU_TYPE=5 in the environment"
        )
    return texts


def _processor() -> str:
    """The vendor of the processor, where Linux says it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return file.read(4096)
    except OSError:
        return platform.processor()
