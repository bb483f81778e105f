"""The faster forms of Paddle's CPU operations: the same numbers and gradients as the operations."""

import numpy as np
import pytest

from paddle_impl import cpu
from paddle_impl.framework import paddle
from paddle_impl.layers import NarrowingConv2d, NearestDoubling, ReflectionPad

F = paddle.nn.functional
RNG = np.random.default_rng(0)


def plain_pad(size):
    return lambda x: F.pad(x, [size] * 4, mode="reflect")


def plain_doubling(x):
    return F.interpolate(x, scale_factor=2, mode="nearest")


def pair(size):
    return (lambda x: cpu.reflection_pad(x, size)), plain_pad(size)


FORMS = {
    "pad 1": (*pair(1), [(2, 3, 2, 5)]),
    "pad 1, large": (*pair(1), [(1, 4, 33, 20)]),
    "pad 3": (*pair(3), [(2, 3, 4, 9)]),
    "pad 3, as small as can be": (*pair(3), [(1, 1, 4, 4)]),
    "doubling": (cpu.nearest_doubling, plain_doubling, [(2, 3, 5, 4)]),
    "doubling one pixel": (cpu.nearest_doubling, plain_doubling, [(1, 2, 1, 1)]),
    "convolution 3x3": (cpu.narrowing_convolution, F.conv2d, [(2, 6, 8, 5), (4, 6, 3, 3)]),
    "convolution 7x7": (cpu.narrowing_convolution, F.conv2d, [(1, 4, 7, 9), (3, 4, 7, 7)]),
    "convolution 1x1": (cpu.narrowing_convolution, F.conv2d, [(1, 4, 3, 3), (1, 4, 1, 1)]),
}


def values_and_gradients(form, arrays, probe):
    tensors = [paddle.to_tensor(array, stop_gradient=False) for array in arrays]
    out = form(*tensors)
    (out * paddle.to_tensor(probe(out.shape))).sum().backward()
    return [out.numpy(), *(tensor.grad.numpy() for tensor in tensors)]


@pytest.mark.parametrize("name", FORMS)
def test_equal(name):
    fast, plain, shapes = FORMS[name]
    arrays = [RNG.standard_normal(shape) for shape in shapes]
    results = [
        values_and_gradients(form, arrays, lambda shape: np.random.default_rng(1).standard_normal(shape))
        for form in (fast, plain)
    ]
    for own, other in zip(*results, strict=True):
        assert own.shape == other.shape
        assert np.abs(own - other).max() <= 1e-14 * np.abs(other).max()
    if not name.startswith("convolution"):  # nothing is added in these forward passes
        assert np.array_equal(results[0][0], results[1][0])


def test_too_small_to_reflect():
    """Slices would be empty without a word; Paddle's own operation says what is wrong."""
    with pytest.raises(ValueError, match="pad"):
        ReflectionPad(2)(paddle.zeros([1, 1, 2, 5]))


def test_graphs_keep_the_plain_operations(tmp_path):
    """What is exported is read by other runtimes, which know the plain operations best."""
    layers = paddle.nn.Sequential(ReflectionPad(1), NearestDoubling(), NarrowingConv2d(3, 2, 3))
    spec = [paddle.static.InputSpec([None, 3, None, None], "float32", "x")]
    paddle.jit.save(layers, str(tmp_path / "graph"), input_spec=spec)
    text = (tmp_path / "graph.json").read_text(encoding="utf-8")
    assert all(operation in text for operation in (".pad3d", ".nearest_interp", ".conv2d"))
    assert not any(operation in text for operation in ("pixel_shuffle", "transpose", ".slice", ".concat"))
