"""Linear algebra and spectra: solvers, sparse matrices, eigenvalues, Fourier transforms."""

import numpy as np


def spmv(A_row, A_col, A_val, x):
    y = np.empty(A_row.size - 1, A_val.dtype)
    for i in range(A_row.size - 1):
        cols = A_col[A_row[i]:A_row[i + 1]]
        vals = A_val[A_row[i]:A_row[i + 1]]
        y[i] = vals @ x[cols]
    return y


def spmv_loops(indptr, indices, data, x):
    y = np.zeros(len(indptr) - 1)
    for i in range(len(y)):
        total = 0.0
        for k in range(indptr[i], indptr[i + 1]):
            total += data[k] * x[indices[k]]
        y[i] = total
    return y


def scattering_self_energies(neigh_idx, dH, G, D, Sigma):
    for k in range(G.shape[0]):
        for E in range(G.shape[1]):
            for q in range(D.shape[0]):
                for w in range(D.shape[1]):
                    for i in range(D.shape[-2]):
                        for j in range(D.shape[-1]):
                            for a in range(neigh_idx.shape[0]):
                                for b in range(neigh_idx.shape[1]):
                                    if E - w >= 0:
                                        dHG = G[k, E - w, neigh_idx[a, b]] @ dH[a, b, i]
                                        dHD = dH[a, b, j] * D[q, w, a, b, i, j]
                                        Sigma[k, E, a] += dHG @ dHD


def stockham_fft(N, R, K, x):
    i_coord = np.empty((R, R), dtype=np.int64)
    j_coord = np.empty((R, R), dtype=np.int64)
    for i in range(R):
        for j in range(R):
            i_coord[i, j] = i
            j_coord[i, j] = j
    dft_mat = np.exp(-2.0j * np.pi * i_coord * j_coord / R)
    y = x.copy()
    ii_coord = np.empty((R, R**(K - 1)), dtype=np.int64)
    jj_coord = np.empty((R, R**(K - 1)), dtype=np.int64)
    for i in range(R):
        ii_coord[i, :] = i
        for j in range(R**(K - 1)):
            jj_coord[i, j] = j
    for i in range(K):
        yv = np.reshape(y, (R**i, R, R**(K - i - 1)))
        tmp_perm = np.transpose(yv, axes=(1, 0, 2))
        D = np.empty((R, R**i, R**(K - i - 1)), dtype=np.complex128)
        tmp = np.exp(-2.0j * np.pi * ii_coord[:, :R**i] * jj_coord[:, :R**i] / R**(i + 1))
        D[:] = np.repeat(np.reshape(tmp, (R, R**i, 1)), R**(K - i - 1), axis=2)
        tmp_twid = np.reshape(tmp_perm, (N,)) * np.reshape(D, (N,))
        y = np.reshape(dft_mat @ np.reshape(tmp_twid, (R, R**(K - 1))), (N,))
    return y


