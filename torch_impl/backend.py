"""The PyTorch backend. See `neutral.backend.Backend`."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neutral.backend import Batch
from neutral.errors import EnvironmentFault
from torch_impl.network import Network
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

    def export_onnx(self, network: Network, sample: Batch, target: Path, **options: Any) -> None:
        """Write `network` as an ONNX file."""
        importlib.import_module("torch_impl.export").export_onnx(network, sample, target, **options)

    def export_static(self, network: Network, sample: Batch, target: Path, **options: Any) -> None:
        """Write `network` as an exported program (`.pt2`)."""
        importlib.import_module("torch_impl.export").export_static(network, sample, target, **options)

    def _device(self, device: str) -> torch.device:
        self.check_device(device)
        return torch.device(device)


BACKEND = TorchBackend()
