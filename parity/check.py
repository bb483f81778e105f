"""`parity check`: the suite, run from the command line."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from parity import suite
from parity.report import FILE

SUITE = Path(suite.__file__).parent


def run_suite(options: Mapping[str, object], *, slow: bool, report: Path | None, as_json: bool) -> int:
    """Run the suite with pytest and return its exit status; with `as_json`, only the report is on stdout."""
    arguments = [str(SUITE), "-p", "parity.plugin"]
    arguments += [f"{name}={value}" for name, value in options.items() if value is not None]
    arguments += ["--slow"] if slow else []
    if not as_json:
        return int(pytest.main([*arguments, *([f"--parity-report={report}"] if report else [])]))
    with tempfile.TemporaryDirectory() as scratch:
        folder = report or Path(scratch)
        with redirect_stdout(sys.stderr):
            status = int(pytest.main([*arguments, f"--parity-report={folder}"]))
        if (folder / FILE).is_file():
            print((folder / FILE).read_text(encoding="utf-8"))
    return status
