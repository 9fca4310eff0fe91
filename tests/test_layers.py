"""Imports go down the layers only, and none hides in a function."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "hotloop"
LAYERS = [
    {"digest", "lazy", "record"}, {"config", "errors"}, {"ir"}, {"ops"}, {"frontend", "passes",
    "transforms"}, {"loops"}, {"llvm"}, {"entry"}, {"compile", "persist"}, {"runtime"},
    {"introspection", "derivatives"}, {"testing"}, {"__init__", "numpy"}, {"bench", "fuzz"},
    {"__main__"},
]
RANK = {name: k for k, names in enumerate(LAYERS) for name in names}
FILES = sorted(ROOT.rglob("*.py"))


def package(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def is_import(node):
    """An import statement, or lazy.module("name")."""
    return isinstance(node, ast.Import | ast.ImportFrom) or (
        isinstance(node, ast.Call) and ast.unparse(node.func) == "lazy.module")


def imported(node):
    """The packages of hotloop that an import names."""
    if isinstance(node, ast.Call):
        names = [node.args[0].value]
    elif isinstance(node, ast.Import):
        names = [a.name for a in node.names]
    else:
        names = [f"{node.module}.{a.name}" for a in node.names] if node.module else []
    for name in names:
        parts = name.split(".")
        if parts[0] == "hotloop":
            known = parts[1] if len(parts) > 1 and parts[1] in RANK else "__init__"
            yield known


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down(path):
    if "programs" in path.parts:
        return                       # benchmark programs are users of the public API
    rank = RANK[package(path)]
    for node in ast.walk(ast.parse(path.read_text())):
        if is_import(node):
            for name in imported(node):
                same = name == package(path)
                assert same or RANK[name] < rank or (
                    RANK[name] == rank == RANK["ir"]), f"line {node.lineno} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_import_hides_in_a_function(path):
    if "programs" in path.parts:
        return
    tree = ast.parse(path.read_text())
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if is_import(node):
                    assert not list(imported(node)), f"line {node.lineno}"


def test_only_the_engine_imports_llvmlite():
    for path in FILES:
        if path.name not in ("engine.py", "library.py"):
            tree = ast.parse(path.read_text())
            for node in ast.walk(tree):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    assert "llvmlite" not in ast.unparse(node), path


def test_the_frontends_map_has_every_module():
    listed = ast.get_docstring(ast.parse((ROOT / "frontend" / "__init__.py").read_text()))
    names = set(re.findall(r"[a-z_]+\*?", listed))
    for path in (ROOT / "frontend").glob("[!_]*.py"):
        assert path.stem in names or path.stem.split("_")[0] + "_*" in names, path.stem
