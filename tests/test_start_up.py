"""What `import hotloop` and a first call do not load: each of these was milliseconds of a start."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hotloop import lazy

ROOT = Path(__file__).resolve().parent.parent

HEAVY = (
    "llvmlite.binding", "numpy.random", "numpy.fft", "numpy.ma", "numpy.testing", "numpy.f2py",
    "random", "_hashlib", "tempfile", "shutil", "traceback", "dataclasses", "argparse", "string",
    "importlib.metadata", "hotloop.ir.text", "hotloop.ir.interp", "hotloop.ir.verify",
    "hotloop.loops.text", "hotloop.loops.interp", "hotloop.loops.verify",
    "hotloop.frontend.numpy_random", "hotloop.frontend.numpy_fft", "hotloop.frontend.numpy_linalg",
    "hotloop.frontend.names", "hotloop.frontend.numpy_join", "hotloop.frontend.math_names",
    "hotloop.frontend.python_names", "hotloop.frontend.loops", "hotloop.frontend.trying",
    "hotloop.loops.control", "hotloop.loops.speculate", "hotloop.loops.latest",
    "hotloop.loops.relax", "hotloop.llvm.blas",
    "hotloop.bench")

SIGMOID = ("import numpy as np\n"
           "f = hotloop.jit(lambda x: 1 / (1 + np.exp(-x)))\n"
           "f(np.ones(9, np.float32))\n")


def loaded(code, tmp_path):
    """The modules in sys.modules after `code`, in a new process, without those of NumPy itself."""
    script = ("import numpy, sys\nbefore = set(sys.modules)\nimport hotloop\n" + code
              + "\nprint(*sorted(set(sys.modules) - before))")
    file = tmp_path / "program.py"
    file.write_text(script)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOTLOOP_CACHE_DIR": str(tmp_path),
                   "HOTLOOP_VERIFY": "", "HOTLOOP_DEBUG": "", "HOTLOOP_DUMP": ""}
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, timeout=60,
                          env=environment, check=True)
    return set(done.stdout.split())


def test_importing(tmp_path):
    assert not loaded("", tmp_path) & set(HEAVY)


def test_a_first_call(tmp_path):
    assert not loaded(SIGMOID, tmp_path) & set(HEAVY)      # compiles
    assert not loaded(SIGMOID, tmp_path) & set(HEAVY)      # from the disk cache


LATER = """
from hotloop import lazy
from hotloop.frontend import registry
into, by = registry._into, {}
def noted(table, keys):
    def register(function):
        for key in keys:
            by.setdefault(key, set()).add(sys._getframe(1).f_globals["__name__"])
        return into(table, keys)(function)
    return register
registry._into = noted
for home, modules in registry.LATER.items():
    if home != "scipy":                     # which may not be there
        for module in modules:
            lazy.load(module)
assert len(by) > 300, len(by)
for key, modules in by.items():
    assert len(modules) == 1, (key, modules)
    found = [m._name for m in registry.modules_for(key)]
    assert modules <= set(found), (key, modules)
"""


def test_tables_that_are_loaded_later_are_found(tmp_path):
    """Each name by one module, which is loaded when the name is met."""
    loaded(LATER, tmp_path)


def test_only_what_is_met_is_loaded(tmp_path):
    modules = loaded("import numpy as np\nhotloop.jit(lambda: np.zeros(3))()\n", tmp_path)
    assert "hotloop.frontend.numpy_create" in modules
    assert not {f"hotloop.frontend.numpy_{name}" for name in (
        "select", "order", "products", "numeric")} & modules


def test_a_random_draw_finds_its_table(tmp_path):
    code = "import numpy as np\nprint(hotloop.jit(lambda: np.random.random() < 2)())\n"
    assert "True" in loaded(code, tmp_path)


def test_a_lazy_module():
    found = lazy.module("math")
    assert found.sin is np.sin or found.sin(0.0) == 0.0
    assert repr(found) == "<lazy math>"
    with pytest.raises(AttributeError):
        _ = found.no_such_name
    with pytest.raises(ModuleNotFoundError):
        _ = lazy.module("hotloop.no_such_module").name


@pytest.mark.skipif(gc.get_freeze_count() > 0, reason="Python 3.12 begins with frozen objects")
def test_what_imports_made_is_old_and_what_was_frozen_stays_so():
    gc.collect()
    with lazy.uncollected():
        assert not gc.isenabled()
        made = [[] for _ in range(1000)]
    assert gc.isenabled()
    assert any(x is made for x in gc.get_objects(generation=2))
    gc.freeze()
    try:
        count = gc.get_freeze_count()
        with lazy.uncollected():
            pass
        assert gc.get_freeze_count() == count > 1000
    finally:
        gc.unfreeze()


@pytest.mark.parametrize("entries, loading", [(0, True), (1, False)])
def test_llvm_is_loaded_early_only_if_nothing_is_on_disk(tmp_path, entries, loading):
    code = ("import hotloop; from hotloop.llvm import cache, engine\n"
            f"for k in range({entries}): cache.put('ab', b'x')\n"
            "f = hotloop.jit(lambda x: x + 1)\n"
            "print(bool(engine._preloading))")
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                           check=True, env=dict(os.environ, HOTLOOP_CACHE_DIR=str(tmp_path)))
    assert found.stdout.strip() == str(loading)
