"""Paddle's `.pdparams` files, read and written without Paddle and without executing pickles.

A file is one pickle: a dictionary (nested or not) of numpy arrays. `paddle.save` adds a table of parameter
names under `StructuredToParameterName@@`, or stores a nested tensor as (name, array); pickle protocols 2 and
3 cut arrays of more than 1 GiB in pieces that are described under `UnpackBigParamInfor@@`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neutral import durable
from neutral.errors import CheckpointError
from neutral.formats.pickle_reader import ContentError, Global, PickleReader, require_shape
from neutral.formats.pickle_writer import PickleWriter
from neutral.formats.torch_tensors import widened
from neutral.state import Array

NAME_TABLE = "StructuredToParameterName@@"
PIECES = "UnpackBigParamInfor@@"
DTYPES = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "b1", "c8", "c16")


@dataclass
class Dtype:
    """A numpy dtype under construction."""

    code: str
    order: str = "<"


@dataclass
class Stored:
    """A numpy array under construction."""

    array: Array | None = None


def is_pickle(file: Path) -> bool:
    """Whether the content begins like a pickle of protocol 2 to 5."""
    with file.open("rb") as opened:
        start = opened.read(2)
    return len(start) == 2 and start[0] == 0x80 and 2 <= start[1] <= 5


def read(file: Path) -> Any:
    """The saved object: dictionaries, lists, tuples, numbers, texts, and numpy arrays for tensors.

    The table of names is dropped. Paddle has no uint16 and stores bfloat16 as such; it becomes float32.
    Raises `CheckpointError` that names the file when it is damaged or holds anything else.
    """
    try:
        with file.open("rb") as opened:
            size = os.fstat(opened.fileno()).st_size
            value = PickleReader(opened, size, Meaning()).load()
        return _joined(_resolve(value))
    except ContentError as error:
        raise CheckpointError(f"{file}: {error}") from None
    except OSError as error:
        raise CheckpointError(f"{file}: cannot be read: {error.strerror or error}") from None


def write(file: Path, values: Mapping[str, object]) -> None:
    """Write nested dictionaries of arrays; `paddle.load(file)` reads them.

    The file appears whole or not at all. Raises `CheckpointError`, also for a dtype that Paddle has not.
    """
    write_together({file: values})


def write_together(files: Mapping[Path, Mapping[str, object]]) -> None:
    """Write several files; none appears before all are written."""
    with ExitStack() as together:
        for file, values in files.items():
            try:
                _require_arrays(values)
            except ContentError as error:
                raise CheckpointError(f"{file}: cannot be written: {error}") from None
            with together.enter_context(durable.new_file(file)).open("wb") as opened:
                writer = PickleWriter(opened.write, protocol=4)
                _pickle(writer, values)
                writer.stop()


class Meaning:
    """Names in Paddle's weight files: numpy's way to pickle an array, and plain containers."""

    allowed = frozenset(
        ["numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
         "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar",
         "numpy.ndarray", "numpy.dtype", "collections.OrderedDict", "_codecs.encode",
         "builtins.tuple", "__builtin__.tuple"]
    )  # fmt: skip

    def call(self, function: str, arguments: tuple[Any, ...]) -> object:
        """A container, bytes, a dtype, an array still without content, or a number."""
        match function.rpartition(".")[2], arguments:
            case "OrderedDict", ():
                return {}
            case "tuple", (tuple() as items,):
                return items
            case "tuple", (list() as items,):
                return tuple(items)
            case "encode", (str() as text, "latin1" | "latin-1"):
                return _latin(text)
            case "dtype", (str() as code, *_) if code in DTYPES:
                return Dtype(code)
            case "_reconstruct", (Global("numpy.ndarray"), *_):
                return Stored()
            case "scalar", (Dtype() as dtype, data):
                return _array((), dtype, data, fortran=False).item()
        raise ContentError(f"damaged pickle: {function} with arguments that do not fit")

    def build(self, target: object, state: object) -> None:
        """Byte order of a dtype; shape, dtype and content of an array."""
        match target, state:
            case Dtype(), (int(), ("<" | ">" | "|" | "=") as order, *_):
                target.order = order
            case Stored(), (int(), tuple() as shape, Dtype() as dtype, bool() as fortran, data):
                target.array = _array(shape, dtype, data, fortran=fortran)
            case _:
                raise ContentError("damaged pickle: a state for something that has none")

    def persistent(self, identity: object) -> object:  # noqa: ARG002
        """Paddle's files refer to nothing outside."""
        raise ContentError("refers to data outside the file; this is no Paddle file")


