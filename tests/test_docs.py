"""Every example in docstrings, the README and docs/ runs; links lead somewhere."""

import doctest
import importlib
import linecache
import pkgutil
import re
from pathlib import Path

import pytest
from compare import define

import hotloop
from hotloop import config

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MODULES = [m.name for m in pkgutil.walk_packages(hotloop.__path__, "hotloop.")
           if ".bench.programs" not in m.name
           and not m.name.endswith(("__main__", "bench.worker"))]


@pytest.mark.parametrize("name", ["hotloop", *MODULES])
def test_docstring_examples(name):
    if name == "hotloop.frontend.scipy_names":
        pytest.importorskip("scipy")
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert found.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_python_blocks_run(page):
    scope = {}
    for k, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)):
        name = f"<{page.name} block {k}>"
        linecache.cache[name] = (len(block), None, block.splitlines(keepends=True), name)
        exec(compile(block, name, "exec"), scope)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_switch_is_documented():
    text = (ROOT / "docs" / "debugging.md").read_text()
    for switch in config.SWITCHES:
        assert switch.help
        if switch.name in ("debug", "dump", "skip", "verify", "disable"):
            assert switch.variable in text


def test_define_gives_source():
    assert define("def f():\n    return 1\n", "<x>")() == 1
