"""try statements around calls of NumPy that raise: which error it was is a result of the call."""

import numpy as np
import pytest
from compare import check

from hotloop import errors, jit

ONE, NIL, V = np.eye(3), np.zeros((3, 3)), np.arange(3.0)


def solves(a, b):
    try:
        x = np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        x = np.linalg.pinv(a) @ b
    return x


def adds_jitter(a):
    jitter = 0.0
    for _ in range(5):
        try:
            lower = np.linalg.cholesky(a + jitter * np.eye(len(a)))
            break
        except np.linalg.LinAlgError as error:
            print(error)
            jitter = 1e-6 if jitter == 0 else jitter * 10
    else:
        raise ValueError("not even nearly positive definite")
    return lower, jitter


def raises_another(a):
    try:
        return np.linalg.inv(a)
    except ValueError as error:
        raise RuntimeError(f"bad: {error}") from None


def takes_another(a):
    try:
        return np.linalg.inv(a)
    except TypeError:
        return a


def cleans_up(a):
    n = 0
    try:
        r = np.linalg.inv(a)
        n = 1
    finally:
        n += 1
    return r, n


def calls_back(p):
    try:
        r = np.roots(p)
    except np.linalg.LinAlgError:
        r = p * 1j
    return r


def in_a_loop(stack):
    s = 0.0
    for k in range(len(stack)):
        try:
            s += np.linalg.inv(stack[k])[0, 0]
        except np.linalg.LinAlgError:
            s -= 1
    return s


@pytest.mark.parametrize("function,calls", [
    (solves, [(ONE, V), (NIL, V)]), (adds_jitter, [(ONE,), (NIL - 1e-5 * ONE,), (-ONE,)]),
    (raises_another, [(ONE,), (NIL,)]), (takes_another, [(ONE,), (NIL,)]),
    (cleans_up, [(ONE,), (NIL,)]),
    (calls_back, [(np.array([1.0, 2, 3]),), (np.array([1.0, np.nan, 3]),)]),
    (in_a_loop, [(np.stack([ONE, NIL, ONE]),)])], ids=lambda x: getattr(x, "__name__", ""))
def test_handled(function, calls):
    jitted = jit(function, cache=False)
    for args in calls:
        check(function, *args, jitted=jitted)


def test_what_was_not_expected_is_told():
    @jit(cache=False)
    def f(x, k):
        try:
            return np.partition(np.roots(x).real, k)
        except ValueError:
            return x

    with pytest.raises(errors.UnsupportedError):
        f(np.array([1.0, 2, 3]), 9)
