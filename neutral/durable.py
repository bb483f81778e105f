"""Files and folders that appear whole or not at all, and that survive a crash once they are there.

The new content is written beside its target under a temporary name, flushed to the disk and renamed. A full
disk or an unwritable folder is a `CheckpointError` that names the target; what stood there before stays.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from neutral.errors import CheckpointError

TEMPORARY = ".writing-"
"""Start of the name of everything that is not finished."""


def write_text(target: Path, text: str) -> None:
    """Write `text` as UTF-8; an existing file is replaced in one moment."""
    with new_file(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def append(target: Path, data: bytes) -> None:
    """Add `data` to a log. The file is closed again at once, so a failed write leaves nothing in a buffer."""
    with reported(target), target.open("ab") as file:
        file.write(data)


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A path to write to; after the block it is `target`, replacing a file of that name in one moment."""
    with reported(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(target)
        try:
            yield temporary
            _flush(temporary)
            temporary.replace(target)
            _flush(target.parent)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """An empty folder to fill; after the block it is `target`, which must not exist yet.

    The entries are flushed in place, so the folder must hold files only.
    """
    with reported(target):
        if target.exists():
            raise CheckpointError(f"{target}: exists already and is not overwritten")
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(target)
        temporary.mkdir()
        try:
            yield temporary
            place_folder(temporary, target)
        finally:
            if temporary.exists():
                shutil.rmtree(temporary)


@contextmanager
def scratch(target: Path) -> Iterator[Path]:
    """An empty folder beside `target`, deleted after the block: room to make files that `place` moves."""
    with reported(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = _temporary(target)
        temporary.mkdir()
        try:
            yield temporary
        finally:
            shutil.rmtree(temporary)


def place(file: Path, target: Path) -> None:
    """Move a finished file on the same file system to `target` in one moment; a file there is replaced."""
    with reported(target):
        _flush(file)
        file.replace(target)
        _flush(target.parent)


def place_folder(folder: Path, target: Path) -> None:
    """Move a finished folder of files on the same file system to `target`, which must not exist."""
    with reported(target):
        for entry in folder.iterdir():
            _flush(entry)
        _flush(folder)
        folder.rename(target)
        _flush(target.parent)


def share(file: Path) -> None:
    """Give `file` the permissions of any new file of this process."""
    mask = os.umask(0)
    os.umask(mask)
    file.chmod(0o666 & ~mask)


def remove_folder(folder: Path) -> None:
    """Delete `folder` so that a crash leaves it whole or gone, never half under its own name."""
    with reported(folder):
        temporary = _temporary(folder)
        folder.rename(temporary)
        _flush(folder.parent)
        shutil.rmtree(temporary)


def remove_leftovers(parent: Path) -> None:
    """Delete what a killed process left unfinished in `parent`, where no other process may be writing."""
    with reported(parent):
        for entry in parent.glob(f"{TEMPORARY}*"):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


@contextmanager
def reported(target: Path) -> Iterator[None]:
    """Turn a failure of the file system into a `CheckpointError` that names `target`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise CheckpointError(f"{target}: cannot be written: {reason}") from error


def _temporary(target: Path) -> Path:
    """A name that nobody else uses, in the folder of `target`: renaming works only within a file system."""
    return target.with_name(f"{TEMPORARY}{target.name}-{secrets.token_hex(4)}")


def _flush(path: Path) -> None:
    """Force a file or a folder's entries to the disk."""
    if path.is_dir() and os.name == "nt":  # Windows cannot open a folder, and flushes its entries itself
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
