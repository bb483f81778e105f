"""Statistics of one array and of a pair of arrays: numbers only, no verdict.

Arithmetic is float64 whatever the input, in pieces (see `parity.chunks`, also for nan, inf, integers and
complex numbers), so that an array of 1e8 elements needs a few megabytes beside itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neutral.state import Array
from parity.chunks import Floats, absolute_difference, chunks, measured_shape


@dataclass(frozen=True)
class ArrayStatistics:
    """One array. Extremes, mean and variance (population) are over the finite elements; nan without any."""

    shape: tuple[int, ...]
    dtype: str
    minimum: float
    maximum: float
    mean: float
    variance: float
    nan: int
    inf: int


@dataclass(frozen=True)
class Extreme:
    """A largest difference, where it is, and the two values there."""

    difference: float
    index: tuple[int, ...]
    actual: float
    expected: float


@dataclass(frozen=True)
class PairStatistics:
    """Two arrays of one shape.

    size              number of elements (components of complex ones)
    scale             max |expected| over its finite elements, 0 without any
    magnitude         max |actual| over its finite elements, 0 without any
    largest_absolute  largest |actual - expected|; None without elements
    largest_relative  largest |actual - expected| / |expected| where both are finite and expected is not 0
    mae, mse          mean absolute and mean squared difference where both are finite
    finite            elements that are finite on both sides
    not_finite        elements where nan or inf stands against anything but the same
    unequal           elements that differ at all (0.0 and -0.0 do not)
    signed_zeros      places with 0.0 on one side and -0.0 on the other
    """

    size: int
    scale: float
    magnitude: float
    largest_absolute: Extreme | None
    largest_relative: Extreme | None
    mae: float
    mse: float
    finite: int
    not_finite: int
    unequal: int
    signed_zeros: int

    @property
    def difference(self) -> float:
        """The largest absolute difference, 0 without elements."""
        return self.largest_absolute.difference if self.largest_absolute else 0.0

    @property
    def error(self) -> float:
        """The largest absolute difference relative to the scale of the expected array."""
        if self.difference == 0:
            return 0.0
        return self.difference / self.scale if self.scale > 0 else math.inf


def array_statistics(array: Array) -> ArrayStatistics:
    """Statistics of one array of any shape, 0-d and empty included."""
    moments = Moments()
    nan = inf = 0
    for _, (values,) in chunks(array):
        finite = np.isfinite(values)
        if not finite.all():
            nan += int(np.isnan(values).sum())
            inf += int(np.isinf(values).sum())
            values = values[finite]
        moments.add(values)
    found = moments.count > 0
    return ArrayStatistics(
        shape=tuple(array.shape),
        dtype=array.dtype.name,
        minimum=moments.minimum if found else math.nan,
        maximum=moments.maximum if found else math.nan,
        mean=moments.mean if found else math.nan,
        variance=moments.squares / moments.count if found else math.nan,
        nan=nan,
        inf=inf,
    )


class Moments:
    """Extremes, mean and sum of squared deviations, gathered in pieces (Chan, Golub and LeVeque 1979)."""

    def __init__(self) -> None:
        self.count = 0
        self.minimum, self.maximum = math.inf, -math.inf
        self.mean = self.squares = 0.0

    def add(self, values: Floats) -> None:
        """Take in a piece of finite values."""
        if values.size == 0:
            return
        with np.errstate(over="ignore", invalid="ignore"):
            # Dividing before the sum keeps a mean of values near the largest float finite.
            mean = (values / values.size).sum()
            squares = np.square(values - mean).sum()
            shift = mean - self.mean
            count = self.count + values.size
            between = shift * shift * (self.count / count * values.size) if self.count else 0.0
            self.squares += float(squares + between)
            self.mean += float(shift * (values.size / count))
        self.count = count
        self.minimum = min(self.minimum, float(values.min()))
        self.maximum = max(self.maximum, float(values.max()))


def pair_statistics(actual: Array, expected: Array) -> PairStatistics:
    """Statistics of the pair. The shapes must be equal: nothing is broadcast (`ValueError`)."""
    if actual.shape != expected.shape:
        raise ValueError(f"shapes differ: actual {actual.shape}, expected {expected.shape}")
    differences = Differences(measured_shape(expected))
    for start, (one, other) in chunks(actual, expected):
        differences.add(start, one, other)
    return differences.result()


class Differences:
    """The statistics of a pair, gathered in pieces."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.scale = self.magnitude = self.total = self.squares = 0.0
        self.finite = self.not_finite = self.unequal = self.signed_zeros = 0
        self.absolute: Extreme | None = None
        self.relative: Extreme | None = None

    def add(self, start: int, actual: NDArray[Any], expected: NDArray[Any]) -> None:
        """Take in the pieces that begin at flat position `start`."""
        difference = absolute_difference(actual, expected)
        self.absolute = self.larger(self.absolute, start, difference, actual, expected)
        self.unequal += int(np.count_nonzero(difference))
        if actual.dtype.kind == "f":
            opposite = np.signbit(actual) != np.signbit(expected)
            self.signed_zeros += int(np.count_nonzero(opposite & (actual == 0) & (expected == 0)))
            finite = np.isfinite(actual) & np.isfinite(expected)
            if not finite.all():
                self.not_finite += int(np.count_nonzero(difference[~finite]))
                self.scale = max(self.scale, largest(expected[np.isfinite(expected)]))
                self.magnitude = max(self.magnitude, largest(actual[np.isfinite(actual)]))
                difference = np.where(finite, difference, 0.0)
                self.finite -= int(np.count_nonzero(~finite))
                expected = np.where(finite, expected, 0.0)
                actual = np.where(finite, actual, 0.0)
        self.finite += difference.size
        size = np.abs(expected.astype(np.float64))
        self.scale = max(self.scale, float(size.max()))
        self.magnitude = max(self.magnitude, largest(actual))
        with np.errstate(all="ignore"):
            self.total += float(difference.sum())
            self.squares += float(np.square(difference).sum())
            relative = np.divide(difference, size, out=np.zeros_like(difference), where=size > 0)
        if size.any():
            self.relative = self.larger(self.relative, start, relative, actual, expected)

    def larger(
        self,
        known: Extreme | None,
        start: int,
        difference: Floats,
        actual: NDArray[Any],
        expected: NDArray[Any],
    ) -> Extreme:
        """The larger one of `known` and the largest of a piece."""
        place = int(difference.argmax())
        value = float(difference[place])
        if known is not None and known.difference >= value:
            return known
        index = tuple(int(axis) for axis in np.unravel_index(start + place, self.shape))
        return Extreme(value, index, float(actual[place]), float(expected[place]))

    def result(self) -> PairStatistics:
        """The statistics of what was taken in."""
        return PairStatistics(
            size=math.prod(self.shape),
            scale=self.scale,
            magnitude=self.magnitude,
            largest_absolute=self.absolute,
            largest_relative=self.relative,
            mae=self.total / self.finite if self.finite else 0.0,
            mse=self.squares / self.finite if self.finite else 0.0,
            finite=self.finite,
            not_finite=self.not_finite,
            unequal=self.unequal,
            signed_zeros=self.signed_zeros,
        )


def largest(values: NDArray[Any]) -> float:
    """max |value|, 0 without elements; right for the most negative integer too."""
    if values.size == 0:
        return 0.0
    return max(abs(float(values.min())), abs(float(values.max())))
