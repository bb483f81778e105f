"""Exports as users make them: real converters, ONNX Runtime, fresh processes; nothing wrong is left."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from exported import FAMILY, write, write_checkpoint

from neutral import registry
from neutral.demo import write_unpaired_demo
from neutral.errors import EnvironmentFault, ExportError
from neutral.export import onnx_file
from neutral.export.agreement import Agreement, Reference, error_of_scale, require, sample
from neutral.export.checkpoint import prepared
from neutral.export.description import from_texts
from neutral.export.libraries import require_libraries
from neutral.export.onnx_run import OnnxGraph
from neutral.export.opened import open_exported
from neutral.export.write import write_static
from neutral.family import ExportSpec
from neutral.images import read_image
from paddle_impl import converter

BACKENDS = ("torch", "paddle")
LIGHT, FULL = FAMILY.cases[:2]


@pytest.fixture(scope="session")
def light(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("light"), LIGHT.config)


@pytest.fixture(scope="session")
def exported(light, tmp_path_factory):
    """Export the light model once per backend and form; the path by (backend, form)."""
    made = {}

    def get(backend, form):
        if (backend, form) not in made:
            target = tmp_path_factory.mktemp("exports") / {"onnx": "model.onnx", "static": "model"}[form]
            write(light, backend, form, target)
            made[backend, form] = target
        return made[backend, form]

    return get


def parity(folder, *words, status=0):
    """(stdout, stderr) of `parity <words>`, which must end with `status` and without a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "parity.cli", *map(str, words)],
        cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=240, check=False,
        env=os.environ | {"COLUMNS": "120"},
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


# ONNX


