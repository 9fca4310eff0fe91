"""Stencils and flows: weather models, fluids, waves, cellular automata."""

import numpy as np


def hdiff(in_field, out_field, coeff):
    I, J = out_field.shape[0], out_field.shape[1]
    lap_field = 4.0 * in_field[1:I + 3, 1:J + 3, :] - (
        in_field[2:I + 4, 1:J + 3, :] + in_field[0:I + 2, 1:J + 3, :]
        + in_field[1:I + 3, 2:J + 4, :] + in_field[1:I + 3, 0:J + 2, :])
    res = lap_field[1:, 1:J + 1, :] - lap_field[:-1, 1:J + 1, :]
    flx_field = np.where(
        (res * (in_field[2:I + 3, 2:J + 2, :] - in_field[1:I + 2, 2:J + 2, :])) > 0, 0, res)
    res = lap_field[1:I + 1, 1:, :] - lap_field[1:I + 1, :-1, :]
    fly_field = np.where(
        (res * (in_field[2:I + 2, 2:J + 3, :] - in_field[2:I + 2, 1:J + 2, :])) > 0, 0, res)
    out_field[:, :, :] = in_field[2:I + 2, 2:J + 2, :] - coeff[:, :, :] * (
        flx_field[1:, :, :] - flx_field[:-1, :, :] + fly_field[:, 1:, :] - fly_field[:, :-1, :])


BET_M = 0.5
BET_P = 0.5


def vadv(utens_stage, u_stage, wcon, u_pos, utens, dtr_stage):
    I, J, K = utens_stage.shape
    ccol = np.ndarray((I, J, K), dtype=utens_stage.dtype)
    dcol = np.ndarray((I, J, K), dtype=utens_stage.dtype)
    data_col = np.ndarray((I, J), dtype=utens_stage.dtype)
    for k in range(1):
        gcv = 0.25 * (wcon[1:, :, k + 1] + wcon[:-1, :, k + 1])
        cs = gcv * BET_M
        ccol[:, :, k] = gcv * BET_P
        bcol = dtr_stage - ccol[:, :, k]
        correction_term = -cs * (u_stage[:, :, k + 1] - u_stage[:, :, k])
        dcol[:, :, k] = (dtr_stage * u_pos[:, :, k] + utens[:, :, k]
                         + utens_stage[:, :, k] + correction_term)
        divided = 1.0 / bcol
        ccol[:, :, k] = ccol[:, :, k] * divided
        dcol[:, :, k] = dcol[:, :, k] * divided
    for k in range(1, K - 1):
        gav = -0.25 * (wcon[1:, :, k] + wcon[:-1, :, k])
        gcv = 0.25 * (wcon[1:, :, k + 1] + wcon[:-1, :, k + 1])
        as_ = gav * BET_M
        cs = gcv * BET_M
        acol = gav * BET_P
        ccol[:, :, k] = gcv * BET_P
        bcol = dtr_stage - acol - ccol[:, :, k]
        correction_term = -as_ * (u_stage[:, :, k - 1] - u_stage[:, :, k]) - cs * (
            u_stage[:, :, k + 1] - u_stage[:, :, k])
        dcol[:, :, k] = (dtr_stage * u_pos[:, :, k] + utens[:, :, k]
                         + utens_stage[:, :, k] + correction_term)
        divided = 1.0 / (bcol - ccol[:, :, k - 1] * acol)
        ccol[:, :, k] = ccol[:, :, k] * divided
        dcol[:, :, k] = (dcol[:, :, k] - (dcol[:, :, k - 1]) * acol) * divided
    for k in range(K - 1, K):
        gav = -0.25 * (wcon[1:, :, k] + wcon[:-1, :, k])
        as_ = gav * BET_M
        acol = gav * BET_P
        bcol = dtr_stage - acol
        correction_term = -as_ * (u_stage[:, :, k - 1] - u_stage[:, :, k])
        dcol[:, :, k] = (dtr_stage * u_pos[:, :, k] + utens[:, :, k]
                         + utens_stage[:, :, k] + correction_term)
        divided = 1.0 / (bcol - ccol[:, :, k - 1] * acol)
        dcol[:, :, k] = (dcol[:, :, k] - (dcol[:, :, k - 1]) * acol) * divided
    for k in range(K - 1, K - 2, -1):
        datacol = dcol[:, :, k]
        data_col[:] = datacol
        utens_stage[:, :, k] = dtr_stage * (datacol - u_pos[:, :, k])
    for k in range(K - 2, -1, -1):
        datacol = dcol[:, :, k] - ccol[:, :, k] * data_col[:, :]
        data_col[:] = datacol
        utens_stage[:, :, k] = dtr_stage * (datacol - u_pos[:, :, k])


