"""LLVM text to objects: results, errors, threads, forks, what is not imported."""

import _thread
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hotloop import config
from hotloop.errors import InternalError
from hotloop.llvm import engine, library
from hotloop.llvm import thread as threads

ADD = "define i64 @kernel(i64 %a, i64 %b) {\n  %c = add i64 %a, %b\n  ret i64 %c\n}\n"


def test_text_to_object_and_assembly():
    assert engine.compile_text(ADD)[:4] == b"\x7fELF" or sys.platform != "linux"
    assert "kernel:" in engine.assembly(ADD)
    assert engine.compile_text(ADD) == engine.compile_text(ADD)          # reproducible


def test_a_syntax_error_names_the_line():
    with pytest.raises(InternalError, match=r"(?s)expected.*line 2:   %c = ad i64 %a, %b"):
        engine.compile_text(ADD.replace("add", "ad"))


def test_broken_rules_are_errors():
    text = ("define i64 @kernel(i1 %p) {\nentry:\n  br i1 %p, label %a, label %b\na:\n"
            "  %x = add i64 1, 1\n  br label %b\nb:\n  ret i64 %x\n}\n")
    with pytest.raises(InternalError, match="does not dominate"):
        engine.compile_text(text)


def test_passes():
    text = ("define i64 @kernel(i64 %n) {\nentry:\n  br label %l\nl:\n"
            "  %i = phi i64 [0, %entry], [%j, %l]\n  %j = add i64 %i, 1\n"
            "  %c = icmp slt i64 %j, %n\n  br i1 %c, label %l, label %d\nd:\n  ret i64 %j\n}\n")
    assert "inc" in engine.assembly(text) or "add" in engine.assembly(text)
    assert len(engine.assembly(text, passes=True)) < len(engine.assembly(text))


def test_another_cpu(monkeypatch):
    text = ("declare <8 x double> @llvm.fma.v8f64(<8 x double>, <8 x double>, <8 x double>)\n"
            "define void @kernel(ptr %p) {\n  %a = load <8 x double>, ptr %p, align 8\n"
            "  %b = fadd <8 x double> %a, %a\n  store <8 x double> %b, ptr %p, align 8\n"
            "  ret void\n}\n")
    if engine.triple().startswith("x86_64"):
        monkeypatch.setattr(config, "cpu", "x86-64-v4")
        assert "zmm" in engine.assembly(text)
        monkeypatch.setattr(config, "cpu", "haswell")
        assert "ymm" in engine.assembly(text) and "zmm" not in engine.assembly(text)


def test_threads_compile_at_once():
    want, got = engine.compile_text(ADD), []
    threads = [threading.Thread(target=lambda: got.extend(engine.compile_text(ADD)
                                                          for _ in range(20)))
               for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert got == [want] * 80


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_can_compile_while_the_parent_does():
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            engine.compile_text(ADD)
            time.sleep(0.001)
    thread = threading.Thread(target=busy)
    thread.start()
    try:
        for _ in range(10):
            child = os.fork()
            if child == 0:
                signal.alarm(20)         # a deadlock fails the test instead of hanging it
                os._exit(0 if engine.compile_text(ADD)[:4] else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        thread.join()


def test_llvm_is_imported_only_to_compile():
    script = ("import sys\n"
              "from hotloop.llvm import engine, externals, loader, mathlib, cache\n"
              "engine.host(), engine.versions()\n"
              "assert 'llvmlite.binding' not in sys.modules\n")
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60,
                   env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})


def test_llvmlite_and_its_library_agree(monkeypatch):
    assert engine._library() is not None        # or every first call takes 30 ms more
    made = engine.compile_text(ADD), engine.assembly(ADD)
    monkeypatch.setattr(engine, "_library", lambda: None)
    assert (engine.compile_text(ADD), engine.assembly(ADD)) == made
    with pytest.raises(InternalError, match=r"(?s)expected.*line 2:   %c = ad i64 %a, %b"):
        engine.compile_text(ADD.replace("add", "ad"))


def test_an_unknown_release_goes_through_llvmlite(monkeypatch):
    monkeypatch.setattr(library, "version", lambda: "9.9.9")
    assert library.opened() is None


def test_loading_ahead(monkeypatch):
    begun, really = [], _thread.start_new_thread

    def start(function, arguments):
        begun.append(function)
        return really(function, arguments)
    monkeypatch.setattr(_thread, "start_new_thread", start)
    monkeypatch.setattr(engine, "_preloading", False)
    monkeypatch.setattr(config, "cpu", "no-such-cpu")
    engine.preload(3)
    engine.preload(3)
    assert len(begun) == 1
    threads.wait(lambda: threads._alive)
    monkeypatch.setattr(config, "cpu", "")

    def refuse(function, arguments):
        raise RuntimeError("can't create new thread at interpreter shutdown")
    monkeypatch.setattr(engine, "_preloading", False)
    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    engine.preload(3)
    assert engine.compile_text(ADD)


def test_a_first_call_at_the_interpreters_end(tmp_path):
    script = ("import atexit, numpy as np, hotloop\n"
              "f = hotloop.jit(lambda x: x + 1)\n"
              "atexit.register(lambda: print(f(np.ones(2))))\n")
    (tmp_path / "program.py").write_text(script)
    done = subprocess.run([sys.executable, str(tmp_path / "program.py")], timeout=60, text=True,
                          capture_output=True, check=True,
                          env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]),
                               "HOTLOOP_CACHE": "0"})
    assert done.stdout == "[2. 2.]\n"


def test_compiling_does_not_import_all_of_llvmlite():
    script = ("import sys\nfrom hotloop.llvm import engine\n"
              f"assert engine.compile_text({ADD!r})\n"
              "assert 'llvmlite.binding' not in sys.modules\n")
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60,
                   env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
