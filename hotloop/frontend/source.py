"""From a function to its AST, with the positions of the user's file.

    tree = function_tree(fn)      # ast.FunctionDef, or None if there is no source

Only the lines of the function are parsed. A lambda is found by the positions that its code object
carries, so several on one line are told apart; it comes back as a function with one return.
"""

from __future__ import annotations

import ast
import dis
import linecache
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType

from hotloop.frontend.syntax import function_definition, walk

LAMBDA = "<lambda>"


def function_tree(fn: FunctionType) -> ast.FunctionDef | None:
    """The definition of `fn`; line and column numbers are those of the file."""
    code = fn.__code__
    lines = linecache.getlines(code.co_filename, fn.__globals__) or _command(code)
    if not lines or code.co_firstlineno > len(lines):
        return None
    if code.co_name == LAMBDA:
        return _lambda_tree(code, lines)
    tree = _parse_from(lines, code.co_firstlineno, last_line(code))
    if tree is None or not tree.body:
        return None
    for node in walk(tree):
        if (isinstance(node, ast.FunctionDef) and node.name == code.co_name
                and _first_line(node) == code.co_firstlineno):
            return node
    return None


def _command(code: CodeType) -> list[str]:
    """The lines of `python -c`, if the code is of it: before 3.13 Python does not keep them."""
    given = sys.orig_argv
    if code.co_filename != "<string>" or "-c" not in given[:-1]:
        return []
    text = given[given.index("-c") + 1]
    try:
        todo = [compile(text, "<string>", "exec", dont_inherit=True)]
    except SyntaxError:                         # it is another command's -c
        return []
    while todo:                                 # code from exec("...") has that name, too
        made = todo.pop()
        if made == code:
            return text.splitlines(keepends=True)
        todo += [each for each in made.co_consts if isinstance(each, CodeType)]
    return []


def _first_line(node: ast.FunctionDef) -> int:
    return min([node.lineno, *(d.lineno for d in node.decorator_list)])


def last_line(code: CodeType) -> int:
    """The last line of which the code object has instructions."""
    last = code.co_firstlineno
    for _, _, line in code.co_lines():
        if line is not None and line > last:
            last = line
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            last = max(last, last_line(constant))
    return last


def _parse_from(lines: list[str], first: int, last: int) -> ast.Module | None:
    """Parse whole statements from line `first` to at least line `last`."""
    indented = lines[first - 1][:1].isspace()
    for end in range(last, min(last + 200, len(lines)) + 1):
        text = "".join(lines[first - 1:end])
        try:                    # the lines before are left empty: nodes know where they are
            if not indented:
                return ast.parse("\n" * (first - 1) + text)
            tree = ast.parse("\n" * (first - 2) + "if 1:\n" + text)
        except SyntaxError:
            continue
        if first == 1:
            ast.increment_lineno(tree, -1)
        return tree
    return None


_files: dict[str, tuple[list[str], ast.Module | None]] = {}


def _whole_file(name: str, lines: list[str]) -> ast.Module | None:
    known = _files.get(name)
    if known is None or known[0] != lines:
        try:
            tree = ast.parse("".join(lines))
        except SyntaxError:
            tree = None
        known = _files[name] = lines, tree
    return known[1]


def _lambda_tree(code: CodeType, lines: list[str]) -> ast.FunctionDef | None:
    first = code.co_firstlineno
    found = None
    tree = _parse_from(lines, first, last_line(code)) if _may_start(lines[first - 1]) else None
    if tree is not None:
        found = _find_lambda(tree, code)
    if found is None:
        tree = _whole_file(code.co_filename, lines)
        found = _find_lambda(tree, code) if tree is not None else None
    if found is None:
        return None
    body = ast.copy_location(ast.Return(found.body), found.body)
    return ast.copy_location(function_definition("_lambda", found.args, [body]), found)


def _may_start(line: str) -> bool:
    """Can a statement start on this line? (A guess that saves parsing the whole file.)"""
    return not line.lstrip().startswith((")", "]", "}", ".", ","))


def _find_lambda(tree: ast.AST, code: CodeType) -> ast.Lambda | None:
    wanted = list(code.co_varnames[:code.co_argcount + code.co_kwonlyargcount])
    spans = [p for p in code.co_positions() if None not in p and p[1] is not None]
    spans = [p for p in spans if p[2] != p[3] or p[0] != p[1]]
    candidates = []
    for node in walk(tree):
        if not isinstance(node, ast.Lambda):
            continue
        a = node.args
        names = [x.arg for x in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
        if names == wanted and all(_inside(p, node.body) for p in spans):
            candidates.append(node)
    candidates.sort(key=lambda n: ((n.end_lineno or 0) - n.lineno,
                                   (n.end_col_offset or 0) - n.col_offset))
    return candidates[0] if candidates else None


def _inside(span: tuple, body: ast.expr) -> bool:
    first, last, start, end = span
    return ((body.lineno, body.col_offset) <= (first, start)
            and (last, end) <= (body.end_lineno, body.end_col_offset))


_GLOBALS = {dis.opmap[name]: shift for name, shift in (
    ("LOAD_GLOBAL", 1), ("LOAD_NAME", 0), ("STORE_GLOBAL", 0), ("DELETE_GLOBAL", 0),
    ("LOAD_FROM_DICT_OR_GLOBALS", 0)) if name in dis.opmap}
"""Instructions on globals, and by how much their operand is shifted from the name's number."""


def names_read(code: CodeType) -> Iterator[str]:
    """Names that a code object or the functions inside it use as globals (`co_names` has those of
    attributes, too)."""
    text, extended = code.co_code, 0
    for at in range(0, len(text), 2):
        operand = extended << 8 | text[at + 1]
        extended = operand if text[at] == dis.EXTENDED_ARG else 0
        if text[at] in _GLOBALS:
            yield code.co_names[operand >> _GLOBALS[text[at]]]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_read(constant)
