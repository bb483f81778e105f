"""Checking an unpaired data set and putting it in its place, and joining pictures side by side."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neutral.data.folders import EXTENSIONS, SPLITS, images_below
from neutral.durable import new_folder
from neutral.errors import CheckpointError, DataError
from neutral.images import read_image, resize, write_image

SHOWN = 20
"""Problems listed by name in one message; the rest is counted."""


@dataclass(frozen=True)
class Folder:
    """What is in one folder: pictures, and their smallest and largest (width, height)."""

    count: int
    smallest: tuple[int, int] | None = None
    largest: tuple[int, int] | None = None


@dataclass(frozen=True)
class Report:
    """A checked data set: its folders by name, and what is worth knowing without being wrong."""

    path: str
    folders: dict[str, Folder]
    notes: list[str] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        """As mappings, lists, texts and numbers."""
        return asdict(self)


def check_unpaired(source: Path, progress: Callable[[Path], None] = lambda _: None) -> Report:
    """Read every picture of the four folders of `source`; `progress` is called before each.

    Raises `DataError` that lists every missing or empty training folder and every unreadable picture.
    Missing test pictures are a note.
    """
    if not source.is_dir():
        raise DataError(f"{source}: {'not a folder' if source.exists() else 'no such folder'}")
    folders: dict[str, Folder] = {}
    problems: list[str] = []
    notes: list[str] = []
    for name in SPLITS:
        images = images_below(source / name)
        if not images:
            why = "holds no picture" if (source / name).is_dir() else "no such folder"
            wanted = notes if name.startswith("test") else problems
            wanted.append(f"{source / name}: {why} (looked for {', '.join(EXTENSIONS)})")
        folders[name], unreadable = _check_images(images, progress)
        problems += unreadable
    if problems:
        listed = [
            *problems[:SHOWN],
            *([f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []),
        ]
        raise DataError(f"{source}: {len(problems)} problems\n" + "\n".join(f"  {line}" for line in listed))
    return Report(str(source), folders, notes)


def place_unpaired(source: Path, target: Path, *, copy: bool) -> None:
    """Make `target` a link to `source`, or a folder with copies of the pictures of its four folders.

    Raises `DataError` when something is at `target`, or it cannot be written; nothing is overwritten.
    """
    if target.is_symlink() or target.exists():
        raise DataError(f"{target}: exists already and is not overwritten; choose another name")
    try:
        if copy:
            _copy_images(source, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source.resolve(), target_is_directory=True)
    except CheckpointError as error:
        raise DataError(str(error)) from None
    except OSError as error:
        raise DataError(f"{target}: cannot be made a link: {error.strerror}; copy instead (--copy)") from None


def join_horizontally(pictures: Iterable[Path], output: Path) -> tuple[int, int]:
    """Write `pictures` side by side, all with the height of the first; returns (width, height).

    Raises `DataError` when `output` exists, or a picture cannot be read.
    """
    if output.is_symlink() or output.exists():
        raise DataError(f"{output}: exists already and is not overwritten; choose another --output")
    loaded = [read_image(path) for path in pictures]
    if not loaded:
        raise DataError("no pictures to join")
    height = loaded[0].shape[0]
    scaled = [resize(p, height, max(1, round(p.shape[1] * height / p.shape[0]))) for p in loaded]
    joined = np.concatenate(scaled, axis=1)
    write_image(output, joined)
    return joined.shape[1], joined.shape[0]


def _check_images(images: list[Path], progress: Callable[[Path], None]) -> tuple[Folder, list[str]]:
    """Sizes of `images`, and a message for each that cannot be read."""
    sizes, unreadable = [], []
    for path in images:
        progress(path)
        try:
            height, width = read_image(path).shape[:2]
            sizes.append((width, height))
        except DataError as error:
            unreadable.append(str(error))
    if not sizes:
        return Folder(len(images)), unreadable
    by_area = sorted(sizes, key=lambda size: (size[0] * size[1], size))
    return Folder(len(images), by_area[0], by_area[-1]), unreadable


def _copy_images(source: Path, target: Path) -> None:
    with new_folder(target) as temporary:
        for name in SPLITS:
            (temporary / name).mkdir()
            for image in images_below(source / name):
                place = temporary / image.relative_to(source)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(image, place)
