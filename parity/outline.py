"""What a source file declares, read from its syntax tree; nothing is imported.

    outline(source).names()        # ("Network", "Network.forward", "to_array")

Two files are compared in a common vocabulary, so that `nn.Module` and `nn.Layer` are the same word.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

VOCABULARY = (
    (r"\b(PyTorch|PaddlePaddle|Paddle)\b", "Framework"),
    (r"\b(torch|paddle)(?=\b|_impl\b)", "framework"),
    (r"\b(TorchBackend|PaddleBackend)\b", "FrameworkBackend"),
    (r"\bLayer\b", "Module"),
    (r"\blayer\b", "module"),
    (r"\bsublayers\b", "modules"),
    (r"\b(Batch|Instance)?(Conv|Norm|Pool)([123])D\b", r"\1\2\3d"),
    (r"\bConv2DTranspose\b", "ConvTranspose2d"),
    (r"\baxis\b", "dim"),
    (r"\bepsilon\b", "eps"),
)
"""Pattern and common word: what may differ between twins without a reason."""


@dataclass(frozen=True)
class Item:
    """One class, function, method or constant. Texts are in the common vocabulary.

    signature   parameters with their defaults, without annotations: "self, x, *, train=False";
                for a class its bases, for a constant its value when that is a literal
    """

    name: str
    kind: str
    line: int
    signature: str = ""
    decorators: str = ""
    docstring: str | None = None


@dataclass(frozen=True)
class Outline:
    """The docstring and the items of a file, in order; items of a class follow it."""

    docstring: str | None
    items: tuple[Item, ...] = field(default=())

    def names(self) -> tuple[str, ...]:
        """Qualified names, in order."""
        return tuple(item.name for item in self.items)


def outline(source: str) -> Outline:
    """The outline of a source text. Raises `SyntaxError`."""
    tree = ast.parse(source)
    return Outline(_docstring(tree), tuple(_items(tree.body, prefix="")))


def common(text: str) -> str:
    """`text` in the common vocabulary, with single spaces."""
    for pattern, word in VOCABULARY:
        text = re.sub(pattern, word, text)
    return " ".join(text.split())


def _items(body: list[ast.stmt], prefix: str) -> Iterator[Item]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            name = common(prefix + node.name)
            bases = ", ".join(common(ast.unparse(base)) for base in node.bases)
            yield Item(name, "class", node.lineno, bases, _decorators(node), _docstring(node))
            yield from _items(node.body, prefix=f"{name}.")
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            kind = "method" if prefix else "function"
            signature = _signature(node.args)
            yield Item(
                common(prefix + node.name), kind, node.lineno, signature, _decorators(node), _docstring(node)
            )
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    yield Item(common(prefix + target.id), "constant", node.lineno, _literal(node.value))


def _signature(arguments: ast.arguments) -> str:
    """Parameters and defaults without annotations."""
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    return common(ast.unparse(arguments))


def _decorators(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return ", ".join(common(ast.unparse(decorator)) for decorator in node.decorator_list)


def _literal(value: ast.expr | None) -> str:
    """A literal value; empty for an expression, which may name what only one framework has."""
    if value is None:
        return ""
    try:
        ast.literal_eval(value)
    except ValueError:
        return ""
    return common(ast.unparse(value))


def _docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    text = ast.get_docstring(node)
    return None if text is None else common(text)
