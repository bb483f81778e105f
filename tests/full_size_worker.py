"""One forward and backward pass of one network of the paper's size, in a process of its own.

    python full_size_worker.py BACKEND NETWORK DTYPE FOLDER

Reads the state from FOLDER/state.safetensors; where that is not there, writes it: initial values, made
non-trivial. Writes every output, gradient and buffer to FOLDER/<backend>-<dtype>/<name>.npy, and prints the
peak memory in bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from neutral import registry
from neutral.backend import Network
from neutral.formats import safetensors_file
from neutral.randomness import generator
from neutral.state import State, prefixed

FAMILY = registry.family("ugatit")
CONFIG = FAMILY.config()
"""The defaults are the paper's: full model, 256x256 pixels, 64 base channels, four blocks."""


def main(backend: str, name: str, dtype: str, folder: Path) -> None:
    side = registry.backend(backend)
    side.use_threads(2)
    network = side.network(FAMILY.name, name, CONFIG, dtype=dtype)
    file = folder / "state.safetensors"
    if not file.exists():
        network.load(first_state(name, network))
        safetensors_file.write(file, network.state(), {})
    network.load(safetensors_file.read(file)[0])
    target = folder / f"{backend}-{dtype}"
    target.mkdir()
    save(passes(name, network), target)
    save(buffers(network), target)
    print(peak())


def peak() -> int:
    """Largest resident memory of this process in bytes; `getrusage` would count the parent's as well."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def first_state(name: str, network: Network) -> State:
    """As `parity.lockstep.Subject.network_state`, but float32 and one tensor after the other."""
    shapes = {key: array.shape for key, array in network.state().items()}
    state = FAMILY.initial(CONFIG, name, shapes, 0)
    for key in state:
        state[key] = FAMILY.exercise({key: state[key]}, 0)[key].astype(np.float32)
    return state


def passes(name: str, network: Network) -> State:
    """Outputs and gradients of one pass in train mode."""
    inputs = FAMILY.inputs(CONFIG, name, 1, 0)
    shapes = {key: array.shape for key, array in network.forward(inputs).items()}
    probes = {key: generator(0, "probe", key).standard_normal(shape) for key, shape in shapes.items()}
    found = network.gradients(inputs, probes)
    assert set(found.parameters) == set(network.parameter_names())
    gradients = prefixed(found.parameters, "gradients") | prefixed(found.inputs, "gradients")
    return prefixed(found.outputs, "values") | gradients


def buffers(network: Network) -> State:
    """What forwards in train mode have moved."""
    trained = set(network.parameter_names())
    return prefixed({key: a for key, a in network.state().items() if key not in trained}, "values")


def save(arrays: State, folder: Path) -> None:
    """One file for each array, so that a reader need not hold them all."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
