"""Plain NumPy functions with loops, branches and mutation, to be differentiated.

    @case(values(4), 3)
    def power(x, n): ...

`CASES` has the functions and their arguments. Nothing here knows of derivatives: the programs are
what users write.
"""

import math

import numpy as np

CASES = []
_rng = np.random.default_rng(0)


def values(*shape):
    return _rng.standard_normal(shape)


def case(*args):
    def add(function):
        CASES.append((function, args))
        return function

    return add


@case(values(4), values(7, 4), (values(7) > 0) * 1.0)
def logreg(w, X, y):
    z = X @ w
    return np.sum(np.log1p(np.exp(-z)) + (1 - y) * z) + 0.1 * np.sum(w * w)


@case(values(3, 5), values(5), values(5, 2), values(2), values(6, 3), values(6, 2))
def mlp(W1, b1, W2, b2, X, Y):
    h = np.tanh(X @ W1 + b1)
    o = h @ W2 + b2
    e = np.exp(o - o.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.mean((Y * np.log(p)).sum(axis=1))


@case(values(4, 4) * 0.4, values(4, 3) * 0.4, values(4), values(9, 3))
def rnn(W, U, h0, xs):
    h = h0
    loss = 0.0
    for t in range(xs.shape[0]):
        h = np.tanh(W @ h + U @ xs[t])
        loss += np.sum(h * h)
    return loss


@case(values(2), 0.7, 0.01, 25)
def rk4(y0, k, dt, n):
    def f(y):
        return np.array([y[1], -k * np.sin(y[0])])

    y = y0.copy()
    for _i in range(n):
        k1 = f(y)
        k2 = f(y + dt / 2 * k1)
        k3 = f(y + dt / 2 * k2)
        k4 = f(y + dt * k3)
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y[0] * y[0] + y[1]


@case(values(3), values(3, 3), values(8, 3))
def hmm(pi, A, B):
    a = pi + B[0]
    n = len(pi)
    for t in range(1, B.shape[0]):
        new = np.zeros(n)
        for j in range(n):
            mx = a[0] + A[0, j]
            for i in range(1, n):
                v = a[i] + A[i, j]
                if v > mx:
                    mx = v
            s = 0.0
            for i in range(n):
                s += np.exp(a[i] + A[i, j] - mx)
            new[j] = mx + np.log(s) + B[t, j]
        a = new
    return np.log(np.sum(np.exp(a)))


def kern(X, l, s):
    d = X[:, None] - X[None, :]
    return np.exp(-0.5 * d * d / (l * l)) + s * s * np.eye(len(X))


@case(values(6), values(6), 0.8, 0.5)
def gp_lib(X, y, l, s):
    L = np.linalg.cholesky(kern(X, l, s))
    a = np.linalg.solve(L, y)
    i = np.arange(len(X))
    return 0.5 * a @ a + np.sum(np.log(L[i, i]))


@case(values(6), values(6), 0.8, 0.5)
def gp_loops(X, y, l, s):
    n = len(X)
    K = kern(X, l, s)
    L = np.zeros((n, n))
    for j in range(n):
        for i in range(j, n):
            t = K[i, j]
            for k in range(j):
                t -= L[i, k] * L[j, k]
            if i == j:
                L[i, j] = math.sqrt(t)
            else:
                L[i, j] = t / L[j, j]
    z = np.zeros(n)
    r = 0.0
    for i in range(n):
        t = y[i]
        for k in range(i):
            t -= L[i, k] * z[k]
        z[i] = t / L[i, i]
        r += 0.5 * z[i] * z[i] + math.log(L[i, i])
    return r


@case(values(12), 0.2, 5)
def stencil_overlap(u, c, n):
    for _t in range(n):
        u[1:-1] = u[1:-1] + c * (u[2:] - 2 * u[1:-1] + u[:-2]) + 0.1 * u[1:-1] * u[:-2]
    return np.sum(u * u)


@case(values(6, 7), 3)
def stencil_loops(u, n):
    for _t in range(n):
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                u[i, j] = (
                    0.25 * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])
                    + 0.1 * u[i, j] * u[i, j]
                )
    return np.sum(u * u)


@case(values(9), values(9))
def prefix(a, b):
    y = np.zeros(len(a))
    y[0] = b[0]
    for i in range(1, len(a)):
        y[i] = a[i] * y[i - 1] + b[i]
    return np.sum(y * y)