def build_up_b(b, rho, dt, u, v, dx, dy):
    b[1:-1, 1:-1] = (rho * (1 / dt * ((u[1:-1, 2:] - u[1:-1, 0:-2]) / (2 * dx)
                                      + (v[2:, 1:-1] - v[0:-2, 1:-1]) / (2 * dy))
                            - ((u[1:-1, 2:] - u[1:-1, 0:-2]) / (2 * dx))**2
                            - 2 * ((u[2:, 1:-1] - u[0:-2, 1:-1]) / (2 * dy)
                                   * (v[1:-1, 2:] - v[1:-1, 0:-2]) / (2 * dx))
                            - ((v[2:, 1:-1] - v[0:-2, 1:-1]) / (2 * dy))**2))


def pressure_poisson(nit, p, dx, dy, b):
    pn = np.empty_like(p)
    pn = p.copy()
    for _q in range(nit):
        pn = p.copy()
        p[1:-1, 1:-1] = (((pn[1:-1, 2:] + pn[1:-1, 0:-2]) * dy**2
                          + (pn[2:, 1:-1] + pn[0:-2, 1:-1]) * dx**2)
                         / (2 * (dx**2 + dy**2))
                         - dx**2 * dy**2 / (2 * (dx**2 + dy**2)) * b[1:-1, 1:-1])
        p[:, -1] = p[:, -2]
        p[0, :] = p[1, :]
        p[:, 0] = p[:, 1]
        p[-1, :] = 0


def cavity_flow(nx, ny, nt, nit, u, v, dt, dx, dy, p, rho, nu):
    b = np.zeros((ny, nx))
    for _n in range(nt):
        un = u.copy()
        vn = v.copy()
        build_up_b(b, rho, dt, u, v, dx, dy)
        pressure_poisson(nit, p, dx, dy, b)
        u[1:-1, 1:-1] = (un[1:-1, 1:-1]
                         - un[1:-1, 1:-1] * dt / dx * (un[1:-1, 1:-1] - un[1:-1, 0:-2])
                         - vn[1:-1, 1:-1] * dt / dy * (un[1:-1, 1:-1] - un[0:-2, 1:-1])
                         - dt / (2 * rho * dx) * (p[1:-1, 2:] - p[1:-1, 0:-2])
                         + nu * (dt / dx**2 * (un[1:-1, 2:] - 2 * un[1:-1, 1:-1]
                                               + un[1:-1, 0:-2])
                                 + dt / dy**2 * (un[2:, 1:-1] - 2 * un[1:-1, 1:-1]
                                                 + un[0:-2, 1:-1])))
        v[1:-1, 1:-1] = (vn[1:-1, 1:-1]
                         - un[1:-1, 1:-1] * dt / dx * (vn[1:-1, 1:-1] - vn[1:-1, 0:-2])
                         - vn[1:-1, 1:-1] * dt / dy * (vn[1:-1, 1:-1] - vn[0:-2, 1:-1])
                         - dt / (2 * rho * dy) * (p[2:, 1:-1] - p[0:-2, 1:-1])
                         + nu * (dt / dx**2 * (vn[1:-1, 2:] - 2 * vn[1:-1, 1:-1]
                                               + vn[1:-1, 0:-2])
                                 + dt / dy**2 * (vn[2:, 1:-1] - 2 * vn[1:-1, 1:-1]
                                                 + vn[0:-2, 1:-1])))
        u[0, :] = 0
        u[:, 0] = 0
        u[:, -1] = 0
        u[-1, :] = 1
        v[0, :] = 0
        v[-1, :] = 0
        v[:, 0] = 0
        v[:, -1] = 0


