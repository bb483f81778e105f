"""The optional libraries of exporting."""

from __future__ import annotations

import importlib.util

from neutral.errors import EnvironmentFault


def require_libraries(*names: str) -> None:
    """Raise `EnvironmentFault` when one of the modules is not installed. None is imported, none installed."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise EnvironmentFault(
            f"{' and '.join(missing)}: not installed, and needed here. "
            "Install with: pip install 'framework-parity[onnx]'"
        )
