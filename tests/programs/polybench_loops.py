"""PolyBench again, written as the C sources are: scalars and loops."""

import math

import numpy as np
from programs.polybench import dominant, spd


def gemm(alpha, beta, C, A, B):
    n, m = C.shape
    for i in range(n):
        for j in range(m):
            C[i, j] *= beta
        for k in range(A.shape[1]):
            for j in range(m):
                C[i, j] += alpha * A[i, k] * B[k, j]


def atax(A, x):
    m, n = A.shape
    y = np.zeros(n)
    tmp = np.zeros(m)
    for i in range(m):
        tmp[i] = 0.0
        for j in range(n):
            tmp[i] = tmp[i] + A[i][j] * x[j]
        for j in range(n):
            y[j] = y[j] + A[i][j] * tmp[i]
    return y


def bicg(A, p, r):
    n, m = A.shape
    s, q = np.zeros(m), np.zeros(n)
    for i in range(n):
        for j in range(m):
            s[j] += r[i] * A[i, j]
            q[i] += A[i, j] * p[j]
    return s, q


def mvt(x1, x2, y1, y2, A):
    n = len(x1)
    for i in range(n):
        for j in range(n):
            x1[i] = x1[i] + A[i, j] * y1[j]
    for i in range(n):
        for j in range(n):
            x2[i] = x2[i] + A[j, i] * y2[j]


def symm(alpha, beta, C, A, B):
    m, n = C.shape
    for i in range(m):
        for j in range(n):
            temp = 0.0
            for k in range(i):
                C[k, j] += alpha * B[i, j] * A[i, k]
                temp += B[k, j] * A[i, k]
            C[i, j] = beta * C[i, j] + alpha * B[i, j] * A[i, i] + alpha * temp


def syr2k(alpha, beta, C, A, B):
    n, m = A.shape
    for i in range(n):
        for j in range(i + 1):
            C[i, j] *= beta
        for k in range(m):
            for j in range(i + 1):
                C[i, j] += A[j, k] * alpha * B[i, k] + B[j, k] * alpha * A[i, k]


def trmm(alpha, A, B):
    m, n = B.shape
    for i in range(m):
        for j in range(n):
            for k in range(i + 1, m):
                B[i, j] += A[k, i] * B[k, j]
            B[i, j] = alpha * B[i, j]


def cholesky(A):
    n = len(A)
    for i in range(n):
        for j in range(i):
            for k in range(j):
                A[i, j] -= A[i, k] * A[j, k]
            A[i, j] /= A[j, j]
        for k in range(i):
            A[i, i] -= A[i, k] * A[i, k]
        A[i, i] = math.sqrt(A[i, i])


def durbin(r):
    n = len(r)
    y, z = np.zeros(n), np.zeros(n)
    y[0] = -r[0]
    beta = 1.0
    alpha = -r[0]
    for k in range(1, n):
        beta = (1 - alpha * alpha) * beta
        total = 0.0
        for i in range(k):
            total += r[k - i - 1] * y[i]
        alpha = -(r[k] + total) / beta
        for i in range(k):
            z[i] = y[i] + alpha * y[k - i - 1]
        for i in range(k):
            y[i] = z[i]
        y[k] = alpha
    return y


def gramschmidt(A):
    m, n = A.shape
    R = np.zeros((n, n))
    Q = np.zeros((m, n))
    for k in range(n):
        nrm = 0.0
        for i in range(m):
            nrm += A[i, k] ** 2
        R[k, k] = nrm ** 0.5
        for i in range(m):
            Q[i, k] = A[i, k] / R[k, k]
        for j in range(k + 1, n):
            R[k, j] = 0.0
            for i in range(m):
                R[k, j] += Q[i, k] * A[i, j]
            for i in range(m):
                A[i, j] = A[i, j] - Q[i, k] * R[k, j]
    return R, Q


def lu(A):
    n = A.shape[0]
    for i in range(n):
        for j in range(i):
            for k in range(j):
                A[i, j] -= A[i, k] * A[k, j]
            A[i, j] /= A[j, j]
        for j in range(i, n):
            for k in range(i):
                A[i, j] -= A[i, k] * A[k, j]


def trisolv(L, b):
    x = b.copy()
    for i in range(len(x)):
        for j in range(i):
            x[i] -= L[i, j] * x[j]
        x[i] /= L[i, i]
    return x


def correlation(data):
    n, m = data.shape
    eps = 0.1
    mean, stddev = np.zeros(m), np.zeros(m)
    corr = np.zeros((m, m))
    for j in range(m):
        for i in range(n):
            mean[j] += data[i, j]
        mean[j] /= n
    for j in range(m):
        for i in range(n):
            stddev[j] += (data[i, j] - mean[j]) ** 2
        stddev[j] = math.sqrt(stddev[j] / n)
        stddev[j] = 1.0 if stddev[j] <= eps else stddev[j]
    for i in range(n):
        for j in range(m):
            data[i, j] -= mean[j]
            data[i, j] /= math.sqrt(n) * stddev[j]
    for i in range(m - 1):
        corr[i, i] = 1.0
        for j in range(i + 1, m):
            for k in range(n):
                corr[i, j] += data[k, i] * data[k, j]
            corr[j, i] = corr[i, j]
    corr[m - 1, m - 1] = 1.0
    return corr


