"""Statistics of arrays and of pairs, against numpy where numpy is right and by hand where it is not."""

from __future__ import annotations

import math
import tracemalloc

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from parity.chunks import CHUNK, count_beyond, is_numeric
from parity.statistics import array_statistics, pair_statistics

NAN, INF = math.nan, math.inf


def pair(actual, expected):
    return pair_statistics(np.asarray(actual), np.asarray(expected))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(arrays(np.float64, array_shapes(max_dims=4), elements=st.floats(-1e6, 1e6)))
def test_array_statistics_equal_numpy(array):
    found = array_statistics(array)
    assert (found.minimum, found.maximum) == (array.min(), array.max())
    np.testing.assert_allclose(found.mean, array.mean(), rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(found.variance, array.var(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, ml_dtypes.bfloat16, np.int8, np.uint64, np.bool_])
def test_array_statistics_do_not_overflow_or_round_in_narrow_types(dtype):
    array = np.full(300, 120).astype(dtype)
    array[0] = 0
    value = float(array[1])
    found = array_statistics(array)
    assert found.dtype == np.dtype(dtype).name
    assert found.mean == pytest.approx(value * 299 / 300, rel=1e-12)
    assert found.variance == pytest.approx(value**2 * 299 / 300**2, rel=1e-12)


def test_array_statistics_over_many_chunks():
    array = np.random.default_rng(0).normal(1e6, 1e-2, 3 * CHUNK + 5)
    found = array_statistics(array)
    assert found.variance == pytest.approx(array.var(), rel=1e-9)
    assert found.mean == pytest.approx(array.mean(), rel=1e-14)


def test_array_statistics_count_nan_and_inf_and_use_the_finite_rest():
    found = array_statistics(np.array([NAN, INF, -INF, 1.0, 3.0]))
    assert (found.nan, found.inf, found.minimum, found.maximum, found.mean) == (1, 2, 1.0, 3.0, 2.0)


@pytest.mark.parametrize("array", [np.zeros((0, 3)), np.array([NAN])])
def test_array_statistics_without_a_finite_element(array):
    found = array_statistics(array)
    assert math.isnan(found.mean)
    assert math.isnan(found.minimum)
    assert found.shape == array.shape


def test_array_statistics_near_the_largest_float():
    found = array_statistics(np.array([1.7e308, 1.7e308]))
    assert found.mean == 1.7e308
    assert found.variance == 0.0


def test_largest_differences_with_index_and_values():
    expected = np.array([[1.0, 100.0], [0.0, -4.0]])
    actual = np.array([[1.5, 101.0], [0.0, -4.0]])
    found = pair(actual, expected)
    assert found.largest_absolute is not None
    assert found.largest_relative is not None
    assert (found.largest_absolute.difference, found.largest_absolute.index) == (1.0, (0, 1))
    assert (found.largest_absolute.actual, found.largest_absolute.expected) == (101.0, 100.0)
    assert (found.largest_relative.difference, found.largest_relative.index) == (0.5, (0, 0))
    assert (found.mae, found.mse, found.scale, found.error) == (1.5 / 4, 1.25 / 4, 100.0, 0.01)
    assert found.unequal == 2
    assert count_beyond(actual, expected, 0.5) == 1


def test_index_and_counts_beyond_the_first_chunk():
    expected = np.ones((4, CHUNK))
    actual = expected.copy()
    actual[3, 17] = 1.25
    found = pair(actual, expected)
    assert found.largest_absolute is not None
    assert found.largest_absolute.index == (3, 17)
    assert (found.unequal, found.size, found.finite) == (1, 4 * CHUNK, 4 * CHUNK)


@pytest.mark.parametrize("order", ["transposed", "strided", "read-only"])
def test_memory_layout_does_not_matter(order):
    expected = np.random.default_rng(1).standard_normal((300, 400))
    actual = expected + 1e-3
    actual[7, 9] += 1
    if order == "transposed":
        actual = np.asfortranarray(actual)
    elif order == "strided":
        wide = np.zeros((300, 800))
        wide[:, ::2] = actual
        actual = wide[:, ::2]
    else:
        actual.flags.writeable = False
    found = pair(actual, expected)
    assert found.largest_absolute is not None
    assert found.largest_absolute.index == (7, 9)
    assert found.mae == pytest.approx(np.abs(actual - expected).mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("actual", "expected", "different"),
    [
        ([NAN], [NAN], 0),
        ([INF, -INF], [INF, -INF], 0),
        ([NAN], [1.0], 1),
        ([1.0], [NAN], 1),
        ([INF], [-INF], 1),
        ([INF], [1e308], 1),
        ([1e308], [INF], 1),
        ([NAN], [INF], 1),
    ],
)
def test_nan_and_inf(actual, expected, different):
    found = pair([*actual, 2.0], [*expected, 2.0])
    assert found.not_finite == different
    assert found.difference == (INF if different else 0.0)
    assert found.unequal == different
    assert found.mae == found.mse == 0.0
    assert found.scale >= 2.0


def test_signed_zeros_are_counted_but_are_no_difference():
    found = pair([0.0, -0.0, -0.0], [-0.0, -0.0, 0.0])
    assert (found.signed_zeros, found.unequal, found.difference) == (2, 0, 0.0)


def test_sign_of_nan_is_no_signed_zero():
    assert pair([-NAN], [NAN]).signed_zeros == 0


@pytest.mark.parametrize(
    ("dtype", "actual", "expected", "difference"),
    [
        (np.int64, 2**63 - 1, -(2**63), float(2**64)),
        (np.int64, 2**60 + 1, 2**60, 1.0),
        (np.uint64, 0, 2**64 - 1, float(2**64)),
        (np.uint8, 3, 5, 2.0),
        (np.int8, -128, 127, 255.0),
        (np.bool_, True, False, 1.0),
    ],
)
def test_integers_are_subtracted_exactly(dtype, actual, expected, difference):
    found = pair(np.array([actual], dtype), np.array([expected], dtype))
    assert found.difference == difference
    assert found.unequal == 1
    assert found.scale == abs(float(expected))


def test_half_precision_difference_does_not_overflow():
    found = pair(np.float16([60000]), np.float16([-60000]))
    assert (found.difference, found.mse) == (120000.0, 120000.0**2)


def test_bfloat16_difference_is_exact():
    found = pair(np.array([1.0], ml_dtypes.bfloat16), np.array([1.0078125], ml_dtypes.bfloat16))
    assert found.difference == 0.0078125


def test_complex_numbers_are_measured_by_component():
    found = pair(np.array([1 + 2j, 3 + 4j]), np.array([1 + 2j, 3 + 4.5j]))
    assert found.largest_absolute is not None
    assert (found.largest_absolute.index, found.largest_absolute.difference) == ((1, 1), 0.5)
    assert (found.size, found.scale) == (4, 4.5)


def test_difference_larger_than_the_largest_float_is_infinite():
    assert pair([1.7e308], [-1.7e308]).difference == INF


def test_scalars_and_empty_arrays():
    scalar = pair(np.array(1.0), np.array(2.0))
    assert scalar.largest_absolute is not None
    assert scalar.largest_absolute.index == ()
    empty = pair(np.zeros((0, 2)), np.zeros((0, 2)))
    assert (empty.largest_absolute, empty.largest_relative, empty.size, empty.finite) == (None, None, 0, 0)
    assert (empty.difference, empty.error) == (0.0, 0.0)


def test_expected_zeros_give_no_relative_difference_and_an_infinite_error():
    found = pair([1e-30, 0.0], [0.0, 0.0])
    assert found.largest_relative is None
    assert found.error == INF


def test_nothing_is_broadcast():
    with pytest.raises(ValueError, match="shapes differ"):
        pair(np.ones((3, 1)), np.ones((1, 3)))


def test_memory_stays_small():
    expected = np.ones(4_000_000, np.float32)
    actual = expected.reshape(2000, 2000).T.copy().T.reshape(-1)
    tracemalloc.start()
    try:
        pair_statistics(actual, expected)
        array_statistics(actual)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 2**20


def test_types_that_are_not_numbers():
    assert is_numeric(np.dtype(ml_dtypes.bfloat16))
    assert is_numeric(np.dtype(np.complex64))
    assert not is_numeric(np.dtype("U3"))
    assert not is_numeric(np.dtype(object))
    assert not is_numeric(np.dtype([("x", float)]))