def fft_in_place(x):
    n = len(x)
    j = 0
    for i in range(1, n):
        bit = n >> 1
        while j & bit:
            j ^= bit
            bit >>= 1
        j |= bit
        if i < j:
            x[i], x[j] = x[j], x[i]
    length = 2
    while length <= n:
        root = np.exp(-2j * np.pi / length)
        for start in range(0, n, length):
            w = 1 + 0j
            for k in range(length // 2):
                u = x[start + k]
                v = x[start + k + length // 2] * w
                x[start + k] = u + v
                x[start + k + length // 2] = u - v
                w *= root
        length *= 2


def dft(x):
    n = len(x)
    k = np.arange(n)
    return np.exp(-2j * np.pi * np.outer(k, k) / n) @ x


def contour_integral(NR, NM, slab_per_bc, Ham, int_pts, Y):
    P0 = np.zeros((NR, NM), dtype=np.complex128)
    P1 = np.zeros((NR, NM), dtype=np.complex128)
    for z in int_pts:
        Tz = np.zeros((NR, NR), dtype=np.complex128)
        for n in range(slab_per_bc + 1):
            zz = np.power(z, slab_per_bc / 2 - n)
            Tz += zz * Ham[n]
        if NR == NM:
            X = np.linalg.inv(Tz)
        else:
            X = np.linalg.solve(Tz, Y)
        if abs(z) < 1.0:
            X = -X
        P0 += X
        P1 += z * X
    return P0, P1


def thomas(a, b, c, d):
    n = len(d)
    cp, dp = np.zeros(n), np.zeros(n)
    cp[0] = c[0] / b[0]
    dp[0] = d[0] / b[0]
    for i in range(1, n):
        m = b[i] - a[i] * cp[i - 1]
        cp[i] = c[i] / m
        dp[i] = (d[i] - a[i] * dp[i - 1]) / m
    x = np.zeros(n)
    x[-1] = dp[-1]
    for i in reversed(range(n - 1)):
        x[i] = dp[i] - cp[i] * x[i + 1]
    return x


def conjugate_gradient(A, b, tol=1e-12):
    x = np.zeros_like(b)
    r = b - A @ x
    p = r.copy()
    rs = r @ r
    for _ in range(len(b) * 2):
        Ap = A @ p
        alpha = rs / (p @ Ap)
        x += alpha * p
        r -= alpha * Ap
        rs_new = r @ r
        if np.sqrt(rs_new) < tol:
            break
        p = r + (rs_new / rs) * p
        rs = rs_new
    return x, bool(np.sqrt(rs_new) < tol)


def power_iteration(A, iterations):
    v = np.ones(A.shape[0])
    value = 0.0
    for _ in range(iterations):
        w = A @ v
        v = w / np.linalg.norm(w)
        value = v @ A @ v
    return value, v


def pagerank(links, damping=0.85, tol=1e-8):
    n = links.shape[0]
    out = links.sum(axis=0)
    M = np.where(out > 0, links / np.where(out > 0, out, 1), 1.0 / n)
    rank = np.ones(n) / n
    for it in range(100):
        new = damping * M @ rank + (1 - damping) / n
        err = np.abs(new - rank).sum()
        rank = new
        if err < tol:
            return rank, it
    return rank, 100


def gauss_eliminate(A, b):
    A, b = A.copy(), b.copy()
    n = len(b)
    for k in range(n):
        p = k + np.argmax(np.abs(A[k:, k]))
        if A[p, k] == 0:
            raise np.linalg.LinAlgError("singular")
        if p != k:
            A[[k, p]] = A[[p, k]]
            b[[k, p]] = b[[p, k]]
        for i in range(k + 1, n):
            f = A[i, k] / A[k, k]
            A[i, k:] -= f * A[k, k:]
            b[i] -= f * b[k]
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        x[i] = (b[i] - A[i, i + 1:] @ x[i + 1:]) / A[i, i]
    return x


def jacobi_eigen(A, sweeps):
    n = A.shape[0]
    V = np.eye(n)
    for _ in range(sweeps):
        for p in range(n - 1):
            for q in range(p + 1, n):
                if abs(A[p, q]) < 1e-14:
                    continue
                theta = (A[q, q] - A[p, p]) / (2 * A[p, q])
                sign = 1.0 if theta >= 0 else -1.0
                t = sign / (abs(theta) + np.sqrt(theta * theta + 1))
                c = 1 / np.sqrt(t * t + 1)
                s = t * c
                for k in range(n):
                    akp, akq = A[k, p], A[k, q]
                    A[k, p], A[k, q] = c * akp - s * akq, s * akp + c * akq
                for k in range(n):
                    apk, aqk = A[p, k], A[q, k]
                    A[p, k], A[q, k] = c * apk - s * aqk, s * apk + c * aqk
                for k in range(n):
                    vkp, vkq = V[k, p], V[k, q]
                    V[k, p], V[k, q] = c * vkp - s * vkq, s * vkp + c * vkq
    return np.diag(A), V


def householder_qr(A):
    m, n = A.shape
    R = A.copy()
    Q = np.eye(m)
    for k in range(n):
        x = R[k:, k]
        v = x.copy()
        v[0] += np.copysign(np.linalg.norm(x), x[0])
        v = v / np.linalg.norm(v)
        R[k:, k:] -= 2 * np.outer(v, v @ R[k:, k:])
        Q[:, k:] -= 2 * np.outer(Q[:, k:] @ v, v)
    return Q, R


def matrix_power(A, n):
    result = np.eye(len(A))
    base = A.copy()
    while n > 0:
        if n % 2 == 1:
            result = result @ base
        base = base @ base
        n = n // 2
    return result


def gmres_like(A, b, m):
    n = len(b)
    Q = np.zeros((n, m + 1))
    H = np.zeros((m + 1, m))
    Q[:, 0] = b / np.sqrt(np.sum(b ** 2))
    for k in range(m):
        y = A @ Q[:, k]
        for j in range(k + 1):
            H[j, k] = np.vdot(Q[:, j], y)
            y -= H[j, k] * Q[:, j]
        H[k + 1, k] = np.linalg.norm(y)
        if H[k + 1, k] > 1e-10:
            Q[:, k + 1] = y / H[k + 1, k]
    return Q, H


def least_squares(x, y, degree):
    V = np.vander(x, degree + 1)
    coef = np.linalg.solve(V.T @ V, V.T @ y)
    residual = y - V @ coef
    return coef, np.sqrt(np.mean(residual ** 2))


def strassen_step(A, B):
    n = A.shape[0] // 2
    a, b, c, d = A[:n, :n], A[:n, n:], A[n:, :n], A[n:, n:]
    e, f, g, h = B[:n, :n], B[:n, n:], B[n:, :n], B[n:, n:]
    p1 = a @ (f - h)
    p2 = (a + b) @ h
    p3 = (c + d) @ e
    p4 = d @ (g - e)
    p5 = (a + d) @ (e + h)
    p6 = (b - d) @ (g + h)
    p7 = (a - c) @ (e + f)
    return np.block([[p5 + p4 - p2 + p6, p1 + p2], [p3 + p4, p1 + p5 - p3 - p7]])


def horner(coef, x):
    y = np.zeros_like(x)
    for c in coef:
        y = y * x + c
    return y


def lagrange(xs, ys, x):
    total = np.zeros_like(x)
    for i in range(len(xs)):
        term = np.full_like(x, ys[i])
        for j in range(len(xs)):
            if i != j:
                term *= (x - xs[j]) / (xs[i] - xs[j])
        total += term
    return total


def cubic_spline(x, y):
    n = len(x) - 1
    h = np.diff(x)
    alpha = 3 * (y[2:] - y[1:-1]) / h[1:] - 3 * (y[1:-1] - y[:-2]) / h[:-1]
    c, mu, z = np.zeros(n + 1), np.zeros(n), np.zeros(n + 1)
    for i in range(1, n):
        l = 2 * (x[i + 1] - x[i - 1]) - h[i - 1] * mu[i - 1]
        mu[i] = h[i] / l
        z[i] = (alpha[i - 1] - h[i - 1] * z[i - 1]) / l
    b, d = np.zeros(n), np.zeros(n)
    for j in range(n - 1, -1, -1):
        c[j] = z[j] - mu[j] * c[j + 1]
        b[j] = (y[j + 1] - y[j]) / h[j] - h[j] * (c[j + 1] + 2 * c[j]) / 3
        d[j] = (c[j + 1] - c[j]) / (3 * h[j])
    return b, c, d


def pairwise_distances(X):
    M, N = X.shape
    D = np.empty((M, M), dtype=float)
    for i in range(M):
        for j in range(M):
            d = 0.0
            for k in range(N):
                tmp = X[i, k] - X[j, k]
                d += tmp * tmp
            D[i, j] = np.sqrt(d)
    return D


def rbf_network(X, beta, theta):
    N, D = X.shape
    Y = np.zeros(N)
    for i in range(N):
        for j in range(N):
            r = 0
            for d in range(D):
                r += (X[j, d] - X[i, d]) ** 2
            r = r**0.5
            Y[i] += beta[j] * np.exp(-(r * theta)**2)
    return Y


def csr(r, n):
    dense = r.random((n, n)) * (r.random((n, n)) < 0.4)
    rows = np.concatenate(([0], np.cumsum((dense != 0).sum(axis=1))))
    return rows, np.nonzero(dense)[1], dense[dense != 0], r.random(n)


def cplx(r, *shape):
    return r.random(shape) + 1j * r.random(shape)


def spd(r, n):
    a = r.random((n, n))
    return a @ a.T + n * np.eye(n)


def symmetric(r, n):
    a = r.random((n, n))
    return a + a.T


PROGRAMS = [
    (spmv, csr, (6, 9), 300),
    (spmv_loops, csr, (6, 9), 300),
    (scattering_self_energies, lambda r, n: (
        r.integers(0, n, (n, 2)), cplx(r, n, 2, 2, 2, 2), cplx(r, 2, 2, n, 2, 2),
        cplx(r, 2, 2, n, 2, 2, 2), np.zeros((2, 2, n, 2, 2), complex)), (2, 3), 4),
    (stockham_fft, lambda r, n: (2**n, 2, n, cplx(r, 2**n)), (3, 4), 12),
    (fft_in_place, lambda r, n: (cplx(r, 2**n),), (3, 4), 12),
    (dft, lambda r, n: (cplx(r, n),), (5, 8), 300),
    (contour_integral, lambda r, n: (n, n + 1, 2, cplx(r, 3, n, n), cplx(r, 5), cplx(r, n, n + 1)),
     (3, 4), 50),
    (thomas, lambda r, n: (r.random(n), r.random(n) + 4, r.random(n), r.random(n)), (6, 9), 10000),
    (conjugate_gradient, lambda r, n: (spd(r, n), r.random(n)), (4, 6), 200),
    (power_iteration, lambda r, n: (symmetric(r, n), 20), (6, 9), 200),
    (pagerank, lambda r, n: ((r.random((n, n)) < 0.3) * 1.0,), (6, 9), 300),
    (gauss_eliminate, lambda r, n: (r.random((n, n)), r.random(n)), (4, 6), 100),
    (jacobi_eigen, lambda r, n: (symmetric(r, n), 2), (3, 4), 12),
    (householder_qr, lambda r, n: (r.random((n + 2, n)),), (3, 5), 60),
    (matrix_power, lambda r, n: (r.random((n, n)) / n, 13), (3, 5), 60),
    (gmres_like, lambda r, n: (r.random((n, n)), r.random(n), 3), (5, 7), 200),
    (least_squares, lambda r, n: (r.random(n), r.random(n), 1), (8, 12), 3000),
    (strassen_step, lambda r, n: (r.random((2 * n, 2 * n)), r.random((2 * n, 2 * n))), (2, 3), 64),
    (horner, lambda r, n: (r.random(6), r.random(n)), (4, 7), 100000),
    (lagrange, lambda r, n: (np.arange(5.0), r.random(5), r.random(n)), (4, 7), 10000),
    (cubic_spline, lambda r, n: (np.arange(n) * 1.0, r.random(n)), (5, 8), 5000),
    (pairwise_distances, lambda r, n: (r.random((n, 3)),), (5, 8), 150),
    (rbf_network, lambda r, n: (r.random((n, 3)), r.random(n), 0.7), (5, 8), 150),
]
