"""A family and a backend in plain numpy, so that loop and command line are tested without a framework.

Run as a script, it is the `parity` command with the family `toy` and the backend `numpy`.
"""

# ruff: noqa: ARG001, ARG002  (the interfaces of families and backends)

import sys
import time
from types import ModuleType

import numpy as np
from pydantic import Field

from neutral import registry
from neutral.config import FamilyConfig
from neutral.errors import EnvironmentFault
from neutral.family import ExportSpec, Family, OptimizerSpec
from neutral.images import read_image
from neutral.randomness import generator
from neutral.state import require_names
from neutral.training.hooks import Hooks


class ToyConfig(FamilyConfig):
    size: int = Field(3, ge=1, description="side of the weight")
    lr: float = Field(0.1, description="learning rate")
    light: bool = Field(False, description="a switch")
    delay: float = Field(0.0, description="seconds per iteration")
    explode_at: int = Field(0, description="iteration whose loss is not finite")
    spoil_at: int = Field(0, description="iteration whose update is not finite")
    no_preview: bool = Field(False, description="no sample pictures")
    iteration: int = Field(20, ge=2)
    print_freq: int = Field(10, ge=1)
    save_freq: int = Field(10, ge=1)
    latest_freq: int = Field(4, ge=1)
    log_freq: int = Field(1, ge=1)


class Network:
    def __init__(self, size):
        self.values = {"weight": np.full((size, size), np.nan), "weight_u": np.full(size, np.nan)}

    def state(self):
        return {name: array.copy() for name, array in self.values.items()}

    def load(self, state):
        require_names(state, self.values, "toy network")
        self.values = {name: np.array(array) for name, array in state.items()}

    def parameter_names(self):
        return ("weight",)

    def forward(self, inputs, *, train=False):
        return {"out": inputs["input"] @ self.values["weight"]}


class Step:
    """Gradient descent with momentum; `weight_u` changes in every iteration, without a gradient."""

    phases = ("update",)

    def __init__(self, config):
        self.config = config
        self.networks = {"gen": Network(config.size)}
        self.moment, self.count = np.zeros((config.size, config.size)), 0

    def run(self, batch, learning_rates, observe=None):
        values = self.networks["gen"].values
        values["weight_u"] = np.cos(values["weight_u"] + batch["real"].sum())
        error = batch["real"] @ values["weight"] - np.roll(batch["real"], 1, axis=1)
        self.count += 1
        self.loss = float("nan") if self.count == self.config.explode_at else float(np.mean(error**2))
        self.moment = 0.9 * self.moment + batch["real"].T @ error / error.size
        values["weight"] = values["weight"] - learning_rates["G"] * self.moment
        if self.count == self.config.spoil_at:
            values["weight"][0, 0] = np.inf
        time.sleep(self.config.delay)

    def losses(self):
        return {"Generator_loss": self.loss, "other": 1.0}

    def state(self):
        slots = {"moment1": self.moment.copy(), "step": np.array(self.count)}
        network = {f"gen.{name}": array for name, array in self.networks["gen"].state().items()}
        return network | {f"optimizer.G.gen.weight.{slot}": array for slot, array in slots.items()}

    def load(self, state):
        gen = {name.removeprefix("gen."): array for name, array in state.items() if name.startswith("gen.")}
        self.networks["gen"].load(gen)
        if "optimizer.G.gen.weight.step" in state:
            self.moment = np.array(state["optimizer.G.gen.weight.moment1"])
            self.count = int(state["optimizer.G.gen.weight.step"])


class Backend:
    name = "numpy"
    threads = 0

    def versions(self):
        return {"numpy": np.__version__, "told to use": f"{self.threads} threads"}

    def check_device(self, device):
        if device != "cpu":
            raise EnvironmentFault(f"device {device}: numpy has the cpu only")

    def use_threads(self, count):
        self.threads = count

    def network(self, family, name, config, *, dtype="float32", device="cpu"):
        return Network(config.size)

    def step(self, family, config, *, dtype="float32", device="cpu"):
        return Step(config)


class Data:
    def __init__(self, config):
        self.config = config

    def batch(self, iteration):
        rng = generator(self.config.seed, "toy", iteration)
        return {"real": rng.standard_normal((4, self.config.size))}


def picture(networks):
    """Grey, as bright as the first weight."""
    value = networks["gen"].values["weight"][0, 0]
    return np.full((8, 8, 3), int(abs(value) * 100) % 256, np.uint8)


def previews(data, iteration, networks):
    return [] if data.config.no_preview else [(f"A2B_{iteration:07d}", picture(networks))]


HOOKS = Hooks(
    rates={"g_lr": "G"},
    headline={"g_loss": "Generator_loss", "absent": "Discriminator_loss"},
    banner=lambda config: {"light": config.light},
    architecture=lambda config: {"size": config.size},
    data=Data,
    describe=lambda _: "random numbers",
    previews=previews,
    test_networks=("gen",),
    test=lambda _, networks: [("A2B_1", picture(networks))],
    translate=lambda _config, _network, path: 255 - read_image(path),
)


def initial(config, network, shapes, seed):
    return {key: generator(seed, network, key).standard_normal(shape) for key, shape in shapes.items()}


FAMILY = Family(
    name="toy",
    title="Toy",
    paper="none",
    original="none",
    config=ToyConfig,
    networks=lambda _: ("gen",),
    optimizers=lambda _: {"G": OptimizerSpec(("gen",), (0.9, 0.999))},
    learning_rates=lambda config, iteration: {"G": config.lr / iteration},
    initial=initial,
    exercise=lambda state, _: dict(state),
    inputs=lambda *_: {},
    batch=lambda *_: {},
    cases=(),
    exports=lambda _: {"A2B": ExportSpec("gen", {}, (), {})},
    extras={"training": "toy_hooks"},
)


def install():
    """Make `toy` and `numpy` known to the registry."""
    for name, attribute, value in (
        ("neutral.families.toy", "FAMILY", FAMILY),
        ("toy_hooks", "HOOKS", HOOKS),
        ("toy_impl.backend", "BACKEND", Backend()),
    ):
        sys.modules[name] = ModuleType(name)
        setattr(sys.modules[name], attribute, value)
    registry.FAMILIES = ("ugatit", "toy")
    registry.BACKENDS = {"torch": "torch_impl", "paddle": "paddle_impl", "numpy": "toy_impl"}


if __name__ == "__main__":
    from parity.cli import main

    install()
    main()
