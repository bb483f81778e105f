"""The report of a run as a JSON file, and back.

    DIR/parity.json   {"format": "framework-parity report", "version": 1, "report": {...}, "verdict": {...}}

The verdict in the file is a copy for its readers: it follows from the report (`parity.verdict.verdict`).
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from neutral.errors import DataError
from parity.checks import Report
from parity.plain import from_plain, to_plain
from parity.verdict import verdict

FORMAT = "framework-parity report"
VERSION = 1
FILE = "parity.json"


def write_report(report: Report, directory: Path) -> Path:
    """Write `directory`/parity.json, whole or not at all. Raises `DataError` when that cannot be done."""
    content = {
        "format": FORMAT,
        "version": VERSION,
        "report": to_plain(report),
        "verdict": to_plain(verdict(report)),
    }
    text = json.dumps(content, indent=1, allow_nan=False) + "\n"
    target = directory / FILE
    try:
        directory.mkdir(parents=True, exist_ok=True)
        replace_file(target, text)
    except OSError as error:
        raise DataError(f"{target}: the report cannot be written: {error.strerror or error}") from None
    return target


def require_writable(directory: Path) -> None:
    """Make the folder of a report. Raises `DataError` when no file can be written to it."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise DataError(f"{directory}: no report can be written here: {error.strerror or error}") from None


def replace_file(target: Path, text: str) -> None:
    """Write a neighbour, make it durable, then rename it over `target`."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
        os.replace(name, target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def read_report(file: Path) -> Report:
    """The report that `write_report` wrote to `file`. Raises `DataError` naming the file and the entry."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read as a report: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DataError(f"{file}: is not a {FORMAT}")
    if content.get("version") != VERSION:
        raise DataError(f"{file}: has version {content.get('version')}, version {VERSION} can be read")
    return from_plain(Report, content.get("report"), f"{file}: report")
