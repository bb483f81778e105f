"""PyTorch's `.pt` and `.pth` files, read and written without PyTorch and without executing pickles.

A file is a zip archive of uncompressed records under one folder name: `data.pkl` (the objects), `data/<key>`
(one storage each), `byteorder`, `version`. Tensors refer to storages with offset, size and strides. Files
before PyTorch 1.6 are a sequence of pickles followed by the storages; they are read too.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from neutral import durable
from neutral.errors import CheckpointError
from neutral.formats.pickle_reader import ContentError, PickleReader
from neutral.formats.pickle_writer import PickleWriter
from neutral.formats.torch_tensors import STORAGES, Meaning, elements, resolve
from neutral.state import Array

ZIP_START = b"PK\x03\x04"
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_START = b"\x80\x02\x8a\x0a" + LEGACY_MAGIC.to_bytes(10, "little") + b"."
MAX_PICKLE = 64 * 2**20
CHUNK = 16 * 2**20
ALIGNMENT = 64
LOCAL_HEADER, ZIP64_EXTRA, EXTRA_HEADER = 30, 20, 4

def is_torch_file(file: Path) -> bool:
    """Whether the content begins like a file written by `torch.save`."""
    with file.open("rb") as opened:
        start = opened.read(len(LEGACY_START))
    return start.startswith(ZIP_START) or start == LEGACY_START


def read(file: Path) -> Any:
    """The saved object: dictionaries, lists, tuples, numbers, texts, and numpy arrays for tensors.

    bfloat16 becomes float32. Arrays of one storage share memory. Raises `CheckpointError` that names the file
    when it is damaged or holds anything else.
    """
    try:
        with file.open("rb") as opened:
            start = opened.read(len(LEGACY_START))
            opened.seek(0)
            if start.startswith(ZIP_START):
                return _read_zip(opened)
            if start == LEGACY_START:
                return _read_legacy(opened, os.fstat(opened.fileno()).st_size)
        raise ContentError("not a file written by torch.save")
    except ContentError as refused:
        raise CheckpointError(f"{file}: {refused}") from None
    except OSError as error:
        raise CheckpointError(f"{file}: cannot be read: {error.strerror or error}") from None


def write(file: Path, values: Mapping[str, object]) -> None:
    """Write nested dictionaries of arrays; `torch.load(file, weights_only=True)` reads them.

    The outer dictionary is plain, inner ones are `OrderedDict`s, as in a saved state dict. The file appears
    whole or not at all. Raises `CheckpointError`, also for a dtype that PyTorch does not have.
    """
    arrays: list[Array] = []
    pickled = io.BytesIO()
    writer = PickleWriter(pickled.write, protocol=2)
    try:
        writer.write(b"}")
        writer.entries(values, lambda value: _pickle(writer, value, arrays))
    except ContentError as refused:
        raise CheckpointError(f"{file}: cannot be written: {refused}") from None
    writer.stop()
    with durable.new_file(file) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        _store(archive, "data.pkl", pickled.getbuffer())
        _store(archive, "byteorder", b"little")
        for key, array in enumerate(arrays):
            _store(archive, f"data/{key}", array.reshape(-1).view(np.uint8).data)
        _store(archive, "version", b"3\n")


def _pickle(writer: PickleWriter, value: object, arrays: list[Array]) -> None:
    if isinstance(value, Mapping):
        writer.ordered_dict()
        writer.entries(value, lambda item: _pickle(writer, item, arrays))
    elif isinstance(value, np.ndarray):
        kind = STORAGES.get(value.dtype.newbyteorder("="))
        if kind is None:
            raise ContentError(f"PyTorch's files have no {value.dtype}")
        array = np.asarray(value, dtype=value.dtype.newbyteorder("<"), order="C")
        arrays.append(array)
        _pickle_tensor(writer, kind, str(len(arrays) - 1), array)
    else:
        raise ContentError(f"a value of type {type(value).__name__}")


def _pickle_tensor(writer: PickleWriter, kind: str, key: str, array: Array) -> None:
    """A call of `_rebuild_tensor_v2` on a storage of its own, without gradient."""
    writer.name("torch._utils", "_rebuild_tensor_v2")
    writer.write(b"((")
    writer.text("storage")
    writer.name("torch", kind)
    writer.text(key)
    writer.text("cpu")
    writer.number(array.size)
    writer.write(b"tQ")
    writer.number(0)
    writer.numbers(array.shape)
    writer.numbers(_element_strides(array.shape))
    writer.constant(False)
    writer.ordered_dict()
    writer.write(b"tR")


def _element_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides in elements of a contiguous tensor: 1 in the last dimension."""
    strides = [1]
    for size in reversed(shape[1:]):
        strides.append(strides[-1] * max(size, 1))
    return tuple(reversed(strides)) if shape else ()


