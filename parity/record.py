"""What a comparison measured: numbers and names, no verdict, so that it can be judged again later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from parity.plain import from_plain, to_plain
from parity.statistics import ArrayStatistics, PairStatistics


@dataclass(frozen=True)
class Side:
    """Shape and dtype of one tensor on one side."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Explanation:
    """What was found out about a tensor that failed; see `parity.hints`.

    `beyond` elements differ by more than `allowed`, the absolute bound in force when it was counted.
    """

    actual: ArrayStatistics
    expected: ArrayStatistics
    allowed: float
    beyond: int | None
    hints: tuple[str, ...]


@dataclass(frozen=True)
class TensorRecord:
    """One tensor of a comparison.

    actual, expected   None on the side that does not have it
    pair               None when there is nothing to measure: a side is missing, shapes differ, not numbers
    null               declared as mathematically zero: measured against the scale of the whole group
    exact              bool or integers on both sides: must be equal
    nearest            closest name on the other side when it is missing there, or empty
    """

    name: str
    actual: Side | None
    expected: Side | None
    pair: PairStatistics | None
    null: bool
    exact: bool
    nearest: str
    explanation: Explanation | None = None


@dataclass(frozen=True)
class ComparisonRecord:
    """All tensors of a comparison, in the order of the expected side, then those it does not know.

    same_dtype      whether a difference of dtype is a failure
    null_unknown    names declared null that neither side has
    """

    what: str
    same_dtype: bool
    tensors: tuple[TensorRecord, ...]
    null_unknown: tuple[str, ...]

    @property
    def scale(self) -> float:
        """Scale of the group: the largest scale of a measured tensor that is not null; 0 without one."""
        scales = [tensor.pair.scale for tensor in self.tensors if tensor.pair and not tensor.null]
        return max(scales, default=0.0)

    @property
    def finite(self) -> int:
        """Number of elements that are finite on both sides, over all tensors."""
        return sum(tensor.pair.finite for tensor in self.tensors if tensor.pair)

    def to_json(self) -> dict[str, Any]:
        """Plain values for strict JSON."""
        plain: dict[str, Any] = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, plain: Any) -> ComparisonRecord:
        """The record from what `to_json` made. Raises `DataError`."""
        return from_plain(cls, plain, "comparison")
