"""Programs that `hotloop fuzz` found to go wrong once, as text with their calls.

More of them, as functions, are in `tests/test_found_by_fuzzing.py`.
"""

import textwrap

import pytest

from hotloop.fuzz import check, modes
from hotloop.fuzz.cases import Case

FOUND = {
    "an index checked in one try statement is checked in the next": ("""
        def f(a, b, k):
            x, u = 0.0, -1
            try:
                x = a[k]
            except IndexError:
                pass
            try:
                u = b[k]
            except IndexError:
                u = -2
            return x, u
        """, ["np.ones(2), np.arange(2), 1", "np.ones(2), np.arange(2), 2"]),
    "so is an index array": ("""
        def f(a, order):
            k = 0
            try:
                a[0] += a[order].sum()
            except IndexError:
                k = 1
            try:
                a[1] += a[order].sum()
            except IndexError:
                k += 2
            return a, k
        """, ["np.ones(2), np.array([0, 1])", "np.ones(2), np.array([0, 9])"]),
    "Python's ints must be in range where NumPy's wrap": ("""
        def f(a, k):
            a[0] = k or np.square(k)
            return a
        """, ["np.ones(2, 'u2'), -1", "np.ones(2, 'u2'), 0", "np.ones(2, 'i1'), 300"]),
    "a NumPy number is cast to an array's flat": ("""
        def f(a, b):
            a.flat = b.sum()
            return a
        """, ["np.ones(2, 'i1'), np.array([300, 5])"]),
    "squeeze makes arrays of Python's numbers": ("""
        def f(x):
            return np.squeeze(x)
        """, ["2.0", "np.float32(1.5)"]),
    "fill takes no sequences": ("""
        def f(a, b):
            a.fill(b[:1])
            return a
        """, ["np.ones(2), np.ones(2)"]),
    "a number is converted before an index array is checked": ("""
        def f(a, order, k):
            a[order] = k
            return a
        """, ["np.ones(2, 'u2'), np.array([0, 9]), -1", "np.ones(2, 'u2'), np.array([0, 9]), 1",
              "np.ones(2, 'u2'), np.array([0, 1]), 2j"]),
    "pow of an int that may be NumPy's": ("""
        def f(k, x):
            k = np.int64(k) if x > 1 else k
            return pow(k, 2, 7)
        """, ["3, 0", "3, 2"]),
}


@pytest.mark.parametrize("name", FOUND)
def test_found(name):
    text, calls = FOUND[name]
    made = "".join(f"    yield {args},\n" for args in calls)
    program = (f"import numpy as np\nfrom numpy import inf, nan\n{textwrap.dedent(text)}\n"
               f"def calls():\n{made}\n{modes.line('plain')}")
    found = check.check(Case(program, name, 0))
    assert found.end == check.SAME, f"{found.end}: {found.cause}\n{found.detail}"