def _latin(text: str) -> bytearray:
    try:
        return bytearray(text, "latin-1")
    except UnicodeEncodeError:
        raise ContentError("damaged pickle: bytes that are none") from None


def _array(shape: tuple[Any, ...], dtype: Dtype, data: object, *, fortran: bool) -> Array:
    """An array on `data`, whose length must be exactly that of the shape."""
    content = _latin(data) if isinstance(data, str) else data
    kind: np.dtype[Any] = np.dtype(dtype.code).newbyteorder("=" if dtype.order == "|" else dtype.order)  # type: ignore[arg-type]
    require_shape(shape, "an array")
    length = math.prod(shape) * kind.itemsize
    if not isinstance(content, bytearray) or len(content) != length:
        raise ContentError(f"an array of shape {shape}, {kind}, whose content is not {length:,} bytes long")
    array: Array = np.ndarray(shape, kind, content, order="F" if fortran else "C")
    return array.astype(kind.newbyteorder("="), copy=False)


def _resolve(value: Any) -> Any:
    """`value` with numpy arrays in place of stored ones, and without the table of names."""
    if isinstance(value, Stored):
        if value.array is None:
            raise ContentError("damaged pickle: an array without content")
        return widened(value.array) if value.array.dtype == np.uint16 else value.array
    if isinstance(value, dict):
        return {key: _resolve(item) for key, item in value.items() if key != NAME_TABLE}
    if isinstance(value, tuple) and [type(item) for item in value] == [str, Stored]:
        return _resolve(value[1])
    if isinstance(value, (list, tuple)):
        return type(value)(_resolve(item) for item in value)
    if isinstance(value, (Global, Dtype, bytearray)):
        raise ContentError("holds something that is neither an array nor plain data")
    return value


def _joined(value: Any) -> Any:
    """`value` with the arrays that were cut in pieces put together."""
    if not isinstance(value, dict) or PIECES not in value:
        return value
    pieces = {key: item for key, item in value.items() if key != PIECES}
    plan = value[PIECES]
    for key, entry in plan.items() if isinstance(plan, dict) else ():
        match entry:
            case {"OriginShape": (list() | tuple()) as shape, "slices": list() as names}:
                parts = [pieces.pop(name, None) for name in names if isinstance(name, str)]
            case _:
                raise ContentError(f"{key}: damaged description of its pieces")
        flat = [part for part in parts if isinstance(part, np.ndarray) and part.ndim == 1]
        require_shape(shape, key)
        if len(flat) != len(names) or not flat or math.prod(shape) != sum(part.size for part in flat):
            raise ContentError(f"{key}: its pieces are missing or do not fit")
        pieces[key] = np.concatenate(flat).reshape(shape)
    return pieces


def _require_arrays(value: object) -> None:
    if isinstance(value, Mapping):
        for item in value.values():
            _require_arrays(item)
    elif not isinstance(value, np.ndarray):
        raise ContentError(f"a value of type {type(value).__name__}")
    elif value.dtype.str[1:] not in DTYPES or value.dtype == np.uint16:
        raise ContentError(f"Paddle's files have no {value.dtype}")


def _pickle(writer: PickleWriter, value: object) -> None:
    if isinstance(value, Mapping):
        writer.write(b"}")
        writer.entries(value, lambda item: _pickle(writer, item))
    elif isinstance(value, np.ndarray):
        _pickle_array(writer, np.asarray(value, dtype=value.dtype.newbyteorder("<"), order="C"))


def _pickle_array(writer: PickleWriter, array: Array) -> None:
    """An array as numpy pickles it, under the module name that every version of numpy can import."""
    writer.name("numpy.core.multiarray", "_reconstruct")
    writer.name("numpy", "ndarray")
    writer.numbers([0])
    writer.binary(b"b")
    writer.write(b"\x87R(")
    writer.number(1)
    writer.numbers(array.shape)
    writer.name("numpy", "dtype")
    writer.text(array.dtype.str[1:])
    writer.constant(False)
    writer.constant(True)
    writer.write(b"\x87R(")
    writer.number(3)
    writer.text(array.dtype.str[0])
    for _ in range(3):
        writer.constant(None)
    for number in (-1, -1, 0):
        writer.number(number)
    writer.write(b"tb")
    writer.constant(False)
    writer.binary(array.reshape(-1).view(np.uint8).data)
    writer.write(b"tb")
