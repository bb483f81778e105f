"""PyTorch's files: the bits that PyTorch wrote, strict loading of ours, refusal of everything hostile."""

from __future__ import annotations

import pickle
import random
import struct
import warnings
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from weight_files import Attack, Evaluated, attack_pickle, pickled, tensor_pickle, torch_zip

from neutral.errors import CheckpointError
from neutral.formats import torch_file

DTYPES = ["float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64"]
SHAPES = array_shapes(min_dims=0, max_dims=4, min_side=0)
TENSORS = st.sampled_from(DTYPES).flatmap(lambda dtype: arrays(dtype, SHAPES))


@pytest.fixture(scope="module")
def torch() -> ModuleType:
    import torch

    return torch


def same_bits(actual: np.ndarray, expected: np.ndarray) -> bool:
    form = (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    return form and actual.tobytes() == expected.tobytes()


@given(TENSORS)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, tensor: np.ndarray) -> None:
    file = tmp_path_factory.mktemp("round") / "x.pt"
    torch_file.write(file, {"net": {"a": tensor, "t": tensor.T}})
    back = torch_file.read(file)["net"]
    assert same_bits(back["a"], tensor)
    assert same_bits(back["t"], tensor.T)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_reads_what_torch_saved(torch: ModuleType, tmp_path: Path, zipped: bool) -> None:
    whole = torch.arange(24.0).reshape(2, 3, 4)
    saved = {
        "net": torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3)).state_dict(),
        "view": whole.transpose(0, 2)[1:],
        "same": whole,
        "parameter": torch.nn.Parameter(torch.randn(3, dtype=torch.float64)),
        "wide": torch.randn(4).to(torch.bfloat16),
        "half": torch.randn(4).half(),
        "flag": torch.tensor([True, False]),
        "empty": torch.zeros(0, 3),
        "scalar": torch.tensor(3),
        "plain": {"iteration": 12, "lr": 1e-4, "names": ["a", ("b", None)], "on": True},
    }
    file = tmp_path / "saved.pt"
    torch.save(saved, file, _use_new_zipfile_serialization=zipped)
    back = torch_file.read(file)
    assert list(back) == list(saved)
    assert back["plain"] == saved["plain"]
    for key, tensor in saved["net"].items():
        assert same_bits(back["net"][key], tensor.numpy())
    for key in ("view", "same", "parameter", "half", "flag", "empty", "scalar"):
        assert same_bits(back[key], saved[key].detach().numpy()), key
    assert same_bits(back["wide"], saved["wide"].float().numpy())


def test_torch_loads_what_we_write(torch: ModuleType, tmp_path: Path) -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Linear(3, 3))
    state = {key: np.asarray(tensor.numpy() + 1) for key, tensor in module.state_dict().items()}
    file = tmp_path / "ours.pt"
    torch_file.write(file, {"net": state})
    for mapped in (False, True):
        loaded = torch.load(file, weights_only=True, mmap=mapped)["net"]
        module.load_state_dict(loaded, strict=True)
        assert list(loaded) == list(state)
        assert all(same_bits(module.state_dict()[key].numpy(), state[key]) for key in state)


def test_records_are_aligned(tmp_path: Path) -> None:
    file = tmp_path / "x.pt"
    torch_file.write(file, {f"k{n}": np.ones(n, np.float32) for n in range(1, 20)})
    content = file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        for info in archive.infolist():
            name, extra = struct.unpack("<HH", content[info.header_offset + 26 : info.header_offset + 30])
            assert (info.header_offset + 30 + name + extra) % 64 == 0


def test_nothing_written_for_a_dtype_that_torch_lacks(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"x\.pt.*uint16"):
        torch_file.write(tmp_path / "x.pt", {"a": np.zeros(3, np.uint16)})
    assert list(tmp_path.iterdir()) == []


def test_big_endian_storage(tmp_path: Path) -> None:
    file = torch_zip(tmp_path / "b.pt", tensor_pickle(), struct.pack(">2f", 1, 2), byteorder=b"big")
    assert torch_file.read(file).tolist() == [1, 2]


