"""Objects into memory: code, constants, variables, calls out, lifetime, damage."""

import ctypes
import gc
import os
import struct
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotloop.errors import InternalError
from hotloop.llvm import engine, externals, loader

pytestmark = pytest.mark.skipif(not loader.NATIVE, reason="the loader is for x86-64 Linux")

TEXT = """
@counter = internal global i64 5
@zeroed = internal global [100 x i64] zeroinitializer
@table = internal constant [4 x double] [double 1.0, double 2.0, double 3.0, double 4.0]
@pointers = internal constant [2 x ptr] [ptr @count, ptr @table]
declare double @sin(double)
declare double @outside(double)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)

define i64 @count() {
  %a = load i64, ptr @counter
  %b = add i64 %a, 1
  store i64 %b, ptr @counter
  store i64 %b, ptr getelementptr ([100 x i64], ptr @zeroed, i64 0, i64 99)
  ret i64 %b
}
define i64 @last() {
  %a = load i64, ptr getelementptr ([100 x i64], ptr @zeroed, i64 0, i64 99)
  ret i64 %a
}
define double @kernel(double %x, i64 %k) {
  %p = getelementptr double, ptr @table, i64 %k
  %t = load double, ptr %p
  %s = call double @sin(double %x)
  %r = fmul double %s, %t
  %q = fadd double %r, 0.1
  ret double %q
}
define i64 @indirect() {
  %f = load ptr, ptr @pointers
  %r = call i64 %f()
  ret i64 %r
}
define double @callout(double %x) {
  %r = call double @outside(double %x)
  ret double %r
}
define void @clear(ptr %p, i64 %n) {
  call void @llvm.memset.p0.i64(ptr %p, i8 0, i64 %n, i1 0)
  ret void
}
"""
F64, I64 = ctypes.c_double, ctypes.c_int64


@pytest.fixture(scope="module")
def data():
    return engine.compile_text(TEXT)


@ctypes.CFUNCTYPE(F64, F64)
def outside(x):
    return 3 * x


OUTSIDE = {"outside": ctypes.cast(outside, ctypes.c_void_p).value}


def test_code_constants_and_calls(data):
    code = loader.load(data, OUTSIDE)
    kernel = ctypes.CFUNCTYPE(F64, F64, I64)(code["kernel"])
    sin = ctypes.CFUNCTYPE(F64, F64)(externals.resolve("libm:sin"))
    assert [kernel(1.0, k) for k in range(4)] == [sin(1.0) * (k + 1) + 0.1 for k in range(4)]
    assert ctypes.CFUNCTYPE(F64, F64)(code["callout"])(2.0) == 6.0
    memory = ctypes.create_string_buffer(b"x" * 100)
    ctypes.CFUNCTYPE(None, ctypes.c_void_p, I64)(code["clear"])(memory, 60)
    assert memory.raw == bytes(60) + b"x" * 40 + b"\0"


def test_variables_belong_to_one_load(data):
    first, second = loader.load(data, OUTSIDE), loader.load(data, OUTSIDE)
    count = ctypes.CFUNCTYPE(I64)
    assert count(first["last"])() == 0
    assert [count(first["count"])() for _ in range(3)] == [6, 7, 8]
    assert count(first["indirect"])() == 9
    assert count(first["last"])() == 9
    assert count(second["count"])() == 6


def test_no_page_is_writable_and_executable(data):
    code = loader.load(data, OUTSIDE)
    rights = {}
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, mode = line.split()[:2]
        low, high = (int(x, 16) for x in span.split("-"))
        for name, address in code.addresses.items():
            if low <= address < high:
                rights[name] = mode[:3]
    assert rights["kernel"] == "r-x"


def test_memory_is_freed_with_the_code(data):
    def mapped(address):
        return any(int(a, 16) <= address < int(b, 16) for a, b in
                   (line.split()[0].split("-")
                    for line in Path("/proc/self/maps").read_text().splitlines()))
    code = loader.load(data, OUTSIDE)
    address, memory = code["kernel"], weakref.ref(code._memory)
    assert mapped(address)
    del code
    gc.collect()
    assert memory() is None


def test_an_unknown_function_is_named(data):
    with pytest.raises(InternalError, match="outside"):
        loader.load(data)


def test_sources_of_relocations():
    """Far calls, tables of constants in vectors, and jump tables all load."""
    cases = "\n".join(f"    i64 {k}, label %c{k}" for k in range(12))
    blocks = "\n".join(f"c{k}:\n  ret i64 {k * k + 7}" for k in range(12))
    text = (f"define i64 @kernel(i64 %x) {{\n  switch i64 %x, label %d [\n{cases}\n  ]\n"
            f"{blocks}\nd:\n  ret i64 -1\n}}\n")
    code = loader.load(engine.compile_text(text))
    kernel = ctypes.CFUNCTYPE(I64, I64)(code["kernel"])
    assert [kernel(k) for k in range(13)] == [k * k + 7 for k in range(12)] + [-1]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_is_an_error(data, choice):
    """Truncated headers and tables raise InternalError: no crash, no other exception."""
    kind = choice.draw(st.sampled_from(["cut", "table", "magic"]))
    if kind == "cut":
        bad = data[:choice.draw(st.integers(0, len(data) - 65))]
    elif kind == "table":
        bad = bytearray(data)
        struct.pack_into("<Q", bad, 40, choice.draw(st.integers(len(data) - 63, 2**64 - 1)))
    else:
        bad = bytearray(data)
        bad[choice.draw(st.integers(0, 6))] ^= 1 << choice.draw(st.integers(0, 7))
    with pytest.raises(InternalError):
        loader.load(bytes(bad), OUTSIDE)


def test_it_needs_no_llvm(data, tmp_path):
    (tmp_path / "object").write_bytes(data)
    script = ("import ctypes, sys\n"
              "from hotloop.llvm import loader\n"
              f"code = loader.load(open({str(tmp_path / 'object')!r}, 'rb').read(),"
              " {'outside': 1})\n"
              "assert ctypes.CFUNCTYPE(ctypes.c_int64)(code['count'])() == 6\n"
              "assert 'llvmlite.binding' not in sys.modules\n")
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60,
                   env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})


def test_llvm_can_link_instead(data):
    """What other platforms use."""
    addresses, handle = engine.link(engine.compile_text(
        "define i64 @kernel(i64 %a) {\n  %b = add i64 %a, 1\n  ret i64 %b\n}\n"), ("kernel",), {})
    assert ctypes.CFUNCTYPE(I64, I64)(addresses["kernel"])(41) == 42
    assert handle is not None
