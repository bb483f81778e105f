"""The order of training samples, as a pure function of (seed, stream name, position).

Nothing is remembered between calls, so training resumes at any position, and any number of worker processes
read the same samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from neutral.randomness import generator


@dataclass(frozen=True)
class Sample:
    """One drawn sample: which item, and the generator name of everything random about it."""

    index: int
    epoch: int
    place: int

    def generator(self, seed: int, stream: str) -> np.random.Generator:
        """The generator of this sample's augmentation; the same item draws anew in the next epoch."""
        return generator(seed, "augment", stream, self.epoch, self.place)


@dataclass(frozen=True)
class Stream:
    """Batches of `count` items, shuffled without replacement epoch by epoch; the last short batch is kept.

    seed   of the run
    name   of the stream, for example the domain; streams of different names have independent orders
    """

    seed: int
    name: str
    count: int
    batch_size: int = 1

    @property
    def batches_per_epoch(self) -> int:
        """Batches until every item was drawn once."""
        return -(-self.count // self.batch_size)

    def batch(self, position: int) -> list[Sample]:
        """The samples of the batch at `position` (from 0) of the endless stream."""
        epoch, batch = divmod(position, self.batches_per_epoch)
        first = batch * self.batch_size
        order = epoch_order(self.seed, self.name, self.count, epoch)
        chosen = order[first : first + self.batch_size]
        return [Sample(int(index), epoch, first + n) for n, index in enumerate(chosen)]


@lru_cache(maxsize=16)
def epoch_order(seed: int, name: str, count: int, epoch: int) -> NDArray[np.int64]:
    """The permutation of `count` items in `epoch` (from 0) of the stream `name`; not to be written to."""
    order = generator(seed, "order", name, epoch).permutation(count)
    order.flags.writeable = False
    return order
