"""The verdict on a record: a pure function of the record and a tolerance."""

from __future__ import annotations

import math
from dataclasses import dataclass

from parity.record import ComparisonRecord, TensorRecord
from parity.statistics import PairStatistics
from parity.tolerance import Tolerance


@dataclass(frozen=True)
class Judged:
    """One tensor and what is wrong with it.

    kind      "" when it passes, else the first of: missing, unexpected, type, shape, dtype, values
    problems  one line each
    error     largest difference in units of scale (of the group for a null tensor): `error` of `bound`
    allowed   largest absolute difference that passes
    factor    largest difference / allowed
    """

    tensor: TensorRecord
    kind: str = ""
    problems: tuple[str, ...] = ()
    error: float = 0.0
    allowed: float = 0.0
    factor: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.kind


@dataclass(frozen=True)
class Verdict:
    """Every tensor judged, and what is wrong with the comparison as a whole."""

    tensors: tuple[Judged, ...]
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every tensor passes and something was compared."""
        return not self.problems and all(judged.passed for judged in self.tensors)

    @property
    def failures(self) -> tuple[Judged, ...]:
        """The tensors that do not pass, in order."""
        return tuple(judged for judged in self.tensors if not judged.passed)


def judge(record: ComparisonRecord, tolerance: Tolerance) -> Verdict:
    """The verdict on `record`: structure, shape, dtype, values; every failure, never a pass for nothing."""
    problems = [f'declared null, but not there: "{name}"' for name in record.null_unknown]
    if not record.tensors:
        problems.append("nothing was compared: both sides are empty")
    elif record.finite == 0 and any(tensor.pair for tensor in record.tensors):
        problems.append("nothing was compared: no element is finite on both sides")
    group = record.scale
    tensors = tuple(judge_tensor(tensor, tolerance, group, record.same_dtype) for tensor in record.tensors)
    return Verdict(tensors, tuple(problems))


def judge_tensor(tensor: TensorRecord, tolerance: Tolerance, group: float, same_dtype: bool) -> Judged:
    """One tensor; `group` is the scale of the whole comparison, for tensors declared null."""
    structure = judge_structure(tensor, same_dtype)
    if tensor.pair is None:
        (kind, problem), *_ = structure
        return Judged(tensor, kind, (problem,), error=math.inf, factor=math.inf)
    values, error, allowed, factor = judge_values(tensor, tensor.pair, tolerance, group)
    problems = structure + [("values", text) for text in values]
    kind = problems[0][0] if problems else ""
    return Judged(tensor, kind, tuple(text for _, text in problems), error, allowed, factor)


def judge_structure(tensor: TensorRecord, same_dtype: bool) -> list[tuple[str, str]]:
    """Kind and text of what is wrong before any value is looked at."""
    actual, expected = tensor.actual, tensor.expected
    nearest = f'; did you mean "{tensor.nearest}"?' if tensor.nearest else ""
    if actual is None:
        return [("missing", f"missing: expected, but not in actual{nearest}")]
    if expected is None:
        return [("unexpected", f"unexpected: in actual, but not expected{nearest}")]
    if actual.shape != expected.shape:
        return [("shape", f"shape: actual {actual.shape}, expected {expected.shape}")]
    if tensor.pair is None:
        return [("type", f"not numbers: actual {actual.dtype}, expected {expected.dtype}")]
    if same_dtype and actual.dtype != expected.dtype:
        return [("dtype", f"dtype: actual {actual.dtype}, expected {expected.dtype}")]
    return []


def judge_values(
    tensor: TensorRecord, pair: PairStatistics, tolerance: Tolerance, group: float
) -> tuple[list[str], float, float, float]:
    """What is wrong with the values; error, allowed absolute difference, and the factor between them."""
    problems = []
    difference, scale, allowed = pair.difference, pair.scale, tolerance.allowed(pair.scale)
    if tensor.exact or tolerance.exact:
        allowed = 0.0
        if tolerance.exact and pair.signed_zeros:
            problems.append(f"{pair.signed_zeros} zeros have the other sign")
    elif tensor.null:
        # Noise against noise: neither side may rise above it, whatever their difference is.
        nothing_else = pair.finite == pair.size
        difference = max(pair.scale, pair.magnitude) if nothing_else else math.inf
        scale, allowed = group, tolerance.allowed(group)
    if pair.not_finite:
        problems.append(f"{pair.not_finite} of {pair.size} elements: nan or inf against something else")
    factor = ratio(difference, allowed)
    error = factor * tolerance.bound if tolerance.absolute and allowed else ratio(difference, scale)
    if not difference <= allowed:
        problems.insert(0, exceeded(tensor, pair, error, allowed, factor))
    return problems, error, allowed, factor


def exceeded(tensor: TensorRecord, pair: PairStatistics, error: float, allowed: float, factor: float) -> str:
    """'0.32 of scale, 3.2e+10 times the bound; ...'."""
    if tensor.null:
        return (
            f"declared null, but max |actual| {pair.magnitude:.3g}, max |expected| {pair.scale:.3g}: "
            f"{error:.3g} of the group's scale, {factor:.3g} times the bound {allowed:.3g}"
        )
    if allowed == 0.0:
        return f"{pair.unequal} of {pair.size} elements differ, must be equal; error {error:.3g} of scale"
    return f"{error:.3g} of scale, {factor:.3g} times the bound {allowed:.3g}"


def ratio(value: float, unit: float) -> float:
    """value / unit, with 0 / 0 = 0 and anything else / 0 = inf."""
    if value == 0:
        return 0.0
    return value / unit if unit > 0 else math.inf
