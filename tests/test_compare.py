"""The comparison rejects what it must reject, says what is wrong, and can be judged again."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from neutral.errors import ConfigError, DataError
from parity.compare import EXACT, ParityFailure, Tolerance, compare, judge, require
from parity.record import ComparisonRecord
from parity.tolerance import TABLE, tolerance

TIGHT = Tolerance(1e-11, 0.0)
LOOSE = Tolerance(0.5, 0.0)
NAN, INF = math.nan, math.inf


def values(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).standard_normal(shape)


def compared(actual, expected, allowed=TIGHT, **options):
    """A comparison of two arrays under one name."""
    return compare({"x": actual}, {"x": expected}, allowed, what="test", **options)


SQUARE = values(6, 6)
BIG = values(1_000_000)
ONE_WRONG = BIG.copy()
ONE_WRONG[777_777] += 1e-6
REJECTED = {
    "signed zero": (np.array([-0.0, 1.0]), np.array([0.0, 1.0]), EXACT),
    "one unit in the last place": (np.nextafter([1.0], 2), np.array([1.0]), EXACT),
    "nan in actual": (np.array([NAN, 1.0]), np.array([1.0, 1.0]), LOOSE),
    "nan in expected": (np.array([1.0, 1.0]), np.array([NAN, 1.0]), LOOSE),
    "inf against the largest float": (np.array([INF, 1.0]), np.array([1.7e308, 1.0]), LOOSE),
    "inf of the other sign": (np.array([INF, 1.0]), np.array([-INF, 1.0]), LOOSE),
    "inf in expected": (np.array([5.0, 1.0]), np.array([INF, 1.0]), LOOSE),
    "nan on both sides and nothing else": (np.array([NAN]), np.array([NAN]), LOOSE),
    "transposed": (values(3, 4).T, values(3, 4), LOOSE),
    "transposed square": (SQUARE.T, SQUARE, TIGHT),
    "empty": (np.zeros((0, 3)), np.zeros((0, 3)), LOOSE),
    "float32 against float64": (np.ones(3, np.float32), np.ones(3), LOOSE),
    "int64 against float64": (np.ones(3, np.int64), np.ones(3), LOOSE),
    "broadcastable shape": (np.ones((1, 3)), np.ones((4, 3)), LOOSE),
    "scalar against one element": (np.array(1.0), np.array([1.0]), LOOSE),
    "flattened": (values(2, 3).reshape(6), values(2, 3), LOOSE),
    "integers": (np.array([1000, 5]), np.array([1001, 5]), LOOSE),
    "large integers": (np.array([2**60]), np.array([2**60 + 1]), LOOSE),
    "bool": (np.array([True]), np.array([False]), LOOSE),
    "complex": (np.array([1 + 1j]), np.array([1 - 1j]), TIGHT),
    "one wrong element among a million": (ONE_WRONG, BIG, TIGHT),
    "the same mean": (BIG[::-1], BIG, TIGHT),
    "a tensor of zeros": (np.zeros(3), np.ones(3), LOOSE),
    "noise where zeros are expected": (np.full(3, 1e-300), np.zeros(3), LOOSE),
    "texts": (np.array(["a"]), np.array(["a"]), LOOSE),
}


@pytest.mark.parametrize("name", REJECTED)
def test_rejects(name):
    actual, expected, allowed = REJECTED[name]
    comparison = compared(actual, expected, allowed)
    assert not comparison.passed
    assert comparison.message()
    with pytest.raises(ParityFailure):
        require(comparison)


@pytest.mark.parametrize(
    ("actual", "expected", "allowed"),
    [
        (BIG, BIG.copy(), EXACT),
        (np.array([NAN, INF, -INF, 1.0]), np.array([NAN, INF, -INF, 1.0]), EXACT),
        (np.array([-0.0, 1.0]), np.array([0.0, 1.0]), TIGHT),
        (BIG * (1 + 1e-12), BIG, TIGHT),
        (np.array([1e-12, 1.0]), np.array([2e-12, 1.0]), TIGHT),
        (np.array([3, 4]), np.array([3, 4]), TIGHT),
        (np.array(2.0), np.array(2.0), EXACT),
    ],
)
def test_accepts(actual, expected, allowed):
    comparison = compared(actual, expected, allowed)
    assert comparison.passed, comparison.message()
    require(comparison)


@pytest.mark.parametrize(("actual", "expected"), [({}, {}), ({}, {"x": np.ones(2)}), ({"x": np.ones(2)}, {})])
def test_a_side_that_is_empty_is_rejected(actual, expected):
    assert not compare(actual, expected, LOOSE, what="test").passed


def test_names_on_one_side_are_listed_with_the_nearest_other():
    expected = {"conv.weight": np.ones(2), "gamma": np.ones(2)}
    actual = {"conv.weight": np.ones(2), "gammma": np.ones(2)}
    text = compare(actual, expected, LOOSE, what="test").message()
    assert "2 of 3 tensors differ (1 missing, 1 unexpected)" in text
    assert 'missing: expected, but not in actual; did you mean "gammma"?' in text
    assert 'unexpected: in actual, but not expected; did you mean "gamma"?' in text


def test_every_failure_is_collected():
    expected = {"value": np.ones(3), "shape": np.ones((2, 3)), "dtype": np.ones(3), "missing": np.ones(1)}
    actual = {"value": np.zeros(3), "shape": np.ones((3, 2)), "dtype": np.ones(3, np.float32)}
    comparison = compare(actual, expected, TIGHT, what="test")
    assert [judged.kind for judged in comparison.verdict.failures] == ["values", "shape", "dtype", "missing"]
    for part in (
        "shape: actual (3, 2), expected (2, 3)",
        "dtype: actual float32, expected float64",
        "missing",
    ):
        assert part in comparison.message()


def test_a_wrong_dtype_does_not_hide_wrong_values():
    problems = compared(np.float32([1, 5]), np.array([1.0, 2.0])).verdict.failures[0].problems
    assert len(problems) == 2


def test_dtype_may_differ_by_intent():
    assert compared(np.float32([1, 2]), np.array([1.0, 2.0]), same_dtype=False).passed
    assert not compared(np.float32([1, 3]), np.array([1.0, 2.0]), same_dtype=False).passed


def test_the_report_says_how_many_how_bad_where_and_what_was_allowed():
    expected = values(8, 9)
    actual = expected.copy()
    actual[3, 5] += 0.25
    text = compared(actual, expected).message()
    scale = np.abs(expected).max()
    assert "1 of 1 tensors differ (1 values); allowed: 1e-11 of scale" in text
    assert f"{0.25 / scale:.3g} of scale, {0.25 / scale / 1e-11:.3g} times the bound" in text
    assert f"at (3, 5): actual {actual[3, 5]:.17g}, expected {expected[3, 5]:.17g}" in text
    assert "1 of 72 elements beyond" in text
    assert "variance" in text
    assert text.isascii()


def test_worst_is_the_largest_excess_and_a_failure_comes_first():
    expected = {"small": np.array([1e-3]), "large": np.array([1e3]), "n": np.array([7])}
    actual = {"small": np.array([1.1e-3]), "large": np.array([1e3 + 1.0]), "n": np.array([7])}
    worst = compare(actual, expected, Tolerance(0.01, 0.0), what="test").worst
    assert worst is not None
    assert worst.tensor.name == "small"
    assert worst.factor == pytest.approx(10)
    assert worst.error == pytest.approx(0.1)


def test_a_long_list_is_cut_and_counted():
    expected = {f"t{number}": np.ones(2) for number in range(50)}
    actual = {name: array + 1e-3 for name, array in expected.items()}
    text = compare(actual, expected, TIGHT, what="test").message()
    assert "50 of 50 tensors differ" in text
    assert "... and 30 more tensors" in text


# Tensors that are mathematically zero

WEIGHT = {"weight": np.array([2.0, -1.0])}


def null(actual: float, expected: float, **options):
    return compare(
        {**WEIGHT, "bias": np.array([actual])},
        {**WEIGHT, "bias": np.array([expected])},
        TIGHT,
        what="test",
        null=["bias"],
        **options,
    )


def test_noise_is_accepted_only_where_it_is_declared():
    assert null(3e-18, -5e-18).passed
    both = [{**WEIGHT, "bias": np.array([value])} for value in (3e-18, -5e-18)]
    assert not compare(*both, TIGHT, what="test").passed


@pytest.mark.parametrize(
    ("actual", "expected"), [(1e-3, 0.0), (0.0, 1e-3), (1e-3, 1e-3), (NAN, NAN), (INF, 0)]
)
def test_a_tensor_declared_null_must_be_null_on_both_sides(actual, expected):
    assert not null(actual, expected).passed


def test_a_null_tensor_does_not_loosen_the_others():
    huge = {"bias": np.array([1e30])}
    comparison = compare(
        {**huge, "weight": np.array([2.1])},
        {**huge, "weight": np.array([2.0])},
        TIGHT,
        what="test",
        null=["bias"],
    )
    assert [judged.tensor.name for judged in comparison.verdict.failures] == ["bias", "weight"]
    assert comparison.record.scale == 2.0


def test_a_declaration_that_matches_nothing_is_rejected():
    comparison = compare(WEIGHT, WEIGHT, TIGHT, what="test", null=["biass"])
    assert not comparison.passed
    assert "biass" in comparison.message()


def test_only_null_tensors_have_nothing_to_relate_to():
    assert not compare({"b": [1e-18]}, {"b": [2e-18]}, TIGHT, what="test", null=["b"]).passed


# Guesses


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda x: x.transpose(1, 0, 2, 3), "equal after transposing expected to axes (1, 0, 2, 3)"),
        (lambda x: np.flip(x, 2), "equal after flipping axis 2"),
        (lambda x: -x, "flipping the sign"),
        (lambda x: x * 16 / 15, "n = 16: biased against unbiased variance?"),
        (lambda x: x * 4, "sum instead of mean over 4"),
        (lambda x: x / 4, "mean over 4 instead of sum"),
        (lambda x: x + 0.5, "actual = expected +0.5"),
        (lambda x: x * 0, "actual is all zeros"),
        (lambda x: np.float64(np.float32(x)), "actual holds float32 values"),
        (lambda x: np.random.default_rng(0).permuted(x), "the same numbers in another order"),
        (lambda x: x.reshape(-1, 2), "in another shape"),
        (lambda x: np.where(x > 2, NAN, x), "actual hold nan or inf"),
    ],
)
def test_guesses(change, hint):
    expected = values(4, 4, 3, 3)
    assert hint in compared(change(expected), expected).message()


def test_a_factor_of_almost_one_has_no_usual_meaning():
    text = compared(values(5) * (1 - 1e-8), values(5)).message()
    assert "actual = 1 * expected" in text
    assert "mean" not in text.partition("actual = 1")[2].partition("\n")[0]


def test_guess_of_swapped_names():
    one, other = values(5), values(5) + 1
    text = compare({"u": other, "v": one}, {"u": one, "v": other}, TIGHT, what="test").message()
    assert 'actual equals expected "v": two names swapped?' in text


@pytest.mark.parametrize("size", [1.0, 1e-9])
def test_no_guess_where_there_is_no_pattern(size):
    noise = values(7, 7) + size * np.random.default_rng(9).standard_normal((7, 7))
    assert "likely" not in compared(noise, values(7, 7)).message()


# Tolerances


@pytest.mark.parametrize(
    "given", [(1e-3, None), (None, 1e-3), (-1e-3, 0.0), (NAN, 0.0), (1e-3, INF), (1.0, 0.0), (0.0, -1.0)]
)
def test_a_tolerance_that_makes_no_sense(given):
    with pytest.raises(ValueError, match=r"toler|both|zeros"):
        Tolerance(*given)


@pytest.mark.parametrize("given", [None, 1e-3, (1e-3, 0.0)])
def test_no_tolerance_is_no_comparison(given):
    with pytest.raises(TypeError, match="tolerance"):
        compare(WEIGHT, WEIGHT, given, what="test")


def test_absolute_part():
    assert compared([1e-9], [0.0], Tolerance(0.0, 1e-8)).passed
    comparison = compared([3e-8], [0.0], Tolerance(1e-11, 1e-8))
    assert not comparison.passed
    assert comparison.error / comparison.bound == pytest.approx(3)


def test_table_is_reached_by_name_only():
    assert tolerance("step", "float64") == TABLE["step", "float64"]
    with pytest.raises(ConfigError, match='did you mean "step"'):
        tolerance("stepp", "float64")
    with pytest.raises(ConfigError, match="Known: float32"):
        tolerance("onnx", "float64")


# Record and verdict


def test_a_record_survives_json_and_is_judged_again():
    expected = {"x": values(4, 4), "n": np.array([NAN, 1.0]), "shape": np.ones(2)}
    actual = {"x": expected["x"] * 1.001, "n": np.array([1.0, 1.0]), "shape": np.ones(3)}
    comparison = compare(actual, expected, TIGHT, what="test")
    text = json.dumps(comparison.record.to_json(), allow_nan=False)
    record = ComparisonRecord.from_json(json.loads(text))
    assert record.to_json() == comparison.record.to_json()
    assert judge(record, TIGHT).failures[0] == comparison.verdict.failures[0]
    assert [judged.tensor.name for judged in judge(record, LOOSE).failures] == ["n", "shape"]


def test_a_pass_judged_again_more_strictly_is_a_failure():
    record = compared([1.0 + 1e-6], [1.0], Tolerance(1e-3, 0.0)).record
    assert judge(record, Tolerance(1e-3, 0.0)).passed
    assert not judge(record, TIGHT).passed
    assert not judge(record, EXACT).passed


@pytest.mark.parametrize("damage", ["what", "tensors"])
def test_a_damaged_record_is_refused(damage):
    plain = compared([1.0], [1.0]).record.to_json()
    plain[damage] = 3
    with pytest.raises(DataError, match=f"comparison.{damage}"):
        ComparisonRecord.from_json(plain)
    del plain[damage]
    with pytest.raises(DataError, match=damage):
        ComparisonRecord.from_json(plain)
