"""Paddle's files: the values that Paddle wrote, loading of ours by Paddle, refusal of everything hostile."""

from __future__ import annotations

import pickle
import random
import struct
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from weight_files import Attack, Evaluated, attack_pickle, pickled

from neutral.errors import CheckpointError
from neutral.formats import paddle_file
from neutral.formats.pickle_writer import PickleWriter

DTYPES = ["float32", "float64", "float16", "int64", "int32", "int8", "uint8", "bool", "complex128"]
SHAPES = array_shapes(min_dims=0, max_dims=4, min_side=0)
TENSORS = st.sampled_from(DTYPES).flatmap(lambda dtype: arrays(dtype, SHAPES))


@pytest.fixture(scope="module")
def paddle() -> ModuleType:
    from paddle_impl.framework import paddle

    return paddle


def same_bits(actual: np.ndarray, expected: np.ndarray) -> bool:
    form = (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    return form and actual.tobytes() == expected.tobytes()


@given(TENSORS)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_round_trip_here_and_through_pickle(
    tmp_path_factory: pytest.TempPathFactory, tensor: np.ndarray
) -> None:
    file = tmp_path_factory.mktemp("round") / "x.pdparams"
    paddle_file.write(file, {"net": {"a": tensor, "t": tensor.T}, "b": tensor})
    with file.open("rb") as opened:
        unpickled = pickle.load(opened)
    for back in (paddle_file.read(file), unpickled):
        assert same_bits(back["net"]["a"], tensor)
        assert same_bits(back["net"]["t"], tensor.T)
        assert same_bits(back["b"], tensor)


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_reads_what_paddle_saved(paddle: ModuleType, tmp_path: Path, protocol: int) -> None:
    layer = paddle.nn.Sequential(paddle.nn.Conv2D(2, 3, 3), paddle.nn.BatchNorm2D(3), paddle.nn.Linear(3, 3))
    state = layer.state_dict()
    flat, nested, single = (tmp_path / f"{name}.pdparams" for name in ("flat", "nested", "single"))
    paddle.save(state, str(flat), protocol=protocol)
    whole = {"genA2B": state, "epoch": 3, "wide": paddle.ones([2], "bfloat16")}
    paddle.save(whole, str(nested), protocol=protocol)
    paddle.save(layer[0].weight, str(single), protocol=protocol)
    for back in (paddle_file.read(flat), paddle_file.read(nested)["genA2B"]):
        assert list(back) == list(state)
        assert all(same_bits(back[key], tensor.numpy()) for key, tensor in state.items())
    assert paddle_file.read(nested)["epoch"] == 3
    assert same_bits(paddle_file.read(nested)["wide"], np.ones(2, np.float32))
    assert same_bits(paddle_file.read(single), layer[0].weight.numpy())


def test_paddle_loads_what_we_write(paddle: ModuleType, tmp_path: Path) -> None:
    layer = paddle.nn.Sequential(paddle.nn.Conv2D(2, 3, 3), paddle.nn.Linear(3, 3))
    state = {key: tensor.numpy() + 1 for key, tensor in layer.state_dict().items()}
    file = tmp_path / "ours.pdparams"
    paddle_file.write(file, {"net": state, "turned": {"t": np.arange(6.0).reshape(2, 3).T}})
    loaded = paddle.load(str(file))
    assert layer.set_state_dict(loaded["net"]) == ([], [])
    assert all(same_bits(layer.state_dict()[key].numpy(), state[key]) for key in state)
    assert loaded["turned"]["t"].numpy().tolist() == [[0, 3], [1, 4], [2, 5]]


def test_arrays_cut_in_pieces_are_joined(tmp_path: Path) -> None:
    whole = np.arange(12, dtype=np.float32).reshape(3, 4)
    plan = {"w": {"OriginShape": (3, 4), "slices": ["w@@.0", "w@@.1"]}}
    pieces = {"w@@.0": whole.ravel()[:7], "w@@.1": whole.ravel()[7:], "b": np.ones(2)}
    file = tmp_path / "cut.pdparams"
    file.write_bytes(pickle.dumps(pieces | {"UnpackBigParamInfor@@": plan}, 2))
    back = paddle_file.read(file)
    assert sorted(back) == ["b", "w"]
    assert same_bits(back["w"], whole)
    plan["w"]["OriginShape"] = (-3, -4)
    file.write_bytes(pickle.dumps(pieces | {"UnpackBigParamInfor@@": plan}, 2))
    with pytest.raises(CheckpointError, match=r"cut\.pdparams.*impossible shape"):
        paddle_file.read(file)
    plan["w"] = {"OriginShape": (3, 4), "slices": ["w@@.0", "w@@.2"]}
    file.write_bytes(pickle.dumps(pieces | {"UnpackBigParamInfor@@": plan}, 2))
    with pytest.raises(CheckpointError, match=r"cut\.pdparams.*w: its pieces"):
        paddle_file.read(file)


def test_several_files_appear_together_or_not_at_all(tmp_path: Path) -> None:
    good, bad = tmp_path / "a.pdparams", tmp_path / "b.pdparams"
    with pytest.raises(CheckpointError, match=r"b\.pdparams.*uint16"):
        paddle_file.write_together({good: {"w": np.ones(2)}, bad: {"w": np.ones(2, np.uint16)}})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [Attack, Evaluated])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickled_code_is_refused_and_does_not_run(tmp_path: Path, kind: type, protocol: int) -> None:
    marker, file = tmp_path / "marker", tmp_path / "evil.pdparams"
    file.write_bytes(attack_pickle(kind, marker, protocol))
    with pytest.raises(CheckpointError, match=r"evil\.pdparams.*(system|eval)"):
        paddle_file.read(file)
    assert not marker.exists()