@pytest.mark.parametrize("backend", BACKENDS)
def test_onnx_has_names_axes_and_description(exported, backend):
    model = onnx.load(exported(backend, "onnx"))
    axes = {
        value.name: [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert axes == {
        "input": ["batch", 3, "height", "width"],
        "output": ["batch", 3, "output_height", "output_width"],
        "cam_logit": ["batch", 2],
        "heatmap": ["batch", 1, "heatmap_height", "heatmap_width"],
    }
    texts = {entry.key: entry.value for entry in model.metadata_props}
    assert (texts["family"], texts["direction"], texts["iteration"]) == ("ugatit", "A2B", "7")
    assert json.loads(texts["meaning"]) == {
        "layout": "NCHW", "value_range": "[-1, 1]", "color_order": "RGB"
    }  # fmt: skip
    assert json.loads(texts["versions"])[backend] == registry.backend(backend).versions()[backend]
    assert texts["project"].startswith("framework-parity")
    assert "dataset" not in json.loads(texts["options"])
    everything = model.SerializeToString()
    assert str(Path(__file__).parents[1]).encode() not in everything


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", [(1, 3, 16, 16), (3, 3, 40, 24), (2, 3, 8, 64), (1, 3, 17, 23)])
def test_onnx_agrees_with_both_frameworks(exported, light, backend, shape):
    inputs = sample({"input": shape}, seed=5)
    actual = OnnxGraph(exported(backend, "onnx")).run(inputs)
    for name in BACKENDS:
        expected = prepared("ugatit", name, "A2B", light).network.forward(inputs)
        for output, wanted in zip(("output", "cam_logit", "heatmap"), expected.values(), strict=True):
            assert error_of_scale(actual[output], wanted) < 1e-5, (name, output)


@pytest.mark.parametrize("backend", BACKENDS)
def test_full_model_has_a_fixed_size(backend, tmp_path):
    place = write_checkpoint(tmp_path, FULL.config)
    written = write(place, backend, "onnx", tmp_path / "full.onnx")
    assert max(found.worst for found in written.agreement) < 1e-5
    assert {found.shapes["input"][0] for found in written.agreement} == {1, 2}
    with pytest.raises(ExportError, match="cannot be run with input"):
        OnnxGraph(tmp_path / "full.onnx").run(sample({"input": (1, 3, 24, 24)}))


@pytest.mark.parametrize("backend", BACKENDS)
def test_spectral_norm_and_leaky_relu(backend, tmp_path):
    """Two hazards of converters: weights baked before u and v last moved, and a slope that is lost."""
    config = LIGHT.config
    network = registry.backend(backend).network("ugatit", "disLA", config)
    shapes = {key: array.shape for key, array in network.state().items()}
    spec = ExportSpec(
        "disLA", {"input": (1, 3, 16, 16)}, ("logit", "cam_logit", "heatmap"),
        {name: {0: "batch"} for name in ("input", "logit", "cam_logit", "heatmap")},
    )  # fmt: skip
    network.load(FAMILY.exercise(FAMILY.initial(config, "disLA", shapes, 0), 0))
    inputs = sample({"input": (2, 3, 16, 16)})
    network.forward(inputs, train=True)  # moves u and v; no eval forward follows before the export
    registry.backend(backend).export_onnx(network, spec, tmp_path / "d.onnx")
    onnx_file.check(tmp_path / "d.onnx", spec, 18)
    actual = OnnxGraph(tmp_path / "d.onnx").run(inputs)
    for output, wanted in zip(spec.outputs, network.forward(inputs).values(), strict=True):
        assert error_of_scale(actual[output], wanted) < 1e-5, output


@pytest.mark.parametrize("backend", BACKENDS)
def test_export_leaves_network_in_its_mode(light, backend, tmp_path):
    ready = prepared("ugatit", backend, "A2B", light)
    ready.network.module.train()
    before = ready.network.state()
    registry.backend(backend).export_static(ready.network, ready.spec, tmp_path)
    assert ready.network.module.training
    assert all(np.array_equal(array, before[name]) for name, array in ready.network.state().items())


def test_large_tensors_go_to_a_file_of_their_own(exported, light, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "LARGE", 1)
    monkeypatch.setattr(onnx_file, "SMALL_TENSOR", 256)
    target = tmp_path / "model.onnx"
    written = write(light, "paddle", "onnx", target)
    assert [file.name for file in written.files] == ["model.onnx", "model.onnx.data"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model.onnx", "model.onnx.data"]
    inputs = sample({"input": (1, 3, 16, 16)})
    whole = OnnxGraph(exported("paddle", "onnx")).run(inputs)
    for name, array in OnnxGraph(target).run(inputs).items():
        np.testing.assert_array_equal(array, whole[name])
    with pytest.raises(ExportError, match=r"model.onnx.*exists already"):
        write(light, "paddle", "onnx", target)


# Failures leave nothing


def converter_program(monkeypatch, text):
    monkeypatch.setattr(converter, "CONVERT", text)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "was ended by SIGKILL"),
        ("import os; print('op unknown', flush=True); os.abort()", r"was ended by SIGABRT(.|\n)*op unknown"),
        ("raise SystemExit(-1)", "ended with status 255"),
        ("pass", "ended with status 0 and made no ONNX model"),
    ],
)
def test_converter_that_dies_leaves_nothing(light, tmp_path, monkeypatch, program, message):
    converter_program(monkeypatch, program)
    with pytest.raises(ExportError, match=message):
        write(light, "paddle", "onnx", tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_silently_wrong_converter_is_found(light, exported, tmp_path, monkeypatch):
    """As paddle2onnx does without the rewritten attributes: the graph is valid, its numbers are not."""
    spoil = converter.CONVERT + (
        "import onnx, numpy\n"
        "model = onnx.load(target)\n"
        "nodes = [node for node in model.graph.node if node.op_type == 'Constant']\n"
        "tensor = max((node.attribute[0].t for node in nodes), key=lambda each: len(each.raw_data))\n"
        "tensor.raw_data = numpy.roll(numpy.frombuffer(tensor.raw_data, 'float32'), 1).tobytes()\n"
        "onnx.save(model, target)\n"
    )
    converter_program(monkeypatch, spoil)
    earlier = exported("torch", "onnx").read_bytes()
    (tmp_path / "model.onnx").write_bytes(earlier)
    with pytest.raises(ExportError, match=r"does not compute what the network does(.|\n)*against paddle"):
        write(light, "paddle", "onnx", tmp_path / "model.onnx", force=True)
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
    assert (tmp_path / "model.onnx").read_bytes() == earlier


def test_unpatched_attributes_would_be_wrong_or_fail(light, tmp_path, monkeypatch):
    """The rewriting is needed with this Paddle. If this fails, the converter has learned to read float64."""
    if not registry.backend("paddle").versions()["paddle"].startswith("3.3."):
        pytest.skip("graphs of this Paddle have no float64 attributes")
    monkeypatch.setattr(converter, "NARROWED", {})
    with pytest.raises(ExportError):
        write(light, "paddle", "onnx", tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_only_listed_attributes_are_narrowed():
    def operation(kind, name):
        value = {"#": "0.a_array", "D": [{"#": "0.a_f64", "D": 2.0}]}
        return {"#": f"1.{kind}", "A": [{"N": name, "AT": value}], "I": []}

    graph = {"program": [operation("nearest_interp", "scale"), operation("nearest_interp", "other"),
                         operation("scale", "scale")]}  # fmt: skip
    after = json.loads(converter.narrowed(json.dumps(graph)))["program"]
    assert [part["A"][0]["AT"]["D"][0]["#"] for part in after] == ["0.a_f32", "0.a_f64", "0.a_f64"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_wrong_names_are_refused(light, backend, tmp_path):
    ready = prepared("ugatit", backend, "A2B", light)
    spec = ExportSpec("genA2B", ready.spec.inputs, ("output", "cam_logit"), {})
    with pytest.raises(ExportError):
        registry.backend(backend).export_onnx(ready.network, spec, tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


# Judging


def test_errors_are_judged_with_the_rounding_of_the_network():
    def agreement(error, rounding=None):
        return [Agreement("torch", {"input": (1,)}, {"out": error}, {"out": rounding} if rounding else {})]

    require(agreement(1e-5), "m")
    require(agreement(2e-5, rounding=1e-5), "m")
    for wrong in (agreement(2e-5), agreement(2e-5, 1e-6), agreement(0.5, 0.5), agreement(float("nan")), []):
        with pytest.raises(ExportError):
            require(wrong, "m")


def test_precise_network_is_made_only_when_it_is_needed(light):
    ready = prepared("ugatit", "torch", "A2B", light)
    reference = Reference(ready.network, lambda: pytest.fail("made in float64"))
    write_static(
        registry.backend("torch"), ready.network, ready.spec, ready.description,
        light.parent / "unneeded", {"torch": reference},
    )  # fmt: skip
    assert ready.reference.precise.state()["gamma.weight"].dtype == np.float64


def test_missing_library_is_named():
    with pytest.raises(EnvironmentFault, match=r"no_such_library: not installed.*framework-parity\[onnx\]"):
        require_libraries("json", "no_such_library")


# Static graphs


@pytest.mark.parametrize("backend", BACKENDS)
def test_static_graph_in_a_fresh_process(exported, light, backend, tmp_path):
    """The folder alone, moved elsewhere, gives the numbers of the network."""
    folder = exported(backend, "static").rename(tmp_path / "moved")
    inputs = sample({"input": (2, 3, 24, 40)}, seed=9)
    np.save(tmp_path / "input.npy", inputs["input"])
    program = (
        "import sys, numpy as np\nfrom pathlib import Path\n"
        "from neutral.export.opened import open_exported\n"
        "model = open_exported(Path('moved'))\n"
        "np.savez('output.npz', **model.forward({'input': np.load('input.npy')}))\n"
    )
    try:
        root = str(Path(__file__).parents[1])
        environment = os.environ | {"PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True)
    finally:
        folder.rename(exported(backend, "static"))
    with np.load(tmp_path / "output.npz") as found:
        for name, wanted in prepared("ugatit", backend, "A2B", light).network.forward(inputs).items():
            # On a CPU the network computes some layers in other, equal forms: 1.3e-6 measured.
            assert error_of_scale(found[name], wanted) < 1e-5, name


@pytest.mark.parametrize("backend", BACKENDS)
def test_damaged_folder_is_refused(exported, backend, tmp_path):
    whole = exported(backend, "static")
    folder = tmp_path / "model"

    def copy(change):
        folder.mkdir(exist_ok=True)
        for file in whole.iterdir():
            (folder / file.name).write_bytes(change(file.name, file.read_bytes()))

    for damage in (lambda data: data[:-10], lambda data: b"\0" * len(data)):
        copy(lambda name, data, damage=damage: damage(data) if name != "export.json" else data)
        with pytest.raises(ExportError, match="its files are not those that were exported"):
            open_exported(folder)
        with pytest.raises(ExportError, match="not a readable static graph"):
            registry.backend(backend).load_static(folder, ("input",), ("output", "cam_logit", "heatmap"))
    (folder / "export.json").unlink()
    with pytest.raises(ExportError, match=r"export\.json is missing"):
        open_exported(folder)


def test_files_that_are_no_exports(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"nothing")
    with pytest.raises(ExportError, match="not a readable ONNX model"):
        open_exported(tmp_path / "a.onnx")
    with pytest.raises(ExportError, match="no such file"):
        open_exported(tmp_path / "b.onnx")
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", [value],
                                   [onnx.helper.make_tensor_value_info("y", 1, [1])])  # fmt: skip
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, str(tmp_path / "c.onnx"))
    with pytest.raises(ExportError, match="not exported by framework-parity"):
        open_exported(tmp_path / "c.onnx")
    with pytest.raises(ExportError, match="metadata is not readable"):
        from_texts({"inputs": "{"}, tmp_path)


# Commands


def test_commands(light, tmp_path):
    """Export, refuse to overwrite, replace when told to, and translate pictures with the file alone."""
    common = ("--family", "ugatit", "--backend", "paddle", "--direction", "B2A", "--checkpoint", light)
    out, messages = parity(tmp_path, "export", *common, "model.onnx", "--verify", "--json")
    result = json.loads(out)
    assert result["worst"] < 1e-5
    assert {found["against"] for found in result["agreement"]} == {"torch", "paddle"}
    assert "wrote model.onnx" in messages
    _, messages = parity(tmp_path, "export", *common, "model.onnx", status=2)
    assert "model.onnx: exists already; --force replaces it" in messages
    parity(tmp_path, "export", *common, "model.onnx", "--force")

    write_unpaired_demo(tmp_path / "demo", size=20, train=1, test=2, seed=0)
    parity(tmp_path, "infer", "--model", "model.onnx", "demo/testB", "from_onnx")
    parity(tmp_path, "infer", *common, "demo/testB", "from_checkpoint")
    names = sorted(file.name for file in (tmp_path / "from_checkpoint").iterdir())
    assert len(names) == 2
    for name in names:
        one, other = (read_image(tmp_path / place / name) for place in ("from_onnx", "from_checkpoint"))
        assert np.abs(one.astype(int) - other).max() <= 1  # the same but for rounding to 8 bits


def test_infer_from_onnx_imports_no_framework(exported, tmp_path):
    write_unpaired_demo(tmp_path / "demo", size=20, train=1, test=1, seed=0)
    program = (
        "import sys\nfrom parity.cli import main\n"
        f"words = ['infer', '--model', {str(exported('torch', 'onnx'))!r}, 'demo/testA', 'out']\n"
        "try:\n    main(words)\n"
        "finally:\n    print(*sorted({'torch', 'paddle'} & set(sys.modules)), 'end')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["end"]
    assert len(list((tmp_path / "out").iterdir())) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["infer", "--model", "m.onnx", "--family", "ugatit", "a", "b"], "says itself what --family would"),
        (["infer", "--family", "ugatit", "a", "b"], "--backend, --direction, --checkpoint missing"),
        (["infer", "--model", "m.onnx", "a", "b"], "m.onnx: no such file"),
        (["export", "--family", "ugatit", "--backend", "torch", "--direction", "A2B", "--checkpoint", "none",
          "m.onnx"], "none: holds no complete checkpoint"),
    ],
)  # fmt: skip
def test_bad_input_of_commands(tmp_path, words, message):
    _, messages = parity(tmp_path, *words, status=2)
    assert message in messages
    assert list(tmp_path.iterdir()) == []


def test_unknown_direction(light, tmp_path):
    common = ("--family", "ugatit", "--backend", "torch", "--checkpoint", light)
    _, messages = parity(tmp_path, "export", *common, "--direction", "A2C", "m.onnx", status=2)
    assert 'unknown direction "A2C"; did you mean "A2B"?' in messages
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"a text of mine", b""])
def test_force_replaces_nothing_but_an_export(light, tmp_path, content):
    (tmp_path / "notes.onnx").write_bytes(content)
    with pytest.raises(ExportError, match=r"notes\.onnx: not "):
        write(light, "torch", "onnx", tmp_path / "notes.onnx", force=True)
    assert (tmp_path / "notes.onnx").read_bytes() == content
