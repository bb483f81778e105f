"""How much two tensors may differ: one table by kind of quantity and dtype, each number with its origin.

A tolerance is relative to the *scale* of the expected tensor, max |expected|, not to each element: the
rounding of a sum follows its largest terms, so an element that cancels to almost nothing carries an error
of the size of its neighbours.

Bool and integer tensors must be equal whatever the tolerance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from neutral.errors import ConfigError
from neutral.registry import unknown


@dataclass(frozen=True)
class Tolerance:
    """|actual - expected| may reach `relative_to_scale` * max |expected| + `absolute`.

    Give both or neither. Neither is equality: the same numbers, nan at the same places, and the same sign
    of zero. Raises `ValueError` when only one is given, or one that is negative, not finite, or so large
    that a tensor of zeros would pass (relative_to_scale of 1 and more).
    """

    relative_to_scale: float | None = None
    absolute: float | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.relative_to_scale, self.absolute) if value is not None]
        if len(given) == 1:
            raise ValueError("relative_to_scale and absolute: give both or neither")
        if any(not math.isfinite(value) or value < 0 for value in given):
            raise ValueError(f"a tolerance is finite and not negative: {self}")
        if given and given[0] >= 1:
            raise ValueError(f"relative_to_scale {given[0]} accepts a tensor of zeros")

    @property
    def exact(self) -> bool:
        """Whether only equality passes, the sign of zero included."""
        return self.relative_to_scale is None

    @property
    def bound(self) -> float:
        """The bound on the error relative to scale, 0 for equality."""
        return self.relative_to_scale or 0.0

    def allowed(self, scale: float) -> float:
        """The largest absolute difference that a tensor of this scale may have."""
        return self.bound * scale + (self.absolute or 0.0)

    def __str__(self) -> str:
        if self.exact:
            return "equality"
        text = f"{self.bound:.3g} of scale"
        return f"{text} plus {self.absolute:.3g}" if self.absolute else text


EXACT = Tolerance()
"""Equality, the sign of zero included: bit identity but for the payload of a nan."""

TABLE: dict[tuple[str, str], Tolerance] = {
    # One step from one state: forward, losses, gradients, updates, state. Two right implementations differ
    # by the order of sums: 1.1e-14 measured for forwards, 1.5e-13 for gradients (U-GAT-IT, all small cases).
    # 1e-11 leaves room for wider nets, and is far below a wrong eps, padding or layout.
    ("step", "float64"): Tolerance(1e-11, 0.0),
    # After a shadowed iteration both sides are set to one state: the bound of one step.
    ("shadowed", "float64"): Tolerance(1e-11, 0.0),
    # Updates computed in numpy by the published formula, from the same gradients and moments: 4e-16 measured
    # (float64). float32: PaddlePaddle forms 1 - beta2 in float32, 1.3e-5 of every second moment.
    ("formula", "float64"): Tolerance(1e-13, 0.0),
    ("formula", "float32"): Tolerance(1e-4, 0.0),
    # The fast path of a step does the same arithmetic on the same operands: no difference was measured.
    ("fast_path", "float64"): EXACT,
    ("fast_path", "float32"): EXACT,
    # Ten iterations, half on each backend, against ten on one: 100 times the bound of one step.
    ("hand_over", "float64"): Tolerance(1e-9, 0.0),
    ("hand_over", "float32"): Tolerance(1e-2, 0.0),
    # float32 is judged by the ratio of both sides' own errors against float64. These bounds only stop a
    # gross fault: 1.6e-5 measured for forwards and gradients (U-GAT-IT, all small cases).
    ("step", "float32"): Tolerance(1e-3, 0.0),
    ("shadowed", "float32"): Tolerance(1e-3, 0.0),
    # An exported graph against its own framework: both float32, but fused and reordered by the runtime.
    ("onnx", "float32"): Tolerance(1e-5, 0.0),
}
"""Tolerance by kind of quantity and dtype; see `tolerance`."""


def tolerance(kind: str, dtype: str) -> Tolerance:
    """The tolerance of a kind of quantity in `dtype`. Raises `ConfigError` with the nearest known name."""
    if (kind, dtype) in TABLE:
        return TABLE[kind, dtype]
    kinds = tuple(sorted({known for known, _ in TABLE}))
    if kind not in kinds:
        raise ConfigError(unknown("kind of quantity", kind, kinds))
    dtypes = tuple(sorted(known for known_kind, known in TABLE if known_kind == kind))
    raise ConfigError(unknown(f"dtype of {kind}", dtype, dtypes))
