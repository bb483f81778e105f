"""Layers of both implementations against the frameworks' own, direct formulas and finite differences."""

import numpy as np
import pytest

from neutral.families.ugatit.config import Config
from neutral.registry import backend
from parity.compare import compare, require
from parity.tolerance import Tolerance

BACKENDS = ("torch", "paddle")
ROUNDING = Tolerance(1e-13, 0.0)
RNG = np.random.default_rng(0)
CONFIG = Config(light=True, ch=2, n_res=0, img_size=8, dis_layers_global=3, dis_layers_local=3)


def unit(size):
    vector = RNG.standard_normal(size)
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize("name", BACKENDS)
def test_spectral_convolution_is_the_hook_of_its_framework(name):
    """Three forwards before one backward: outputs, gradients, u and v."""
    weight, bias, x = (
        RNG.standard_normal((6, 3, 4, 4)),
        RNG.standard_normal(6),
        RNG.standard_normal((2, 3, 9, 9)),
    )
    u, v = unit(6), unit(48)
    state = {"bias": bias, "weight_orig": weight, "weight_u": u, "weight_v": v}
    own, hooked = {"torch": torch_pair, "paddle": paddle_pair}[name](state, x)
    require(compare(own, hooked, ROUNDING, what=name))
    assert not np.allclose(own["weight_u"], u), "u has moved"


def torch_pair(state, x):
    import torch

    from torch_impl.layers import SpectralConv2d
    from torch_impl.state import Codec

    hooked = torch.nn.utils.spectral_norm(torch.nn.Conv2d(3, 6, 4, stride=2)).double()
    hooked.load_state_dict({key: torch.tensor(value) for key, value in state.items()})
    own = SpectralConv2d(3, 6, 4, stride=2).double()
    Codec(own).load(state, "layer")
    found = []
    for layer in (own, hooked):
        outputs = [layer(torch.tensor(x)) for _ in range(3)]
        sum((out**2).mean() for out in outputs).backward()
        arrays = {f"out {index}": out.detach().numpy() for index, out in enumerate(outputs)}
        arrays |= {f"grad {key}": p.grad.numpy() for key, p in layer.named_parameters()}
        found.append(arrays | {key: layer.state_dict()[key].numpy() for key in ("weight_u", "weight_v")})
    return found


def paddle_pair(state, x):
    from paddle_impl.framework import paddle
    from paddle_impl.layers import SpectralConv2d
    from paddle_impl.state import Codec

    hooked = paddle.nn.utils.spectral_norm(paddle.nn.Conv2D(3, 6, 4, stride=2)).to(dtype="float64")
    named = dict(hooked.named_parameters()) | dict(hooked.named_buffers())
    for key, value in state.items():
        named[key].set_value(value)
    own = SpectralConv2d(3, 6, 4, stride=2).to(dtype="float64")
    Codec(own).load(state, "layer")
    found = []
    for layer in (own, hooked):
        outputs = [layer(paddle.to_tensor(x)) for _ in range(3)]
        sum((out**2).mean() for out in outputs).backward()
        named = dict(layer.named_parameters()) | dict(layer.named_buffers())
        arrays = {f"out {index}": out.numpy() for index, out in enumerate(outputs)}
        arrays |= {f"grad {key}": named[key].grad.numpy() for key in ("bias", "weight_orig")}
        found.append(arrays | {key: named[key].numpy() for key in ("weight_u", "weight_v")})
    return found


@pytest.mark.parametrize("name", BACKENDS)
def test_spectral_gradient_is_that_of_finite_differences(name):
    """In eval mode sigma depends on the weight, u and v stand still."""
    network = backend(name).network("ugatit", "disGA", CONFIG, dtype="float64")
    state = {key: RNG.standard_normal(array.shape) * 0.5 for key, array in network.state().items()}
    state |= {key: unit(value.size) for key, value in state.items() if key.endswith(("weight_u", "weight_v"))}
    network.load(state)
    inputs, key, index, h = (
        {"input": RNG.standard_normal((1, 3, 8, 8))},
        "model.1.weight_orig",
        (1, 2, 3, 0),
        1e-6,
    )
    analytic = network.gradients(inputs, None, train=False).parameters[key][index]
    losses = []
    for sign in (1, -1):
        moved = state[key].copy()
        moved[index] += sign * h
        network.load({**state, key: moved})
        losses.append(sum(float(np.mean(out)) for out in network.forward(inputs).values()))
    assert analytic == pytest.approx((losses[0] - losses[1]) / (2 * h), rel=1e-6)


@pytest.mark.parametrize("name", BACKENDS)
def test_layer_instance_norm_is_its_formula(name):
    """The statistics of the layer, taken from those of the instances, are those of all its elements."""
    x, gamma, beta = (
        RNG.standard_normal((2, 5, 4, 6)) + 3,
        RNG.standard_normal((2, 5)),
        RNG.standard_normal((2, 5)),
    )
    rho = np.array([0.0, 1.0, 0.3, 0.7, 0.5]).reshape(1, 5, 1, 1)
    layer = backend(name).layer("ugatit", "AdaILN", 5, dtype="float64")
    layer.load({"rho": rho})

    def normalised(axes):
        return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, ddof=1, keepdims=True) + 1e-5)

    mixed = rho * normalised((2, 3)) + (1 - rho) * normalised((1, 2, 3))
    expected = mixed * gamma[:, :, None, None] + beta[:, :, None, None]
    actual = layer.forward({"x": x, "gamma": gamma, "beta": beta})
    require(compare(actual, {"out": expected}, ROUNDING, what="AdaILN"))


@pytest.mark.parametrize("scale", [1e-3, 1.0])
@pytest.mark.parametrize("name", BACKENDS)
def test_instance_norm_has_a_biased_variance_and_eps_in_float64(name, scale):
    """At a small variance an eps that was rounded to float32 is off by 1e-8."""
    import importlib

    from neutral.registry import BACKENDS as PACKAGES

    module = importlib.import_module(f"{PACKAGES[name]}.network")
    layers = importlib.import_module(f"{PACKAGES[name]}.layers")
    x = RNG.standard_normal((2, 3, 5, 7)) * scale
    backend(name)  # imports the framework as the project does
    framework = importlib.import_module(name)
    actual = module.to_array(
        layers.InstanceNorm()(framework.to_tensor(x) if name == "paddle" else framework.tensor(x))
    )
    expected = (x - x.mean((2, 3), keepdims=True)) / np.sqrt(x.var((2, 3), keepdims=True) + 1e-5)
    require(compare({"out": actual}, {"out": expected}, ROUNDING, what="InstanceNorm"))
