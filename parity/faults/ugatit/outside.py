"""Faults in what both implementations share, caught by the tests of that part."""

from __future__ import annotations

from parity.faults.fault import Fault, planted_in

INITIAL = "families.ugatit.initial"
INITIAL_TESTS = ("tests/test_initial_values.py",)

FAULTS = (
    Fault(
        "initial-of-paddle",
        "weights are drawn by Paddle's default for linear layers (Xavier) instead of PyTorch's",
        planted_in("neutral", INITIAL, {"_initial_value": (
            "1 / math.sqrt(_fan_in(key, shapes))",
            "math.sqrt(6 / (_fan_in(key, shapes) + shapes[key][0]))",
        )}),
        tests=INITIAL_TESTS,
    ),
    Fault(
        "initial-rho",
        "rho of ILN begins at 0.9 like that of AdaILN",
        planted_in("neutral", INITIAL, {"_initial_value": (
            '0.9 if key.startswith("UpBlock1_") else 0.0', "0.9",
        )}),
        tests=INITIAL_TESTS,
    ),
)  # fmt: skip
