"""Tensors and storages as PyTorch's pickles describe them, and what becomes of them in numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from neutral.formats.pickle_reader import ContentError, Global, require_shape
from neutral.state import Array

DTYPES = {
    "FloatStorage": "f4", "DoubleStorage": "f8", "HalfStorage": "f2", "BFloat16Storage": "u2",
    "LongStorage": "i8", "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1",
    "BoolStorage": "b1", "ComplexFloatStorage": "c8", "ComplexDoubleStorage": "c16",
}  # fmt: skip
"""Storage class and the numpy dtype of its elements; bfloat16 is widened to float32 after reading."""

STORAGES = {np.dtype(code): name for name, code in DTYPES.items() if code != "u2"}


@dataclass(frozen=True)
class Storage:
    """A storage as the pickle announces it: `count` elements of class `kind`."""

    key: str
    kind: str
    count: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """Numpy dtype in little-endian order."""
        dtype: np.dtype[Any] = np.dtype(DTYPES[self.kind]).newbyteorder("<")
        return dtype

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.count * self.dtype.itemsize


@dataclass(frozen=True)
class Tensor:
    """A tensor as the pickle announces it, in elements of its storage; checked to lie inside it."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Meaning:
    """Names of PyTorch's weight files. Storages are collected and read afterwards."""

    allowed = frozenset(
        ["collections.OrderedDict", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"]
        + [f"torch.{kind}" for kind in DTYPES]
    )

    def __init__(self) -> None:
        self.storages: dict[str, Storage] = {}

    def call(self, function: str, arguments: tuple[Any, ...]) -> object:
        """A state dict, a tensor or a parameter (which becomes a tensor)."""
        match function, arguments:
            case "collections.OrderedDict", ():
                return {}
            case "torch._utils._rebuild_tensor_v2", (Storage() as storage, offset, shape, strides, *_):
                return tensor_of(storage, offset, shape, strides)
            case "torch._utils._rebuild_parameter", (Tensor() as tensor, *_):
                return tensor
        raise ContentError(f"damaged pickle: {function} with arguments that do not fit")

    def build(self, target: object, state: object) -> None:  # noqa: ARG002
        """Attributes of a state dict (`_metadata`) are dropped."""
        if type(target) is not dict:
            raise ContentError("damaged pickle: a state for something that has none")

    def persistent(self, identity: object) -> object:
        """A storage; old files add None for "not a view of another one"."""
        match identity:
            case ("storage", Global(name), str(key), str(), int(count), *view) if (
                count >= 0 and view in ([], [None])
            ):
                storage = Storage(key, name.removeprefix("torch."), count)
            case _:
                raise ContentError("damaged pickle: a storage that is not described as PyTorch does")
        if storage.kind not in DTYPES or self.storages.setdefault(key, storage) != storage:
            raise ContentError(f"storage {key!r} is described in two ways, or is no storage")
        return storage


def tensor_of(storage: Storage, offset: object, shape: object, strides: object) -> Tensor:
    """A tensor that lies inside its storage; everything else is refused."""
    where = f"a tensor of storage {storage.key[:100]!r} ({storage.count:,} elements)"
    if not isinstance(shape, tuple) or not isinstance(strides, tuple) or len(shape) != len(strides):
        raise ContentError(f"{where} whose sizes and strides do not fit together")
    require_shape(shape, where)
    if any(type(number) is not int or number < 0 for number in (offset, *strides)):
        raise ContentError(f"{where} with a negative or wrong stride or offset")
    count, last = 1, cast(int, offset)
    for size, stride in zip(shape, strides, strict=True):
        count, last = count * size, last + (size - 1) * stride
    if count > storage.count or (count and last >= storage.count):
        raise ContentError(f"{where} outside of it: shape {shape}, strides {strides}, offset {offset}")
    return Tensor(storage, cast(int, offset), shape, strides)


def array_of(tensor: Tensor, elements: Array) -> Array:
    """The tensor as a view of its storage's elements."""
    if 0 in tensor.shape:
        return np.zeros(tensor.shape, elements.dtype)
    # The stride of a dimension of size 1 is never used and may be any number.
    steps = [
        stride * elements.itemsize if size > 1 else 0
        for size, stride in zip(tensor.shape, tensor.strides, strict=True)
    ]
    return np.lib.stride_tricks.as_strided(elements[tensor.offset :], tensor.shape, steps)


def elements(storage: Storage, data: bytearray, *, big_endian: bool = False) -> Array:
    """The storage's bytes as a one-dimensional array in the machine's byte order."""
    stored: Array = np.ndarray((storage.count,), storage.dtype.newbyteorder(">" if big_endian else "<"), data)
    native: Array = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    if storage.kind == "BFloat16Storage":
        return widened(native)
    return native.view(np.uint8) != 0 if storage.kind == "BoolStorage" else native


def widened(bfloat16: Array) -> Array:
    """bfloat16 bits as float32, exactly: they are its upper half."""
    wide: Array = (bfloat16.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return wide


def resolve(value: Any, arrays: Mapping[str, Array]) -> Any:
    """`value` with arrays in place of tensors."""
    if isinstance(value, Tensor):
        return array_of(value, arrays[value.storage.key])
    if isinstance(value, dict):
        return {key: resolve(item, arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(resolve(item, arrays) for item in value)
    if isinstance(value, (Storage, Global)):
        raise ContentError("holds something that is neither a tensor nor plain data")
    return value