@case(
    values(3, 6),
    values(5, 3),
    np.array([0, 1, 2, 0, 1, 2, 1]),
    np.array([0, 1, 2, 3, 4, 0, 2]),
    values(7, 2),
)
def bundle(cams, pts, ci, pi, obs):
    r = 0.0
    for k in range(len(ci)):
        c = cams[ci[k]]
        p = pts[pi[k]]
        x = p[0] + c[0] * p[1] - c[1] * p[2] + c[3]
        y = p[1] + c[2] * p[2] - c[0] * p[0] + c[4]
        z = 4.0 + p[2] + c[1] * p[0] + c[5]
        u = x / z
        v = y / z
        r2 = u * u + v * v
        e0 = u * (1 + 0.1 * r2) - obs[k, 0]
        e1 = v * (1 + 0.1 * r2) - obs[k, 1]
        r += e0 * e0 + e1 * e1
    return r


@case(values(10), values(10))
def masked_write(x, y):
    m = x > 0.2
    z = x * y
    z[m] = np.sin(x[m]) * y[m]
    z[~m] = 2.0
    z[x < -1] *= 3.0
    return np.sum(z * z)


@case(values(8), values(8))
def sorting(x, w):
    return np.sum(np.sort(x) * w) + np.max(x * w)


@case(values(9))
def cumsum_loop(x):
    s = 0.0
    out = np.empty_like(x)
    for i in range(len(x)):
        s += x[i]
        out[i] = s * s
    return out


@case(values(3, 2), values(4, 2), values(3, 4), 0.01, 2)
def matfac(U, V, Y, lr, n):
    K = U.shape[1]
    for _it in range(n):
        for i in range(Y.shape[0]):
            for j in range(Y.shape[1]):
                e = Y[i, j]
                for k in range(K):
                    e -= U[i, k] * V[j, k]
                for k in range(K):
                    u = U[i, k]
                    U[i, k] += lr * e * V[j, k]
                    V[j, k] += lr * e * u
    return np.sum((Y - U @ V.T) ** 2)


@case(2.7, 1.3)
def newton(a, b):
    x = a
    while abs(x * x * x - b * x - a) > 1e-12:
        x = x - (x * x * x - b * x - a) / (3 * x * x - b)
    return x * b


@case(values(12) + 0.5, 1.7)
def early_exit(x, lim):
    s = 0.0
    for i in range(len(x)):
        s += x[i] * x[i]
        if s > lim:
            break
    return s * lim


@case(values(10), values(10))
def early_return(x, w):
    s = 1.0
    for i in range(len(x)):
        s = s * (1 + 0.1 * x[i])
        if s > 1.15:
            return s * w[i]
    return s


@case(values(8), values(8))
def dyn_slices(x, w):
    s = 0.0
    for k in range(1, len(x)):
        s += np.sum(np.sin(x[:k]) * x[:k]) * w[k]
    return s


@case(values(8))
def shrink(z):
    s = 0.0
    while len(z) > 1:
        z = z[1:] * z[:-1]
        s += np.sum(z * z)
    return s


@case(values(7), values(7))
def branches(x, y):
    s = 0.0
    for i in range(len(x)):
        if x[i] > 0:
            s += np.exp(x[i]) * y[i]
        elif y[i] > 0:
            s -= x[i] * y[i] * y[i]
        else:
            s = s * 0.9
    return s


@case(np.abs(values(5)) + 0.1, 3)
def int_carry(x, n):
    c = 0
    s = 0.0
    up = True
    i = 0
    while c < n * 4:
        if up:
            s += x[i] * x[i] * c
        else:
            s *= x[i]
        i = (i * 3 + 1) % len(x)
        up = not up
        c += 1
    return s


@case(values(4, 4) + 4 * np.eye(4), values(4), values(4, 3))
def solves(A, b, B):
    return np.sum(np.linalg.solve(A, b) ** 2) + np.sum(np.linalg.inv(A) @ np.linalg.solve(A, B))


@case(values(6), values(6, 6))
def swap_buffers(x, W):
    a = x.copy()
    b = np.zeros(len(x))
    for _t in range(4):
        for i in range(len(x)):
            s = 0.0
            for j in range(len(x)):
                s += W[i, j] * a[j]
            b[i] = np.tanh(s)
        a, b = b, a
    return np.sum(a * x)


