"""Files for the tests of readers and writers: pickles with chosen content, zip archives, damage."""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

from neutral.formats.pickle_writer import PickleWriter


class Attack:
    """Pickled, it asks the reader to create a file with a shell command."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.marker}",)


class Evaluated:
    """Pickled, it asks the reader to create a file with `eval`."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, (f"open({str(self.marker)!r}, 'w')",)


def pickled(write: Callable[[PickleWriter], None], protocol: int = 2) -> bytes:
    """A pickle of the instructions that `write` gives."""
    data = bytearray()
    writer = PickleWriter(data.extend, protocol)
    write(writer)
    writer.stop()
    return bytes(data)


def tensor_pickle(
    *,
    shape: tuple[int, ...] = (2,),
    strides: tuple[int, ...] = (1,),
    offset: int = 0,
    count: int = 2,
    key: str = "0",
    kind: tuple[str, str] = ("torch", "FloatStorage"),
) -> bytes:
    """PyTorch's pickle of one tensor, with sizes of one's choice."""

    def write(writer: PickleWriter) -> None:
        writer.name("torch._utils", "_rebuild_tensor_v2")
        writer.write(b"((")
        writer.text("storage")
        writer.name(*kind)
        writer.text(key)
        writer.text("cpu")
        writer.number(count)
        writer.write(b"tQ")
        writer.number(offset)
        writer.numbers(shape)
        writer.numbers(strides)
        writer.constant(False)
        writer.ordered_dict()
        writer.write(b"tR")

    return pickled(write)


def torch_zip(file: Path, data: bytes, storage: bytes = struct.pack("<2f", 1, 2), **more: bytes) -> Path:
    """A torch archive of `data.pkl`, one storage and `more` records."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/data/0", storage)
        for name, content in more.items():
            archive.writestr(f"archive/{name}", content)
    return file


def attack_pickle(kind: type, marker: Path, protocol: int) -> bytes:
    """A pickle whose execution would create `marker`."""
    return pickle.dumps({"genA2B": kind(marker)}, protocol)