@pytest.mark.parametrize("kind", [Attack, Evaluated])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_pickled_code_is_refused_and_does_not_run(
    tmp_path: Path, kind: type, protocol: int, zipped: bool
) -> None:
    marker, file = tmp_path / "marker", tmp_path / "evil.pt"
    data = attack_pickle(kind, marker, protocol)
    if zipped:
        torch_zip(file, data)
    else:
        start = [pickle.dumps(value, 2) for value in (torch_file.LEGACY_MAGIC, 1001, {"little_endian": True})]
        file.write_bytes(b"".join([*start, data]))
    with pytest.raises(CheckpointError, match=r"evil\.pt.*(system|eval)"):
        torch_file.read(file)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ({"shape": (3,)}, "outside"),
        ({"shape": (2,), "offset": 1}, "outside"),
        ({"shape": (2,), "strides": (2,)}, "outside"),
        ({"shape": (1000, 1000), "strides": (0, 0)}, "outside"),
        ({"strides": (-1,), "offset": 1}, "negative"),
        ({"offset": -1}, "negative"),
        ({"shape": (-2,)}, "impossible shape"),
        ({"shape": (2, 1), "strides": (1,)}, "do not fit together"),
        ({"shape": (0, 2**40, 2**40), "strides": (1, 1, 1)}, "impossible shape"),
        ({"shape": (1,) * 40, "strides": (1,) * 40}, "impossible shape"),
        ({"count": 2**40}, r"has 8; 4,398,046,511,104 bytes expected"),
        ({"count": -2}, "not described"),
        ({"key": "1"}, "is missing"),
        ({"key": "../../etc/passwd"}, "is missing"),
        ({"kind": ("torch", "QInt8Storage")}, "QInt8Storage"),
        ({"kind": ("numpy", "FloatStorage")}, "numpy.FloatStorage"),
    ],
)
def test_tensors_must_lie_in_their_storage(tmp_path: Path, sizes: dict[str, object], reason: str) -> None:
    file = torch_zip(tmp_path / "x.pt", tensor_pickle(**sizes))  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match=rf"x\.pt.*{reason}"):
        torch_file.read(file)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02" + b"]" * 3_000_000 + b".",
        b"\x80\x02" + b"(" * 1000 + b".",
        b"\x80\x02]q\x00h\x00a.",
        b"\x80\x02]q\x00" + b"".join(b"](" + b"h%c" % n * 10 + b"eq%c" % (n + 1) for n in range(20)) + b".",
        b"\x80\x02" + b"]" + b"\x85" * 100_000 + b".",
        b"\x80\x02}" + b")" + b"\x85" * 100_000 + b"Ns.",
        b"\x80\x02X\xff\xff\xff\xffabc.",
        b"\x80\x04\x8e" + b"\xff" * 8 + b"abc.",
        b"\x80\x02Nr\xff\xff\xff\xff0h\x07.",
        b"\x80\x02cos\nsystem\n.",
        b"\x80\x02ccollections\nOrderedDict\n(K\x01K\x02tR.",
        b"\x80\x02ccollections\nOrderedDict\n}N\x86b.",
        b"\x80\x02c" + b"a" * 10_000,
        b"\x80\x09N.",
        b"",
        b".",
        b"R.",
    ],
    ids=["many objects", "open marks", "cycle", "explosion", "deep tuple", "deep key", "long text",
         "long bytes", "memo", "global", "call", "state of a class", "endless name", "protocol", "empty",
         "no value", "no call"],
)  # fmt: skip
def test_hostile_pickles_end_soon(tmp_path: Path, data: bytes) -> None:
    file = torch_zip(tmp_path / "x.pt", data)
    with pytest.raises(CheckpointError, match=r"x\.pt"):
        torch_file.read(file)


def test_hostile_archives(tmp_path: Path) -> None:
    good = tensor_pickle()
    cases = {
        "compressed": lambda a: a.writestr("archive/data/0", bytes(8), zipfile.ZIP_DEFLATED),
        "two records": lambda a: [a.writestr("archive/data/0", bytes(8)) for _ in range(2)],
        "not allowed": lambda a: a.writestr("archive/../../data/0", bytes(8)),
        "path": lambda a: a.writestr("/data/0", bytes(8)),
        "folders": lambda a: a.writestr("other/data/0", bytes(8)),
        "TorchScript": lambda a: a.writestr("archive/constants.pkl", b""),
    }
    for reason, add in cases.items():
        file = tmp_path / f"{reason.split()[0]}.pt"
        with zipfile.ZipFile(file, "w") as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # zipfile warns about the duplicate that is meant
            archive.writestr("archive/data.pkl", good)
            add(archive)
        with pytest.raises(CheckpointError, match=rf"{file.name}.*{reason}"):
            torch_file.read(file)


def test_overlapping_records_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "bomb.pt"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", tensor_pickle())
        archive.writestr("archive/data/0", bytes(2000))
        for n in range(1, 50):
            twin = zipfile.ZipInfo(f"archive/data/{n}")
            first = archive.getinfo("archive/data/0")
            twin.file_size = twin.compress_size = first.file_size
            twin.CRC, twin.header_offset = first.CRC, first.header_offset
            archive.filelist.append(twin)
            archive.NameToInfo[twin.filename] = twin
    with pytest.raises(CheckpointError, match=r"bomb\.pt.*overlap"):
        torch_file.read(file)


def test_one_flipped_bit_in_a_storage_is_found(tmp_path: Path) -> None:
    file = tmp_path / "x.pt"
    torch_file.write(file, {"a": np.arange(100, dtype=np.float32)})
    content = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        info = archive.getinfo("archive/data/0")
    content[info.header_offset + 200] ^= 1
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"x\.pt.*CRC"):
        torch_file.read(file)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_damage_is_refused_or_harmless(torch: ModuleType, tmp_path: Path, zipped: bool) -> None:
    file = tmp_path / "x.pt"
    net = torch.nn.Linear(3, 2).state_dict()
    torch.save({"net": net, "bf": torch.ones(3).bfloat16()}, file, _use_new_zipfile_serialization=zipped)
    whole, rng = file.read_bytes(), random.Random(7)
    for cut in range(0, len(whole) - 1, 37):
        file.write_bytes(whole[:cut])
        with pytest.raises(CheckpointError, match=r"x\.pt"):
            torch_file.read(file)
    refused = 0
    for _ in range(400):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        file.write_bytes(damaged)
        try:
            torch_file.read(file)
        except CheckpointError:
            refused += 1
    assert refused > 100


def test_other_files(tmp_path: Path) -> None:
    text = tmp_path / "text.pt"
    text.write_text("not weights")
    with pytest.raises(CheckpointError, match=r"text\.pt.*torch\.save"):
        torch_file.read(text)
    with pytest.raises(CheckpointError, match="No such file"):
        torch_file.read(tmp_path / "absent.pt")
    plain = torch_zip(tmp_path / "plain.pt", pickled(lambda writer: writer.number(5)))
    assert torch_file.read(plain) == 5
