"""Neighbours on grids: whole-array slices and loops, in place and from one array to another."""

from dataclasses import replace

import numpy as np

from .elementwise import narrow
from .spec import SAME, Kernel

STEPS = 10


def jacobi(a, b, steps):
    """A 5-point stencil between two arrays, by slices."""
    for _ in range(steps):
        b[1:-1, 1:-1] = 0.2 * (a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1]
                               + a[:-2, 1:-1])
        a[1:-1, 1:-1] = 0.2 * (b[1:-1, 1:-1] + b[1:-1, :-2] + b[1:-1, 2:] + b[2:, 1:-1]
                               + b[:-2, 1:-1])


def jacobi_jax():
    import jax

    def step(a, b):
        return b.at[1:-1, 1:-1].set(0.2 * (a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:]
                                           + a[2:, 1:-1] + a[:-2, 1:-1]))

    def both(_, arrays):
        a, b = arrays
        b = step(a, b)
        return step(b, a), b
    return jax.jit(lambda a, b, steps: jax.lax.fori_loop(0, steps, both, (a, b)))


def jacobi_loops(a, b, steps):
    """The 5-point stencil by loops over rows and columns."""
    n, m = a.shape
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                b[i, j] = 0.2 * (a[i, j] + a[i, j - 1] + a[i, j + 1] + a[i + 1, j] + a[i - 1, j])
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                a[i, j] = 0.2 * (b[i, j] + b[i, j - 1] + b[i, j + 1] + b[i + 1, j] + b[i - 1, j])


def jacobi_loops_numpy():
    return jacobi


def jacobi_parallel():
    from numba import prange

    def jacobi_loops(a, b, steps):
        n, m = a.shape
        for _ in range(steps):
            for i in prange(1, n - 1):
                for j in range(1, m - 1):
                    b[i, j] = 0.2 * (a[i, j] + a[i, j - 1] + a[i, j + 1] + a[i + 1, j]
                                     + a[i - 1, j])
            for i in prange(1, n - 1):
                for j in range(1, m - 1):
                    a[i, j] = 0.2 * (b[i, j] + b[i, j - 1] + b[i, j + 1] + b[i + 1, j]
                                     + b[i - 1, j])
    return jacobi_loops


def heat(u, v, steps):
    """A 7-point stencil in three dimensions, by slices."""
    for _ in range(steps):
        v[1:-1, 1:-1, 1:-1] = (
            0.125 * (u[2:, 1:-1, 1:-1] - 2.0 * u[1:-1, 1:-1, 1:-1] + u[:-2, 1:-1, 1:-1])
            + 0.125 * (u[1:-1, 2:, 1:-1] - 2.0 * u[1:-1, 1:-1, 1:-1] + u[1:-1, :-2, 1:-1])
            + 0.125 * (u[1:-1, 1:-1, 2:] - 2.0 * u[1:-1, 1:-1, 1:-1] + u[1:-1, 1:-1, :-2])
            + u[1:-1, 1:-1, 1:-1])
        u[1:-1, 1:-1, 1:-1] = v[1:-1, 1:-1, 1:-1]


def heat_jax():
    import jax

    def step(_, arrays):
        u, v = arrays
        c = u[1:-1, 1:-1, 1:-1]
        new = (0.125 * (u[2:, 1:-1, 1:-1] - 2.0 * c + u[:-2, 1:-1, 1:-1])
               + 0.125 * (u[1:-1, 2:, 1:-1] - 2.0 * c + u[1:-1, :-2, 1:-1])
               + 0.125 * (u[1:-1, 1:-1, 2:] - 2.0 * c + u[1:-1, 1:-1, :-2]) + c)
        return u.at[1:-1, 1:-1, 1:-1].set(new), v.at[1:-1, 1:-1, 1:-1].set(new)
    return jax.jit(lambda u, v, steps: jax.lax.fori_loop(0, steps, step, (u, v)))


def gauss_seidel(a, steps):
    """A 9-point stencil in place, where each point needs the new values before it."""
    n, m = a.shape
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, m - 1):
                a[i, j] = (a[i - 1, j - 1] + a[i - 1, j] + a[i - 1, j + 1] + a[i, j - 1] + a[i, j]
                           + a[i, j + 1] + a[i + 1, j - 1] + a[i + 1, j] + a[i + 1, j + 1]) / 9.0