def array_pickle(shape: tuple[int, ...], code: str = "f4", order: str = "<", data: bytes = bytes(8)) -> bytes:
    """numpy's pickle of an array, with a shape and a dtype of one's choice."""

    def write(writer: PickleWriter) -> None:
        writer.name("numpy.core.multiarray", "_reconstruct")
        writer.name("numpy", "ndarray")
        writer.numbers([0])
        writer.binary(b"b")
        writer.write(b"\x87R(")
        writer.number(1)
        writer.numbers(shape)
        writer.name("numpy", "dtype")
        writer.text(code)
        writer.write(b"\x89\x88\x87R(")
        writer.number(3)
        writer.text(order)
        writer.write(b"NNNtb\x89")
        writer.binary(data)
        writer.write(b"tb")

    return pickled(write)


def test_array_pickles_of_the_tests_are_real(tmp_path: Path) -> None:
    file = tmp_path / "x.pdparams"
    file.write_bytes(array_pickle((2,), "f4", ">", struct.pack(">2f", 1, 2)))
    assert same_bits(paddle_file.read(file), np.array([1, 2], np.float32))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (array_pickle((3,)), "not 12 bytes long"),
        (array_pickle((1,)), "not 4 bytes long"),
        (array_pickle((2**40,)), "not 4,398,046,511,104 bytes long"),
        (array_pickle((0, 2**40, 2**40)), "impossible shape"),
        (array_pickle((-1, -2)), "impossible shape"),
        (array_pickle((1,), "O8"), "do not fit"),
        (array_pickle((1,), "V8"), "do not fit"),
        (array_pickle((2,), "f4", "?"), "state"),
        (array_pickle((2,))[:-20], "truncated"),
        (b"\x80\x02cnumpy\nndarray\n.", "neither an array nor plain data"),
        (b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\ntR.", "without content"),
        (b"\x80\x02cnumpy\nload\n.", "numpy.load"),
        (b"\x80\x02cos\nsystem\n.", "os.system"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "os.system"),
        (b"\x80\x02c_codecs\nencode\n(X\x02\x00\x00\x00os\x58\x03\x00\x00\x00hextR.", "arguments"),
        (b"\x80\x02K\x01Q.", "outside"),
        (b"cos\nsystem\n(S'true'\ntR.", "os.system"),
        (b"\x80\x04\x8e" + b"\xff" * 8, "truncated"),
    ],
)
def test_hostile_files_are_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    file = tmp_path / "x.pdparams"
    file.write_bytes(data)
    with pytest.raises(CheckpointError, match=rf"x\.pdparams.*{reason}"):
        paddle_file.read(file)


def test_damage_is_refused_or_harmless(tmp_path: Path) -> None:
    rng, file = random.Random(7), tmp_path / "x.pdparams"
    values = {"w": np.ones((2, 3), np.float32), "b": np.zeros(3)}
    for protocol in (2, 4):
        whole = pickle.dumps(values | {"StructuredToParameterName@@": {"w": "conv2d_0.w_0"}}, protocol)
        for cut in range(len(whole)):
            file.write_bytes(whole[:cut])
            with pytest.raises(CheckpointError, match=r"x\.pdparams"):
                paddle_file.read(file)
        refused = 0
        for _ in range(400):
            damaged = bytearray(whole)
            damaged[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
            file.write_bytes(damaged)
            try:
                paddle_file.read(file)
            except CheckpointError:
                refused += 1
        assert refused > 100
