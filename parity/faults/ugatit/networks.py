"""Faults in the networks themselves."""

from __future__ import annotations

from parity.faults.fault import Fault, planted_in

NETWORKS = "ugatit.networks"
NORM = "instance_and_layer_norm"
JUDGE = "Discriminator.forward"
TRANSLATE = "Generator.forward"

FAULTS = (
    Fault(
        "variance-of-variance",
        "ILN and AdaILN take the variance of the variance: over the rows, then over what that gives",
        planted_in("paddle", NETWORKS, {NORM: (
            "var_i = squares / (pixels - 1)",
            "var_i = x.var(axis=3, keepdim=True).var(axis=2, keepdim=True)",
        )}),
    ),
    Fault(
        "missing-residual-adailn",
        "the AdaILN block returns its branch without adding its input",
        planted_in("paddle", NETWORKS, {"ResnetAdaILNBlock.forward": (" + x", "")}),
    ),
    Fault(
        "missing-residual",
        "the residual block returns its branch without adding its input",
        planted_in("torch", NETWORKS, {"ResnetBlock.forward": ("x + self", "self")}),
    ),
    Fault(
        "missing-residual-in-both",
        "the AdaILN block without its residual in both implementations, as in early versions of the original",
        planted_in("torch paddle", NETWORKS, {"ResnetAdaILNBlock.forward": (" + x", "")}),
        groups=("networks", "golden"),
    ),
    Fault(
        "activation-after-sum",
        "a ReLU behind the sum of the residual block, as in the original ResNet",
        planted_in("paddle", NETWORKS, {"ResnetBlock.forward": (
            "x + self.conv_block(x)", "F.relu(x + self.conv_block(x))",
        )}),
    ),
    Fault(
        "shared-norm",
        "both norms of the AdaILN block are one module, and so share one rho",
        planted_in("paddle", NETWORKS, {"ResnetAdaILNBlock.__init__": (
            "self.norm2 = AdaILN(channels)", "self.norm2 = self.norm1",
        )}),
    ),
    Fault(
        "iln-instance-variance-biased",
        "the instance part of ILN and AdaILN divides the squares by n instead of n - 1",
        planted_in("paddle", NETWORKS, {NORM: ("squares / (pixels - 1)", "squares / pixels")}),
    ),
    Fault(
        "iln-layer-variance-biased",
        "the layer part of ILN and AdaILN divides the squares by n instead of n - 1",
        planted_in("torch", NETWORKS, {NORM: ("(channels * pixels - 1)", "(channels * pixels)")}),
    ),
    Fault(
        "iln-eps",
        "eps of ILN and AdaILN is 1e-3 instead of 1e-5",
        planted_in("paddle", NETWORKS, {NORM: ("eps = 1e-5", "eps = 1e-3")}),
    ),
    Fault(
        "iln-eps-outside-root",
        "eps is added to the standard deviation instead of the variance",
        planted_in("paddle", NETWORKS, {NORM: (
            "rho / paddle.sqrt(var_i + eps)", "rho / (paddle.sqrt(var_i) + eps)",
        )}),
    ),
    Fault(
        "iln-rho-swapped",
        "rho weighs the layer part and 1 - rho the instance part",
        planted_in("paddle", NETWORKS, {NORM: [
            ("share_i = rho /", "share_i = (1 - rho) /"), ("share_l = (1 - rho) /", "share_l = rho /"),
        ]}),
    ),
    Fault(
        "iln-over-batch",
        "the layer statistics are taken over the batch as well; nothing to see with one image",
        planted_in("paddle", NETWORKS, {NORM: (
            "mean_l = mean_i.mean(axis=1, keepdim=True)", "mean_l = mean_i.mean(axis=(0, 1), keepdim=True)",
        )}),
    ),
    Fault(
        "gamma-beta-swapped",
        "the two linear layers behind the style vector are exchanged",
        planted_in("paddle", NETWORKS, {TRANSLATE: (
            "self.gamma(style), self.beta(style)", "self.beta(style), self.gamma(style)",
        )}),
    ),
    Fault(
        "style-order",
        "the full model flattens its features in the order H, W, C instead of C, H, W",
        planted_in("paddle", NETWORKS, {TRANSLATE: (
            "x.flatten(1)", "x.transpose([0, 2, 3, 1]).flatten(1)",
        )}),
        case="full",
    ),
    Fault(
        "tanh-missing",
        "the generator ends without its tanh",
        planted_in("paddle", NETWORKS, {"Generator.__init__": ("nn.Tanh()", "nn.Identity()")}),
    ),
    Fault(
        "heatmap-mean",
        "the heatmap of the generator is the mean over the channels, not the sum",
        planted_in("paddle", NETWORKS, {TRANSLATE: ("x.sum(axis=1", "x.mean(axis=1")}),
    ),
    Fault(
        "padding-zeros",
        "the residual block pads with zeros instead of reflecting",
        planted_in("paddle", NETWORKS, {"ResnetBlock.__init__": [(
            """ReflectionPad(1),
            nn.Conv2D(channels, channels, 3, bias_attr=False),
            InstanceNorm(),
            nn.ReLU(),""",
            """nn.Pad2D(1),
            nn.Conv2D(channels, channels, 3, bias_attr=False),
            InstanceNorm(),
            nn.ReLU(),""",
        )]}),
    ),
    Fault(
        "upsampling-bilinear",
        "the generator doubles its features bilinearly instead of repeating the nearest",
        planted_in("paddle", NETWORKS, {"up_sampling": (
            "NearestDoubling()", 'nn.Upsample(scale_factor=2, mode="bilinear")',
        )}),
    ),
    Fault(
        "upsampling-alignment",
        "nearest neighbours are taken from the centres of the pixels instead of their corners",
        planted_in("torch", NETWORKS, {"up_sampling": (
            "NearestDoubling()", 'nn.Upsample(scale_factor=2, mode="nearest-exact")',
        )}),
        proof="At factor 2 output i takes input floor((i + 1/2) / 2) instead of floor(i / 2). Both are k for "
        "i = 2k and for i = 2k + 1. At other factors the two differ; this family has none.",
        groups=("networks", "gradients"),
    ),
    Fault(
        "slope-of-blocks",
        "the leaky ReLUs of the discriminator have the slope 0.01, the default of both frameworks",
        planted_in("paddle", NETWORKS, {"spectral_block": ("nn.LeakyReLU(0.2)", "nn.LeakyReLU(0.01)")}),
    ),
    Fault(
        "slope-behind-cam",
        "the same for the one behind the CAM of the discriminator",
        planted_in("paddle", NETWORKS, {JUDGE: ("F.leaky_relu(self.conv1x1(features), 0.2)",
                                                "F.leaky_relu(self.conv1x1(features), 0.01)")}),
    ),
    Fault(
        "cam-normalised-weight",
        "the features of the discriminator are scaled by the normalised CAM weights instead of the raw ones",
        planted_in("paddle", NETWORKS, {JUDGE: (
            "raw = self.gap_fc.matrix(), self.gmp_fc.matrix()",
            "raw = [w / w.norm() for w in (self.gap_fc.matrix(), self.gmp_fc.matrix())]",
        )}),
    ),
    Fault(
        "cam-weight-detached",
        "the CAM weights get no gradient from the features that they scale",
        planted_in("paddle", NETWORKS, {"weights": (
            "gap_fc.weight.T, gmp_fc.weight.T", "gap_fc.weight.T.detach(), gmp_fc.weight.T.detach()",
        )}),
    ),
    Fault(
        "cam-mean-and-maximum-swapped",
        "the logit of the maximum comes first",
        planted_in("torch", NETWORKS, {"class_activation": (
            "[gap_fc(average), gmp_fc(maximum)]", "[gmp_fc(maximum), gap_fc(average)]",
        )}),
    ),
    Fault(
        "maximum-splits-gradient",
        "the global maximum is `max` over two axes, whose gradient is divided among equal maxima",
        planted_in("paddle", NETWORKS, {"class_activation": (
            "F.adaptive_max_pool2d(x, 1).flatten(1)", "x.max(axis=(2, 3))",
        )}),
    ),
    Fault(
        "rho-clipped-in-forward",
        "rho is clipped in every forward pass instead of on the parameter after the update",
        planted_in("paddle", NETWORKS, {
            "AdaILN.forward": ("self.rho", "self.rho.clip(0.0, 1.0)"),
            "ILN.forward": ("self.rho", "self.rho.clip(0.0, 1.0)"),
        })
        + planted_in("paddle", "ugatit.step", {
            "Step.generator_update": ("module.rho.clip_(0.0, 1.0)", "pass"),
        }),
    ),
    Fault(
        "rho-clipped-in-forward-too",
        "rho is clipped in every forward pass as well as on the parameter",
        planted_in("paddle", NETWORKS, {
            "AdaILN.forward": ("self.rho", "self.rho.clip(0.0, 1.0)"),
            "ILN.forward": ("self.rho", "self.rho.clip(0.0, 1.0)"),
        }),
        proof="The clamp after the update keeps rho in [0, 1], so that the clip returns its input; its "
        "gradient is 1 at both bounds as well (Paddle 2.6 gave 0 there, which would hold rho at its bound).",
        groups=("gradients", "optimizers"),
    ),
)  # fmt: skip
