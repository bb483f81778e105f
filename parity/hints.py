"""Guesses at why two arrays differ: cheap tests, run only on tensors that have failed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from neutral.state import Array
from parity.chunks import components, is_numeric

LARGEST = 20_000_000
"""Elements beyond which no guess is tried: each costs a few copies of the tensor."""

CLOSE = 1e-3
"""A guess must leave at most this fraction of the difference it explains..."""
NEAR = 1e-5
"""...and at most this fraction of the scale."""

Values = NDArray[np.float64]


def hints(name: str, actual: Array, expected: Array, others: Mapping[str, Array]) -> tuple[str, ...]:
    """Likely reasons for the difference of one tensor; `others` is the whole expected side, by name."""
    if not (is_numeric(actual.dtype) and is_numeric(expected.dtype)):
        return ()
    if actual.size != expected.size or not 0 < actual.size <= LARGEST:
        return ()
    one, other = floats(actual), floats(expected)
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return not_finite(one, other)
    found = [*rearranged(one, other)]
    if one.shape == other.shape:
        found += [*arithmetic(one, other), *narrow(actual, expected), *elsewhere(name, actual, others)]
    return tuple(found)


def floats(array: Array) -> Values:
    """The array in float64, complex numbers by component."""
    return components(array).astype(np.float64)


def explains(guess: Values, actual: Values, expected: Values) -> bool:
    """Whether `guess`, made from expected, is as good as equal to actual, and expected is not."""
    scale = float(np.abs(actual).max())
    left = float(np.abs(guess - actual).max())
    if expected.shape == actual.shape and left > CLOSE * float(np.abs(expected - actual).max()):
        return False
    return left <= NEAR * scale


def not_finite(actual: Values, expected: Values) -> tuple[str, ...]:
    """Which side has left the finite numbers."""
    sides = [("actual", actual), ("expected", expected)]
    broken = [side for side, values in sides if not np.isfinite(values).all()]
    return (f"{' and '.join(broken)} hold nan or inf: look for the first tensor in which they appear",)


def rearranged(actual: Values, expected: Values) -> Iterator[str]:
    """The same numbers at other places."""
    if not np.ptp(expected):
        return
    if 2 <= expected.ndim <= 5:
        for axes in permutations(range(expected.ndim)):
            guess = expected.transpose(axes)
            moved = axes != tuple(range(expected.ndim)) and guess.shape == actual.shape
            if moved and explains(guess, actual, expected):
                yield f"equal after transposing expected to axes {axes}"
                return
    if actual.shape != expected.shape and explains(expected.reshape(actual.shape), actual, expected):
        yield "the same numbers in the same order, in another shape"
        return
    if actual.shape == expected.shape:
        for axis in range(expected.ndim):
            if explains(np.flip(expected, axis), actual, expected):
                yield f"equal after flipping axis {axis}"
                return
    left = float(np.abs(np.sort(actual, axis=None) - np.sort(expected, axis=None)).max())
    moved = float(np.abs(actual - expected).max()) if actual.shape == expected.shape else math.inf
    if left <= min(NEAR * float(np.abs(actual).max()), CLOSE * moved):
        yield "the same numbers in another order"


def arithmetic(actual: Values, expected: Values) -> Iterator[str]:
    """The same numbers but for a simple operation."""
    if not actual.any():
        yield "actual is all zeros: never computed, never written, or cut off from the gradient"
        return
    if not expected.any():
        yield "expected is all zeros; if it is zero mathematically, declare it null"
        return
    if explains(-expected, actual, expected):
        yield "equal after flipping the sign"
        return
    scale = float(np.abs(expected).max())
    factor = float(np.vdot(actual / scale, expected / scale) / np.vdot(expected / scale, expected / scale))
    if expected.size > 1 and explains(expected * factor, actual, expected):
        yield f"actual = {factor:.7g} * expected" + known_factor(factor)
        return
    offset = float(np.mean(actual - expected))
    if expected.size > 1 and explains(expected + offset, actual, expected):
        yield f"actual = expected {offset:+.7g}"


def known_factor(factor: float) -> str:
    """' (= n / (n - 1) for n = 8: ...)' where the factor has a usual meaning."""
    if not factor > 0 or math.isclose(factor, 1, rel_tol=1e-9):
        return ""
    if factor > 1:
        whole = round(factor)
        if whole > 1 and math.isclose(factor, whole, rel_tol=1e-6):
            return f" (sum instead of mean over {whole}, or counted {whole} times?)"
    elif round(1 / factor) > 1 and math.isclose(1 / factor, round(1 / factor), rel_tol=1e-6):
        return f" (mean over {round(1 / factor)} instead of sum, or {round(1 / factor)} times too often?)"
    larger = max(factor, 1 / factor)
    count = round(larger / (larger - 1))
    if count > 2 and math.isclose(larger, count / (count - 1), rel_tol=1e-9):
        return f" (n / (n - 1) for n = {count}: biased against unbiased variance?)"
    return ""


def narrow(actual: Array, expected: Array) -> Iterator[str]:
    """One side computed in float32 but stored as float64."""
    for side, array in (("actual", actual), ("expected", expected)):
        if array.dtype == np.float64 and np.ptp(array) and array.size > 1:
            with np.errstate(over="ignore", under="ignore"):
                rounded = array.astype(np.float32).astype(np.float64)
            if np.array_equal(rounded, array) and not np.array_equal(np.round(array), array):
                yield f"{side} holds float32 values in float64: a part ran in float32"


def elsewhere(name: str, actual: Array, others: Mapping[str, Array]) -> Iterator[str]:
    """Actual equals another expected tensor: two names are swapped."""
    if actual.size < 2 or not np.ptp(actual):
        return
    for other, array in others.items():
        candidate = other != name and array.shape == actual.shape and is_numeric(array.dtype)
        if candidate and np.allclose(array, actual, rtol=1e-9, atol=0):
            yield f'actual equals expected "{other}": two names swapped?'
            return
