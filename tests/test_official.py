"""U-GAT-IT's published layouts: strict loading in each framework, meaning, refusal of what does not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from neutral import registry
from neutral.errors import CheckpointError, ParityError, StateError
from neutral.families.ugatit import layouts, official
from neutral.families.ugatit.config import Config
from neutral.families.ugatit.initial import exercise, initial
from neutral.families.ugatit.shapes import shapes
from neutral.formats import paddle_file, torch_file
from neutral.portable import Portable
from neutral.state import State, prefixed, under, weights_only

NETWORKS = official.NETWORKS
SMALL: dict[str, Any] = {"ch": 4, "n_res": 1, "img_size": 16, "dis_layers_global": 4, "dis_layers_local": 3}
CONFIGS = {
    "light": Config(light=True, **SMALL),
    "full": Config(**SMALL),
    "grey": Config(**SMALL, img_ch=1),
    "deep": Config(light=True, ch=2, n_res=3, img_size=256),
}


@cache
def portable(name: str = "light", seed: int = 0) -> Portable:
    """A checkpoint with no trivial value in it, float32."""
    config, state = CONFIGS[name], {}
    for net in NETWORKS:
        drawn = exercise(initial(config, net, shapes(config, net), seed), seed)
        state |= prefixed({key: array.astype(np.float32) for key, array in drawn.items()}, net)
    return Portable("parity", state, config, "ds", 100)


def write(folder: Path, layout: str, name: str = "light") -> Path:
    """A checkpoint written in `layout`; returns its first file or folder."""
    official.write(folder, layout, portable(name))
    return official.targets(folder, layout, portable(name))[0]


def require_same(actual: State, expected: State) -> None:
    assert set(actual) == set(expected)
    for key, array in expected.items():
        assert actual[key].dtype == array.dtype, key
        assert np.array_equal(actual[key], array), key


def stored(name: str = "light") -> dict[str, State]:
    """Six state dicts, as the official project saves them."""
    return {net: under(portable(name).state, net) for net in NETWORKS}


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    import torch

    return torch


@pytest.fixture(scope="module")
def paddle() -> ModuleType:
    from paddle_impl.framework import paddle

    return paddle


# --- shapes and options -------------------------------------------------------------------------------------


def test_names_and_shapes_are_those_of_the_official_project() -> None:
    file = Path(__file__).parent / "golden/ugatit/manifest_small.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    small: dict[str, Any] = SMALL | {"n_res": 2, "img_size": 32}
    cases = {
        "gen_full ngf4 n2 img32": (Config(**small), "genA2B"),
        "gen_light ngf4 n2 img32": (Config(light=True, **small), "genB2A"),
        "dis_global ndf4 n_layers7": (Config(ch=4), "disGA"),
        "dis_local ndf4 n_layers5": (Config(ch=4), "disLB"),
    }
    for case, (config, net) in cases.items():
        official_entries = [(entry[0], tuple(entry[1])) for entry in manifest[case]["entries"]]
        assert list(shapes(config, net).items()) == official_entries, case


@pytest.mark.parametrize("name", CONFIGS)
def test_the_tensors_show_the_options(tmp_path: Path, name: str) -> None:
    read = official.read(write(tmp_path, "torch", name))
    expected = CONFIGS[name]
    for option in ("light", "ch", "n_res", "img_ch", "global_layers", "local_layers"):
        assert getattr(read.config, option) == getattr(expected, option), option
    if not expected.light:
        assert getattr(read.config, "img_size") == expected.img_size  # noqa: B009
    assert (read.dataset, read.iteration) == ("ds", 100)


# --- round trips --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("layout", official.LAYOUTS)
def test_every_layout_keeps_every_bit(tmp_path: Path, layout: str, name: str) -> None:
    read = official.read(write(tmp_path, layout, name))
    assert read.layout == layout
    require_same(read.state, portable(name).state)


def test_a_folder_means_its_newest_complete_checkpoint(tmp_path: Path) -> None:
    for iteration in (900, 1100, 10_000_000):
        for layout in ("torch", "paddle"):
            official.write(tmp_path / layout, layout, replace(portable(), iteration=iteration))
    (tmp_path / "torch/ds_params_latest.pt").write_bytes(b"cut")
    (tmp_path / "paddle/ds_disLB_params_10000000.pdparams").unlink()
    assert official.read(tmp_path / "torch").iteration == 10_000_000
    assert official.read(tmp_path / "paddle").iteration == 1100
    official.write(tmp_path / "torch", "torch", replace(portable(), dataset="other"))
    with pytest.raises(CheckpointError, match="several runs"):
        official.read(tmp_path / "torch")


def test_the_folder_of_a_run_means_its_newest_checkpoint(tmp_path: Path) -> None:
    for iteration in (3, 20):
        official.write(tmp_path / "results/demo/model", "parity", replace(portable(), iteration=iteration))
    assert official.read(tmp_path / "results/demo").iteration == 20


def test_optimizer_state_stays_in_our_checkpoints_only(tmp_path: Path) -> None:
    slots = {"optimizer.generator.genA2B.FC.2.weight.moment1": np.ones((16, 16), np.float32)}
    source = replace(portable(), state=portable().state | slots)
    official.write(tmp_path / "own", "parity", source)
    require_same(official.read(tmp_path / "own").state, source.state)
    notes = official.write(tmp_path / "torch", "torch", source)
    assert any("optimizer state" in note for note in notes)
    require_same(official.read(tmp_path / "torch").state, weights_only(source.state))


# --- PyTorch ------------------------------------------------------------------------------------------------


def official_discriminator(torch: ModuleType, config: Config, layers: int) -> Any:
    """The official discriminator's modules, with PyTorch's own spectral norm of the older kind."""
    nn, normalised = torch.nn, torch.nn.utils.spectral_norm
    channels = config.ch * 2 ** (layers - 2)
    module, blocks, inputs = nn.Module(), [], config.img_ch
    module.gap_fc = normalised(nn.Linear(channels, 1, bias=False))
    module.gmp_fc = normalised(nn.Linear(channels, 1, bias=False))
    module.conv1x1 = nn.Conv2d(2 * channels, channels, 1)
    module.conv = normalised(nn.Conv2d(channels, 1, 4, bias=False))
    for index in range(layers - 1):
        outputs = config.ch * 2**index
        conv = nn.Conv2d(inputs, outputs, 4, stride=2 if index < layers - 2 else 1)
        blocks += [nn.ReflectionPad2d(1), normalised(conv), nn.LeakyReLU(0.2)]
        inputs = outputs
    module.model = nn.Sequential(*blocks)
    return module


@pytest.mark.filterwarnings("ignore:.*spectral_norm.*deprecated:FutureWarning")
@pytest.mark.parametrize("name", ["light", "full"])
def test_pytorch_loads_our_file_strictly(torch: ModuleType, tmp_path: Path, name: str) -> None:
    file, config = write(tmp_path, "torch", name), CONFIGS[name]
    loaded = torch.load(file, weights_only=True)
    assert file.name == "ds_params_0000100.pt"
    assert list(loaded) == list(NETWORKS)
    for net, layers in (("disGA", config.global_layers), ("disLB", config.local_layers)):
        module = official_discriminator(torch, config, layers)
        module.load_state_dict(loaded[net], strict=True)
        assert list(module.state_dict()) == list(loaded[net]), "entries in the official order"
    backend = registry.backend("torch")
    for net in NETWORKS:
        module = backend.network("ugatit", net, config).module  # type: ignore[attr-defined]
        module.load_state_dict(loaded[net], strict=True)
        assert list(module.state_dict()) == list(loaded[net])
        require_same(backend_state(module), stored(name)[net])


def backend_state(module: Any) -> State:
    return {key: tensor.numpy() for key, tensor in module.state_dict().items()}


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("wrapped", [True, False], ids=["DataParallel", "plain"])
def test_reads_what_pytorch_saved(torch: ModuleType, tmp_path: Path, zipped: bool, wrapped: bool) -> None:
    prefix = "module." if wrapped else ""
    saved = {
        net: {f"{prefix}{key}": torch.tensor(array) for key, array in state.items()}
        for net, state in stored().items()
    }
    file = tmp_path / "selfie_2_params_0012000.pt"
    torch.save(saved, file, _use_new_zipfile_serialization=zipped)
    read = official.read(file)
    assert (read.layout, read.dataset, read.iteration) == ("torch", "selfie_2", 12000)
    require_same(read.state, portable().state)


@pytest.mark.filterwarnings("ignore:.*spectral_norm.*:FutureWarning")
def test_reads_the_newer_spectral_norm_of_pytorch(torch: ModuleType) -> None:
    layer = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(4, 1, bias=False))
    renamed = layouts.from_torch({f"gap_fc.{key}": array for key, array in backend_state(layer).items()})
    assert set(renamed) == {"gap_fc.weight_orig", "gap_fc.weight_u", "gap_fc.weight_v"}
    with torch.no_grad():
        weight = layer.eval().weight.numpy()
    u, v, orig = (renamed[f"gap_fc.weight_{part}"] for part in ("u", "v", "orig"))
    assert np.allclose(weight, orig / (u @ orig @ v), rtol=1e-6)


# --- Paddle -------------------------------------------------------------------------------------------------


def module_of(paddle: ModuleType, state: State) -> Any:
    """A layer that owns exactly the tensors in `state`, nested as their names say."""
    module = paddle.nn.Layer()
    for name, array in state.items():
        *path, last = name.split(".")
        place = module
        for part in path:
            if part not in place._sub_layers:
                place.add_sublayer(part, paddle.nn.Layer())
            place = place._sub_layers[part]
        place.add_parameter(last, place.create_parameter(list(array.shape)))
    return module


def test_paddle_loads_the_six_files_of_the_port(paddle: ModuleType, tmp_path: Path) -> None:
    write(tmp_path, "paddle", "full")
    for net in NETWORKS:
        file = tmp_path / f"ds_{net}_params_0000100.pdparams"
        names = {layouts.VECTOR.sub(r"\1.spectral_norm.\2", key): a for key, a in stored("full")[net].items()}
        module = module_of(paddle, names)
        assert module.set_state_dict(paddle.load(str(file))) == ([], [])
        assert all(tuple(t.shape) == names[key].shape for key, t in module.state_dict().items())


def test_paddlegan_file_fits_paddle_networks(paddle: ModuleType, tmp_path: Path) -> None:
    loaded = paddle.load(str(write(tmp_path, "paddlegan")))
    backend = registry.backend("paddle")
    for net in NETWORKS:
        network = backend.network("ugatit", net, CONFIGS["light"])
        missing, unexpected = network.module.set_state_dict(loaded[net])  # type: ignore[attr-defined]
        assert missing == []
        assert all(layouts.INSTANCE_NORM.fullmatch(name) for name in unexpected)
        assert len(unexpected) == (10 if net.startswith("gen") else 0)
        require_same(network.state(), stored()[net])


def test_paddlegan_constants_lie_where_paddle_has_instance_norms(paddle: ModuleType) -> None:
    nn = paddle.nn
    pair = [nn.Conv2D(3, 4, 7, bias_attr=False), nn.InstanceNorm2D(4)]
    down = nn.Sequential(nn.Pad2D(3, "reflect"), *pair, nn.ReLU())
    made = layouts.to_paddlegan({"DownBlock.1.weight": np.ones((4, 3, 7, 7), np.float32)})
    expected = {f"DownBlock.{key}": tensor.numpy() for key, tensor in down.state_dict().items()}
    assert set(made) == set(expected)
    assert all(np.array_equal(made[key], expected[key]) for key in made if key != "DownBlock.1.weight")


@pytest.mark.parametrize("protocol", [2, 4])
def test_reads_what_paddle_saved(paddle: ModuleType, tmp_path: Path, protocol: int) -> None:
    gan = {net: layouts.to_paddlegan(state) for net, state in stored("full").items()}
    saved = {net: {k: paddle.to_tensor(a.copy()) for k, a in state.items()} for net, state in gan.items()}
    file = tmp_path / "anything.pdparams"
    paddle.save({"epoch": 7, **saved}, str(file), protocol=protocol)
    read = official.read(file)
    assert read.layout == "paddlegan"
    require_same(read.state, portable("full").state)
    for net, state in stored("full").items():
        port = {key: paddle.to_tensor(array.copy()) for key, array in layouts.to_paddle(state).items()}
        paddle.save(port, str(tmp_path / f"x_{net}_params_0000005.pdparams"), protocol=protocol)
    read = official.read(tmp_path / "x_disGB_params_0000005.pdparams")
    assert (read.layout, read.dataset, read.iteration) == ("paddle", "x", 5)
    require_same(read.state, portable("full").state)


def test_square_weights_are_told_apart_by_marks() -> None:
    state = stored()["genA2B"]
    turned = layouts.from_paddlegan(layouts.to_paddlegan(state), "x")
    assert np.array_equal(turned["gamma.weight"], state["gamma.weight"])
    assert np.array_equal(layouts.to_paddlegan(state)["gamma.weight"], state["gamma.weight"].T)
    assert np.array_equal(layouts.to_paddle(state)["gamma.weight"], state["gamma.weight"])
    with pytest.raises(CheckpointError, match="which way round"):
        layouts.paddle_layout(["genA2B.gamma.weight", "disGA.gap_fc.weight_orig"], "x")
    with pytest.raises(CheckpointError, match="both"):
        layouts.paddle_layout(["genA2B.DownBlock.2.scale", "disGA.conv.spectral_norm.weight_u"], "x")


def test_reversed_colours_are_the_same_networks_for_bgr_images() -> None:
    backend = registry.backend("torch")
    image = np.random.default_rng(3).random((2, 3, 16, 16)) * 2 - 1
    turned = np.flip(image, axis=1).copy()
    for net in ("genA2B", "disGA"):
        rgb = backend.network("ugatit", net, CONFIGS["light"], dtype="float64")
        bgr = backend.network("ugatit", net, CONFIGS["light"], dtype="float64")
        state = stored()[net]
        rgb.load(state)
        bgr.load(layouts.reversed_colours(state))
        ours = rgb.forward({"input": image}, train=True)
        theirs = bgr.forward({"input": turned}, train=True)
        out = theirs["out"][:, ::-1] if net == "genA2B" else theirs["out"]
        assert np.allclose(ours["out"], out, rtol=0, atol=1e-12)
        assert np.allclose(ours["cam_logit"], theirs["cam_logit"], rtol=0, atol=1e-12)
        again = layouts.reversed_colours(bgr.state())
        assert all(np.allclose(rgb.state()[key], again[key], rtol=0, atol=1e-12) for key in again)


def test_rho_of_the_port_is_held_in_its_range(tmp_path: Path) -> None:
    outside = dict(portable().state)
    outside["genA2B.UpBlock2.3.rho"] = np.linspace(-1, 2, 8, dtype=np.float32).reshape(1, 8, 1, 1)
    official.write(tmp_path, "paddle", replace(portable(), state=outside))
    read = official.read(tmp_path).state["genA2B.UpBlock2.3.rho"]
    assert np.array_equal(read, np.clip(outside["genA2B.UpBlock2.3.rho"], 0, 1))


def test_a_model_trained_on_bgr_is_published_for_rgb(tmp_path: Path) -> None:
    config = CONFIGS["light"].model_copy(update={"color_order": "bgr"})
    notes = official.write(tmp_path, "torch", replace(portable(), config=config))
    assert any("BGR" in note for note in notes)
    expected = layouts.reversed_colours(stored()["genA2B"])
    require_same(under(official.read(tmp_path).state, "genA2B"), expected)


def test_float64_becomes_float32_for_paddle_and_says_so(tmp_path: Path) -> None:
    wide = {key: array.astype(np.float64) for key, array in portable().state.items()}
    source = replace(portable(), state=wide)
    for layout in ("paddle", "paddlegan"):
        assert any("float32" in note for note in official.write(tmp_path / layout, layout, source))
    official.write(tmp_path / "torch", "torch", source)
    require_same(official.read(tmp_path / "torch").state, wide)


# --- what does not fit --------------------------------------------------------------------------------------


def refused(tmp_path: Path, saved: dict[str, Any], error: type[ParityError], match: str) -> None:
    file = tmp_path / "x_params_0000001.pt"
    torch_file.write(file, saved)
    with pytest.raises(error, match=rf"(?s){file.name}.*{match}"):
        official.read(file)


def test_checkpoints_that_do_not_fit_say_what(tmp_path: Path) -> None:
    good = stored()
    narrow = portable("deep").state
    refused(tmp_path, {"netG": good["genA2B"]}, CheckpointError, "not a checkpoint of U-GAT-IT.*holds netG")
    refused(tmp_path, good | {"disLB": {}}, StateError, "19 names do not fit.*missing +disLB.conv")
    without = {key: array for key, array in good["genB2A"].items() if key != "FC.2.weight"}
    refused(tmp_path, good | {"genB2A": without}, StateError, "missing +genB2A.FC.2.weight")
    more = good["disGA"] | {"model.1.running_mean": np.ones(4, np.float32)}
    refused(tmp_path, good | {"disGA": more}, StateError, "unexpected +disGA.model.1.running_mean")
    other = under(narrow, "genB2A")
    refused(tmp_path, good | {"genB2A": other}, StateError, "unexpected +genB2A.UpBlock1_3")
    wide = good["genA2B"] | {"gamma.weight": np.ones((16, 32), np.float32)}
    shape = r"genA2B.gamma.weight: \(16, 32\) given, \(16, 16\)"
    refused(tmp_path, good | {"genA2B": wide}, StateError, shape)
    whole = good["genA2B"] | {"gamma.weight": np.ones((16, 16), np.int64)}
    refused(tmp_path, good | {"genA2B": whole}, CheckpointError, "genA2B.gamma.weight: int64")
    bare = {key: array for key, array in good["genA2B"].items() if key != "conv1x1.weight"}
    refused(tmp_path, good | {"genA2B": bare}, CheckpointError, "genA2B.conv1x1.weight is missing")


def test_a_trained_instance_norm_is_refused(tmp_path: Path) -> None:
    gan = {net: layouts.to_paddlegan(state) for net, state in stored().items()}
    gan["genB2A"]["DownBlock.6.scale"] = gan["genB2A"]["DownBlock.6.scale"] * np.float32(1.01)
    file = tmp_path / "x.pdparams"
    paddle_file.write(file, gan)
    with pytest.raises(CheckpointError, match=r"x\.pdparams: genB2A: DownBlock\.6\.scale is not 1"):
        official.read(file)


def test_one_of_six_files_is_not_enough(tmp_path: Path) -> None:
    file = write(tmp_path, "paddle")
    (tmp_path / "ds_disLA_params_0000100.pdparams").unlink()
    with pytest.raises(CheckpointError, match=r"(?s)missing.*ds_disLA_params_0000100\.pdparams"):
        official.read(file)
    with pytest.raises(CheckpointError, match="complete set of six"):
        official.read(tmp_path)


def test_a_checkpoint_of_another_family(tmp_path: Path) -> None:
    folder = write(tmp_path, "parity")
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps(state | {"family": "spade"}))
    with pytest.raises(CheckpointError, match="family spade"):
        official.read(folder)
