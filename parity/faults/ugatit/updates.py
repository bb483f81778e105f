"""Faults in the optimizers, in learning rates, and in what a checkpoint hands over."""

from __future__ import annotations

from parity.faults.fault import Fault, planted_in

OPTIM = "optim"
MAKE = "Adam.__init__"

FAULTS = (
    Fault(
        "nothing-learns",
        "the optimizer holds no parameters: the list was a generator that had been used up",
        planted_in("torch", OPTIM, {"Adam.step": ("self.optimizer.step()", "pass")}),
    ),
    Fault(
        "network-forgotten",
        "the parameters of the first network of each optimizer are not updated",
        planted_in("torch", OPTIM, {MAKE: (
            "self.parameters, lr=0.0",
            "[e.tensor for n, e in self.entries.items() if not n.startswith(spec.networks[0])], lr=0.0",
        )}),
    ),
    Fault(
        "decay-decoupled",
        "AdamW: the weight decay acts on the weight, not on the gradient",
        planted_in("paddle", OPTIM, {MAKE: ("paddle.optimizer.Adam(", "paddle.optimizer.AdamW(")}),
    ),
    Fault(
        "decay-missing",
        "no weight decay",
        planted_in("paddle", OPTIM, {MAKE: ("weight_decay=spec.weight_decay", "weight_decay=0.0")}),
    ),
    Fault(
        "decay-spares-rho-and-biases",
        "weight decay on weights only",
        planted_in("torch", OPTIM, {MAKE: (
            "self.parameters, lr=0.0",
            """[
                {"params": [e.tensor for n, e in self.entries.items() if "weight" in n]},
                {"params": [e.tensor for n, e in self.entries.items() if "weight" not in n],
                 "weight_decay": 0.0},
            ], lr=0.0""",
        )}),
    ),
    Fault(
        "beta1",
        "beta1 is 0.9, the default of both frameworks, instead of 0.5",
        planted_in("paddle", OPTIM, {MAKE: ("beta1=spec.betas[0]", "beta1=0.9")}),
    ),
    Fault(
        "amsgrad",
        "the largest second moment so far is used, which begins to differ when one has fallen",
        planted_in("paddle", OPTIM, {MAKE: ("epsilon=spec.eps", "amsgrad=True, epsilon=spec.eps")}),
    ),
    Fault(
        "eps-in-bias-correction",
        "eps is added to the root of the second moment before its bias is corrected",
        planted_in("torch", OPTIM, {"Adam.step": (
            "self.optimizer.step()",
            """step = 1 + max(int(slots["step"]) for slots in self.optimizer.state.values())
        for group in self.optimizer.param_groups:
            group["eps"] = 1e-8 / (1 - group["betas"][1] ** step) ** 0.5
        self.optimizer.step()""",
        )}),
    ),
    Fault(
        "rate-of-one-optimizer",
        "the learning rate of the second optimizer is never changed",
        planted_in("paddle", "step", {"Step.run": (
            "optimizer.set_learning_rate(learning_rates[name])",
            'optimizer.set_learning_rate(learning_rates[name] if name == "discriminator" else 1e-4)',
        )}),
    ),
    Fault(
        "rates-shared",
        "both optimizers get the learning rate of the first",
        planted_in("paddle", "step", {"Step.run": (
            "optimizer.set_learning_rate(learning_rates[name])",
            'optimizer.set_learning_rate(learning_rates["discriminator"])',
        )}),
    ),
    Fault(
        "rate-one-iteration-late",
        "a learning rate acts one iteration after the one it is meant for",
        planted_in("torch", OPTIM, {"Adam.set_learning_rate": (
            'group["lr"] = rate',
            'group["lr"], group["next"] = group.get("next", rate), rate',
        )}),
    ),
    Fault(
        "decay-of-rate-begins-late",
        "the learning rate falls for the first time one iteration too late; both implementations use it",
        planted_in("neutral", "families.ugatit.schedule", {"learning_rate": (
            "iteration <= half", "iteration <= half + 1",
        )}),
        groups=("optimizers", "golden"),
    ),
    Fault(
        "zero-gradients",
        "clearing sets gradients to zero instead of dropping them, as Paddle does by default",
        planted_in("paddle", OPTIM, {"Adam.clear_gradients": ("set_to_zero=False", "set_to_zero=True")}),
        proof="Between clearing and update there is always a backward pass that reaches every parameter of "
        "the optimizer, and adding to zero is exact; networks that stand still (`only`) are in an optimizer "
        "that is not run. Where an update has no such pass, `frozen-networks-drift` shows what it does.",
        groups=("optimizers", "steps"),
    ),
    Fault(
        "frozen-networks-drift",
        "with `only=g`, the discriminators are updated with gradients of zero: weight decay moves them",
        planted_in("paddle", "ugatit.step", {"Step.generator_update": (
            'self.optimizers["generator"].step()',
            """self.optimizers["generator"].step()
        if self.config.only == "g":
            for parameter in self.discriminators():
                parameter.grad = paddle.zeros_like(parameter)
            self.optimizers["discriminator"].step()""",
        )}),
        case="light-only-g",
    ),
    Fault(
        "first-moments-lost",
        "loading a checkpoint leaves the first moments of Adam as they were",
        planted_in("paddle", OPTIM, {"Adam.load": (
            'self._slot("moment1", entry).set_value(moment1)', "pass",
        )}),
    ),
    Fault(
        "moments-swapped",
        "loading a checkpoint exchanges the two moments",
        planted_in("torch", OPTIM, {"Adam.load": [
            ('state[f"{name}.moment1"]', 'state[f"{name}.first"]'),
            ('state[f"{name}.moment2"]', 'state[f"{name}.moment1"]'),
            ('state[f"{name}.first"]', 'state[f"{name}.moment2"]'),
        ]}),
    ),
    Fault(
        "step-lost",
        "loading a checkpoint begins to count the updates anew",
        planted_in("torch", OPTIM, {"Adam.load": ('int(state[f"{name}.step"])', "0")}),
    ),
    Fault(
        "powers-of-beta-lost",
        "loading a checkpoint sets the step, but not the powers of beta from which Paddle corrects the bias",
        planted_in("paddle", OPTIM, {"Adam.load": (
            "beta_power(beta, step, kind)", "beta_power(beta, 0, kind)",
        )}),
    ),
    Fault(
        "slots-not-saved",
        "a checkpoint holds the networks only",
        planted_in("neutral", "checkpoint", {"Checkpoint.state": (
            "_read_tensors(self.folder / MODEL) | _read_tensors(self.folder / TRAINING)",
            "_read_tensors(self.folder / MODEL)",
        )}),
    ),
)  # fmt: skip
