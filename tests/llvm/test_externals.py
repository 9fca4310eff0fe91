"""Addresses of foreign functions, and the threads of NumPy's BLAS."""

import ctypes

import numpy as np
import pytest

from hotloop.llvm import blas, externals


@pytest.mark.parametrize("name", ["blas:dgemm", "nothing:sin", "libm:no_such_function",
                                  "ufunc:numpy:no_such_ufunc dd->d", "ufunc:numpy:add xx->x",
                                  "sort:sort O 0"])
def test_unknown_names(name):
    with pytest.raises(Exception, match="no address for the external"):
        externals.resolve(name)


def test_libm():
    sin = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(externals.resolve("libm:sin"))
    assert sin(1.0) == np.sin(1.0)


def test_an_inner_loop():
    """`void loop(char **args, npy_intp *dimensions, npy_intp *steps, void *data)`"""
    x, out = np.array([12, 18, 7]), np.zeros(3, int)
    gcd = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)(externals.resolve("ufunc:numpy:gcd ll->l"))
    args = (ctypes.c_void_p * 3)(x.ctypes.data, x[::-1].ctypes.data, out.ctypes.data)
    gcd(args, (ctypes.c_ssize_t * 1)(3), (ctypes.c_ssize_t * 3)(8, -8, 8), None)
    assert out.tolist() == [1, 18, 1]


def test_a_sort():
    x = np.array([2.0, np.nan, -0.0, 1.0])
    sort = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_void_p)(
        externals.resolve("sort:sort f8 0"))
    assert sort(x.ctypes.data, 4, None) == 0
    np.testing.assert_array_equal(x, [-0.0, 1.0, 2.0, np.nan])


def test_threads_of_blas():
    before = blas.threads()
    if before is None:
        pytest.skip("not NumPy's own OpenBLAS")
    blas.set_threads(1)
    try:
        assert blas.threads() == 1
    finally:
        blas.set_threads(before)
