"""A failing case made small: delta debugging on its syntax tree.

    small = reduced(case, verdict, ask)     # ask(case) -> Verdict, in another process

An edit is kept if the case still fails in the same way (`Verdict.end` and `cause`). Edits: fewer
statements, a block for the statement around it, a part for the expression around it, shorter
displays. Zeller and Hildebrandt's "Simplifying and Isolating Failure-Inducing Input" (2002), with
edits of a tree instead of a text.
"""

from __future__ import annotations

import ast
import copy
import time
from collections.abc import Callable, Iterator
from typing import Any

from hotloop.fuzz.cases import Case
from hotloop.fuzz.check import Verdict

Edit = Callable[[], None]
MODULES = ("np", "math", "np.linalg", "np.fft")


def reduced(case: Case, verdict: Verdict, ask: Callable[[Case], Verdict],
            seconds: float = 60.0) -> Case:
    """The smallest case found in so many seconds; `case` itself if its text can't be parsed."""
    until = time.monotonic() + seconds
    tree = ast.parse(case.text)
    best = case

    def fails(candidate: ast.Module) -> Case | None:
        try:
            text = ast.unparse(ast.fix_missing_locations(candidate)) + "\n"
        except (ValueError, RecursionError):
            return None
        made = Case(text, case.kind, case.seed)
        found = ask(made)
        return made if (found.end, found.cause) == (verdict.end, verdict.cause) else None

    for edits in (fewer_statements, blocks_without_headers, parts_of_expressions,
                  shorter_displays, fewer_statements, parts_of_expressions):
        position = 0
        while time.monotonic() < until:
            candidate = copy.deepcopy(tree)
            edit = _nth(edits(candidate), position)
            if edit is None:
                break
            edit()
            made = fails(candidate)
            if made is None:
                position += 1
            else:
                best, tree = made, candidate
    return best


def _nth(edits: Iterator[Edit], position: int) -> Edit | None:
    for k, edit in enumerate(edits):
        if k == position:
            return edit
    return None


def bodies(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            found = getattr(node, name, None)
            if isinstance(found, list) and found:
                yield found


def fewer_statements(tree: ast.AST) -> Iterator[Edit]:
    """Statements left out, many at once first."""
    for size in (8, 4, 3, 2, 1):
        for body in bodies(tree):
            if len(body) < size:
                continue
            for start in range(0, len(body) - size + 1, max(1, size // 2)):
                def edit(body: list[ast.stmt] = body, start: int = start, size: int = size) -> None:
                    del body[start:start + size]
                    if not body:
                        body.append(ast.Pass())
                if size > 1 or not isinstance(body[start], ast.Pass):
                    yield edit


def blocks_without_headers(tree: ast.AST) -> Iterator[Edit]:
    """`if c: S` and `for ...: S` become S; an `else` goes."""
    for body in bodies(tree):
        for k, statement in enumerate(body):
            for inner in (getattr(statement, "body", None), getattr(statement, "orelse", None)):
                if isinstance(inner, list) and inner and not isinstance(
                        statement, ast.FunctionDef | ast.ClassDef):
                    def edit(body: list[ast.stmt] = body, k: int = k,
                             inner: list[ast.stmt] = inner) -> None:
                        body[k:k + 1] = inner
                    yield edit
            if getattr(statement, "orelse", None) and not isinstance(statement, ast.Try):
                def cut(statement: Any = statement) -> None:
                    statement.orelse = []
                yield cut


def parts_of_expressions(tree: ast.AST) -> Iterator[Edit]:
    """`g(x) + y` becomes `g(x)` or `y`, then `x`; keywords go."""
    for parent in ast.walk(tree):
        if isinstance(parent, ast.Call) and parent.keywords:
            for k in range(len(parent.keywords)):
                def drop(parent: ast.Call = parent, k: int = k) -> None:
                    del parent.keywords[k]
                yield drop
        for name, value in ast.iter_fields(parent):
            if name in ("targets", "target", "func", "decorator_list"):
                continue
            for k, node in enumerate(value if isinstance(value, list) else [value]):
                if not isinstance(node, ast.expr):
                    continue
                for part in parts(node):
                    if not isinstance(part, ast.Slice | ast.Starred):
                        def put(parent: ast.AST = parent, name: str = name, value: Any = value,
                                k: int = k, part: ast.expr = part) -> None:
                            if isinstance(value, list):
                                value[k] = part
                            else:
                                setattr(parent, name, part)
                        yield put


def parts(node: ast.expr) -> Iterator[ast.expr]:
    """The expressions right below; not `np` of `np.zeros`."""
    if isinstance(node, ast.Attribute):
        if ast.unparse(node.value) not in MODULES:
            yield node.value
        return
    for part in ast.iter_child_nodes(node):
        if isinstance(node, ast.Call) and part is node.func:
            if isinstance(part, ast.Attribute) and ast.unparse(part.value) not in MODULES:
                yield part.value
        elif isinstance(part, ast.expr):
            yield part


def shorter_displays(tree: ast.AST) -> Iterator[Edit]:
    """Tuples and lists lose an element, or half."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple | ast.List) and isinstance(node.ctx, ast.Load):
            size = len(node.elts)
            spans = [(size // 2, size), (0, size // 2)] if size > 3 else []
            for start, stop in [*spans, *((k, k + 1) for k in range(min(size, 14)))]:
                if stop - start < size:
                    def cut(node: Any = node, start: int = start, stop: int = stop) -> None:
                        del node.elts[start:stop]
                    yield cut
