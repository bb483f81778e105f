"""Compare two mappings of tensors: structure, then shape, then dtype, then values; every failure collected.

    comparison = compare(actual, expected, tolerance("step", "float64"), what="genA2B forward")
    comparison.passed, comparison.worst, comparison.message()
    require(comparison)                                # raises ParityFailure with the message
    judge(comparison.record, another_tolerance)        # the same numbers, judged again

Nothing raises for a difference but `require`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from neutral.state import Array
from parity.chunks import count_beyond, is_exact, is_numeric
from parity.hints import hints
from parity.judgement import Judged, Verdict, judge
from parity.message import message
from parity.record import ComparisonRecord, Explanation, Side, TensorRecord
from parity.statistics import array_statistics, pair_statistics
from parity.tolerance import EXACT, Tolerance

__all__ = ["EXACT", "Comparison", "ParityFailure", "Tolerance", "compare", "judge", "require"]

EXPLAINED = 5
"""Failed tensors that get an explanation: the first of each kind of failure are what a reader looks at."""
GUESSED = 20
"""Missing and unexpected names for which the nearest other name is sought."""


class ParityFailure(AssertionError):  # noqa: N818 -- a verdict, not an error
    """Two sides differ by more than was allowed, or nothing was compared. The text is the report."""


@dataclass(frozen=True)
class Comparison:
    """What was measured, what was allowed, and the verdict on it."""

    record: ComparisonRecord
    tolerance: Tolerance

    @cached_property
    def verdict(self) -> Verdict:
        """The record judged by the tolerance."""
        return judge(self.record, self.tolerance)

    @property
    def passed(self) -> bool:
        """Whether everything is within the tolerance and something was compared."""
        return self.verdict.passed

    @property
    def worst(self) -> Judged | None:
        """The tensor with the largest error in units of what was allowed; None when there is no tensor.

        A tensor that fails comes before one that passes.
        """
        tensors = self.verdict.tensors
        return max(tensors, key=lambda judged: (not judged.passed, judged.factor, judged.error), default=None)

    @property
    def error(self) -> float:
        """Error of the worst tensor, relative to scale."""
        return self.worst.error if self.worst else 0.0

    @property
    def bound(self) -> float:
        """What `error` may reach; 0 for equality."""
        return self.tolerance.bound

    def message(self) -> str:
        """The report: how many, how bad, where, what was allowed; statistics of both sides; guesses."""
        return message(self.record, self.tolerance, self.verdict)


def compare(
    actual: Mapping[str, ArrayLike],
    expected: Mapping[str, ArrayLike],
    tolerance: Tolerance,
    *,
    what: str,
    null: Collection[str] = (),
    same_dtype: bool = True,
) -> Comparison:
    """Compare all tensors of two sides.

    what        the subject of the report, e.g. "genA2B gradients"
    null        names of tensors that are mathematically zero (the gradient of a bias in front of an instance
                norm): on both sides they must stay within the tolerance relative to the scale of the whole
                group; they do not count towards that scale, so no other tensor gains by them
    same_dtype  False where the dtypes differ by intent (a float32 run against its float64 run)

    Nothing raises for a difference. Raises `TypeError` when tolerance is not a `Tolerance`.
    """
    if not isinstance(tolerance, Tolerance):
        raise TypeError(f"tolerance: a Tolerance is needed (EXACT for equality), not {tolerance!r}")
    own = {name: np.asarray(value) for name, value in actual.items()}
    other = {name: np.asarray(value) for name, value in expected.items()}
    record = measure(own, other, what, frozenset(null), same_dtype)
    first = judge(record, tolerance)
    if not first.passed:
        record = explain(record, first, own, other)
    return Comparison(record, tolerance)


def measure(
    actual: Mapping[str, Array],
    expected: Mapping[str, Array],
    what: str,
    null: frozenset[str],
    same_dtype: bool,
) -> ComparisonRecord:
    """The record of a comparison, without explanations."""
    missing = [name for name in expected if name not in actual]
    unexpected = [name for name in actual if name not in expected]
    near = nearest(missing, unexpected) | nearest(unexpected, missing)
    tensors = tuple(
        measure_tensor(name, actual.get(name), expected.get(name), name in null, near.get(name, ""))
        for name in [*expected, *unexpected]
    )
    unknown = tuple(sorted(null - set(expected) - set(actual)))
    return ComparisonRecord(what, same_dtype, tensors, unknown)


def nearest(names: list[str], candidates: list[str]) -> dict[str, str]:
    """For the first few names, the candidate that is spelled most like it."""
    found = {name: get_close_matches(name, candidates, n=1) for name in names[:GUESSED]}
    return {name: matches[0] for name, matches in found.items() if matches}


def measure_tensor(
    name: str, actual: Array | None, expected: Array | None, null: bool, near: str
) -> TensorRecord:
    """One tensor; values are measured only where both sides have numbers of one shape."""
    pair, exact = None, False
    if actual is not None and expected is not None:
        numeric = is_numeric(actual.dtype) and is_numeric(expected.dtype)
        if actual.shape == expected.shape and numeric:
            pair = pair_statistics(actual, expected)
        exact = is_exact(actual.dtype) and is_exact(expected.dtype)
    return TensorRecord(name, side(actual), side(expected), pair, null, exact, near)


def side(array: Array | None) -> Side | None:
    """Shape and dtype of an array that is there."""
    return None if array is None else Side(tuple(array.shape), array.dtype.name)


def explain(
    record: ComparisonRecord, verdict: Verdict, actual: Mapping[str, Array], expected: Mapping[str, Array]
) -> ComparisonRecord:
    """The record with explanations for the first and the worst tensors that failed."""
    failures = [judged for judged in verdict.failures if judged.tensor.actual and judged.tensor.expected]
    worst = sorted(failures, key=lambda judged: judged.factor, reverse=True)
    chosen = {judged.tensor.name: judged for judged in [*failures[:EXPLAINED], *worst[:EXPLAINED]]}
    tensors = []
    for tensor in record.tensors:
        if tensor.name in chosen:
            one, other = actual[tensor.name], expected[tensor.name]
            tensor = replace(tensor, explanation=explanation(chosen[tensor.name], one, other, expected))
        tensors.append(tensor)
    return replace(record, tensors=tuple(tensors))


def explanation(
    judged: Judged, actual: Array, expected: Array, others: Mapping[str, Array]
) -> Explanation | None:
    """Statistics, number of elements beyond the bound, and guesses, for one failed tensor."""
    if not (is_numeric(actual.dtype) and is_numeric(expected.dtype)):
        return None
    return Explanation(
        actual=array_statistics(actual),
        expected=array_statistics(expected),
        allowed=judged.allowed,
        beyond=count_beyond(actual, expected, judged.allowed) if judged.tensor.pair else None,
        hints=hints(judged.tensor.name, actual, expected, others) if judged.kind != "dtype" else (),
    )


def require(comparison: Comparison) -> None:
    """Raise `ParityFailure` with the report unless the comparison passed."""
    __tracebackhide__ = True
    if not comparison.passed:
        raise ParityFailure(comparison.message())