def channel_step(nit, u, v, dt, dx, dy, p, rho, nu, F):
    udiff = 1
    stepcount = 0
    while udiff > .001:
        un = u.copy()
        vn = v.copy()
        b = np.zeros_like(u)
        b[1:-1, 1:-1] = rho * (1 / dt * ((u[1:-1, 2:] - u[1:-1, 0:-2]) / (2 * dx)
                                         + (v[2:, 1:-1] - v[0:-2, 1:-1]) / (2 * dy)))
        b[1:-1, -1] = rho * (1 / dt * ((u[1:-1, 0] - u[1:-1, -2]) / (2 * dx)
                                       + (v[2:, -1] - v[0:-2, -1]) / (2 * dy)))
        for _q in range(nit):
            pn = p.copy()
            p[1:-1, 1:-1] = (((pn[1:-1, 2:] + pn[1:-1, 0:-2]) * dy**2
                              + (pn[2:, 1:-1] + pn[0:-2, 1:-1]) * dx**2)
                             / (2 * (dx**2 + dy**2))
                             - dx**2 * dy**2 / (2 * (dx**2 + dy**2)) * b[1:-1, 1:-1])
            p[1:-1, -1] = pn[1:-1, -2]
            p[-1, :] = p[-2, :]
            p[0, :] = p[1, :]
        u[1:-1, 1:-1] = (un[1:-1, 1:-1]
                         - un[1:-1, 1:-1] * dt / dx * (un[1:-1, 1:-1] - un[1:-1, 0:-2])
                         - vn[1:-1, 1:-1] * dt / dy * (un[1:-1, 1:-1] - un[0:-2, 1:-1])
                         - dt / (2 * rho * dx) * (p[1:-1, 2:] - p[1:-1, 0:-2])
                         + nu * (dt / dx**2 * (un[1:-1, 2:] - 2 * un[1:-1, 1:-1]
                                               + un[1:-1, 0:-2])) + F * dt)
        u[0, :] = 0
        u[-1, :] = 0
        v[0, :] = 0
        v[-1, :] = 0
        udiff = (np.sum(u) - np.sum(un)) / np.sum(u)
        stepcount += 1
        if stepcount >= 6:
            break
    return stepcount


def life(grid, generations):
    for _ in range(generations):
        n = (grid[0:-2, 0:-2] + grid[0:-2, 1:-1] + grid[0:-2, 2:]
             + grid[1:-1, 0:-2] + grid[1:-1, 2:]
             + grid[2:, 0:-2] + grid[2:, 1:-1] + grid[2:, 2:])
        birth = (n == 3) & (grid[1:-1, 1:-1] == 0)
        survive = ((n == 2) | (n == 3)) & (grid[1:-1, 1:-1] == 1)
        grid[...] = 0
        grid[1:-1, 1:-1][birth | survive] = 1
    return grid


def life_rolled(grid, generations):
    for _ in range(generations):
        neighbours = sum(np.roll(np.roll(grid, i, 0), j, 1)
                         for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j)
        grid = ((neighbours == 3) | ((grid == 1) & (neighbours == 2))).astype(grid.dtype)
    return grid


