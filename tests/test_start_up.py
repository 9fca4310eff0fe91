"""What `import hotloop` and a first call do not load: each of these was milliseconds of a start."""

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


def test_tables_that_are_loaded_later_are_found(tmp_path):
    code = ("from hotloop.frontend import registry; from hotloop import lazy\n"
            "tables = (registry.NUMPY, registry.CALLS)\n"
            "early = {key for table in tables for key in table}\n"
            "for name, module in registry.LATER.items():\n"
            "    if name != 'scipy': lazy.load(module)          # which may not be there\n"
            "late = {key: f for t in tables for key, f in t.items() if key not in early}\n"
            "assert len(late) > 300, len(late)\n"
            "for key, f in late.items():\n"
            "    found = registry.LATER.get(registry.home_of(key))\n"
            "    assert found is not None, key\n"
            "    parent = registry.LATER.get(registry.home_of(key).split('.')[0])\n"
            "    assert found._name == f.__module__ or parent is not None, key\n")
    loaded(code, tmp_path)


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


@pytest.mark.parametrize("entries, loading", [(0, True), (1, False)])
def test_llvm_is_loaded_early_only_if_nothing_is_on_disk(tmp_path, entries, loading):
    code = ("import hotloop; from hotloop.llvm import cache, engine\n"
            f"for k in range({entries}): cache.put('ab', b'x')\n"
            "f = hotloop.jit(lambda x: x + 1)\n"
            "print(bool(engine._preloading))")
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                           check=True, env=dict(os.environ, HOTLOOP_CACHE_DIR=str(tmp_path)))
    assert found.stdout.strip() == str(loading)
