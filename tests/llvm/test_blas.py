"""Every routine of llvm.blas, through the calls that the emitter makes, against NumPy."""

import ctypes

import numpy as np
import pytest

from hotloop.llvm import blas, engine, externals, loader

SHAPES = {"gemm": ((3, 5), (5, 4), (3, 4)), "gemv": ((3, 5), (5,), (3,)),
          "gevm": ((5,), (5, 4), (4,)), "dot": ((7,), (7,), ())}


def run(row, dtype, address, a, b, out):
    """Call a routine as generated code does."""
    dims = [[str(d) for d in x.shape] for x in (a, b, out)]
    result, arguments = blas.call_arguments(row, dtype, ["%a", "%b", "%c"], dims)
    store = f"store {result} %r, ptr %c" if row.value else ""
    name = "%r = " if row.value else ""
    code = loader.load(engine.compile_text(
        f"{blas.CONSTANTS}\ndefine void @kernel(ptr %f, ptr %a, ptr %b, ptr %c) {{\n"
        f"{name}call {result} %f({', '.join(arguments)})\n{store}\nret void\n}}\n"))
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(code["kernel"])
    function(address, a.ctypes.data, b.ctypes.data, out.ctypes.data)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", blas.ROUTINES)
@pytest.mark.parametrize("own", [False, True])
def test_routine(name, dtype, own):
    row, dtype = blas.ROUTINES[name], np.dtype(dtype)
    random = np.random.default_rng(1)
    shapes = SHAPES[name.removeprefix("complex_")]
    kind = np.dtype(f"c{2 * dtype.itemsize}") if row.complex else dtype
    a, b = (random.normal(size=s).astype(kind) for s in shapes[:2])
    if row.complex:
        a += 1j * random.normal(size=a.shape)
        b += 1j * random.normal(size=b.shape)
    out = np.full(shapes[2], np.nan, kind)
    external = row.external(dtype)
    if own:
        pointer = blas.callback(external.removeprefix("blas:"))
        address = ctypes.cast(pointer, ctypes.c_void_p).value
    else:
        address = externals.resolve(external)
    run(row, dtype, address, a, b, out)
    np.testing.assert_allclose(out, a @ b, rtol=1e-5 if dtype.itemsize == 4 else 1e-13)


def test_unknown_names():
    assert blas.address("dfoo") is None
    with pytest.raises(Exception, match="no address for the external 'blas:dfoo'"):
        externals.resolve("blas:dfoo")
    with pytest.raises(Exception, match="no address"):
        externals.resolve("nothing:sin")


def test_libm():
    sin = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(externals.resolve("libm:sin"))
    assert sin(1.0) == np.sin(1.0)
