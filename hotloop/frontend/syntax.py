"""Walking ASTs: what `ast` offers, but fast enough to do a dozen times for each function traced."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

AST = ast.AST


_NO_NODES = frozenset({"ctx", "op", "ops", "id", "attr", "name", "kind", "conversion", "level",
                       "module", "asname", "type_comment", "simple", "is_async"})
"""Fields that hold no nodes, or only such as say what another one is (Load, Add)."""

_fields: dict[type[AST], tuple[str, ...]] = {}


def children(node: AST) -> list[Any]:
    """The nodes directly below a node, but for contexts and operators."""
    kind = type(node)
    fields = _fields.get(kind)
    if fields is None:
        fields = () if kind is ast.Constant else tuple(
            name for name in kind._fields if name not in _NO_NODES)
        _fields[kind] = fields
    found: list[Any] = []
    attributes = node.__dict__
    for name in fields:
        x = attributes.get(name)
        if type(x) is list:
            found += [e for e in x if isinstance(e, AST)]
        elif isinstance(x, AST):
            found.append(x)
    return found


def walk(node: AST) -> Iterator[Any]:
    """A node and all below it, in no particular order."""
    todo = [node]
    while todo:
        node = todo.pop()
        yield node
        todo += children(node)


def copied(node: Any) -> Any:
    """A copy of a node and all below it."""
    if isinstance(node, list):
        return [copied(x) for x in node]
    if not isinstance(node, AST):
        return node
    made = type(node)()
    made.__dict__.update({name: copied(x) for name, x in node.__dict__.items()})
    return made


def place_at(node: Any, old: AST) -> Any:
    """Give a new node the place of an old one; the nodes below inherit it (see `fill`)."""
    if not hasattr(node, "lineno"):
        ast.copy_location(node, old)
    return node


def function_definition(name: str, arguments: ast.arguments,
                        body: list[ast.stmt]) -> ast.FunctionDef:
    """`def name(arguments): body`, in this version of Python (3.12 added a field)."""
    fields: dict[str, Any] = {"name": name, "args": arguments, "body": body,
                              "decorator_list": [], "returns": None}
    if "type_params" in ast.FunctionDef._fields:
        fields["type_params"] = []
    return ast.FunctionDef(**fields)


def fill(tree: AST) -> None:
    """Nodes without a place get the start of the node above (its start alone: CPython places a
    call of an attribute at the end of the attribute)."""
    todo: list[tuple[Any, tuple[Any, ...]]] = [(tree, (1, 0, 1, 0))]
    while todo:
        node, place = todo.pop()
        attributes = node.__dict__
        if "lineno" in attributes:
            line, column = attributes["lineno"], attributes["col_offset"]
            place = line, column, line, column
        elif "lineno" in node._attributes:
            (attributes["lineno"], attributes["col_offset"], attributes["end_lineno"],
             attributes["end_col_offset"]) = place
        todo += [(child, place) for child in children(node)]