def gauss_seidel_jax():
    import jax
    from jax import lax

    def row(a, i):
        known = (a[i - 1, :-2] + a[i - 1, 1:-1] + a[i - 1, 2:] + a[i, 1:-1] + a[i, 2:]
                 + a[i + 1, :-2] + a[i + 1, 1:-1] + a[i + 1, 2:])

        def point(left, rest):
            new = (left + rest) / 9.0
            return new, new
        _, new = lax.scan(point, a[i, 0], known)
        return a.at[i, 1:-1].set(new)

    def sweep(_, a):
        return lax.fori_loop(1, a.shape[0] - 1, lambda i, a: row(a, i), a)
    return jax.jit(lambda a, steps: lax.fori_loop(0, steps, sweep, a))


def diffusion(field, weight):
    """Horizontal diffusion of a weather model: a limited flux of a Laplacian, by slices."""
    lap = 4.0 * field[1:-1, 1:-1] - (field[2:, 1:-1] + field[:-2, 1:-1] + field[1:-1, 2:]
                                     + field[1:-1, :-2])
    east = lap[1:, 1:-1] - lap[:-1, 1:-1]
    east = np.where(east * (field[2:-1, 2:-2] - field[1:-2, 2:-2]) > 0, 0.0, east)
    north = lap[1:-1, 1:] - lap[1:-1, :-1]
    north = np.where(north * (field[2:-2, 2:-1] - field[2:-2, 1:-2]) > 0, 0.0, north)
    return field[2:-2, 2:-2] - weight * (east[1:] - east[:-1] + north[:, 1:] - north[:, :-1])


def advection(u, wcon, tendency, dt):
    """Vertical advection: a tridiagonal system up and down each column, arrays along a level."""
    levels, rows, columns = u.shape
    ccol = np.zeros(u.shape)
    dcol = np.zeros(u.shape)
    for k in range(levels):
        if k > 0:
            below = -0.25 * (wcon[k] + wcon[k - 1])
        else:
            below = np.zeros((rows, columns))
        if k < levels - 1:
            above = 0.25 * (wcon[k + 1] + wcon[k])
        else:
            above = np.zeros((rows, columns))
        right = dt * u[k] + tendency[k]
        diagonal = dt - below - above
        if k > 0:
            diagonal = diagonal - ccol[k - 1] * below
            right = right - dcol[k - 1] * below
        ccol[k] = above / diagonal
        dcol[k] = right / diagonal
    out = np.empty(u.shape)
    last = dcol[levels - 1]
    out[levels - 1] = last
    for k in range(levels - 2, -1, -1):
        last = dcol[k] - ccol[k] * last
        out[k] = last
    return out


def advection_jax():
    import jax
    import jax.numpy as jnp
    from jax import lax

    @jax.jit
    def advection(u, wcon, tendency, dt):
        zero = jnp.zeros_like(u[:1])
        between = 0.25 * (wcon[1:] + wcon[:-1])
        below = jnp.concatenate((zero, -between))
        above = jnp.concatenate((between, zero))

        def up(carry, level):
            c, d = carry
            below, above, right = level
            diagonal = dt - below - above - c * below
            new = above / diagonal, (right - d * below) / diagonal
            return new, new
        _, (c, d) = lax.scan(up, (zero[0], zero[0]), (below, above, dt * u + tendency))

        def down(last, level):
            new = level[1] - level[0] * last
            return new, new
        _, out = lax.scan(down, zero[0], (c, d), reverse=True)
        return out
    return advection


def fdtd(ex, ey, hz, steps):
    """Electric and magnetic fields in two dimensions: three updates a step, by slices."""
    for t in range(steps):
        ey[0, :] = 0.1 * t
        ey[1:, :] -= 0.5 * (hz[1:, :] - hz[:-1, :])
        ex[:, 1:] -= 0.5 * (hz[:, 1:] - hz[:, :-1])
        hz[:-1, :-1] -= 0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])


