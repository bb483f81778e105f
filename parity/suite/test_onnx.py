"""Exported ONNX graphs under ONNX Runtime: from each backend, against both frameworks, at several sizes.

In float32 on the CPU whatever the options say: that is what is exported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from neutral.backend import Arrays, Backend, Network
from neutral.export.agreement import sample
from neutral.export.libraries import require_libraries
from neutral.family import Case, ExportSpec
from neutral.state import prefixed
from parity.checker import Checker
from parity.compare import compare
from parity.lockstep import Subject
from parity.tolerance import tolerance

OPSET = 18
"""The lowest that both exporters write."""


@pytest.fixture(scope="session")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Exported files of the run by content: cases that differ in training only have the same networks."""
    require_libraries("onnx", "onnxruntime")
    return {"folder": tmp_path_factory.mktemp("onnx")}


def test_onnx(
    subject: Subject,
    case: Case,
    backend: str,
    backends: Mapping[str, Backend],
    graphs: dict[str, Path],
    check: Checker,
) -> None:
    """Names, axes and opset; outputs at the sample size and at all other sizes. Reduced cases: one way."""
    from neutral.export.onnx_run import OnnxGraph

    exports = list(subject.family.exports(subject.config).items())
    for direction, spec in exports if case.share == 1 else exports[:1]:
        networks = {name: float32_network(subject, spec.network, backends[name]) for name in backends}
        graph = OnnxGraph(exported(graphs, backends[backend], networks[backend], spec))
        sizes = [spec.inputs, *spec.other_shapes]
        actual = by_size(sizes, graph.run)
        for name, network in networks.items():
            outputs = by_size(sizes, network.forward)
            expected = dict(zip(actual, outputs.values(), strict=True))
            what = f"{direction} from {backend} against {name}"
            found = compare(actual, expected, tolerance("onnx", "float32"), what=what)
            check(found, backends=tuple(dict.fromkeys((backend, name))), dtype="float32")


def float32_network(subject: Subject, name: str, backend: Backend) -> Network:
    """One network of the case in its non-trivial state, in float32 on the CPU."""
    network = backend.network(subject.family.name, name, subject.config, dtype="float32", device="cpu")
    network.load(subject.network_state(name, network))
    return network


def exported(graphs: dict[str, Path], backend: Backend, network: Network, spec: ExportSpec) -> Path:
    """The ONNX file of a network, valid and with the names of `spec`; exported once."""
    from neutral.export import onnx_file

    content = hashlib.sha256(f"{backend.name} {spec}".encode())
    for key, array in network.state().items():
        content.update(key.encode() + array.tobytes())
    digest = content.hexdigest()
    if digest not in graphs:
        target = graphs["folder"] / f"{digest[:16]}.onnx"
        backend.export_onnx(network, spec, target, opset=OPSET)
        onnx_file.check(target, spec, OPSET)
        graphs[digest] = target
    return graphs[digest]


def by_size(sizes: list[Mapping[str, tuple[int, ...]]], run: Callable[[Arrays], Arrays]) -> Arrays:
    """Outputs at each of the input sizes, as "<size> <output>"."""
    outputs: Arrays = {}
    for shapes in sizes:
        size = ", ".join("x".join(map(str, shape)) for shape in shapes.values())
        outputs |= prefixed(run(sample(shapes)), size)
    return outputs
