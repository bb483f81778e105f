"""Finding pictures: the files of a folder, and the folders of an unpaired data set.

    <data_dir>/<dataset>/trainA/    pictures of domain A to train on, any names, formats mixed
                         trainB/
                         testA/     pictures to test on; one side may be empty or missing
                         testB/

Any of these folders may be a symbolic link to a place elsewhere.
"""

from __future__ import annotations

import os
from pathlib import Path

from neutral.errors import DataError

EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif")
"""File names that count as pictures, in upper or lower case."""

SPLITS = ("trainA", "trainB", "testA", "testB")
"""Folders of an unpaired data set."""


def find_images(folder: Path) -> list[Path]:
    """Pictures in `folder` and the folders below it, by folder and then by name; hidden files are left out.

    Raises `DataError` naming the folder when it is missing, is not a folder, or holds no picture.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: {'not a folder' if folder.exists() else 'no such folder'}")
    images = images_below(folder)
    if not images:
        raise DataError(
            f"{folder}: holds no picture (looked for {', '.join(EXTENSIONS)}, folders below included)"
        )
    return images


def images_below(folder: Path) -> list[Path]:
    """The pictures of `find_images`; an empty list when there are none or `folder` is missing."""
    return [
        Path(place, name)
        for place, _, names in sorted(os.walk(folder, onerror=_unreadable))
        for name in sorted(names)
        if name.lower().endswith(EXTENSIONS) and not name.startswith(".")
    ]


def dataset_folder(data_dir: str | Path, dataset: str) -> Path:
    """The folder of a data set. Raises `DataError` that lists the data sets that are there."""
    folder = Path(data_dir, dataset)
    if folder.is_dir():
        return folder
    if folder.is_symlink():
        raise DataError(f"{folder}: a link to {os.readlink(folder)}, which is not a folder")
    there = sorted(entry.name for entry in Path(data_dir).glob("*/") if not entry.name.startswith("."))
    known = f"in {data_dir} there is: {', '.join(there)}" if there else f"{data_dir} holds no data set"
    raise DataError(
        f"{folder}: no such data set; {known}. "
        f"Expected {folder}/{{{','.join(SPLITS)}}}; `parity prepare --help` shows how to get there"
    )


def _unreadable(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise DataError(f"{error.filename}: cannot be read: {error.strerror}") from None
