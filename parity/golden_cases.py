"""How each type of golden case is replayed."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from neutral.backend import Network, TrainStep
from neutral.registry import family as find_family
from neutral.state import Array, State, prefixed
from parity import recipe
from parity.golden import Replay, relative
from parity.golden_bounds import FORWARD

DTYPE = "float64"


def forward_and_gradient(replay: Replay) -> None:
    """Outputs in eval and train mode, gradients of inputs and parameters, buffers after one train forward."""
    entry, case = replay.case.entry, replay.case
    net = str(entry["net"])
    config, name = replay.adapter.network(entry["arch"], entry["config"], entry["inputs"])
    network = replay.backend.network(replay.family, name, config, dtype=DTYPE)
    network.load(replay.fill(net, network.state()))
    inputs = {
        key: recipe.image_pm1(case.name, f"input/{key}", tuple(s)) for key, s in entry["inputs"].items()
    }
    arrays = named_outputs("eval0/out", network.forward(inputs))
    probes = {
        key: recipe.normal(case.name, f"probe/out/{key}", value.shape)
        for key, value in network.forward(inputs).items()
    }
    result = network.gradients(inputs, probes)
    arrays |= named_outputs("train/out", result.outputs)
    after = network.state()
    arrays |= {f"state_after_train/{key}": after[key] for key in buffers(network)}
    arrays |= named_outputs("eval/out", network.forward(inputs))
    arrays |= {f"grad/input/{key}": value for key, value in result.inputs.items()}
    arrays |= {f"grad/{net}/{key}": value for key, value in result.parameters.items()}
    stored = case.json()
    replay.worst.add(
        "loss", relative(abs(result.loss - stored["loss"]), abs(stored["loss"])), FORWARD, "loss"
    )
    replay.worst.names(
        "gradients of all parameters",
        [key for key in arrays if key.startswith(f"grad/{net}/")],
        [key for key in stored["grad_stats"] if key.startswith(f"grad/{net}/")],
    )
    for suffix in (".forward.npz", ".grad.npz"):
        for key, expected in case.arrays(suffix).items():
            sampled(replay, key, arrays, expected)
    for key, row in (stored["forward_stats"] | stored["grad_stats"]).items():
        actual = recipe.statistics(case.name, key, arrays[key])
        replay.worst.rows(f"{quantity(key)} statistics", actual, row, FORWARD, key)


def sampled(replay: Replay, key: str, arrays: Mapping[str, Array], expected: Array) -> None:
    """Compare with a stored array, or with every n-th value of one too large to keep (`KEY@sample<n>`)."""
    name, _, step = key.partition("@sample")
    actual = arrays.get(name)
    if actual is not None and step:
        actual = actual.ravel()[:: int(step)]
    replay.worst.arrays(quantity(name), actual, expected, FORWARD, name)


def quantity(key: str) -> str:
    """Name of the quantity that an array belongs to."""
    kinds = {
        "grad/": "gradients",
        "state_after_train/": "buffers after one forward",
        "eval0/": "eval forward",
    }
    kinds |= {"eval/": "eval forward", "train/": "train forward"}
    return next(kind for start, kind in kinds.items() if key.startswith(start))


def named_outputs(prefix: str, outputs: Mapping[str, Array]) -> dict[str, Array]:
    """Outputs under `<prefix>/<name>`."""
    return {f"{prefix}/{name}": array for name, array in outputs.items()}


def buffers(network: Network) -> list[str]:
    """Names of the buffers of a network."""
    trainable = set(network.parameter_names())
    return [key for key in network.state() if key not in trainable]


def trajectory(replay: Replay) -> None:
    """Twelve iterations of the training step: rates, losses, parameters, state, and a forward pass after."""
    family, case, worst = find_family(replay.family), replay.case, replay.worst
    config = replay.adapter.trajectory(case.entry["config"])
    stored = case.json()
    step = replay.backend.step(replay.family, config, dtype=DTYPE)
    state: State = {}
    for name, network in step.networks.items():
        state |= prefixed(replay.fill(name, network.state()), name)
    step.load(replay.adapter.start(case.entry["config"], state))
    for row in stored["iterations"]:
        iteration = int(row["it"])
        shapes = {name: array.shape for name, array in family.batch(config, 0, iteration).items()}
        batch = {
            name: recipe.image_pm1(case.name, f"input/{name}/{iteration}", s) for name, s in shapes.items()
        }
        rates = family.learning_rates(config, iteration)
        step.run(batch, rates)
        if replay.bounds.judged(iteration):
            compare_iteration(replay, step, row, rates, iteration)
        if iteration == 3:
            compare_early_state(replay, step, stored["after_it3 [l2, probe]"])
    if not replay.bounds.chaotic:
        last = len(stored["iterations"])
        actual = step.state()
        worst.names("final names", [n for n in actual if not n.startswith("optimizer.")],
                    [key.replace("/", ".", 1) for key in stored["final"]])  # fmt: skip
        for key, row in stored["final"].items():
            rows = recipe.statistics(case.name, key, actual[key.replace("/", ".", 1)])
            kind = "final u and v" if key.endswith(("weight_u", "weight_v")) else "final parameters"
            worst.rows(kind, rows, row, replay.bounds.state(last), key)
        compare_evaluation(replay, step, stored["eval_after"], shapes, replay.bounds.state(last))


def compare_iteration(
    replay: Replay, step: TrainStep, row: Mapping[str, Any], rates: Mapping[str, float], iteration: int
) -> None:
    """Learning rates, every loss, and the norm of every network's parameters after one iteration."""
    worst, where = replay.worst, f"iteration {iteration}"
    for key, optimizer in replay.adapter.RATES.items():
        worst.add("learning rates", abs(rates[optimizer] - row[key]), 1e-18, f"{where}: {key}")
    losses = step.losses()
    worst.names("loss names", losses, row["losses"])
    for name, expected in row["losses"].items():
        error = relative(abs(losses.get(name, math.nan) - expected), max(abs(expected), 1e-3))
        worst.add("losses", error, replay.bounds.loss(iteration), f"{where}: {name}")
    for name, expected in row["param_l2"].items():
        state, keys = step.networks[name].state(), step.networks[name].parameter_names()
        norm = math.sqrt(sum(float(np.sum(np.square(state[key], dtype=np.float64))) for key in keys))
        worst.add(
            "parameter norms",
            relative(abs(norm - expected), expected),
            replay.bounds.loss(iteration),
            f"{where}: {name}",
        )