@case(values(5), values(5, 4))
def mutate_args(x, out):
    for j in range(out.shape[1]):
        out[:, j] *= x
        x += out[:, j]


@case(values(30), np.arange(30) % 4, np.zeros(4))
def histo(x, idx, h):
    for i in range(len(x)):
        h[idx[i]] += x[i] * x[i]
    return np.sum(np.exp(-h))


@case(values(5, 3), values(6, 3))
def pairwise(a, b):
    s = 0.0
    for i in range(a.shape[0]):
        for j in range(b.shape[0]):
            d = 0.0
            for k in range(a.shape[1]):
                t = a[i, k] - b[j, k]
                d += t * t
            s += np.sqrt(d + 0.1)
    return s


@case(values(6), values(4))
def reductions(x, y):
    o = np.outer(x, y)
    return (
        o.std()
        + o.var(axis=0).sum()
        + o.max(axis=1).mean()
        + np.prod(y)
        + o.min()
        + np.where(o > 0, o, 0.1 * o).sum()
    )


@case(values(9), np.array([1, 3, 3, 0]), values(4))
def fancy(x, i, v):
    y = x[i] * v
    z = np.zeros(9)
    z[i[:2]] = y[:2]
    z[::2] += x[1::2][0] * x[::2]
    return np.sum(z * x) + np.sum(y)


@case(values(7), values(3))
def views(x, k):
    n = len(x)
    y = np.zeros((n, 3))
    for i in range(n):
        r = y[i]
        for j in range(3):
            r[j] = x[i] * k[j]
        r *= r[0]
    c = y.T
    c[1] += c[0]
    return np.sum(c * c * c)


@case(values(6), 4)
def triangular_tape(x, n):
    s = 0.0
    for i in range(len(x)):
        p = 1.0
        for j in range(i):
            p = p * np.sin(x[j]) + x[i]
        s += p * p
    return s


@case(2.0, 5)
def widened(x, n):
    acc = 0
    for i in range(n):
        acc += x * i
    r = 1 if acc > 3 else 0.5
    return acc * acc * r


@case(values(40), 0.3, 0.2)
def odefun_while(y, tol, h):
    t = 0.0
    s = y[0]
    k = 0
    while t < 1.0:
        e = abs(np.sin(s)) * h
        if e > tol:
            h = h * 0.5
        else:
            s = s + h * np.sin(s) * y[k]
            t = t + h
            h = h * 1.1
            k += 1
    return s


@case(values(5), 0)
def zero_trips_for(x, n):
    s = x[0]
    for i in range(n):
        s = s * x[i]
    return s * x[1]


@case(values(5), 100.0)
def zero_trips_while(x, t):
    s = x[0]
    while s > t:
        s = s * x[1]
    return s + x[2] * s


@case(values(0), values(3))
def empty(x, y):
    return np.sum(x * 2) + np.sum(y * y)


@case(values(1, 4), values(3, 1), values(3, 4))
def bcast(a, b, c):
    return np.sum((a * b + c) ** 2 / (1 + a * a))


@case(values(9), 2)
def neg_step(x, k):
    s = 0.0
    for i in range(len(x) - 1, 0, -k):
        s = s * x[i] + np.sin(x[i - 1])
    return s


@case(values(4, 5))
def nested_break(A):
    tot = 0.0
    for i in range(A.shape[0]):
        s = 1.0
        j = 0
        while j < A.shape[1]:
            s = s * (1 + A[i, j] * A[i, j])
            j += 1
            if s > 3.0:
                break
        tot += s * A[i, 0]
    return tot


@case(values(6))
def iterate_rows(x):
    s = 0.0
    p = (1.0, 0.5)
    for v in x:
        p = (p[0] * v, p[1] + p[0])
        s += p[1] * v
    return s


@case(values(6))
def lists(x):
    st = [0.0, 1.0]
    for i in range(len(x)):
        st[0] += st[1] * x[i]
        st[1] = st[1] * np.cos(x[i])
    return st[0] * st[1]


class M:
    def __init__(s):
        s.v = 0.0
        s.w = 1.0

    def step(s, g):
        s.v = 0.9 * s.v + g
        s.w = s.w - 0.1 * s.v


