"""Arrays rewritten element by element stay where they are, and slices of slices are one size.

Counted are buffers and copies of kernels, not time.
"""

import numpy as np
import pytest
from compare import check

import hotloop
from hotloop.loops.core import TEMP, Alloc, For, walk

N = 40


def kernel_of(f, *args):
    return hotloop.jit(f).lower(*args).kernel


def temporaries(f, *args):
    """How many arrays of about N * N elements a kernel allocates beside its results."""
    large = [s for s in walk(kernel_of(f, *args).body) if isinstance(s, Alloc)
             and s.buffer.kind == TEMP and s.over is None and len(s.buffer.shape) == 2]
    return len(large)


def convolved(image, kernel):
    p, q = kernel.shape
    n, m = image.shape
    out = np.zeros((n - p + 1, m - q + 1))
    for a in range(p):
        for b in range(q):
            out += kernel[a, b] * image[a:n - p + 1 + a, b:m - q + 1 + b]
    return out


def both_rewritten(x, y, count):
    a, b = x * 1.0, y * 1.0
    for _ in range(count):
        inside = a * a + b * b < 4.0
        b, a = np.where(inside, 2.0 * a * b + y, b), np.where(inside, a * a - b * b + x, a)
    return a, b


def reassigned(x, steps):
    out = x * 0.5
    for k in range(steps):
        for j in range(k):
            out = out * x + j
    return out


def neighbours(x, steps):
    out = x * 0.5
    for _ in range(steps):
        out = out + np.roll(out, 1)
    return out


def read_elsewhere(x, steps):
    a, b = x * 0.5, x * 0.25
    for _ in range(steps):
        a, b = a * 2.0 + b, a[::-1] + 1.0
    return a, b


def complex_pair(x, steps):
    a, b = x + 1j, x - 1j
    for _ in range(steps):
        a, b = b * a + 1.0, a - b * b
    return a, b


def one_goes_elsewhere(x, steps):
    a, b, c = x + 1.0, x - 1.0, x * 2.0
    for _ in range(steps):
        a, b, c = b + a, a - b, a.T + c
    return a, b, c


GRID = np.random.default_rng(1).random((N, N))


@pytest.mark.parametrize(("f", "args", "most"), [
    (convolved, (GRID, np.ones((3, 4))), 0),
    (both_rewritten, (GRID, GRID - 0.5, 5), 0),
    (reassigned, (GRID, 4), 0),
    (neighbours, (GRID, 3), 2),
    (read_elsewhere, (GRID, 3), 4),
    (complex_pair, (GRID, 3), 4),
    (one_goes_elsewhere, (GRID, 3), 5),
], ids=lambda x: getattr(x, "__name__", ""))
def test_rewritten_in_place(f, args, most):
    check(f, *args)
    assert temporaries(f, *args) <= most


def two_of_the_same_zeros(x):
    a = np.zeros(x.shape)
    for k in range(len(x)):
        a[k] = x[k] * 2.0
    out = np.zeros(x.shape)
    for k in range(len(x)):
        out[k] = a[len(x) - 1 - k] + 1.0
    return out


def test_the_memory_of_a_result_is_for_the_array_that_becomes_it():
    """Equal zeros are one value; the first array made of it is another one than the result."""
    check(two_of_the_same_zeros, GRID)
    copies = [s for s in walk(kernel_of(two_of_the_same_zeros, GRID).body)
              if isinstance(s, For) and not s.carries and s.location is None]
    assert not copies


def sliced_twice(x):
    inner = x[1:-1, 1:-1] * 4.0 - x[2:, 1:-1]
    east = inner[1:, 1:-1] - inner[:-1, 1:-1]
    return x[2:-1, 2:-2] * (east + x[1:-2, 2:-2])


def shifted(x, width):
    out = np.zeros(len(x) - width)
    for k in range(width):
        out += x[k:len(x) - width + k]
    return out


@pytest.mark.parametrize(("f", "args"), [(sliced_twice, (GRID,)), (shifted, (GRID[0], 5))],
                         ids=["sliced_twice", "shifted"])
def test_sizes_are_known_to_be_equal(f, args):
    check(f, *args)
    assert "broadcast together" not in hotloop.jit(f).lower(*args).program


@pytest.mark.parametrize("n", range(6))
def test_sizes_of_slices_of_slices(n):
    def sizes(x):
        return (x[1:-1][1:], x[2:][:-1][3:], x[:-3][1:-1], x[1:][-2:], x[3:][1:][2:],
                x[:-1][:-1] + x[1:-1])
    check(sizes, np.arange(float(n)))


@pytest.mark.parametrize("y", [np.ones((2, 3)), np.ones((1, 3)), np.ones((2, 1)), np.ones(3),
                               np.ones((1, 2, 3)), np.ones((4, 3)), np.ones(2)], ids=np.shape)
@pytest.mark.parametrize("x", [np.ones((2, 3)), np.ones((1, 3)), np.ones((2, 1))], ids=np.shape)
def test_augmented_assignments_of_other_shapes(x, y):
    def add_into(x, y):
        a = x * 2.0
        a += y[:len(y)]
        np.multiply(a, y, out=a)
        return a
    check(add_into, x, y)
