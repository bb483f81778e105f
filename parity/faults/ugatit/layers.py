"""Faults in shared layers and in the codec between native and canonical tensors."""

from __future__ import annotations

from parity.faults.fault import Fault, planted_in

LAYERS = "layers"
WEIGHT = "SpectralNorm.weight"

FAULTS = (
    Fault(
        "square-linear-not-transposed",
        "the codec transposes a linear weight where its shape asks for it: a square one goes in as it is",
        planted_in("paddle", "state", {"Codec._add": (
            "(kind, name) in TRANSPOSED", "(kind, name) in TRANSPOSED and tensor.shape[0] != tensor.shape[1]",
        )}),
    ),
    Fault(
        "spectral-linear-not-transposed",
        "the weight of a spectrally normalised linear layer is taken for (outputs, inputs)",
        planted_in("paddle", LAYERS, {"SpectralLinear.matrix": ("self.weight_orig.T", "self.weight_orig")}),
    ),
    Fault(
        "instance-variance-unbiased",
        "instance norm divides the squares by n - 1 instead of n",
        planted_in("paddle", LAYERS, {"InstanceNorm.forward": (
            "(centred * centred).mean(axis=(2, 3), keepdim=True)", "x.var(axis=(2, 3), keepdim=True)",
        )}),
    ),
    Fault(
        "instance-eps",
        "eps of instance norm is 1e-3 instead of 1e-5",
        planted_in("paddle", LAYERS, {"InstanceNorm.eps": ("1e-5", "1e-3")}),
    ),
    Fault(
        "instance-eps-float32",
        "Paddle's own kernel, which rounds eps to float32, even where everything else is float64",
        planted_in("paddle", LAYERS, {"InstanceNorm.forward": ("x.dtype == paddle.float64", "False")}),
    ),
    Fault(
        "instance-eps-in-float32-only",
        "eps of instance norm is 1e-3 where the dtype is float32; nothing to see in float64",
        planted_in("paddle", LAYERS, {"InstanceNorm.forward": ("(x, eps=self.eps)", "(x, eps=1e-3)")}),
    ),
    Fault(
        "padding-repeats-edge",
        "reflection padding begins with the edge pixel itself",
        planted_in("paddle", "cpu", {"reflection_pad": (
            "x[:, :, 1 : size + 1], x[:, :, -1 - size : -1]", "x[:, :, :size], x[:, :, -size:]",
        )}),
    ),
    Fault(
        "kernel-not-turned",
        "the convolution that is computed as a transposed one does not turn its kernel round",
        planted_in("paddle", "cpu", {"narrowing_convolution": (
            "weight.flip([2, 3]).transpose", "weight.transpose",
        )}),
    ),
    Fault(
        "spectral-vectors-still",
        "u and v never move, as in Paddle's own SpectralNorm layer",
        planted_in("paddle", LAYERS, {WEIGHT: ("if self.training", "if False")}),
    ),
    Fault(
        "spectral-vectors-forgotten",
        "u and v move for the forward pass at hand, but are not stored",
        planted_in("paddle", LAYERS, {WEIGHT: [
            ("paddle.assign(u, self.weight_u)", "pass"), ("paddle.assign(v, self.weight_v)", "pass"),
        ]}),
    ),
    Fault(
        "spectral-vectors-move-in-eval",
        "u and v move in eval mode too",
        planted_in("paddle", LAYERS, {WEIGHT: ("if self.training", "if True")}),
    ),
    Fault(
        "spectral-vectors-order",
        "u moves before v",
        planted_in("paddle", LAYERS, {WEIGHT: [
            ("v = F.normalize(matrix.T @ u, axis=0, epsilon=self.eps)",
             "u = F.normalize(matrix @ v, axis=0, epsilon=self.eps)"),
            ("= F.normalize(matrix @ v, axis=0, epsilon=self.eps)\n                paddle",
             "= u; v = F.normalize(matrix.T @ u, axis=0, epsilon=self.eps)\n                paddle"),
        ]}),
    ),
    Fault(
        "spectral-warm-up",
        "two power iterations per forward pass instead of one",
        planted_in("torch", LAYERS, {WEIGHT: (
            "u = F.normalize(matrix @ v, dim=0, eps=self.eps)",
            "u = F.normalize(matrix @ F.normalize(matrix.T @ F.normalize(matrix @ v, dim=0), dim=0), dim=0)",
        )}),
    ),
    Fault(
        "spectral-vectors-shared",
        "sigma uses the stored u and v themselves: the second of two forward passes before one backward pass "
        "overwrites them under the first",
        planted_in("torch", LAYERS, {WEIGHT: (
            "sigma = (u * (matrix @ v)).sum()",
            "sigma = (self.weight_u.data * (matrix @ self.weight_v.data)).sum()",
        )}),
    ),
    Fault(
        "spectral-vectors-shared-paddle",
        "the same in Paddle",
        planted_in("paddle", LAYERS, {WEIGHT: (
            "sigma = (u * (matrix @ v)).sum()", "sigma = (self.weight_u * (matrix @ self.weight_v)).sum()",
        )}),
    ),
    Fault(
        "spectral-sigma-constant",
        "no gradient flows through sigma",
        planted_in("paddle", LAYERS, {WEIGHT: ("/ sigma", "/ sigma.detach()")}),
    ),
    Fault(
        "spectral-gradient-through-vectors",
        "the power iteration is differentiated",
        planted_in("torch", LAYERS, {WEIGHT: [
            ("with torch.no_grad()", "if True"),
            ("self.weight_u.copy_(u)", "self.weight_u.copy_(u.detach())"),
            ("self.weight_v.copy_(v)", "self.weight_v.copy_(v.detach())"),
            ("v = F.normalize(matrix.T @ u", "u = u.clone()\n                v = F.normalize(matrix.T @ u"),
        ]}),
    ),
    Fault(
        "spectral-vectors-trained",
        "u is a parameter: optimizers and parameter counts include it",
        planted_in("paddle", LAYERS, {"SpectralNorm.__init__": (
            'self.register_buffer("weight_u", paddle.empty([outputs]))',
            "self.weight_u = self.create_parameter([outputs])",
        )}),
    ),
    Fault(
        "spectral-vectors-decayed",
        "weight decay shrinks u at every update, as in an optimizer that was given it",
        planted_in("paddle", "ugatit.step", {"Step.discriminator_update": (
            'self.optimizers["discriminator"].step()',
            'self.optimizers["discriminator"].step()\n'
            "        for name, network in self.networks.items():\n"
            "            for key, entry in network.codec.entries.items():\n"
            '                if key.endswith("weight_u"):\n'
            "                    entry.tensor.scale_(1 - 1e-8)",
        )}),
    ),
    Fault(
        "state-dumped-in-float32",
        "tensors pass through float32 on their way out",
        planted_in("paddle", "state", {"Codec.dump": (
            "entry.to_canonical(entry.tensor)",
            'entry.to_canonical(entry.tensor).astype("float32").astype("float64")',
        )}),
    ),
)  # fmt: skip
