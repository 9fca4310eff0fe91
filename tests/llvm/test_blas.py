"""Small factorizations, and calls in parallel parts, have one thread; the number comes back."""

import os

import numpy as np
import pytest

import hotloop
from hotloop import config
from hotloop.llvm import blas


def small_and_large(a):
    n = 2 * len(a)
    b = np.eye(n)
    b[:len(a), :len(a)] += a
    return np.linalg.inv(a), np.linalg.eigvalsh(b), a @ a


@pytest.mark.parametrize("threads", [-1, 0, 1, 2])
def test_results_are_numpys(threads, monkeypatch):
    monkeypatch.setattr(config, "blas_threads", threads)
    a = np.random.default_rng(0).random((40, 40)) + np.eye(40)
    before = blas.threads()
    found = hotloop.jit(small_and_large, cache=False)(a)
    for x, y in zip(found, small_and_large(a), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-9)
    assert blas.threads() == before
    assert list(blas._cell)[:2] == [0, 0]


def test_who_has_few_threads(monkeypatch):
    assert blas.limits(False, True) == (blas.SMALL, 1) and blas.limits(False, False) is None
    assert blas.limits(True, False) == blas.limits(True, True) == (2**63 - 1, 1)
    monkeypatch.setattr(config, "blas_threads", 3)
    assert blas.limits(False, False) == blas.limits(True, True) == (2**63 - 1, 3)
    monkeypatch.setattr(config, "blas_threads", -1)
    assert blas.limits(True, True) is None


def test_products_in_parallel_parts_are_limited(monkeypatch):
    monkeypatch.setattr(config, "parallel", 0)

    def products(a):
        out = np.empty(len(a))
        for i in range(len(a)):
            k = 20 + i
            out[i] = (a[i, :k, :k] @ a[i, :k, :k]).sum()
        return out
    a = np.random.default_rng(1).random((6, 30, 30))
    f = hotloop.jit(products, cache=False)
    np.testing.assert_allclose(f(a), products(a), rtol=1e-12)
    parts = f.lower(a).llvm.split("define internal i64 @part")[1:]
    assert parts and any("@blas.enter(" in part.split("\n}\n")[0] for part in parts)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_forgets_the_calls_of_others():
    before = blas.threads()
    if before is None:
        pytest.skip("not OpenBLAS")
    blas._cell[:] = [1, 1, before, 0]            # a call in another thread of the parent
    child = os.fork()
    if not child:
        os._exit(0 if list(blas._cell)[:2] == [0, 0] else 1)
    blas._cell[:] = [0, 0, 0, 0]
    assert os.waitpid(child, 0)[1] == 0
    blas.set_threads(before)
