"""Bodies that attract each other: pairs by loops and by whole arrays, with and without a cutoff."""

import math

import numpy as np

from .spec import Kernel

STEPS = 3


def nbody_loops(position, velocity, mass, dt, steps):
    """Gravity between all pairs, in scalars."""
    n = len(mass)
    for _ in range(steps):
        for i in range(n):
            ax = ay = az = 0.0
            for j in range(n):
                dx = position[j, 0] - position[i, 0]
                dy = position[j, 1] - position[i, 1]
                dz = position[j, 2] - position[i, 2]
                d2 = dx * dx + dy * dy + dz * dz + 1e-3
                f = mass[j] / (d2 * math.sqrt(d2))
                ax += f * dx
                ay += f * dy
                az += f * dz
            velocity[i, 0] += dt * ax
            velocity[i, 1] += dt * ay
            velocity[i, 2] += dt * az
        for i in range(n):
            for k in range(3):
                position[i, k] += dt * velocity[i, k]


def nbody_parallel():
    from numba import prange

    def nbody_loops(position, velocity, mass, dt, steps):
        n = len(mass)
        for _ in range(steps):
            for i in prange(n):
                ax = ay = az = 0.0
                for j in range(n):
                    dx = position[j, 0] - position[i, 0]
                    dy = position[j, 1] - position[i, 1]
                    dz = position[j, 2] - position[i, 2]
                    d2 = dx * dx + dy * dy + dz * dz + 1e-3
                    f = mass[j] / (d2 * math.sqrt(d2))
                    ax += f * dx
                    ay += f * dy
                    az += f * dz
                velocity[i, 0] += dt * ax
                velocity[i, 1] += dt * ay
                velocity[i, 2] += dt * az
            for i in prange(n):
                for k in range(3):
                    position[i, k] += dt * velocity[i, k]
    return nbody_loops


def nbody_arrays(position, velocity, mass, dt, steps):
    """Gravity between all pairs, by arrays of all differences."""
    for _ in range(steps):
        d = position[None, :, :] - position[:, None, :]
        d2 = np.sum(d * d, axis=2) + 1e-3
        f = mass[None, :] / (d2 * np.sqrt(d2))
        velocity += dt * np.sum(f[:, :, None] * d, axis=1)
        position += dt * velocity


def nbody_numpy():
    return nbody_arrays


def nbody_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def nbody(position, velocity, mass, dt, steps):
        def step(_, state):
            position, velocity = state
            d = position[None, :, :] - position[:, None, :]
            d2 = jnp.sum(d * d, axis=2) + 1e-3
            f = mass[None, :] / (d2 * jnp.sqrt(d2))
            velocity = velocity + dt * jnp.sum(f[:, :, None] * d, axis=1)
            return position + dt * velocity, velocity
        return jax.lax.fori_loop(0, steps, step, (position, velocity))
    return nbody


def lennard_jones(x, y, z, cutoff):
    """Energy and forces of pairs within a cutoff, each pair once."""
    n = len(x)
    fx, fy, fz = np.zeros(n), np.zeros(n), np.zeros(n)
    energy = 0.0
    for i in range(n):
        for j in range(i + 1, n):
            dx = x[i] - x[j]
            dy = y[i] - y[j]
            dz = z[i] - z[j]
            r2 = dx * dx + dy * dy + dz * dz
            if r2 < cutoff * cutoff:
                s = 1.0 / (r2 + 0.1)
                s6 = s * s * s
                energy += 4.0 * s6 * (s6 - 1.0)
                f = 24.0 * s6 * (2.0 * s6 - 1.0) * s
                fx[i] += f * dx
                fy[i] += f * dy
                fz[i] += f * dz
                fx[j] -= f * dx
                fy[j] -= f * dy
                fz[j] -= f * dz
    return energy, fx, fy, fz


def lennard_jones_numpy():
    def lennard_jones(x, y, z, cutoff):
        dx, dy, dz = x[:, None] - x, y[:, None] - y, z[:, None] - z
        r2 = dx * dx + dy * dy + dz * dz
        s = 1.0 / (r2 + 0.1)
        s6 = s * s * s
        near = (r2 < cutoff * cutoff) & ~np.eye(len(x), dtype=bool)
        f = np.where(near, 24.0 * s6 * (2.0 * s6 - 1.0) * s, 0.0)
        energy = np.sum(np.where(near, 2.0 * s6 * (s6 - 1.0), 0.0))
        return energy, (f * dx).sum(axis=1), (f * dy).sum(axis=1), (f * dz).sum(axis=1)
    return lennard_jones


def lennard_jones_jax():
    import jax
    import jax.numpy as jnp

    from .spec import replaced
    return jax.jit(replaced(lennard_jones_numpy(), np=jnp))


def ray_spheres(origin, direction, center, radius):
    """The nearest sphere that each ray hits: a while of early exits turned into arithmetic."""
    n = len(direction)
    hit = np.full(n, -1)
    depth = np.full(n, np.inf)
    for r in range(n):
        for s in range(len(radius)):
            b = c = 0.0
            for k in range(3):
                o = origin[k] - center[s, k]
                b += o * direction[r, k]
                c += o * o
            d = b * b - c + radius[s] * radius[s]
            if d < 0.0:
                continue
            t = -b - math.sqrt(d)
            if 0.0 < t < depth[r]:
                depth[r] = t
                hit[r] = s
    return hit, depth


def ray_spheres_numpy():
    def ray_spheres(origin, direction, center, radius):
        o = origin - center
        b = direction @ o.T
        d = b * b - np.sum(o * o, axis=1) + radius * radius
        t = np.where(d >= 0.0, -b - np.sqrt(np.maximum(d, 0.0)), np.inf)
        t = np.where(t > 0.0, t, np.inf)
        hit = np.argmin(t, axis=1)
        depth = np.min(t, axis=1)
        return np.where(depth < np.inf, hit, -1), depth
    return ray_spheres


def ray_spheres_jax():
    import jax
    import jax.numpy as jnp

    from .spec import replaced
    return jax.jit(replaced(ray_spheres_numpy(), np=jnp))


def bodies(n, rng):
    return (rng.standard_normal((n, 3)), rng.standard_normal((n, 3)) * 0.1, rng.random(n), 0.01,
            STEPS)


def rays(n, rng):
    direction = rng.standard_normal((n, 3))
    direction /= np.sqrt((direction**2).sum(axis=1, keepdims=True))
    return np.zeros(3), direction, rng.standard_normal((20, 3)) * 5, rng.uniform(0.3, 1.0, 20)


KERNELS = [
    Kernel(nbody_loops, make=bodies, sizes=(40, 500, 2_000), style="loops", writes=(0, 1),
           work=lambda n: (56 * n * STEPS, 20 * n * n * STEPS), numpy=nbody_numpy,
           numba_parallel=nbody_parallel, jax=nbody_jax),
    Kernel(nbody_arrays, make=bodies, sizes=(40, 500, 2_000), writes=(0, 1),
           work=lambda n: (56 * n * STEPS, 20 * n * n * STEPS), jax=nbody_jax),
    Kernel(lennard_jones, make=lambda n, rng: (*(rng.random(n) * 6 for _ in range(3)), 2.0),
           sizes=(60, 600, 3_000), style="loops", work=lambda n: (48 * n, 6 * n * n),
           numpy=lennard_jones_numpy, jax=lennard_jones_jax, tolerance=1e-8),
    Kernel(ray_spheres, make=rays, sizes=(100, 10_000, 200_000), style="loops",
           work=lambda n: (40 * n, 20 * 18 * n), numpy=ray_spheres_numpy, jax=ray_spheres_jax),
]