def doitgen(A, C4):
    nr, nq, np_ = A.shape
    total = np.zeros(np_)
    for r in range(nr):
        for q in range(nq):
            for p in range(np_):
                total[p] = 0.0
                for s in range(np_):
                    total[p] += A[r, q, s] * C4[s, p]
            for p in range(np_):
                A[r, q, p] = total[p]


def floyd_warshall(path):
    n = path.shape[0]
    for k in range(n):
        for i in range(n):
            for j in range(n):
                if path[i, k] + path[k, j] < path[i, j]:
                    path[i, j] = path[i, k] + path[k, j]
    return path


def fdtd_2d(tmax, ex, ey, hz, fict):
    nx, ny = ex.shape
    for t in range(tmax):
        for j in range(ny):
            ey[0, j] = fict[t]
        for i in range(1, nx):
            for j in range(ny):
                ey[i, j] = ey[i, j] - 0.5 * (hz[i, j] - hz[i - 1, j])
        for i in range(nx):
            for j in range(1, ny):
                ex[i, j] = ex[i, j] - 0.5 * (hz[i, j] - hz[i, j - 1])
        for i in range(nx - 1):
            for j in range(ny - 1):
                hz[i, j] = hz[i, j] - 0.7 * (
                    ex[i, j + 1] - ex[i, j] + ey[i + 1, j] - ey[i, j])


def heat_3d(steps, A):
    n = A.shape[0]
    B = np.copy(A)
    for t in range(steps):
        src, dst = (A, B) if t % 2 == 0 else (B, A)
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                for k in range(1, n - 1):
                    dst[i, j, k] = src[i, j, k] + 0.125 * (
                        src[i + 1, j, k] + src[i - 1, j, k] + src[i, j + 1, k]
                        + src[i, j - 1, k] + src[i, j, k + 1] + src[i, j, k - 1]
                        - 6.0 * src[i, j, k])
    return B


def seidel_2d(steps, A):
    n = len(A)
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                A[i, j] = (A[i - 1, j - 1] + A[i - 1, j] + A[i - 1, j + 1] + A[i, j - 1]
                           + A[i, j] + A[i, j + 1] + A[i + 1, j - 1] + A[i + 1, j]
                           + A[i + 1, j + 1]) / 9.0


PROGRAMS = [
    (gemm, lambda r, n: (1.5, 1.2, r.random((n, n + 2)), r.random((n, n + 1)),
                         r.random((n + 1, n + 2))), (5, 8), 40),
    (atax, lambda r, n: (r.random((n, n + 3)), r.random(n + 3)), (5, 8), 200),
    (bicg, lambda r, n: (r.random((n, n + 3)), r.random(n + 3), r.random(n)), (5, 8), 200),
    (mvt, lambda r, n: (r.random(n), r.random(n), r.random(n), r.random(n),
                        r.random((n, n))), (5, 8), 200),
    (symm, lambda r, n: (1.5, 1.2, r.random((n, n + 2)), r.random((n, n)),
                         r.random((n, n + 2))), (5, 8), 40),
    (syr2k, lambda r, n: (1.5, 1.2, r.random((n, n)), r.random((n, n + 2)),
                          r.random((n, n + 2))), (5, 8), 40),
    (trmm, lambda r, n: (1.5, r.random((n, n)), r.random((n, n + 2))), (5, 8), 40),
    (cholesky, lambda r, n: (spd(r, n),), (5, 8), 60),
    (durbin, lambda r, n: (r.random(n) / n,), (5, 8), 200),
    (gramschmidt, lambda r, n: (r.random((n + 2, n)) + np.eye(n + 2, n) * n,), (5, 8), 40),
    (lu, lambda r, n: (dominant(r, n),), (5, 8), 50),
    (trisolv, lambda r, n: (dominant(r, n), r.random(n)), (5, 8), 200),
    (correlation, lambda r, n: (r.random((n + 3, n)),), (5, 8), 40),
    (doitgen, lambda r, n: (r.random((n, n + 1, n + 2)), r.random((n + 2, n + 2))), (4, 5), 15),
    (floyd_warshall, lambda r, n: (r.integers(1, 99, (n, n)),), (5, 8), 40),
    (fdtd_2d, lambda r, n: (4, r.random((n, n + 1)), r.random((n, n + 1)),
                            r.random((n, n + 1)), r.random(4)), (5, 8), 60),
    (heat_3d, lambda r, n: (4, r.random((n, n, n))), (4, 6), 20),
    (seidel_2d, lambda r, n: (4, r.random((n, n))), (5, 8), 60),
]
