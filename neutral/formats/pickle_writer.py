"""Writes the few pickle instructions that weight files need; nothing that it names is imported."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping


class PickleWriter:
    """Instructions in the order in which they are written. `write` takes a piece of the file."""

    def __init__(self, write: Callable[[bytes | memoryview], object], protocol: int) -> None:
        self.write = write
        write(b"\x80" + bytes([protocol]))

    def stop(self) -> None:
        """End of the pickle."""
        self.write(b".")

    def constant(self, value: bool | None) -> None:
        """None, True or False."""
        self.write({None: b"N", True: b"\x88", False: b"\x89"}[value])

    def number(self, value: int) -> None:
        """An integer of up to 255 bytes."""
        if 0 <= value < 256:
            self.write(b"K" + bytes([value]))
        elif -(2**31) <= value < 2**31:
            self.write(b"J" + struct.pack("<i", value))
        else:
            data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            self.write(b"\x8a" + bytes([len(data)]) + data)

    def text(self, value: str) -> None:
        """A text."""
        data = value.encode("utf-8")
        self.write(b"X" + struct.pack("<I", len(data)) + data)

    def binary(self, data: bytes | memoryview) -> None:
        """Bytes; needs protocol 4 above 4 GiB."""
        length = len(data)
        short = length < 2**32
        self.write(b"B" + struct.pack("<I", length) if short else b"\x8e" + struct.pack("<Q", length))
        self.write(data)

    def name(self, module: str, attribute: str) -> None:
        """A function or class, by name."""
        self.write(f"c{module}\n{attribute}\n".encode("ascii"))

    def numbers(self, values: Iterable[int]) -> None:
        """A tuple of integers."""
        self.write(b"(")
        for value in values:
            self.number(value)
        self.write(b"t")

    def ordered_dict(self) -> None:
        """An empty `collections.OrderedDict`."""
        self.name("collections", "OrderedDict")
        self.write(b")R")

    def entries(self, values: Mapping[str, object], value: Callable[[object], None]) -> None:
        """Entries of the dictionary on top of the stack; `value` writes each value."""
        self.write(b"(")
        for key, item in values.items():
            self.text(key)
            value(item)
        self.write(b"u")
