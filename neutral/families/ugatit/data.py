"""U-GAT-IT's data: two unpaired folders of pictures, augmented for training, resized for testing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from neutral.data.folders import dataset_folder, find_images, images_below
from neutral.data.stream import Sample, Stream
from neutral.errors import DataError
from neutral.families.ugatit.config import Config
from neutral.images import Picture, read_image, resize, to_tensor
from neutral.state import Array

DOMAINS = ("A", "B")
PREVIEWS = 5
"""Training pictures, and test pictures, of each domain in one preview."""


@dataclass(frozen=True)
class TrainingData:
    """The training batches of one run, as a pure function of the iteration. Picklable.

    config   of the run
    files    the training pictures of each domain
    """

    config: Config
    files: dict[str, tuple[Path, ...]]

    @property
    def counts(self) -> dict[str, int]:
        """Number of training pictures by domain."""
        return {domain: len(files) for domain, files in self.files.items()}

    @property
    def streams(self) -> dict[str, Stream]:
        """The training order of each domain, which begins a new epoch when its own pictures are exhausted."""
        seed, size = self.config.seed, self.config.batch_size
        return {domain: Stream(seed, domain, count, size) for domain, count in self.counts.items()}

    def batch(self, iteration: int) -> dict[str, Array]:
        """`real_A` and `real_B` of `iteration` (from 1): (N, C, S, S) in [-1, 1], in the dtype of the run."""
        position = training_position(self.config, iteration)
        return {
            f"real_{domain}": self._augmented(domain, stream, stream.batch(position))
            for domain, stream in self.streams.items()
        }

    def preview(self, iteration: int) -> dict[str, Array]:
        """The five training pictures of each domain shown at `iteration`: (5, C, S, S), augmented.

        From streams of their own, so that previews do not change the training order; or, with
        `preview_from_train_stream`, the batches that follow in the training order, first item each.
        """
        if self.config.preview_from_train_stream:
            streams, first = self.streams, training_position(self.config, iteration) + 1
        else:
            seed, first = self.config.seed, (iteration // self.config.print_freq - 1) * PREVIEWS
            streams = {domain: Stream(seed, f"preview {domain}", n) for domain, n in self.counts.items()}
        positions = range(first, first + PREVIEWS)
        return {
            f"real_{domain}": self._augmented(domain, stream, [stream.batch(n)[0] for n in positions])
            for domain, stream in streams.items()
        }

    def _augmented(self, domain: str, stream: Stream, samples: list[Sample]) -> Array:
        """`samples` of `stream`, which orders the pictures of `domain`, augmented, as one batch."""
        batch = []
        for sample in samples:
            picture = read_image(self.files[domain][sample.index], self.config.img_ch)
            rng = sample.generator(self.config.seed, stream.name)
            batch.append(to_tensor(augment(picture, rng, self.config), self.config.dtype))
        return np.stack(batch)


@dataclass(frozen=True)
class TestImages:
    """The test pictures of one domain in file order, resized: `images[n]` is (1, C, S, S) in [-1, 1]."""

    config: Config
    files: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, position: int) -> Array:
        return load_image(self.config, self.files[position])


def training_data(config: Config) -> TrainingData:
    """The training pictures of `config`. Raises `DataError` when a folder is missing or empty."""
    root = dataset_folder(config.data_dir, config.dataset)
    return TrainingData(config, {domain: tuple(find_images(root / f"train{domain}")) for domain in DOMAINS})


def test_images(config: Config, domain: str) -> TestImages:
    """The test pictures of `domain`; none when its folder is empty or missing."""
    root = dataset_folder(config.data_dir, config.dataset)
    return TestImages(config, tuple(images_below(root / f"test{domain}")))


def test_sets(config: Config) -> dict[str, TestImages]:
    """The test pictures of both domains. Raises `DataError` when there are none on either side."""
    sets = {domain: test_images(config, domain) for domain in DOMAINS}
    if not any(sets.values()):
        root = dataset_folder(config.data_dir, config.dataset)
        raise DataError(f"{root}: no test pictures, neither in testA nor in testB")
    return sets


def load_image(config: Config, path: Path) -> Array:
    """One picture resized to the side S of `config`, as a batch: (1, C, S, S) in [-1, 1]."""
    side = config.img_size
    picture = resize(read_image(path, config.img_ch), side, side)
    return to_tensor(ordered(picture, config), config.dtype)[None]


def training_position(config: Config, iteration: int) -> int:
    """Position (from 0) of the batch of `iteration` in the stream of each domain.

    Five batches per earlier preview are drawn in between with `preview_from_train_stream`.
    """
    drawn = 0
    if config.preview_from_train_stream and not config.no_preview:
        drawn = (iteration - 1) // config.print_freq * PREVIEWS
    return iteration - 1 + drawn


def augment(picture: Picture, rng: np.random.Generator, config: Config) -> Picture:
    """Flip with probability 1/2, resize to S + margin, crop to S x S; in the channel order of `config`."""
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    crop = random_crop if config.crop_mode == "random_crop" else random_resized_crop
    return ordered(crop(np.ascontiguousarray(picture), rng, config.img_size, config.resize_margin), config)


def random_crop(picture: Picture, rng: np.random.Generator, side: int, margin: int) -> Picture:
    """Resize with antialiasing, then a window at offsets uniform over 0..margin (the PyTorch original)."""
    large = resize(picture, side + margin, side + margin)
    top, left = rng.integers(0, margin + 1, size=2)
    return large[top : top + side, left : left + side]


def random_resized_crop(picture: Picture, rng: np.random.Generator, side: int, margin: int) -> Picture:
    """Resize, then a window of 8-100 % of the area and ratio 3/4-4/3, resized (the Paddle original).

    Bilinear without antialiasing. Ten windows are drawn; when none fits, the whole picture is taken.
    """
    large = side + margin
    square = _plain_resize(picture, large)
    top, left, height, width = 0, 0, large, large
    for _ in range(10):
        area = large * large * rng.uniform(0.08, 1)
        ratio = math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
        drawn_width, drawn_height = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < drawn_width <= large and 0 < drawn_height <= large:
            height, width = drawn_height, drawn_width
            top, left = rng.integers(0, (large - height + 1, large - width + 1))
            break
    return _plain_resize(square[top : top + height, left : left + width], side)


def ordered(picture: Picture, config: Config) -> Picture:
    """`picture` between RGB and the channel order that the networks see; its own inverse."""
    return picture[..., ::-1] if config.color_order == "bgr" else picture


def _plain_resize(picture: Picture, side: int) -> Picture:
    """Bilinear without antialiasing (OpenCV), which drops the channel axis of a grey picture."""
    resized = cv2.resize(picture, (side, side), interpolation=cv2.INTER_LINEAR)
    return resized.reshape(side, side, picture.shape[-1]).astype(np.uint8)
