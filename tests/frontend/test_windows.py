"""`sliding_window_view`: views that know what is stored to their base."""

import numpy as np
import pytest
from compare import check

windows = np.lib.stride_tricks.sliding_window_view
X, M = np.arange(8.0) ** 2, np.arange(20.0).reshape(4, 5) ** 2


def of_what_changes(x):
    v = windows(x, 3)
    x[0] = 9.0
    return v.sum(0)


def shrinking(x, n):
    v = windows(x, 2)
    for k in range(n):
        v = v[1:]
        x[k + 1] += 1.0
    return v


def rows(x):
    total = 0.0
    for w in windows(x, 3):
        total += w[0] * w[-1]
    return total


@pytest.mark.parametrize(("f", "args"), [
    (of_what_changes, (X,)), (shrinking, (X, 3)), (rows, (X,)),
    (lambda x: windows(x, (2, 3)), (M,)), (lambda x: windows(x, (2, 3)), (M.T,)),
    (lambda x: windows(x, 2, axis=0)[:, ::2], (M,)),
    (lambda x: windows(x, (2, 2), axis=(1, 1)).max((-1, -2)), (M,)),
    (lambda x, n: (windows(x, n), windows(x, n).strides), (X, 4)),
    (lambda x: windows(x, 2).T[0] + 1.0, (X,)),
    (lambda x, n: windows(x, n).shape, (X, 0)),
    (lambda x: windows(x, 9), (X,)), (lambda x: windows(x, -1), (X,))])
def test_as_numpy(f, args):
    check(f, *args)
