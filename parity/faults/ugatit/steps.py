"""Faults in the order of a training step, and in what it carries from one iteration to the next."""

from __future__ import annotations

from parity.faults.fault import Fault, planted_in

STEP = "ugatit.step"
JUDGING = "Step.discriminator_loss"
MAKING = "Step.generator_loss"
JUDGED = """losses = discriminator_losses(self.config, real, self.judge(fake_A, fake_B))"""

FAULTS = (
    Fault(
        "real-and-fake-concatenated",
        "real and fake images go through the discriminators in one batch: one power iteration instead of two",
        planted_in("paddle", STEP, {JUDGING: (
            JUDGED,
            """both = self.judge(*(
            paddle.concat(pair)
            for pair in ((self.batch["real_A"], fake_A), (self.batch["real_B"], fake_B))
        ))
        count = fake_A.shape[0]
        real = {name: [out[:count] for out in outs] for name, outs in both.items()}
        fake = {name: [out[count:] for out in outs] for name, outs in both.items()}
        losses = discriminator_losses(self.config, real, fake)""",
        )}),
    ),
    Fault(
        "fake-before-real",
        "the discriminators see the fake images first",
        planted_in("paddle", STEP, {JUDGING: [
            ('real = self.judge(self.batch["real_A"], self.batch["real_B"])', ""),
            (JUDGED, """fake = self.judge(fake_A, fake_B)
        real = self.judge(self.batch["real_A"], self.batch["real_B"])
        losses = discriminator_losses(self.config, real, fake)"""),
        ]}),
    ),
    Fault(
        "extra-discriminator-pass",
        "one more forward pass of the discriminators, for a picture or a log",
        planted_in("paddle", STEP, {"Step.discriminator_update": (
            'self.optimizers["discriminator"].step()',
            """self.optimizers["discriminator"].step()
        self.judge(self.batch["real_A"], self.batch["real_B"])""",
        )}),
    ),
    Fault(
        "discriminators-move-late",
        "the generators are judged by the discriminators as they were before their update",
        planted_in("paddle", STEP, {
            "Step.discriminator_update": ('self.optimizers["discriminator"].step()', "pass"),
            "Step.generator_update": (
                'self.optimizers["generator"].step()',
                """self.optimizers["generator"].step()
        self.optimizers["discriminator"].step()""",
            ),
        }),
    ),
    Fault(
        "identity-by-the-wrong-generator",
        "fake_A2A is made by genA2B, fake_B2B by genB2A",
        planted_in("paddle", STEP, {MAKING: [
            ('"fake_A2A", "genB2A"', '"fake_A2A", "genA2B"'),
            ('"fake_B2B", "genA2B"', '"fake_B2B", "genB2A"'),
        ]}),
    ),
    Fault(
        "fakes-detached-for-generators",
        "the images cut off for the discriminators are used for the generators too, which get no adversarial "
        "gradient",
        planted_in("paddle", STEP, {MAKING: (
            'self.judge(self.images["fake_B2A"], self.images["fake_A2B"])',
            'self.judge(self.images["fake_B2A"].detach(), self.images["fake_A2B"].detach())',
        )}),
    ),
    Fault(
        "fakes-not-detached",
        "the fast path does not cut off the images that it keeps: the backward pass of the discriminators "
        "runs through the generators and frees their graph",
        planted_in("paddle", STEP, {JUDGING: ("fake_A.detach(), fake_B.detach()", "fake_A, fake_B")}),
    ),
    Fault(
        "fakes-of-the-last-iteration",
        "the discriminators see the images that the generators made one iteration ago",
        planted_in("paddle", STEP, {JUDGING: (
            'fake_A, fake_B = self.images["fake_B2A"], self.images["fake_A2B"]',
            """current = self.images["fake_B2A"], self.images["fake_A2B"]
        fake_A, fake_B = getattr(self, "kept", current)
        self.kept = [image.detach() for image in current]""",
        )}),
    ),
    Fault(
        "discriminators-not-frozen",
        "the fast path computes weight gradients of the discriminators while the generators learn",
        planted_in("paddle", STEP, {MAKING: ("not self.config.fast_step):", "True):")}),
        proof="The next iteration drops all gradients of the discriminators before it computes new ones, and "
        "their optimizer does not move in between. It costs time and memory, as in the published order.",
        groups=("optimizers", "steps"),
    ),
    Fault(
        "generator-gradients-not-cleared",
        "the gradients of the generators pile up from iteration to iteration",
        planted_in("paddle", STEP, {MAKING: ('self.optimizers["generator"].clear_gradients()', "pass")}),
    ),
    Fault(
        "discriminator-gradients-not-cleared",
        "the gradients of the discriminators pile up from iteration to iteration",
        planted_in("torch", STEP, {"Step.forward": (
            'self.optimizers["discriminator"].clear_gradients()', "pass",
        )}),
    ),
    Fault(
        "rho-not-clipped",
        "rho is not clamped after the update",
        planted_in("paddle", STEP, {"Step.generator_update": ("module.rho.clip_(0.0, 1.0)", "pass")}),
    ),
    Fault(
        "rho-clipped-before-update",
        "rho is clamped before the update instead of after it",
        planted_in("paddle", STEP, {"Step.generator_update": (
            'self.optimizers["generator"].step()',
            """with paddle.no_grad():
            for name in ("genA2B", "genB2A"):
                for module in self.modules[name].sublayers():
                    if isinstance(module, (AdaILN, ILN)):
                        module.rho.clip_(0.0, 1.0)
        self.optimizers["generator"].step()
        return""",
        )}),
    ),
    Fault(
        "rho-of-iln-not-clipped",
        "only the rho of AdaILN is clamped",
        planted_in("torch", STEP, {"Step.generator_update": ("(AdaILN, ILN)", "AdaILN")}),
    ),
    Fault(
        "rho-of-one-generator-clipped",
        "only the rho of genA2B is clamped",
        planted_in("paddle", STEP, {"Step.generator_update": ('("genA2B", "genB2A")', '("genA2B",)')}),
    ),
)  # fmt: skip