def _store(archive: zipfile.ZipFile, name: str, data: bytes | memoryview) -> None:
    """One record, its data aligned so that PyTorch can map it into memory."""
    info = zipfile.ZipInfo(f"archive/{name}")
    large = len(data) > zipfile.ZIP64_LIMIT
    header = LOCAL_HEADER + len(info.filename) + (ZIP64_EXTRA if large else 0) + EXTRA_HEADER
    padding = -(archive.start_dir + header) % ALIGNMENT
    info.extra = b"FB" + struct.pack("<H", padding) + bytes(padding)
    info.file_size = len(data)
    with archive.open(info, "w", force_zip64=large) as record:
        record.write(data)


def _read_zip(opened: BinaryIO) -> Any:
    with _damage(), zipfile.ZipFile(opened) as archive:
        records = _records(archive, os.fstat(opened.fileno()).st_size)
        if "data.pkl" not in records:
            raise ContentError("a zip archive, but not of torch.save (data.pkl is missing)")
        if "constants.pkl" in records:
            raise ContentError("a TorchScript program, not a checkpoint; save its state_dict() instead")
        if records["data.pkl"].file_size > MAX_PICKLE:
            raise ContentError(f"data.pkl is larger than {MAX_PICKLE:,} bytes")
        big_endian = "byteorder" in records and _content(archive, records["byteorder"]) == b"big"
        pickled, meaning = _content(archive, records["data.pkl"]), Meaning()
        value = PickleReader(io.BytesIO(pickled), len(pickled), meaning).load()
        arrays = {}
        for storage in meaning.storages.values():
            record = records.get(f"data/{storage.key}")
            if record is None or record.file_size != storage.size:
                found = f"has {record.file_size:,}" if record else "is missing"
                raise ContentError(f"record data/{storage.key} {found}; {storage.size:,} bytes expected")
            arrays[storage.key] = elements(storage, _content(archive, record), big_endian=big_endian)
    return resolve(value, arrays)


def _records(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """Records by name below the archive's one folder; everything that torch.save does not make is refused."""
    records: dict[str, zipfile.ZipInfo] = {}
    tops = set()
    for info in archive.infolist():
        top, _, name = info.filename.partition("/")
        tops.add(top)
        if not name or top in ("", ".", "..") or "\\" in info.filename or ".." in name.split("/"):
            raise ContentError(f"a record with a path that is not allowed: {info.filename[:200]!r}")
        if name in records:
            raise ContentError(f"two records of the name {info.filename[:200]!r}")
        stored = info.compress_type == zipfile.ZIP_STORED and info.compress_size == info.file_size
        if not stored or info.flag_bits & 1:
            raise ContentError(f"record {info.filename[:200]!r} is compressed or encrypted, not just stored")
        records[name] = info
    if len(tops) > 1:
        raise ContentError(f"records below {len(tops)} folders instead of one")
    if sum(info.file_size for info in records.values()) > size:
        raise ContentError("records overlap: together they are larger than the file")
    return records


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytearray:
    """A record, its checksum verified."""
    data, position = bytearray(info.file_size), 0
    with archive.open(info) as record:
        while chunk := record.read(CHUNK):
            data[position : position + len(chunk)] = chunk
            position += len(chunk)
    if position != info.file_size:
        raise ContentError(f"truncated: record {info.filename[:200]!r} ends early")
    return data


@contextmanager
def _damage() -> Iterator[None]:
    """Report what zipfile says of a damaged archive."""
    try:
        yield
    except (zipfile.BadZipFile, EOFError, struct.error, ValueError, ArithmeticError, RuntimeError) as error:
        raise ContentError(f"truncated or damaged: {error}") from None


def _read_legacy(opened: BinaryIO, size: int) -> Any:
    """Magic number, version, machine, object, storage keys; then per key its length and its elements."""
    meaning = Meaning()

    def load() -> Any:
        return PickleReader(opened, size - opened.tell(), meaning).load()

    _, version, machine, value, keys = (load() for _ in range(5))
    if version != 1001 or not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise ContentError("a file of an old PyTorch on a big-endian machine, or of an unknown version")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ContentError("damaged: no list of storages")
    if sorted(keys) != sorted(meaning.storages):
        raise ContentError("damaged: the list of storages does not fit the tensors")
    arrays = {}
    for key in keys:
        storage = meaning.storages[key]
        header = opened.read(8)
        if header != struct.pack("<q", storage.count) or size - opened.tell() < storage.size:
            raise ContentError(f"truncated or damaged: not {storage.count:,} elements in storage {key!r}")
        data = bytearray(storage.size)
        opened.readinto(data)  # type: ignore[attr-defined]
        arrays[key] = elements(storage, data)
    return resolve(value, arrays)