@case(values(5), values(5))
def objects(x, y):
    m = M()
    for i in range(len(x)):
        m.step((m.w * x[i] - y[i]) * x[i])
    return m.w * m.w


@case(values(5).astype("f4"), values(5).astype("f4"))
def f32(x, w):
    return np.sum(np.sqrt(x * x + 1) * np.tanh(w) ** 2 / (2 + np.abs(x)))


@case(np.array([1.0, 0.0, 2.0]))
def prod_zero(x):
    return np.prod(x)


@case(np.array([1.0, -0.5, 2.0]))
def where_sqrt(x):
    return np.sum(np.where(x > 0, np.sqrt(x), x * x))


@case(np.array([1.5, 0.0, 2.0]))
def pow_zero(x):
    return np.sum(x**2.0) + np.sum(x**3) + np.sum(x**1)


@case(values(4), np.array([1, 1, 2, 0]))
def dup_set(v, i):
    z = np.zeros(3)
    z[i] = v
    return np.sum(z * z)


@case(values(4), np.array([1, 1, 2, 0]))
def dup_aug(v, i):
    z = np.ones(3)
    z[i] += v
    z[i] *= v
    return np.sum(z * z)


@case(values(6, 6), values(6))
def power_iter(A, x):
    for _t in range(5):
        y = A @ x
        n = np.sqrt(y @ y)
        x = y / n
    return x @ (A @ x)


@case(values(8))
def bubble(x):
    n = len(x)
    for i in range(n):
        for j in range(n - 1 - i):
            if x[j] > x[j + 1]:
                t = x[j]
                x[j] = x[j + 1]
                x[j + 1] = t
    return x[0] * x[1] + np.sum(x * np.arange(n))


@case(values(4, 4), 3)
def floyd(D_, k_):
    n = D_.shape[0]
    d = D_ * D_ + 0.1
    for k in range(n):
        for i in range(n):
            for j in range(n):
                d[i, j] = min(d[i, j], d[i, k] + d[k, j])
    return np.sum(d * d)


@case(values(6), values(4))
def conv_slices(x, k):
    y = np.zeros(len(x) - len(k) + 1)
    for j in range(len(k)):
        y += k[j] * x[j : j + len(y)]
    return np.sum(np.exp(y) * y)


@case(values(4, 4) + 5 * np.eye(4), values(4))
def gauss_elim(A, b):
    n = len(b)
    for k in range(n):
        for i in range(k + 1, n):
            f = A[i, k] / A[k, k]
            A[i, k:] -= f * A[k, k:]
            b[i] -= f * b[k]
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        x[i] = (b[i] - A[i, i + 1 :] @ x[i + 1 :]) / A[i, i]
    return np.sum(x * x)


@case(values(7), 0.4)
def secant_bisect(c, t):
    lo, hi = -10.0, 10.0
    for _it in range(30):
        mid = 0.5 * (lo + hi)
        v = 0.0
        for i in range(len(c)):
            v += np.tanh(mid - c[i])
        if v > t:
            hi = mid
        else:
            lo = mid
    x = 0.5 * (lo + hi)
    v = 0.0
    d = 0.0
    for i in range(len(c)):
        v += np.tanh(x - c[i])
        d += 1 - np.tanh(x - c[i]) ** 2
    return x - (v - t) / d


@case(values(4) + 2.0)
def newton_in_loop(a):
    total = 0.0
    for i in range(len(a)):
        x = a[i]
        while abs(x * x - a[i]) > 1e-10:
            x = x - (x * x - a[i]) / (2.0 * x)
        total += x * (i + 1)
    return total


@case(values(5, 3), values(3))
def rows_in_branches(a, w):
    state = np.zeros(3)
    for i in range(a.shape[0]):
        if a[i, 0] > 0:
            state = np.tanh(state + a[i]) * w
        else:
            state[1:] = np.sin(state[:-1]) * a[i, 1:]
    return np.sum(state * w)


@case(values(6), 2.0)
def last_hit(x, level):
    found = -1
    acc = 1.0
    for i in range(len(x)):
        acc *= 1.0 + 0.1 * x[i]
        if x[i] * x[i] > level:
            found = i
            break
        if i % 2 == 0:
            continue
        acc -= np.cos(x[i])
    return acc * found if found >= 0 else acc


