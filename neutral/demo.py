"""Demonstration data: small real data sets cut out of photographs that are installed with scikit-image.

The photographs are read from the installed package, never downloaded. All are free of copyright restrictions.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np

from neutral.durable import new_folder
from neutral.errors import CheckpointError, DataError, EnvironmentFault
from neutral.images import Picture, read_image, resize, write_image
from neutral.randomness import generator

UNPAIRED = {"A": ("chelsea.png", "coffee.png"), "B": ("ihc.png",)}
"""Photographs by domain. A: a cat and a cup of coffee. B: stained tissue under the microscope."""

TRAIN_PART = 0.6
"""Training windows lie in this left part of a photograph, test windows in the rest: they share no pixel."""

WINDOW = (0.30, 0.38)
"""Smallest and largest side of a window, as a part of the shorter side of the photograph."""


def write_unpaired_demo(
    folder: Path, *, size: int = 96, train: int = 24, test: int = 4, seed: int = 0
) -> dict[str, int]:
    """Make `folder` a data set of two domains and return the number of pictures by subfolder.

    trainA, trainB   `train` square pictures each, `size` pixels wide; .jpg and .png take turns
    testA, testB     `test` pictures each, from other parts of the photographs

    Equal arguments give equal pictures. Raises `DataError` when `folder` exists or cannot be written.
    """
    if size < 8 or train < 1 or test < 0:
        raise DataError(f"demonstration data: size {size} (at least 8), train {train} (1), test {test} (0)")
    counts = {"train": train, "test": test}
    try:
        with new_folder(folder) as temporary:
            for domain, names in UNPAIRED.items():
                photographs = [photograph(name) for name in names]
                for part, count in counts.items():
                    place = temporary / f"{part}{domain}"
                    place.mkdir()
                    for n in range(count):
                        rng = generator(seed, "demo", domain, part, n)
                        picture = cut(photographs[n % len(names)], part, size, rng)
                        write_image(place / f"{n + 1:03d}{('.jpg', '.png')[n % 2]}", picture)
    except CheckpointError as error:
        raise DataError(str(error)) from None
    return {f"{part}{domain}": count for part, count in counts.items() for domain in UNPAIRED}


def photograph(name: str) -> Picture:
    """A photograph of the installed scikit-image. Raises `EnvironmentFault` when it is not there."""
    try:
        path = Path(str(files("skimage") / "data" / name))
    except ModuleNotFoundError:
        raise EnvironmentFault(
            "demonstration data is cut out of photographs of scikit-image, which is not installed: "
            "pip install scikit-image"
        ) from None
    if not path.is_file():
        raise EnvironmentFault(f"{path}: this release of scikit-image has no such photograph")
    return read_image(path)


def cut(picture: Picture, part: str, size: int, rng: np.random.Generator) -> Picture:
    """A random square window of the `train` or `test` part of `picture`, (size, size, 3)."""
    border = int(picture.shape[1] * TRAIN_PART)
    region = picture[:, :border] if part == "train" else picture[:, border:]
    side = int(min(picture.shape[:2]) * rng.uniform(*WINDOW))
    top, left = rng.integers(0, (region.shape[0] - side + 1, region.shape[1] - side + 1))
    return resize(np.ascontiguousarray(region[top : top + side, left : left + side]), size, size)
