"""One training iteration of U-GAT-IT.

The published order: the discriminators move first, on images that the generators make; then the generators
make all their images anew and move, judged by the updated discriminators; then `rho` is clamped.

The fast path (`fast_step`) gives the same numbers with less work: the generators have not moved between the
two halves, so fake_A2B and fake_B2A are made once and kept, cut off for the discriminators; and while the
generators learn, no weight gradients are computed for the discriminators, which the next iteration would
throw away. Every discriminator still runs three times, because each run moves its spectral norm.
"""

from __future__ import annotations

import torch

from torch_impl.step import Step as BaseStep
from torch_impl.step import trainable
from torch_impl.ugatit.losses import Judged, discriminator_losses, generator_losses
from torch_impl.ugatit.networks import ILN, AdaILN


class Step(BaseStep):
    """Phases: forward, discriminator_loss, discriminator_update, generator_loss, generator_update."""

    @property
    def phases(self) -> tuple[str, ...]:
        """All five phases; `only` leaves out one side."""
        discriminator = ("discriminator_loss", "discriminator_update")
        generator = ("generator_loss", "generator_update")
        sides = {"": discriminator + generator, "d": discriminator, "g": generator}
        return ("forward", *sides[self.config.only])

    def forward(self) -> None:
        """fake_A2B and fake_B2A."""
        self.optimizers["discriminator"].clear_gradients()
        self.translate("fake_A2B", "genA2B", "real_A")
        self.translate("fake_B2A", "genB2A", "real_B")

    def discriminator_loss(self) -> None:
        """Losses and gradients of the discriminators: real images first, then fake ones (u and v move)."""
        real = self.judge(self.batch["real_A"], self.batch["real_B"])
        fake_A, fake_B = self.images["fake_B2A"], self.images["fake_A2B"]
        if self.config.fast_step:
            fake_A, fake_B = fake_A.detach(), fake_B.detach()
        losses = discriminator_losses(self.config, real, self.judge(fake_A, fake_B))
        losses["Discriminator_loss"].backward()
        self.record(losses)

    def discriminator_update(self) -> None:
        """Adam step of the four discriminators."""
        self.optimizers["discriminator"].step()

    def generator_loss(self) -> None:
        """Losses and gradients of the generators, judged by the discriminators as they are now."""
        self.optimizers["generator"].clear_gradients()
        if not self.config.fast_step:
            self.translate("fake_A2B", "genA2B", "real_A")
            self.translate("fake_B2A", "genB2A", "real_B")
        self.translate("fake_A2B2A", "genB2A", "fake_A2B")
        self.translate("fake_B2A2B", "genA2B", "fake_B2A")
        self.translate("fake_A2A", "genB2A", "real_A")
        self.translate("fake_B2B", "genA2B", "real_B")
        with trainable(self.discriminators(), not self.config.fast_step):
            fake = self.judge(self.images["fake_B2A"], self.images["fake_A2B"])
            losses = generator_losses(self.config, self.images, self.cam_logits, fake)
            losses["Generator_loss"].backward()
        self.record(losses)

    def generator_update(self) -> None:
        """Adam step of the generators, then every `rho` is clamped to [0,1], its moments untouched."""
        self.optimizers["generator"].step()
        with torch.no_grad():
            for name in ("genA2B", "genB2A"):
                for module in self.modules[name].modules():
                    if isinstance(module, (AdaILN, ILN)):
                        module.rho.clamp_(0.0, 1.0)

    def translate(self, name: str, network: str, source: str) -> None:
        """Keep the translation of image `source` by `network`, and its CAM logits, as `name`."""
        image, cam_logit, _ = self.modules[network](self.images[source])
        self.images[name], self.cam_logits[name] = image, cam_logit

    def judge(self, image_A: torch.Tensor, image_B: torch.Tensor) -> Judged:
        """Logits and CAM logits of the discriminators of A on `image_A`, of B on `image_B`."""
        images = {"GA": image_A, "LA": image_A, "GB": image_B, "LB": image_B}
        return {name: self.modules[f"dis{name}"](image)[:2] for name, image in images.items()}

    def discriminators(self) -> list[torch.Tensor]:
        """Parameters of the four discriminators."""
        return self.optimizers["discriminator"].parameters