def life_loops(grid):
    rows, cols = grid.shape
    new = np.zeros_like(grid)
    for i in range(rows):
        for j in range(cols):
            alive = 0
            for di in (-1, 0, 1):
                for dj in (-1, 0, 1):
                    if di == 0 and dj == 0:
                        continue
                    alive += grid[(i + di) % rows, (j + dj) % cols]
            if grid[i, j] and 2 <= alive <= 3 or not grid[i, j] and alive == 3:
                new[i, j] = 1
    return new


def wave(u, c, steps):
    prev = u.copy()
    for _ in range(steps):
        lap = (np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1)
               - 4 * u)
        u, prev = 2 * u - prev + c ** 2 * lap, u
    return u


def gray_scott(U, V, steps, Du=0.16, Dv=0.08, F=0.035, k=0.065):
    def laplacian(Z):
        return (Z[:-2, 1:-1] + Z[1:-1, :-2] - 4 * Z[1:-1, 1:-1] + Z[1:-1, 2:] + Z[2:, 1:-1])

    u, v = U[1:-1, 1:-1], V[1:-1, 1:-1]
    for _ in range(steps):
        Lu, Lv = laplacian(U), laplacian(V)
        uvv = u * v * v
        u += Du * Lu - uvv + F * (1 - u)
        v += Dv * Lv + uvv - (F + k) * v
        for Z in (U, V):
            Z[0, :] = Z[-2, :]
            Z[-1, :] = Z[1, :]
            Z[:, 0] = Z[:, -2]
            Z[:, -1] = Z[:, 1]


def lax_wendroff(u, c, steps):
    n = len(u)
    for _ in range(steps):
        new = np.empty(n)
        for i in range(n):
            left, right = u[i - 1], u[(i + 1) % n]
            new[i] = u[i] - c / 2 * (right - left) + c * c / 2 * (right - 2 * u[i] + left)
        u = new
    return u


def poisson_sor(u, f, h, omega, tol):
    n, m = u.shape
    sweeps = 0
    while True:
        worst = 0.0
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                r = (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1]
                     - h * h * f[i, j]) / 4 - u[i, j]
                u[i, j] += omega * r
                worst = max(worst, abs(r))
        sweeps += 1
        if worst < tol or sweeps > 500:
            return sweeps, worst


def flow(r, n):
    z = np.zeros((n, n + 1))
    return (n + 1, n, 3, 4, z, z.copy(), 0.1 / n / n, 2 / n, 2 / (n - 1), z.copy(), 1.0, 0.1)


PROGRAMS = [
    (hdiff, lambda r, n: (r.random((n + 4, n + 5, 3)), r.random((n, n + 1, 3)),
                          r.random((n, n + 1, 3))), (4, 6), 64),
    (vadv, lambda r, n: (r.random((n, n, 5)), r.random((n, n, 5)), r.random((n + 1, n, 5)),
                         r.random((n, n, 5)), r.random((n, n, 5)), 3. / 20.), (3, 5), 64),
    (cavity_flow, flow, (6, 9), 61),
    (channel_step, lambda r, n: (3, np.zeros((n, n)), np.zeros((n, n)), 0.01, 2 / n, 2 / n,
                                 np.ones((n, n)), 1.0, 0.1, 1.0), (6, 9), 61),
    (life, lambda r, n: (r.integers(0, 2, (n, n + 1)), 3), (6, 9), 200),
    (life_rolled, lambda r, n: (r.integers(0, 2, (n, n + 1)), 3), (6, 9), 200),
    (life_loops, lambda r, n: (r.integers(0, 2, (n, n + 1)),), (6, 9), 60),
    (wave, lambda r, n: (r.random((n, n)), 0.3, 5), (6, 9), 200),
    (gray_scott, lambda r, n: (r.random((n, n)), r.random((n, n)), 5), (6, 9), 200),
    (lax_wendroff, lambda r, n: (r.random(n), 0.4, 5), (8, 13), 1000),
    (poisson_sor, lambda r, n: (np.zeros((n, n)), r.random((n, n)), 1 / n, 1.5, 1e-6),
     (6, 8), 16),
]
