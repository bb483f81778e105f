"""The PyTorch backend. See `neutral.backend.Backend`."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neutral.backend import Graph
from neutral.errors import ConfigError, EnvironmentFault
from neutral.family import ExportSpec
from neutral.registry import FAMILIES, unknown
from torch_impl.network import Network, simplified
from torch_impl.step import Step

DTYPES = {"float32": torch.float32, "float64": torch.float64}


SEARCH = "FLAGS_cudnn_exhaustive_search"
"""Environment variable by which PaddlePaddle's users ask for the fastest convolutions; both backends obey."""


class TorchBackend:
    """Construction, devices and export with PyTorch."""

    name = "torch"

    def versions(self) -> dict[str, str]:
        """Versions of PyTorch and numpy, and of CUDA where there is one."""
        cuda = {"cuda": str(torch.version.cuda)} if torch.version.cuda else {}
        return {"torch": str(torch.__version__), "numpy": np.__version__} | cuda

    def check_device(self, device: str) -> None:
        """Raise `EnvironmentFault` when `device` cannot be used."""
        if device == "cpu":
            return
        index = int(device.partition(":")[2] or 0)
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if index >= count:
            raise EnvironmentFault(
                f"device {device}: PyTorch {torch.__version__} sees {count} CUDA devices. "
                "Use device=cpu, or install a CUDA build of PyTorch and its driver."
            )

    def simplify(self, kinds: tuple[str, ...]) -> None:
        """Let layers of these classes pass on their first input, in all networks built from now on."""
        places = ["torch_impl.layers", *(f"torch_impl.{family}.networks" for family in FAMILIES)]
        known = {
            name for place in places for name in vars(importlib.import_module(place)) if name[0].isupper()
        }
        for kind in kinds:
            if kind not in known:
                raise ConfigError(unknown("layer class", kind, tuple(sorted(known))))
        simplified.clear()
        simplified.update(kinds)

    def use_threads(self, count: int) -> None:
        """Compute on `count` CPU threads from now on."""
        torch.set_num_threads(count)

    def network(
        self, family: str, name: str, config: Any, *, dtype: str = "float32", device: str = "cpu"
    ) -> Network:
        """One network of a family, by its official name."""
        module = importlib.import_module(f"torch_impl.{family}.networks").build(name, config)
        return Network(module.to(dtype=DTYPES[dtype], device=self._device(device)))

    def layer(
        self, family: str, kind: str, *args: Any, dtype: str = "float32", device: str = "cpu"
    ) -> Network:
        """One layer class of a family's networks as a network of its own."""
        module = getattr(importlib.import_module(f"torch_impl.{family}.networks"), kind)(*args)
        return Network(module.to(dtype=DTYPES[dtype], device=self._device(device)))

    def step(self, family: str, config: Any, *, dtype: str = "float32", device: str = "cpu") -> Step:
        """The training step of a family."""
        searched = os.environ.get(SEARCH, "").lower() in ("1", "true")
        torch.backends.cudnn.benchmark = searched or getattr(config, "benchmark_flag", False)
        kind = importlib.import_module(f"torch_impl.{family}.step").Step
        step: Step = kind(family, config, DTYPES[dtype], self._device(device))
        return step

    def export_onnx(
        self,
        network: Network,
        spec: ExportSpec,
        target: Path,
        *,
        opset: int = 18,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Write `network` as an ONNX file."""
        export = importlib.import_module("torch_impl.export")
        export.export_onnx(network, spec, target, opset=opset, metadata=metadata)

    def export_static(self, network: Network, spec: ExportSpec, folder: Path) -> None:
        """Write `network` as an exported program (`.pt2`) into `folder`."""
        importlib.import_module("torch_impl.export").export_static(network, spec, folder)

    def load_static(self, folder: Path, inputs: Sequence[str], outputs: Sequence[str]) -> Graph:
        """The graph that `export_static` wrote."""
        graph: Graph = importlib.import_module("torch_impl.export").load_static(folder, inputs, outputs)
        return graph

    def _device(self, device: str) -> torch.device:
        self.check_device(device)
        return torch.device(device)


BACKEND = TorchBackend()
