"""Faults in the losses."""

from __future__ import annotations

from parity.faults.fault import Fault, planted_in

LOSSES = "ugatit.losses"
JUDGED = "discriminator_losses"
MADE = "generator_losses"

FAULTS = (
    Fault(
        "cross-entropy-sum",
        "the cross-entropy of the CAM logits is summed instead of averaged",
        planted_in("paddle", "losses", {"cross_entropy_with": (
            "paddle.full_like(logit, target)", 'paddle.full_like(logit, target), reduction="sum"',
        )}),
    ),
    Fault(
        "cross-entropy-of-probability",
        "the sigmoid is taken twice",
        planted_in("torch", "losses", {"cross_entropy_with": (
            "cross_entropy_with_logits(logit,", "cross_entropy_with_logits(torch.sigmoid(logit),",
        )}),
    ),
    Fault(
        "adversarial-cross-entropy",
        "cross-entropy instead of least squares for the adversarial losses",
        planted_in("paddle", "losses", {"squared_distance_to": (
            "F.mse_loss(", "F.binary_cross_entropy_with_logits(",
        )}),
    ),
    Fault(
        "squares-halved",
        "half the squared distance",
        planted_in("paddle", "losses", {"squared_distance_to": ("return F", "return 0.5 * F")}),
    ),
    Fault(
        "discriminator-loss-halved",
        "the sum of the losses of real and fake images is halved, as in CycleGAN",
        planted_in("paddle", LOSSES, {JUDGED: (
            'losses["D_loss_A"] + losses["D_loss_B"]', '0.5 * (losses["D_loss_A"] + losses["D_loss_B"])',
        )}),
    ),
    Fault(
        "targets-swapped",
        "real images to 0 and fake ones to 1",
        planted_in("paddle", LOSSES, {JUDGED: [
            ("squared_distance_to(1.0, real_logit)", "squared_distance_to(0.0, real_logit)"),
            ("0.0, fake_logit", "1.0, fake_logit"),
        ]}),
    ),
    Fault(
        "cam-losses-swapped",
        "the CAM loss of A takes the logits of genA2B instead of genB2A, and B the other way round",
        planted_in("paddle", LOSSES, {MADE: [
            ('cam_logits[f"fake_{other}2{domain}"]', 'cam_logits[f"fake_{domain}2{other}"]'),
            ('cam_logits[f"fake_{domain}2{domain}"]', 'cam_logits[f"fake_{other}2{other}"]'),
        ]}),
    ),
    Fault(
        "cam-losses-swapped-in-both",
        "the same mistake in both implementations: they agree with each other, not with the original",
        planted_in("torch paddle", LOSSES, {MADE: [
            ('cam_logits[f"fake_{other}2{domain}"]', 'cam_logits[f"fake_{domain}2{other}"]'),
            ('cam_logits[f"fake_{domain}2{domain}"]', 'cam_logits[f"fake_{other}2{other}"]'),
        ]}),
        groups=("losses", "golden"),
    ),
    Fault(
        "cycle-domains-swapped",
        "the cycle loss of A compares with the image of B",
        planted_in("paddle", LOSSES, {MADE: (
            'mean_absolute(images[f"fake_{domain}2{other}2{domain}"], real)',
            'mean_absolute(images[f"fake_{domain}2{other}2{domain}"], images[f"real_{other}"])',
        )}),
    ),
    Fault(
        "weights-swapped",
        "the weights of cycle and identity losses are exchanged; their defaults are equal",
        planted_in("paddle", LOSSES, {MADE: [
            ("config.cycle_weight", "config.former"), ("config.identity_weight", "config.cycle_weight"),
            ("config.former", "config.identity_weight"),
        ]}),
    ),
    Fault(
        "local-discriminator-forgotten",
        "the CAM logits of the local discriminators have no part in the loss",
        planted_in("paddle", LOSSES, {"adversarial": (
            """
        + losses[f"{side}_ad_cam_loss_L{domain}"]""", "",
        )}),
    ),
)  # fmt: skip