def compare_early_state(replay: Replay, step: TrainStep, stored: Mapping[str, list[float]]) -> None:
    """[L2, probe] of every state entry after iteration 3."""
    actual, bound = step.state(), replay.bounds.state(3)
    for key, (norm, expected_probe) in stored.items():
        array = actual[key.replace("/", ".", 1)]
        value = float(np.sqrt(np.sum(array.astype(np.float64) ** 2)))
        found_probe = recipe.probe(replay.case.name, key, array)
        error = max(abs(value - norm), abs(found_probe - expected_probe))
        replay.worst.add("state after iteration 3", relative(error, norm), bound, key)


def compare_evaluation(
    replay: Replay,
    step: TrainStep,
    stored: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    bound: float,
) -> None:
    """Forward passes in eval mode after training."""
    shape = next(iter(shapes.values()))
    image = recipe.image_pm1(replay.case.name, "input/eval", shape)
    actual: dict[str, Array] = {}
    for name in replay.adapter.EVALUATED:
        outputs = step.networks[name].forward({"input": image})
        actual |= {f"{name}/{key}": array for key, array in outputs.items()}
    replay.worst.names("forward after training: names", actual, stored)
    for key, row in stored.items():
        rows = recipe.statistics(replay.case.name, f"eval/{key}", actual[key])
        replay.worst.rows("forward after training", rows, row, bound, key)


def operation(replay: Replay) -> None:
    """One layer: output and the gradients of its inputs and parameters."""
    case, arrays = replay.case, replay.case.arrays()
    kind, features, others = replay.adapter.operation(case.name, case.entry["config"])
    layer = replay.backend.layer(replay.family, kind, features, dtype=DTYPE)
    layer.load({key: arrays[key] for key in layer.state()})
    shape = arrays["out"].shape
    inputs = {"x": recipe.normal(case.name, "input/x", shape)}
    inputs |= {key: recipe.normal(case.name, f"input/{key}", arrays[f"g{key}"].shape) for key in others}
    result = layer.gradients(inputs, {"out": recipe.normal(case.name, "probe/out", shape)})
    replay.worst.arrays("forward", result.outputs["out"], arrays["out"], FORWARD, "out")
    found = result.inputs | result.parameters
    for key in [
        name[1:] for name in arrays if name.startswith("g") and name[1:] in {*inputs, *layer.state()}
    ]:
        replay.worst.arrays("gradients", found.get(key), arrays[f"g{key}"], FORWARD, key)


def manifest(replay: Replay) -> None:
    """Names, order, shapes and roles of every state entry, and the number of parameters."""
    for label, stored in replay.case.json().items():
        config, name = replay.adapter.manifest(label)
        network = replay.backend.network(replay.family, name, config)
        state, trainable = network.state(), network.parameter_names()
        actual = [
            (key, list(array.shape), str(array.dtype), "p" if key in trainable else "b")
            for key, array in state.items()
        ]
        rows = zip(actual, stored["entries"], strict=False)
        wrong = [row[0] for row, wanted in rows if list(row) != wanted[:4]]
        wrong += [] if len(actual) == len(stored["entries"]) else ["number of entries"]
        replay.worst.add(
            "entries, order, shapes", float(len(wrong)), 0.5, f"{label}: {', '.join(wrong) or 'all'}"
        )
        count = sum(math.prod(state[key].shape) for key in trainable)
        replay.worst.add("parameters", float(abs(count - stored["n_trainable"])), 0.5, label)
        del network, state
        gc.collect()  # the full model's generator has 1.1 GB


def functions(replay: Replay) -> None:
    """Functions beside the networks; the family knows what each case holds."""
    for name, actual, expected, bound in replay.adapter.functions(replay.case, replay.backend):
        replay.worst.arrays(name, np.asarray(actual), np.asarray(expected), bound, name)


REPLAYS: dict[str, Callable[[Replay], None]] = {
    "forward+gradient": forward_and_gradient,
    "trajectory": trajectory,
    "op": operation,
    "manifest": manifest,
    "function": functions,
    "checkpoint layout": functions,
}
