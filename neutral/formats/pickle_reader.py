"""Reads pickles as data: nothing named in the file is imported or called.

A small stack machine for the instructions that weight files use. A name (`module.attribute`) that the format
does not allow is refused before anything happens with it; what an allowed name means is decided by the
format's own `Meaning`, which makes numpy arrays and plain containers and nothing else. Every length is held
against the bytes that are left, and the number of instructions and the depth of the result are bounded.
"""

from __future__ import annotations

import math
import pickletools
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

MAX_INSTRUCTIONS = 1_000_000
MAX_NODES = 1_000_000
MAX_DEPTH = 32
MAX_ELEMENTS = 2**48

CONSTANTS: dict[bytes, bool | None] = {b"N": None, b"\x88": True, b"\x89": False}
EMPTY: dict[bytes, type] = {b"}": dict, b"]": list, b")": tuple}
NUMBERS = {b"J": "<i", b"K": "<B", b"M": "<H", b"G": ">d"}
TEXTS = {b"X": "<I", b"\x8c": "<B", b"\x8d": "<Q"}
OLD_TEXTS = {b"T": "<I", b"U": "<B"}
BYTES = {b"B": "<I", b"C": "<B", b"\x8e": "<Q"}
SHORT_TUPLES = {b"\x85": 1, b"\x86": 2, b"\x87": 3}


class ContentError(Exception):
    """The content is damaged or not allowed. The message says what; the caller names the file."""


@dataclass(frozen=True)
class Global:
    """A name in the file. It stands for itself; nothing is imported."""

    name: str


class Meaning(Protocol):
    """What the names and instructions mean in one file format. Every method may raise `ContentError`."""

    allowed: frozenset[str]

    def call(self, function: str, arguments: tuple[Any, ...]) -> object:
        """The value of an allowed name applied to arguments."""
        ...

    def build(self, target: object, state: object) -> None:
        """Give `target` (made by `call`) its state."""
        ...

    def persistent(self, identity: object) -> object:
        """The value of a reference to something outside the pickle."""
        ...


