"""Arrays in small pieces of float64, and the absolute difference of two pieces.

nan equals nan at the same place, inf equals inf of the same sign; anything else beside nan or inf is an
infinite difference. Integers of one type are subtracted exactly. A complex array of shape S is read as a
real one of shape S + (2,): real and imaginary part.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neutral.state import Array

CHUNK = 1 << 16
"""Elements at a time: the temporaries of one chunk stay in the processor's cache."""

Floats = NDArray[np.float64]


def is_numeric(dtype: np.dtype[Any]) -> bool:
    """Whether arrays of this type can be measured: bool, integers, floats (bfloat16, float8 too), complex."""
    if dtype.kind in "biufc":
        return True
    return dtype.kind == "V" and dtype.names is None and dtype.name.startswith(("bfloat", "float"))


def is_exact(dtype: np.dtype[Any]) -> bool:
    """Whether the type has no rounding: bool and integers."""
    return dtype.kind in "biu"


def measured_shape(array: Array) -> tuple[int, ...]:
    """The shape in which an array is measured: (2,) is appended to that of a complex one."""
    return (*array.shape, 2) if array.dtype.kind == "c" else tuple(array.shape)


def components(array: Array) -> Array:
    """A complex array as a real one with a last axis (real, imaginary); any other array itself."""
    if array.dtype.kind != "c":
        return array
    return np.stack([array.real, array.imag], axis=-1)


def chunks(*arrays: Array) -> Iterator[tuple[int, tuple[NDArray[Any], ...]]]:
    """Position and flat pieces of arrays of one shape in C order, converted to float64.

    Two integer arrays of one type are not converted. A piece is valid until the next one is drawn.
    """
    parts = [components(array) for array in arrays]
    keep = len(parts) > 1 and len({part.dtype for part in parts}) == 1 and is_exact(parts[0].dtype)
    target = parts[0].dtype if keep else np.dtype(np.float64)
    if parts[0].size == 0:
        return
    iterator = np.nditer(
        parts,
        flags=["external_loop", "buffered"],
        op_flags=[["readonly"]] * len(parts),
        op_dtypes=[target] * len(parts),
        order="C",
        casting="unsafe",
        buffersize=CHUNK,
    )
    start = 0
    for pieces in iterator:
        group = pieces if isinstance(pieces, tuple) else (pieces,)
        yield start, group
        start += group[0].size


def absolute_difference(actual: NDArray[Any], expected: NDArray[Any]) -> Floats:
    """|actual - expected| of two pieces as float64, with the rules for nan and inf above."""
    if is_exact(actual.dtype):
        return exact_difference(actual, expected)
    with np.errstate(all="ignore"):
        difference: Floats = np.abs(actual - expected)
        # A sum is finite only when every term is: one pass decides whether the slow rules are needed.
        if not math.isfinite(difference.sum()):
            same = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
            difference[same] = 0.0
            difference[np.isnan(difference)] = math.inf
    return difference


def exact_difference(actual: NDArray[Any], expected: NDArray[Any]) -> Floats:
    """|actual - expected| of two pieces of one integer type, right beyond 2**53 and beyond overflow."""
    if actual.dtype.kind == "b":
        different: Floats = np.not_equal(actual, expected).astype(np.float64)
        return different
    high, low = np.maximum(actual, expected), np.minimum(actual, expected)
    # In two's complement the unsigned difference is exact although the signed one may overflow.
    difference: Floats = (high.astype(np.uint64) - low.astype(np.uint64)).astype(np.float64)
    return difference


def count_beyond(actual: Array, expected: Array, allowed: float) -> int:
    """Number of elements (components of complex ones) that differ by more than `allowed`."""
    return sum(
        int(np.count_nonzero(absolute_difference(one, other) > allowed))
        for _, (one, other) in chunks(actual, expected)
    )