@case(values(4), values(4))
def swapped_in_branch(x, y):
    a = x.copy()
    b = y.copy()
    for i in range(3):
        if a[i] > b[i]:
            a, b = b, a
        a = a * b[i] + x
    return np.sum(a * b)


@case(values(5), 3)
def ragged_three_deep(x, n):
    total = 0.0
    for i in range(n):
        s = x[i]
        for j in range(i + 1):
            t = np.sin(s) * x[j]
            for k in range(j, n):
                t = t * np.cos(x[k] * t)
            s += t * t
        total += np.exp(s)
    return total


@case(values(3, 3), values(3))
def matrix_power_while(a, x):
    y = x.copy()
    n = 0
    while np.sum(y * y) < 50.0 and n < 6:
        y = a @ y + x
        n += 1
    return np.sum(y) * n


@case(values(8), np.array([3, 0, 3, 1, 7]))
def gathered_in_loop(x, index):
    out = np.zeros(len(x))
    for k in range(3):
        part = x[index] * (k + 1.0)
        out[index] += part
        x[index[k]] = np.sum(out) * 0.1
    return np.sum(out * out) + np.sum(x)


@case(values(6), values(6))
def growing_list(x, y):
    seen = []
    s = 0.0
    for i in range(len(x)):
        s = s * y[i] + x[i]
        seen.append(s)
    total = 0.0
    for v in seen:
        total += v * v
    return total


@case(values(6))
def called_functions(x):
    def smooth(v, k):
        return v if k == 0 else 0.5 * (smooth(v, k - 1) + v * v)

    def clip(v):
        return max(-0.9, min(v, 0.9))

    s = 0.0
    for v in x:
        s += smooth(clip(v), 2)
    return s


@case(values(3) + 0.5j * values(3), values(3))
def spectrum(z, x):
    p = z * np.exp(1j * x)
    s = 0.0
    for k in range(len(x)):
        p = p * z[k] + x[k]
        s += np.abs(p[k]) ** 2 + p[k].real * p[k].imag
    return s


@case(values(5), values(5))
def search_in_branch(x, w):
    total = 0.0
    for k in range(len(x)):
        if x[k] > 0:
            y = w.copy()
            for i in range(len(y)):
                y[i] = np.sin(y[i] * x[k])
                if y[i] > 0.5:
                    break
            total += np.sum(y)
        else:
            total -= np.exp(w[k])
    return total


@case(values(7), values(3))
def lists_in_branches(x, w):
    kept = []
    rest = [0.5]
    for i in range(len(x)):
        if x[i] > 0:
            kept.append(x[i] * w[0])
            if x[i] > 1.0:
                kept.append(kept[-1] * w[1])
        else:
            for j in range(i % 3):
                rest.append(rest[j] * x[i] + w[2])
    total = 0.0
    for v in kept:
        total += v * v
    for v in rest:
        total += np.sin(v)
    return total


@case(values(6), values(6))
def stack_machine(x, y):
    stack = []
    for a, b in zip(x, y, strict=True):
        stack.append(a * b)
        if len(stack) > 2:
            u = stack.pop()
            v = stack.pop()
            stack.append(u + v * v)
    total = 0.0
    while stack:
        total = total * 0.5 + stack.pop()
    return total


@case(values(5, 3), 0.7)
def rows_collected(a, c):
    rows = []
    h = np.zeros(3)
    for i in range(a.shape[0]):
        h = np.tanh(h * c + a[i])
        rows.append(h)
        if i % 2 == 1:
            rows[i - 1] = rows[i - 1] * h
    total = 0.0
    for r in rows:
        total += np.sum(r * r)
    return total * len(rows)


@case(values(6))
def lists_started_again(x):
    total = 0.0
    batch = []
    for v in x:
        batch.append(v * v)
        if len(batch) == 2:
            total += batch[0] * batch[1]
            batch = []
    return total + sum(batch)


@case(np.abs(values(4)) + 0.5, values(4))
def trace_of_newton(a, w):
    seen = []
    for k in range(len(a)):
        x = a[k]
        while abs(x * x - 2.0) > 1e-6:
            x = x - (x * x - 2.0) / (2.0 * x)
            seen.append(x * w[k])
    total = 0.0
    for i in range(len(seen)):
        total += seen[i] * seen[i] * (i + 1)
    return total
