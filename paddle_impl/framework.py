"""The import of PaddlePaddle itself, with what must be settled before and after it.

Before: on an AMD processor MKL takes a slow path, three times slower for convolutions and products, unless
`MKL_DEBUG_CPU_TYPE=5` is set when it is loaded. It changes rounding, not meaning. And Paddle's C++ part
writes remarks about itself to stderr whenever a static graph is made or run; only its errors are wanted. A
value the user has set is left alone, for either. After: Paddle sets OMP_NUM_THREADS to 1 for itself and for
every child process, and adds a handler to the root logger that prints every library's INFO messages; both are
put back.
"""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path


def _is_amd() -> bool:
    try:
        return "AuthenticAMD" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False


fast_cpu_path = ""
"""What was chosen for this processor, in words; empty when nothing was."""

if _is_amd() and "MKL_DEBUG_CPU_TYPE" not in os.environ:
    os.environ["MKL_DEBUG_CPU_TYPE"] = "5"
    fast_cpu_path = "MKL_DEBUG_CPU_TYPE=5 (AMD)"

os.environ.setdefault("GLOG_minloglevel", "2")

_handlers = list(logging.root.handlers)
_threads = os.environ.get("OMP_NUM_THREADS")

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="No ccache found")  # only for building C++ extensions
    import paddle

logging.root.handlers[:] = _handlers
if _threads is None:
    os.environ.pop("OMP_NUM_THREADS", None)

logging.getLogger("parity").debug("paddle %s, %s", paddle.__version__, fast_cpu_path or "default CPU path")

__all__ = ["fast_cpu_path", "paddle"]
