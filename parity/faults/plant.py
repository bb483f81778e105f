"""Put a fault into the running program, and take it out again.

The source of the module is changed in memory and compiled; the functions concerned get the compiled code, so
that every reference to them is faulty at once, and get their own code back afterwards. No file is touched.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from neutral.errors import ConfigError
from parity.faults.fault import Edit, Fault


@contextmanager
def planted(fault: Fault) -> Iterator[None]:
    """Inside, the implementation has the fault.

    Raises `ConfigError` when the source no longer reads as the catalogue says.
    """
    with ExitStack() as undo:
        for path in dict.fromkeys(edit.path for edit in fault.edits):
            module = importlib.import_module(path)
            source = Path(str(module.__file__))
            edits = [edit for edit in fault.edits if edit.path == path]
            text = changed(source.read_text(encoding="utf-8"), fault.name, edits)
            for place in dict.fromkeys(edit.place for edit in edits):
                undo.callback(replace(module, place, text, str(source)))
        yield


def changed(text: str, name: str, edits: list[Edit]) -> str:
    """The source of a module with all edits of the fault `name` in it."""
    for edit in edits:
        node = find(ast.parse(text), edit)
        lines = text.splitlines(keepends=True)
        first, last = node.lineno - 1, node.end_lineno
        before, inside, after = map("".join, (lines[:first], lines[first:last], lines[last:]))
        count = inside.count(edit.old)
        if count != 1:
            raise ConfigError(
                f"fault {name}: {edit.path}.{edit.place} has {count} places that read: {edit.old}\n"
                "The source has changed: adapt the catalogue of faults."
            )
        text = before + inside.replace(edit.old, edit.new) + after
    return text


def find(tree: ast.Module, edit: Edit) -> ast.stmt:
    """The function, class or assignment that `edit.place` names."""
    body: list[ast.stmt] = tree.body
    node: ast.stmt | None = None
    for part in edit.place.split("."):
        node = next((statement for statement in body if part in names(statement)), None)
        if node is None:
            raise ConfigError(f"{edit.path} has no {edit.place}: adapt the catalogue of faults")
        body = getattr(node, "body", [])
    assert node is not None
    return node


def names(statement: ast.stmt) -> list[str]:
    """Names that a statement binds, as far as a place can name them."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, ast.AnnAssign):
        return [ast.unparse(statement.target)]
    return [ast.unparse(target) for target in statement.targets] if isinstance(statement, ast.Assign) else []


def replace(module: ModuleType, place: str, text: str, file: str) -> Callable[[], None]:
    """Give what `place` names its value from the source `text`; returns what undoes it."""
    *owners, last = place.split(".")
    owner: Any = module
    for name in owners:
        owner = getattr(owner, name)
    found = inspect.getattr_static(owner, last)
    function = function_of(found)
    if function is None:
        setattr(owner, last, constant(text, place, vars(module)))
        return lambda: setattr(owner, last, found)
    before = function.__code__

    def set_code(code: CodeType) -> None:
        function.__code__ = code
        if hasattr(found, "cache_clear"):
            found.cache_clear()

    set_code(code_of(compile(text, file, "exec"), place))
    return lambda: set_code(before)


def function_of(found: object) -> FunctionType | None:
    """The function behind a method, a property or a decorated function; None for anything else."""
    if isinstance(found, property):
        found = found.fget
    if isinstance(found, (classmethod, staticmethod)):
        found = found.__func__
    if callable(found) and not isinstance(found, type):
        found = inspect.unwrap(found)
    return found if isinstance(found, FunctionType) else None


def code_of(module: CodeType, place: str) -> CodeType:
    """Code of the function `place` in the code of its module."""
    code = module
    for name in place.split("."):
        code = next(item for item in code.co_consts if isinstance(item, CodeType) and item.co_name == name)
    return code


def constant(text: str, place: str, names_in_module: dict[str, Any]) -> object:
    """Value of the constant `place` in the source `text`."""
    node = find(ast.parse(text), Edit("", "", place, "", ""))
    assert isinstance(node, (ast.Assign, ast.AnnAssign))
    assert node.value is not None
    return eval(compile(ast.Expression(node.value), place, "eval"), names_in_module)
