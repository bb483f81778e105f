"""ONNX files under ONNX Runtime, on the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as states

from neutral.backend import Arrays, Batch
from neutral.errors import ExportError

ERRORS: tuple[type[Exception], ...] = (
    ValueError,
    *(kind for kind in vars(states).values() if isinstance(kind, type) and issubclass(kind, Exception)),
)
"""What ONNX Runtime raises; its errors have no common base, and wrong names are `ValueError`s."""

ONLY_ERRORS = 3
"""Level of ONNX Runtime's own log on stderr."""


class OnnxGraph:
    """An ONNX file, ready to run. See `neutral.backend.Graph`.

    `metadata` is what the file says of itself. Raises `ExportError` when it cannot be read.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        options = onnxruntime.SessionOptions()
        options.log_severity_level = ONLY_ERRORS
        if not file.is_file():
            raise ExportError(f"{file}: no such file")
        try:
            self.session = onnxruntime.InferenceSession(
                str(file), options, providers=["CPUExecutionProvider"]
            )
        except ERRORS as error:
            raise ExportError(f"{file}: not a readable ONNX model: {error}") from None
        self.metadata: dict[str, str] = dict(self.session.get_modelmeta().custom_metadata_map)
        self.inputs = tuple(value.name for value in self.session.get_inputs())
        self.outputs = tuple(value.name for value in self.session.get_outputs())

    def run(self, inputs: Batch) -> Arrays:
        """Outputs by name, float32. Raises `ExportError` when the inputs do not fit."""
        feed = {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in inputs.items()}
        try:
            outputs = self.session.run(list(self.outputs), feed)
        except ERRORS as error:
            shapes = ", ".join(f"{name} {array.shape}" for name, array in feed.items())
            raise ExportError(f"{self.file}: cannot be run with {shapes}: {error}") from None
        return dict(zip(self.outputs, outputs, strict=True))
