"""What the commands share: messages on stderr, JSON on stdout."""

from __future__ import annotations

import json
import logging
import warnings
from typing import Any, TextIO


def show_messages() -> None:
    """Send the messages of the project, and Python's warnings, to stderr.

    Only the project's own logger is used: importing PaddlePaddle opens the root logger to all libraries.
    """
    from neutral.training.progress import ConsoleHandler

    log = logging.getLogger("parity")
    log.handlers = [ConsoleHandler()]
    log.setLevel(logging.INFO)
    log.propagate = False
    warnings.showwarning = _show_warning


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(value, indent=1))


def _show_warning(
    message: Warning | str,
    category: type[Warning],  # noqa: ARG001  (the interface of the standard library)
    filename: str,  # noqa: ARG001
    lineno: int,  # noqa: ARG001
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    logging.getLogger("parity").warning("warning: %s", message)
