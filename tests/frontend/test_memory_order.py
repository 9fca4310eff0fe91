"""The order of new arrays in memory is NumPy's: flags, strides, copies and reads in its order."""

import copy

import numpy as np
import pytest
from compare import check, same

import hotloop

C = np.arange(12.0).reshape(3, 4)
F = np.asfortranarray(C)
DEEP = np.arange(24.0).reshape(2, 3, 4)
ARRAYS = {"C": C, "F": F, "deep": DEEP, "deep F": np.asfortranarray(DEEP),
          "ints": np.asfortranarray(C.astype(np.int32)), "empty": np.zeros((0, 4))}
GAPS = np.arange(48.0).reshape(6, 8)[::2, ::2]

MAKERS = {
    "new": lambda a: (np.zeros(a.shape, order="F"), np.ones(a.shape, order="F"),
                      np.full(a.shape, 2.0, order="F")),
    "like": lambda a: (np.zeros_like(a), np.ones_like(a, order="C"), np.full_like(a, 1, order="F"),
                       np.zeros_like(a.T), np.zeros_like(a, order="A")),
    "array": lambda a: (np.array(a), np.array(a.T), np.array(a, order="C"), np.array(a, order="F"),
                        np.array(a.T, order="A")),
    "copy": lambda a: (np.copy(a), a.copy(), a.copy("K"), a.T.copy("F"), np.copy(a.T, order="C")),
    "as": lambda a: (np.asarray(a), np.asarray(a, order="C"), np.asarray(a, order="F"),
                     np.asfortranarray(a.T), np.asarray(a, np.float32, order="F")),
    "astype": lambda a: (a.astype(int), a.T.astype(int), a.astype(int, "C"), a.astype(int, "F")),
    "elementwise": lambda a: (a + 1, a * a, -a, np.sin(a), a[1:] > a[:-1], a.astype(int) * 2,
                              np.clip(a, 1, 2), np.round(a, 1), np.where(a > 1, a, 0)),
    "mixed": lambda a: (a + np.ones(a.shape), a * 2.0 + a[0], a + a[:1]),
    "reduced": lambda a: (a.sum(0), a.sum(1, keepdims=True), a.max(-1), np.cumsum(a, axis=0),
                          a.mean(0)),
    "joined": lambda a: (np.concatenate([a, a]), np.sort(a, 0)),
    "views": lambda a: ((a + 1).T, (a + 1).T.T),
}


def flags(x):
    return x.flags.c_contiguous, x.flags.f_contiguous


@pytest.mark.parametrize("name", MAKERS)
def test_order_of_new_arrays(name):
    jitted = hotloop.jit(MAKERS[name], cache=False)
    for x in ARRAYS.values():
        if name in ("reduced", "mixed") and not x.size:
            continue
        for got, want in zip(jitted(x), MAKERS[name](x), strict=True):
            same(got, want)
            assert flags(got) == flags(want)
            if want.size and 1 not in want.shape:
                assert got.strides == want.strides


@pytest.mark.parametrize("read", [
    lambda a: (a.ravel("K"), a.ravel("A"), a.T.ravel("K"), a.flatten("K"), (a + 1).ravel("K")),
    lambda a: (a.reshape(-1, order="A"), np.ravel(a * 2, "A"), (a.T + 1).reshape(-1, order="F")),
    lambda a: (a.flags.c_contiguous, a.flags.f_contiguous, a.T.flags["F"], a.flags.writeable,
               np.isfortran(a), np.isfortran(a.T), a.flags.forc, a[:, ::2].flags.c_contiguous),
    lambda a: (a.strides, a.T.strides, a[::2].strides, (a + 1).strides, a.itemsize),
])
@pytest.mark.parametrize("name", ["C", "F", "ints"])
def test_reads_in_memory_order(read, name):
    check(read, ARRAYS[name])


def stores(a):
    b = np.zeros(a.shape, order="F")
    c = b.ravel("F")
    c[0] = 7
    d = a + 1
    e, g = d.ravel("K"), d.T.reshape(-1)
    e[1], g[2] = 9, 11
    return b, c, d, e, g


def stores_in_copies(a):
    b = np.asarray(a, order="F")
    b[0] = 7
    c = np.asarray(a, order="C")
    c[1] = 8
    return b, c


def sums(a):
    b = np.zeros(a.shape, order="F")
    for k in range(3):
        b = b + a * k
    return b


def items(a):
    b = np.zeros(a.shape, order="F")
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            b[i, j] = a[i, j] * 2
        b[i] += a[0, 0]
    return b


@pytest.mark.parametrize("program", [stores, stores_in_copies, sums, items])
def test_stores(program):
    jitted = hotloop.jit(program, cache=False)
    for x in (C, F, GAPS) if program in (sums, items) else (C, F, DEEP, ARRAYS["deep F"]):
        check(program, copy.copy(x), jitted=jitted)


def test_the_order_of_an_input_is_part_of_its_type():
    read = hotloop.jit(lambda a: a.ravel("K"), cache=False)
    for x in (C, F, C, np.asfortranarray(DEEP[0]), DEEP[1]):
        same(read(x), x.ravel("K"))
    with pytest.raises(hotloop.errors.UnsupportedError, match="order in memory"):
        read(GAPS)
    same(read(F), F.ravel("K"))
