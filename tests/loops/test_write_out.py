"""Loops over few elements: written out where values then need no memory, left alone elsewhere."""

import numpy as np
import pytest
from compare import check
from meaning import loops, transformed

import hotloop
from hotloop.loops.core import TEMP, Alloc, For, Store, walk
from hotloop.loops.fuse import fuse
from hotloop.loops.write_out import write_out

POINTS = np.random.default_rng(2).random((50, 3))


def turned(points, angle):
    center = points.mean(axis=0)
    c, s = np.cos(angle), np.sin(angle)
    x, y = points[:, 0] - center[0], points[:, 1] - center[1]
    return np.stack((c * x - s * y, s * x + c * y), axis=1)


def lengths(points):
    out = np.empty(len(points))
    for i in range(len(points)):
        d = points[i] - points[0]
        out[i] = np.sqrt(np.sum(d * d))
    return out


def forces(points, mass):
    out = np.zeros(points.shape)
    for i in range(len(points)):
        total = np.zeros(3)
        for j in range(len(points)):
            if i != j:
                d = points[j] - points[i]
                total += mass[j] * d / (np.sum(d * d) + 0.1)
        out[i] = total
    return out


def derivative(s):
    return np.array([10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]])


def lorenz(start, steps, dt):
    s = start + np.zeros(3)
    for _ in range(steps):
        k = derivative(s)
        s = s + dt / 2 * (k + derivative(s + dt * k))
    return s


def spun(steps):
    r = np.array([[0.8, -0.6], [0.6, 0.8]])
    v = np.array([1.0, 0.0])
    for _ in range(steps):
        v = r @ v
    return v


def products(a, b):
    return a @ b


@pytest.mark.parametrize(("f", "args", "most"), [
    (turned, (POINTS[:, :2].copy(), 0.3), 0),
    (lengths, (POINTS,), 0),
    (forces, (POINTS, np.arange(50.0)), 0),
    (lorenz, (1.0, 20, 0.01), 0),
    (spun, (9,), 0),
    (products, (np.random.default_rng(3).random((40, 4, 4)), np.ones((40, 4, 4))), 0),
], ids=lambda x: getattr(x, "__name__", ""))
def test_no_memory_that_grows(f, args, most):
    """Temporaries are of a few elements, if there are any."""
    check(f, *args)
    kernel = hotloop.jit(f).lower(*args).kernel
    large = [s for s in walk(kernel.body) if isinstance(s, Alloc) and s.buffer.kind == TEMP
             and any(x.op != "lit" for x in s.buffer.shape)]
    assert len(large) <= most


@pytest.mark.parametrize(("f", "args"), [(lorenz, (1.0, 20, 0.01)), (spun, (9,))],
                         ids=["lorenz", "spun"])
def test_small_vectors_are_carried_in_registers(f, args):
    loops_ = [s for s in walk(hotloop.jit(f).lower(*args).kernel.body) if isinstance(s, For)]
    outer = max(loops_, key=lambda s: len(s.carries))
    assert len(outer.carries) == len(f(*args))
    assert not any(isinstance(s, For | Store) for s in walk(outer.body))


@pytest.mark.parametrize(("body", "left"), [
    # all of an array: `collapse` makes one long loop
    ("for i in 0..n step 1 regular\n  for j in 0..3 step 1 regular\n    r[i, j] <- a[i, j]", 4),
    # too many copies
    ("alloc b: f64[12]\nfor i in 0..n step 1\n  for j in 0..12 step 1 regular\n"
     "    b[j] <- a[i, 0]", 4),
    # a loop that may end early
    ("for i in 0..n step 1\n  for j in 0..3 step 1 until c\n    carry c: bool = False\n"
     "    next c = gt(a[i, j], 0.5)\n  r[i, 0] <- select(c, 1.0, 2.0)", 4),
    # a sum, of which the loop around takes one for each row
    ("for i in 0..n step 1\n  for j in 2..-1 step -1\n    carry s: f64 = 0.5\n"
     "    next s = add(mul(s, 2.0), a[i, j])\n  r[i, 1] <- s", 3),
])
def test_what_stays(body, left):
    lines = "\n".join("            " + line for line in body.split("\n"))
    kernel = transformed(f"""
        kernel f
          a: f64[n, 5] in
          body
            alloc r: f64[n, 5] result 0
            nest f in n, g in 5
              r[f, g] <- 0.5
{lines}
          results r
    """, [fuse, write_out], np.random.default_rng(0).random((4, 5)))
    assert len(loops(kernel)) == left


@pytest.mark.parametrize("f", [
    lambda x: (x.mean(axis=0), x.max(axis=0), x.std(axis=0)),
    lambda x: (x - x.min(axis=0)) / np.ptp(x, axis=0),
    lambda x: np.cumsum(x, axis=0)[-1] + x.sum(axis=1).sum(),
], ids=["means", "scaled", "sums"])
@pytest.mark.parametrize("columns", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("rows", [1, 2, 100])
def test_columns(f, rows, columns):
    check(f, np.random.default_rng(rows).random((rows, columns)))


def test_few_columns_are_summed_together():
    kernel = hotloop.jit(lambda x: x.sum(axis=0)).lower(POINTS).kernel
    (loop,) = [s for s in walk(kernel.body) if isinstance(s, For) and s.carries]
    assert len(loop.carries) == 3


def test_short_last_axes_are_compiled_in():
    """... where another axis is long; other sizes are compiled once more, for all sizes."""
    f = hotloop.jit(lambda x, c: x - c, cache=False)
    for rows, columns in [(100, 3), (5, 3), (100, 7), (100, 2), (3, 3), (64, 9)]:
        x, c = np.random.default_rng(rows).random((rows, columns)), np.arange(float(columns))
        np.testing.assert_array_equal(f(x, c), x - c)
    assert f.lower(POINTS, POINTS[0]).program.startswith("{ lambda ; a:f64[n,3] b:f64[3].")
    assert f.cache_info().specializations == 2      # of 3 columns, and of any number
    general = hotloop.jit(lambda x: x * 2.0, cache=False)
    for columns in (7, 3, 2, 4):
        np.testing.assert_array_equal(general(np.ones((100, columns))), 2.0)
    assert general.cache_info().specializations == 1


def jacobians(points):
    """The 2 x 6 Jacobian of each point's image, by products of small matrices."""
    def image(p):
        a, b, c, d, e, g = p
        z = 1.0 + e * g
        return np.array([a * b / z, np.sin(c) + d * z])
    return hotloop.vmap(hotloop.jacfwd(image))(points)


def test_jacobians_of_small_functions_are_lanes():
    rows = np.random.default_rng(3).random((20, 6))
    f = hotloop.jit(jacobians)
    expected = np.empty((20, 2, 6))
    for got, (a, b, c, d, e, g) in zip(expected, rows, strict=True):
        z = 1.0 + e * g
        got[0] = b / z, a / z, 0.0, 0.0, -a * b * g / z ** 2, -a * b * e / z ** 2
        got[1] = 0.0, 0.0, np.cos(c), z, d * g, d * e
    np.testing.assert_allclose(f(rows), expected, rtol=1e-13)
    outer = next(line for line in f.lower(rows).loops.splitlines() if line.startswith("    for "))
    assert "lanes" in outer
