"""The twin checker rejects what drifts apart and accepts a translation."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from neutral.errors import EnvironmentFault
from parity.twins import DECLARED, Difference, differences, implementation

TORCH = '''"""Toy networks."""

import torch
from torch import nn

SLOPE = 0.2


class Net(nn.Module):
    """Image (N,C,H,W) -> features (N,C)."""

    eps = 1e-5

    def forward(self, x: torch.Tensor, *, train: bool = False) -> torch.Tensor:
        """Mean over the pixels."""
        return x.mean(dim=(2, 3))

    def shift(self, x: torch.Tensor, by: float = 1.0) -> torch.Tensor:
        """x + by."""
        return x + by


def build(channels: int = 3) -> nn.Module:
    """A network as a PyTorch module."""
    return Net()
'''

PADDLE = (
    TORCH.replace("torch", "paddle")
    .replace("nn.Module", "nn.Layer")
    .replace("PyTorch module", "Paddle layer")
    .replace("dim=", "axis=")
)


@pytest.fixture
def compare(tmp_path: Path):
    """Compare two packages of one file each, and declared differences."""

    def run(expected: str, actual: str, declared: dict[str, str] | None = None) -> list[str]:
        for name, text in (("torch_side", expected), ("paddle_side", actual)):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "toy.py").write_text(text, encoding="utf-8")
        found = differences(tmp_path / "torch_side", tmp_path / "paddle_side", declared or {})
        return [difference.key for difference in found]

    return run


def test_translation_is_accepted(compare) -> None:
    assert TORCH != PADDLE
    assert compare(TORCH, PADDLE) == []


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("by: float = 1.0", "by: float = 2.0", "toy.py::Net.shift: parameters"),
        ("by: float = 1.0", "offset: float = 1.0", "toy.py::Net.shift: parameters"),
        ("*, train", "train", "toy.py::Net.forward: parameters"),
        ('        """x + by."""\n', "", "toy.py::Net.shift: docstring"),
        ("Mean over", "Sum over", "toy.py::Net.forward: docstring"),
        ('"""Toy networks."""', "", "toy.py: docstring"),
        ("    eps = 1e-5", "    eps = 1e-3", "toy.py::Net.eps: value"),
        ("SLOPE = 0.2", "SLOPE = 0.1", "toy.py::SLOPE: value"),
        ("class Net(nn.Layer)", "class Net(nn.Sequential)", "toy.py::Net: bases"),
        ("    def shift", "    @staticmethod\n    def shift", "toy.py::Net.shift: decorators"),
    ],
)
def test_one_change_is_found_and_placed(compare, old: str, new: str, key: str) -> None:
    assert PADDLE.count(old) == 1
    assert compare(TORCH, PADDLE.replace(old, new)) == [key]


def test_reordered_methods_are_found(compare) -> None:
    head, forward, rest = PADDLE.partition("    def forward")
    forward_text, shift, tail = (forward + rest).partition("    def shift")
    shift_text, build, build_text = (shift + tail).partition("\n\ndef build")
    reordered = head + shift_text + "\n" + forward_text.rstrip() + "\n" + build + build_text
    assert compare(TORCH, reordered) == ["toy.py::Net.forward: order"]


def test_missing_and_additional_items_are_all_reported(compare) -> None:
    other = PADDLE.replace("def build", "def make").replace("def shift", "def move")
    assert compare(TORCH, other) == [
        "toy.py::Net.shift: existence",
        "toy.py::build: existence",
        "toy.py::Net.move: existence",
        "toy.py::make: existence",
    ]


def test_file_on_one_side_is_found(compare, tmp_path: Path) -> None:
    compare(TORCH, PADDLE)
    (tmp_path / "paddle_side" / "extra.py").write_text("", encoding="utf-8")
    assert compare(TORCH, PADDLE) == ["extra.py: existence"]


def test_declaration_hides_only_its_own_aspect(compare) -> None:
    declared = {"toy.py::Net.shift: docstring": "a reason"}
    documented = PADDLE.replace("x + by.", "by + x.")
    assert compare(TORCH, documented, declared) == []
    assert compare(TORCH, documented.replace("= 1.0", "= 2.0"), declared) == ["toy.py::Net.shift: parameters"]


def test_declaration_without_difference_is_reported(compare) -> None:
    declared = {"toy.py::Net.shift: docstring": "a reason"}
    assert compare(TORCH, PADDLE, declared) == ["toy.py::Net.shift: docstring: declaration"]


def test_empty_package_is_no_agreement(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    with pytest.raises(EnvironmentFault, match="no twins to compare"):
        differences(tmp_path / "one", tmp_path / "two")


def test_implementations_are_twins() -> None:
    assert [str(found) for found in differences(implementation("torch"), implementation("paddle"))] == []


def test_planted_drift_in_the_real_networks_is_found(tmp_path: Path) -> None:
    for name in ("torch", "paddle"):
        shutil.copytree(implementation(name), tmp_path / name)
    networks = tmp_path / "paddle" / "ugatit" / "networks.py"
    text = networks.read_text(encoding="utf-8")
    assert text.count("stride: int) -> list") == 2
    networks.write_text(text.replace("stride: int) -> list", "stride: int = 2) -> list"), encoding="utf-8")
    found = [difference.key for difference in differences(tmp_path / "torch", tmp_path / "paddle")]
    place = "ugatit/networks.py::{}: parameters"
    assert found == [place.format("down_sampling"), place.format("spectral_block")]


def test_every_declaration_has_a_reason() -> None:
    assert all(len(reason.split()) >= 4 for reason in DECLARED.values())


def test_difference_says_where_and_what() -> None:
    text = str(Difference("layers.py::Net", "value", "(1e-05) in torch_impl, (0.001) in paddle_impl"))
    assert text == "layers.py::Net: value: (1e-05) in torch_impl, (0.001) in paddle_impl"