class PickleReader:
    """One pickle in `file`, at most `size` bytes long. Afterwards `file` stands behind it."""

    def __init__(self, file: BinaryIO, size: int, meaning: Meaning) -> None:
        self.file, self.left, self.meaning = file, size, meaning
        self.stack: list[Any] = []
        self.marked: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.instructions: dict[bytes, Callable[[], None]] = {
            b"\x80": self._protocol, b"\x95": lambda: self._skip(8), b"\x8a": self._long,
            b"(": self._mark, b"0": self._drop, b"t": self._tuple,
            b"a": self._append, b"e": self._appends, b"s": self._set_item, b"u": self._set_items,
            b"q": lambda: self._remember(self._number("<B")),
            b"r": lambda: self._remember(self._number("<I")),
            b"\x94": lambda: self._remember(len(self.memo)),
            b"h": lambda: self._recall(self._number("<B")),
            b"j": lambda: self._recall(self._number("<I")),
            b"c": self._global, b"\x93": self._stack_global,
            b"R": self._reduce, b"b": self._build, b"Q": self._persistent,
        }  # fmt: skip

    def load(self) -> object:
        """The value. Dictionaries and sequences are plain; leaves are what `meaning` made of them."""
        for _ in range(MAX_INSTRUCTIONS):
            code = bytes(self._take(1))
            if code == b".":
                value = self._pop()
                if self.stack or self.marked:
                    raise ContentError("damaged pickle: values are left over")
                check_tree(value)
                return value
            self._execute(code)
        raise ContentError(f"more than {MAX_INSTRUCTIONS:,} pickle instructions")

    def _execute(self, code: bytes) -> None:
        if code in CONSTANTS:
            self.stack.append(CONSTANTS[code])
        elif code in EMPTY:
            self.stack.append(EMPTY[code]())
        elif code in NUMBERS:
            self.stack.append(self._number(NUMBERS[code]))
        elif code in TEXTS:
            self.stack.append(self._text(TEXTS[code], "utf-8"))
        elif code in OLD_TEXTS:
            self.stack.append(self._text(OLD_TEXTS[code], "latin-1"))
        elif code in BYTES:
            self.stack.append(self._take(self._number(BYTES[code])))
        elif code in SHORT_TUPLES:
            self.stack.append(tuple(reversed([self._pop() for _ in range(SHORT_TUPLES[code])])))
        elif code in self.instructions:
            self.instructions[code]()
        else:
            known = pickletools.code2op.get(code.decode("latin-1"))  # type: ignore[attr-defined]
            raise ContentError(f"pickle instruction {known.name if known else code.hex()} is not allowed")

    def _take(self, count: int) -> bytearray:
        """The next bytes, writable, so that an array can stand on them without a copy."""
        if count > self.left:
            raise ContentError(f"truncated: {count:,} bytes announced, {self.left:,} left")
        data = bytearray(count)
        if self.file.readinto(data) != count:  # type: ignore[attr-defined]
            raise ContentError("truncated")
        self.left -= count
        return data

    def _number(self, layout: str) -> Any:
        return struct.unpack(layout, self._take(struct.calcsize(layout)))[0]

    def _text(self, length: str, encoding: str) -> str:
        try:
            return self._take(self._number(length)).decode(encoding)
        except UnicodeDecodeError:
            raise ContentError("a text that is not UTF-8") from None

    def _line(self) -> str:
        line = bytearray()
        while (byte := self._take(1)) != b"\n":
            line += byte
            if len(line) > 256:
                raise ContentError("a name of more than 256 characters")
        return line.decode("latin-1")

    def _pop(self) -> Any:
        if not self.stack:
            raise ContentError("damaged pickle: a value is missing")
        return self.stack.pop()

    def _pop_to_mark(self) -> list[Any]:
        if not self.marked:
            raise ContentError("damaged pickle: a mark is missing")
        items, self.stack = self.stack, self.marked.pop()
        return items

    def _protocol(self) -> None:
        version = self._number("<B")
        if version > 5:
            raise ContentError(f"pickle protocol {version} is not known")

    def _skip(self, count: int) -> None:
        self._take(count)

    def _drop(self) -> None:
        self._pop()

    def _long(self) -> None:
        self.stack.append(int.from_bytes(self._take(self._number("<B")), "little", signed=True))

    def _mark(self) -> None:
        self.marked.append(self.stack)
        self.stack = []

    def _tuple(self) -> None:
        items = self._pop_to_mark()
        self.stack.append(tuple(items))

    def _append(self) -> None:
        self._extend([self._pop()])

    def _appends(self) -> None:
        self._extend(self._pop_to_mark())

    def _extend(self, items: list[Any]) -> None:
        if not self.stack or type(self.stack[-1]) is not list:
            raise ContentError("damaged pickle: appending to something that is not a list")
        self.stack[-1].extend(items)

    def _set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self._update([key, value])

    def _set_items(self) -> None:
        self._update(self._pop_to_mark())

    def _update(self, items: list[Any]) -> None:
        if not self.stack or type(self.stack[-1]) is not dict or len(items) % 2:
            raise ContentError("damaged pickle: entries for something that is not a dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            self.stack[-1][plain_key(key)] = value

    def _remember(self, index: int) -> None:
        if not self.stack:
            raise ContentError("damaged pickle: nothing to remember")
        self.memo[index] = self.stack[-1]

    def _recall(self, index: int) -> None:
        if index not in self.memo:
            raise ContentError("damaged pickle: a reference to nothing")
        self.stack.append(self.memo[index])

    def _global(self) -> None:
        module, name = self._line(), self._line()
        self._admit(module, name)

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        self._admit(module, name)

    def _admit(self, module: object, name: object) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise ContentError("damaged pickle: a name that is not text")
        full = f"{module}.{name}"
        if full not in self.meaning.allowed:
            raise ContentError(
                f"refers to {full[:200]!r}, which is no part of a weight file; it was not imported"
            )
        self.stack.append(Global(full))

    def _reduce(self) -> None:
        arguments, function = self._pop(), self._pop()
        if type(function) is not Global or type(arguments) is not tuple:
            raise ContentError("damaged pickle: a call of something that is not a name")
        self.stack.append(self.meaning.call(function.name, arguments))

    def _build(self) -> None:
        state = self._pop()
        if not self.stack:
            raise ContentError("damaged pickle: a state for nothing")
        self.meaning.build(self.stack[-1], state)

    def _persistent(self) -> None:
        self.stack.append(self.meaning.persistent(self._pop()))


def plain_key(key: object) -> str | int:
    """`key`, if it is text or a number; a nested key could be built to exhaust the stack on hashing."""
    if type(key) is str or type(key) is int:
        return key
    raise ContentError(f"a dictionary key of type {type(key).__name__}")


def check_tree(value: object) -> None:
    """Raise `ContentError` unless a walk through nested containers ends soon (no cycles, no explosion)."""
    nodes, level, depth = 0, [value], 0
    while level:
        nodes, depth = nodes + len(level), depth + 1
        if depth > MAX_DEPTH or nodes > MAX_NODES:
            raise ContentError(f"nested deeper than {MAX_DEPTH} levels, or more than {MAX_NODES:,} values")
        level = [child for node in level for child in children(node)]


def require_shape(shape: Sequence[object], what: str) -> None:
    """Raise `ContentError` unless `shape` is one that numpy can make: sizes from 0, few, not astronomical."""
    sizes = [max(size, 1) for size in shape if type(size) is int and size >= 0]
    if len(sizes) != len(shape) or len(shape) > MAX_DEPTH or math.prod(sizes) > MAX_ELEMENTS:
        raise ContentError(f"{what} with an impossible shape")


def children(node: object) -> list[Any]:
    """The values directly inside a dictionary, list or tuple."""
    if isinstance(node, dict):
        return list(node.values())
    return list(node) if isinstance(node, (list, tuple)) else []
