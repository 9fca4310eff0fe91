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
    "recursive functions read strided arrays where their elements are": ("""
        def f(b):
            def walk(lo, hi):
                if hi - lo < 2:
                    return b[lo] if lo < hi else 0
                mid = (lo + hi) // 2
                return walk(lo, mid) + 2 * walk(mid, hi)
            return walk(0, len(b))
        """, ["np.arange(8.0)[::2]", "np.arange(8.0)[::-1]", "np.arange(8.0)"]),
    "so do those that are passed one, of any rank": ("""
        def rows(b, c, lo):
            return b[lo].sum().real + rows(b, c, lo + 1) * c[lo] if lo < len(b) else 0.0

        def f(b, c):
            return rows(b, c[1::2], 0)
        """, ["np.arange(9.0).reshape(3, 3).T, np.arange(6.0)",
              "(np.arange(18.0) + 1j).reshape(3, 6)[:, ::-2], np.arange(18.0)[::-3]"]),
    "an object's truth is what its class says": ("""
        class Point:
            def __init__(self, u):
                self.u = u

            def __bool__(self):
                return self.u > 0

        class Path:
            def __init__(self, u):
                self.u = u

            def __len__(self):
                return self.u

        def f(k):
            one, two = Point(k + 1), Path(k + 1)
            while one:
                one.u -= 2
            return one.u, not two, 3 if two else 4
        """, ["5", "-1", "0", "-7"]),
    "zip asks a generator for what it needs, in order": ("""
        def many(b, k):
            i = 0
            while True:
                yield b[i] + i
                i += 1

        def f(a, b):
            t = 0.0
            for e, y in zip(range(len(a)), many(b, 0)):
                t += e * y
            for y, e in zip(many(b, 1), a):
                t -= e * y
            for e, y in enumerate(many(b, 2)):
                if e == len(a):
                    break
                t += e * y
            return t
        """, ["np.ones(3), np.arange(4.0)", "np.zeros(0), np.arange(1.0)",
              "np.ones(3), np.arange(3.0)", "np.zeros(0), np.zeros(0)"]),
    "an item of a range": ("""
        def f(n, k):
            r, t = range(k, n), 0
            for i in range(2):
                t += r[i] * r[-i - 1]
            return t
        """, ["5, 1", "5, -1", "5, 4", "0, 0"]),
    "a jump out of a try statement's body leaves out its else": ("""
        def f(n, k):
            t = 0
            for j in range(n):
                try:
                    for i in range(j):
                        if k == i:
                            return t
                        t += n // k
                    if k > j:
                        continue
                    if k == j:
                        break
                except ZeroDivisionError:
                    t = -1
                else:
                    t += 100
                finally:
                    t += 7
            try:
                for i in range(n):
                    return t
            except IndexError:
                pass
            else:
                t += 1000
            return t
        """, ["3, 1", "4, 2", "0, 0", "5, 0", "5, 9", "4, -1"]),
    "a list of known length that only a handler makes": ("""
        def f(v, k):
            t = 0.0
            try:
                t += v[k]
            except IndexError:
                l = [float(t), 2.0]
                l[0] *= 2
            if k > 3:
                t += l[0]
            return t
        """, ["np.ones(3), 1", "np.ones(3), 7"]),
    "where= of copyto is an array of bools": ("""
        def f(a, where):
            np.copyto(a, 2, where=where)
            return a
        """, ["np.ones(2), np.array([True, False])", "np.ones(2), np.array([1, 0])",
              "np.ones(2), 1"]),
    "pow of an int that may be NumPy's": ("""
        def f(k, x):
            k = np.int64(k) if x > 1 else k
            return pow(k, 2, 7)
        """, ["3, 0", "3, 2"]),
    "loops over one of two types of arrays are two loops": ("""
        def twice(z):
            for e in z:
                yield e * 2

        def f(a, b, c, k):
            if k > 4:
                a, b = b, a
            l, t, u = [e * 0.5 for e in np.ones_like(b)], 0.0, 0.0
            for e in b:
                if e > k:
                    break
                t += e
                l.append(e * 0.25)
            else:
                t = -t
            for e in twice(b):
                u += e
            try:
                for y in c if k % 2 else None:
                    t += y
            except TypeError:
                t += 100
            return l, t, u
        """, ["np.ones(3, bool), np.arange(3, dtype='u1'), np.ones(2), 1",
              "np.ones(3, bool), np.arange(3, dtype='u1'), np.ones(2), 6"]),
    "what NumPy refuses where a stand-in gave up is its exception": ("""
        def f(b, k):
            t = 0
            for e in b:
                try:
                    b[np.arange(len(b))[::-1]] -= np.isnan(b).astype(np.complex128)
                except ValueError:
                    t -= 1
                finally:
                    t += 1
            return b, t
        """, ["np.ones(2), 1", "np.ones(0), 1"]),
    "a loop that does not run says nothing of the sizes in it": ("""
        def f(n, m, a, b):
            t = 0.0
            for i in range(n):
                x = np.zeros(m)
                for j in range(m):
                    x[j] += a[j] * i
                t += x[i] + x[:2].max()
            for i in range(len(b)):
                b[1:, 1:] -= b[:-1, :-1]
            if m < 0:
                t = 5.0
            return t / len(b)
        """, ["0, -1, np.ones(3), np.ones((3, 3))", "0, 0, np.ones(3), np.ones((3, 3))",
              "0, 1, np.ones(3), np.ones((0, 0))", "2, 3, np.ones(3), np.ones((2, 2))"]),
    "an empty list is an index of ints": ("""
        def f(a, k):
            if k != 3:
                a[[]] = 1
            else:
                a[[]] += a[[], ]
            return a, a[[]]
        """, ["np.ones(2), 3", "np.ones(2), 2"]),
    "int() and float() of an array ask Python's number": ("""
        def f(a, k):
            t = 0
            try:
                t = int(a[k]) + float(a[k])
                t += int(np.array(a[k]))
            except TypeError:
                t -= 1
                t += float(np.array(a[k]))
            return t
        """, ["np.ones(2), 1", "np.ones(2) * 1j, 1"]),
    "take casts to the dtype of out and back": ("""
        def f(a, b, out):
            np.take(a, b, out=out, mode="clip")
            return out
        """, ["np.ones(2), np.array([0, 1]), np.zeros(2, 'f4')",
              "np.ones(2, 'i4'), np.array([0, 1]), np.zeros(2)",
              "np.ones(2, 'f4'), np.array([0, 1]), np.zeros(2)"]),
    "einsum's diagonals can be stored to": ("""
        def f(a, b, k):
            v = np.einsum("ii->i", a)
            v += 1
            v[k] = 7
            w = np.einsum("iji->ij", b) if k < 2 else np.einsum("iij->ij", b)
            w[k] += 2
            return a, b, v, w
        """, ["np.ones((3, 3)), np.ones((3, 3, 3)), 1", "np.ones((3, 3)), np.ones((3, 3, 3)), 2",
              "np.asfortranarray(np.ones((3, 3))), np.ones((3, 3, 3)), 0"]),
    "the dtype of a variance is that of its sums": ("""
        def f(a):
            return a.std(dtype=np.float32), np.var(a, dtype=np.complex64), a.var(dtype=np.float64)
        """, ["np.arange(9) * 2j", "np.arange(4.0) + 2.0**26", "np.arange(4) + 2**26"]),
    "products of half precision are summed in single": ("""
        def f(a, b):
            return (a @ b).astype(float)        # NumPy's bits, no other order can be seen
        """, ["np.sqrt(np.arange(40)).astype('f2'), np.sqrt(np.arange(40) * 7 % 25).astype('f2')",
              "np.sqrt(np.arange(120)).astype('f2').reshape(3, 40), np.sqrt(np.arange(40))"
              ".astype('f2')"]),
    "tracing that begins again inside of with and try": ("""
        class Guard:
            def __enter__(self):
                pass

            def __exit__(self, kind, error, trace):
                pass

        def f(a, b, k):
            t = 0.0
            try:
                t += 1 // k
            except ZeroDivisionError:
                pass
            if b.all():
                for i in range(len(a)):
                    if k > 1:
                        return i, k, t
            with Guard() as guard:
                t += a[k]
                b[-np.arange(len(a)) - 1] = a
            return a, b, t
        """, ["np.arange(3, dtype='f4'), np.zeros(3), -1",
              "np.arange(3, dtype='f4'), np.zeros(3), 0",
              "np.arange(3, dtype='f4'), np.ones(3), 2",
              "np.arange(3, dtype='f4'), np.zeros(3), 5"]),
    "a tuple is no key that a NumPy number could be": ("""
        def f(a, k):
            d, t = {np.int64(1): 1.0, np.count_nonzero(a): 2.0}, 0
            for e in a:
                if (int(e) % 2, k) in d or (1,) in d:
                    t += 1
                d[int(e)] = t
            return t, len(d)
        """, ["np.arange(3), 1"]),
}


@pytest.mark.parametrize("name", FOUND)
def test_found(name):
    text, calls = FOUND[name]
    made = "".join(f"    yield {args},\n" for args in calls)
    program = (f"import numpy as np\nfrom numpy import inf, nan\n{textwrap.dedent(text)}\n"
               f"def calls():\n{made}\n{modes.line('plain')}")
    found = check.check(Case(program, name, 0))
    assert found.end == check.SAME, f"{found.end}: {found.cause}\n{found.detail}"