def fdtd_jax():
    import jax

    def step(t, fields):
        ex, ey, hz = fields
        ey = ey.at[0, :].set(0.1 * t)
        ey = ey.at[1:, :].add(-0.5 * (hz[1:, :] - hz[:-1, :]))
        ex = ex.at[:, 1:].add(-0.5 * (hz[:, 1:] - hz[:, :-1]))
        hz = hz.at[:-1, :-1].add(-0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1]))
        return ex, ey, hz
    return jax.jit(lambda ex, ey, hz, steps: jax.lax.fori_loop(0, steps, step, (ex, ey, hz)))


def life(board, steps):
    """Conway's game of life by rolled arrays."""
    for _ in range(steps):
        around = np.zeros_like(board)
        for di in (-1, 0, 1):
            for dj in (-1, 0, 1):
                if di != 0 or dj != 0:
                    around += np.roll(np.roll(board, di, axis=0), dj, axis=1)
        board = ((around == 3) | ((board == 1) & (around == 2))).astype(np.uint8)
    return board


def life_numba():
    def life(board, steps):
        n, m = board.shape
        for _ in range(steps):
            new = np.empty_like(board)
            for i in range(n):
                for j in range(m):
                    around = 0
                    for di in (-1, 0, 1):
                        for dj in (-1, 0, 1):
                            if di != 0 or dj != 0:
                                around += board[(i + di) % n, (j + dj) % m]
                    new[i, j] = around == 3 or (board[i, j] == 1 and around == 2)
            board = new
        return board
    return life


def life_jax():
    import jax
    import jax.numpy as jnp

    def step(_, board):
        around = sum(jnp.roll(board, (di, dj), (0, 1)) for di in (-1, 0, 1) for dj in (-1, 0, 1)
                     if di or dj)
        return ((around == 3) | ((board == 1) & (around == 2))).astype(jnp.uint8)
    return jax.jit(lambda board, steps: jax.lax.fori_loop(0, steps, step, board))


def squares(count):
    return lambda n, rng: (*(rng.random((n, n)) for _ in range(count)), STEPS)


def columns(n, rng):
    shape = (40, n, n)
    return rng.random(shape), rng.standard_normal(shape) * 0.1, rng.random(shape), 3.0


JACOBI = Kernel(jacobi, make=squares(2), sizes=(40, 400, 2_500), writes=(0, 1),
                work=lambda n: (16 * n * n * 2 * STEPS, 5 * n * n * 2 * STEPS), jax=jacobi_jax)

KERNELS = [
    JACOBI,
    replace(JACOBI, called="jacobi_f32", make=narrow(JACOBI.make), tolerance=1e-4,
            work=lambda n: (8 * n * n * 2 * STEPS, 5 * n * n * 2 * STEPS)),
    replace(JACOBI, function=jacobi_loops, style="loops", numpy=jacobi_loops_numpy,
            numba_parallel=jacobi_parallel),
    Kernel(heat, make=lambda n, rng: (rng.random((n, n, n)), np.zeros((n, n, n)), STEPS),
           sizes=(12, 60, 200), writes=(0, 1),
           work=lambda n: (32 * n**3 * STEPS, 15 * n**3 * STEPS), jax=heat_jax),
    Kernel(gauss_seidel, make=squares(1), sizes=(40, 400, 1_600), writes=(0,), style="loops",
           work=lambda n: (16 * n * n * STEPS, 9 * n * n * STEPS), jax=gauss_seidel_jax),
    Kernel(diffusion, make=lambda n, rng: (rng.random((n, n)), 0.03), sizes=(40, 400, 3_000),
           work=lambda n: (16 * n * n, 20 * n * n), jax=SAME),
    Kernel(advection, make=columns, sizes=(8, 64, 256),
           work=lambda n: (32 * 40 * n * n, 15 * 40 * n * n), jax=advection_jax),
    Kernel(fdtd, make=squares(3), sizes=(40, 400, 2_000), writes=(0, 1, 2),
           work=lambda n: (48 * n * n * STEPS, 11 * n * n * STEPS), jax=fdtd_jax),
    Kernel(life, make=lambda n, rng: ((rng.random((n, n)) < 0.3).astype(np.uint8), STEPS),
           sizes=(40, 400, 2_000), work=lambda n: (2 * n * n * STEPS, 12 * n * n * STEPS),
           numba=life_numba, jax=life_jax),
]
