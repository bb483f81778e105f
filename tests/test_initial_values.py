"""Initial values of U-GAT-IT: the law that the original leaves to PyTorch, and the fixed values."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp, kstest

from neutral.families.ugatit.config import Config
from neutral.families.ugatit.family import FAMILY
from neutral.families.ugatit.shapes import shapes

CONFIG = Config(light=True, ch=16, n_res=1, img_size=64, dis_layers_global=5, dis_layers_local=4)
ENOUGH = 500
"""Elements that a tensor needs for its distribution to be judged."""
SIGNIFICANCE = 1e-4
"""With fixed seeds; a wrong law (PaddlePaddle's defaults, say) gives less than 1e-30 at these sizes."""


def drawn(network):
    return FAMILY.initial(CONFIG, network, shapes(CONFIG, network), 0)


def is_weight(key):
    return key.endswith((".weight", ".weight_orig"))


@pytest.mark.parametrize("network", ["genA2B", "disGA", "disLB"])
def test_weights_and_biases_are_uniform_within_the_root_of_fan_in(network):
    state = drawn(network)
    judged = 0
    for key, array in state.items():
        if not (is_weight(key) or key.endswith(".bias")):
            continue
        layer = key.rpartition(".")[0]
        weight = state.get(f"{layer}.weight", state.get(f"{layer}.weight_orig"))
        bound = 1 / math.sqrt(math.prod(weight.shape[1:]))
        assert np.abs(array).max() <= bound, key
        if array.size >= ENOUGH:
            judged += 1
            assert kstest(array.ravel(), "uniform", (-bound, 2 * bound)).pvalue > SIGNIFICANCE, key
            assert array.std() == pytest.approx(bound / math.sqrt(3), rel=0.05), key
    assert judged >= 3


def test_generator_follows_pytorchs_own_defaults():
    """The original leaves its layers as PyTorch makes them."""
    from torch_impl.ugatit.networks import build

    torch.manual_seed(0)
    defaults = {name: tensor.detach().numpy() for name, tensor in build("genA2B", CONFIG).named_parameters()}
    for key, array in drawn("genA2B").items():
        if is_weight(key) and array.size >= ENOUGH:
            assert ks_2samp(array.ravel(), defaults[key].ravel()).pvalue > SIGNIFICANCE, key


def test_paddles_own_defaults_would_be_noticed():
    from paddle_impl.ugatit.networks import build

    paddle_weight = build("genA2B", CONFIG).DownBlock[5].weight.numpy()
    assert ks_2samp(drawn("genA2B")["DownBlock.5.weight"].ravel(), paddle_weight.ravel()).pvalue < 1e-30


def test_norms_and_spectral_vectors_have_their_published_start():
    generator, discriminator = drawn("genA2B"), drawn("disGA")
    assert np.all(generator["UpBlock1_1.norm1.rho"] == np.float32(0.9))
    assert np.all(generator["UpBlock2.3.rho"] == 0)
    assert np.all(generator["UpBlock2.3.gamma"] == 1)
    assert np.all(generator["UpBlock2.3.beta"] == 0)
    for key, array in discriminator.items():
        if key.endswith(("weight_u", "weight_v")):
            assert np.sum(array.astype(np.float64) ** 2) == pytest.approx(1, rel=1e-6), key
