"""Losses of U-GAT-IT under their official names. GA, LA, GB, LB: global or local discriminator of A or B."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from neutral.families.ugatit.config import Config
from torch_impl.losses import cross_entropy_with, mean_absolute, squared_distance_to

Judged = Mapping[str, tuple[torch.Tensor, torch.Tensor]]
"""(logits, CAM logits) by discriminator: GA, LA, GB, LB."""


def discriminator_losses(config: Config, real: Judged, fake: Judged) -> dict[str, torch.Tensor]:
    """Least squares: real to 1, fake to 0, on the logits and on the CAM logits of every discriminator."""
    losses = {}
    for name in real:
        pairs = zip(("D_ad_loss", "D_ad_cam_loss"), real[name], fake[name], strict=True)
        for kind, real_logit, fake_logit in pairs:
            losses[f"{kind}_{name}"] = squared_distance_to(1.0, real_logit) + squared_distance_to(
                0.0, fake_logit
            )
    for domain in ("A", "B"):
        losses[f"D_loss_{domain}"] = config.adv_weight * adversarial("D", domain, losses)
    losses["Discriminator_loss"] = losses["D_loss_A"] + losses["D_loss_B"]
    return losses


def generator_losses(
    config: Config,
    images: Mapping[str, torch.Tensor],
    cam_logits: Mapping[str, torch.Tensor],
    fake: Judged,
) -> dict[str, torch.Tensor]:
    """Adversarial, cycle, identity and CAM losses.

    images: real_A, real_B, fake_A2B2A, fake_B2A2B, fake_A2A, fake_B2B, each (N,C,S,S).
    cam_logits: of the passes that made fake_B2A, fake_A2A (genB2A) and fake_A2B, fake_B2B (genA2B).
    """
    losses = {}
    for name, (logit, cam_logit) in fake.items():
        losses[f"G_ad_loss_{name}"] = squared_distance_to(1.0, logit)
        losses[f"G_ad_cam_loss_{name}"] = squared_distance_to(1.0, cam_logit)
    for domain, other in (("A", "B"), ("B", "A")):
        real = images[f"real_{domain}"]
        losses[f"G_recon_loss_{domain}"] = mean_absolute(images[f"fake_{domain}2{other}2{domain}"], real)
        losses[f"G_identity_loss_{domain}"] = mean_absolute(images[f"fake_{domain}2{domain}"], real)
        translated = cross_entropy_with(1.0, cam_logits[f"fake_{other}2{domain}"])
        kept = cross_entropy_with(0.0, cam_logits[f"fake_{domain}2{domain}"])
        losses[f"G_cam_loss_{domain}"] = translated + kept
    for domain in ("A", "B"):
        losses[f"G_loss_{domain}"] = (
            config.adv_weight * adversarial("G", domain, losses)
            + config.cycle_weight * losses[f"G_recon_loss_{domain}"]
            + config.identity_weight * losses[f"G_identity_loss_{domain}"]
            + config.cam_weight * losses[f"G_cam_loss_{domain}"]
        )
    losses["Generator_loss"] = losses["G_loss_A"] + losses["G_loss_B"]
    return losses


def adversarial(side: str, domain: str, losses: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Sum of the four adversarial terms of one domain; `side` is D or G."""
    return (
        losses[f"{side}_ad_loss_G{domain}"]
        + losses[f"{side}_ad_cam_loss_G{domain}"]
        + losses[f"{side}_ad_loss_L{domain}"]
        + losses[f"{side}_ad_cam_loss_L{domain}"]
    )
