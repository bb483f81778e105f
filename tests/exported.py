"""Checkpoints to export, and exports of them, for the tests."""

import numpy as np

from neutral import checkpoint, registry
from neutral.export.checkpoint import prepared
from neutral.export.write import write_onnx, write_static
from neutral.state import prefixed

FAMILY = registry.family("ugatit")


def write_checkpoint(folder, config):
    """A checkpoint of two generators in which nothing is trivial."""
    state = {}
    for name in ("genA2B", "genB2A"):
        network = registry.backend("torch").network("ugatit", name, config)
        shapes = {key: array.shape for key, array in network.state().items()}
        state |= prefixed(FAMILY.exercise(FAMILY.initial(config, name, shapes, 0), 0), name)
    single = {key: array.astype(np.float32) for key, array in state.items()}
    return checkpoint.write(folder, single, checkpoint.Metadata("ugatit", 7, config.model_dump()))


def write(place, backend, form, target, **options):
    """Export genA2B of a checkpoint as `form`, onnx or static."""
    ready = prepared("ugatit", backend, "A2B", place)
    references = {backend: ready.reference}
    engine = registry.backend(backend)
    arguments = (engine, ready.network, ready.spec, ready.description, target, references)
    return (write_onnx if form == "onnx" else write_static)(*arguments, **options)
