"""One number out for each number in: chains of operations, elementary functions, selection."""
# ruff: noqa: F841 (numexpr reads names of the function that calls it)

from dataclasses import replace

import numpy as np

from .spec import SAME, Kernel


def chain(x):
    """Ten elementwise operations in a row, written as ten statements."""
    a = x * 2.0
    a = a + 1.0
    a = a * x
    a = a - 3.0
    a = a * 0.5
    a = a + x
    a = a * a
    a = a - x
    a = a * 0.25
    return a + 0.125


def triad(a, b, c):
    """a + 3 b c: one multiplication, as much memory as it takes."""
    return a + 3.0 * b * c


def triad_numexpr():
    import numexpr
    return lambda a, b, c: numexpr.evaluate("a + 3.0 * b * c")


def chain_numexpr():
    import numexpr
    return lambda x: numexpr.evaluate(
        "((((((x * 2.0 + 1.0) * x - 3.0) * 0.5 + x)"
        "* (((x * 2.0 + 1.0) * x - 3.0) * 0.5 + x)) - x) * 0.25) + 0.125")


def sigmoid(x):
    """The logistic function: an exponential and a division."""
    return 1 / (1 + np.exp(-x))


def sigmoid_numexpr():
    import numexpr
    return lambda x: numexpr.evaluate("1 / (1 + exp(-x))")


def horner(x):
    """A polynomial of degree 12 by Horner's rule."""
    y = 0.1 * x - 0.3
    for c in (0.7, -0.2, 0.11, 0.4, -0.6, 0.9, 0.05, -0.8, 0.33, 0.21, -0.15):
        y = y * x + c
    return y


def clipped(x, low, high):
    """Selection: clip, absolute value, where, sign."""
    y = np.where(x > 0.0, np.minimum(x, high), np.maximum(x, low))
    return np.where(np.abs(y) < 0.1, 0.0, y) * np.sign(x)


def clipped_numexpr():
    import numexpr

    def clipped(x, low, high):
        y = numexpr.evaluate("where(x > 0.0, where(x < high, x, high), where(x > low, x, low))")
        return numexpr.evaluate(
            "where(abs(y) < 0.1, 0.0, y) * where(x > 0, 1.0, where(x < 0, -1.0, 0.0))")
    return clipped


def haversine(lat1, lon1, lat2, lon2):
    """Distances on a sphere: sines, cosines, an arcsine, a square root."""
    a = np.sin((lat2 - lat1) / 2) ** 2
    b = np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6371.0 * np.arcsin(np.sqrt(a + b))


def haversine_numexpr():
    import numexpr
    return lambda lat1, lon1, lat2, lon2: numexpr.evaluate(
        "2 * 6371.0 * arcsin(sqrt(sin((lat2 - lat1) / 2) ** 2"
        " + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2))")


def normal_cdf(x):
    k = 1.0 / (1.0 + 0.2316419 * np.abs(x))
    p = k * (0.319381530 + k * (-0.356563782 + k * (1.781477937 + k * (
        -1.821255978 + k * 1.330274429))))
    tail = 0.3989422804014327 * np.exp(-0.5 * x * x) * p
    return np.where(x > 0, 1.0 - tail, tail)


def black_scholes(spot, strike, years, rate, volatility):
    """Prices of calls and puts: a logarithm, exponentials, a rational approximation."""
    root = volatility * np.sqrt(years)
    d1 = (np.log(spot / strike) + (rate + 0.5 * volatility * volatility) * years) / root
    d2 = d1 - root
    paid = strike * np.exp(-rate * years)
    call = spot * normal_cdf(d1) - paid * normal_cdf(d2)
    return call, call - spot + paid


def black_scholes_numexpr():
    import numexpr

    def cdf(x):
        k = numexpr.evaluate("1.0 / (1.0 + 0.2316419 * abs(x))")
        tail = numexpr.evaluate(
            "0.3989422804014327 * exp(-0.5 * x * x) * k * (0.319381530 + k * (-0.356563782"
            " + k * (1.781477937 + k * (-1.821255978 + k * 1.330274429))))")
        return numexpr.evaluate("where(x > 0, 1.0 - tail, tail)")

    def black_scholes(spot, strike, years, rate, volatility):
        d1 = numexpr.evaluate("(log(spot / strike) + (rate + 0.5 * volatility * volatility)"
                              " * years) / (volatility * sqrt(years))")
        d2 = numexpr.evaluate("d1 - volatility * sqrt(years)")
        c1, c2 = cdf(d1), cdf(d2)
        paid = numexpr.evaluate("strike * exp(-rate * years)")
        call = numexpr.evaluate("spot * c1 - paid * c2")
        return call, numexpr.evaluate("call - spot + paid")
    return black_scholes


def black_scholes_torch():
    import torch

    def cdf(x):
        k = 1.0 / (1.0 + 0.2316419 * torch.abs(x))
        p = k * (0.319381530 + k * (-0.356563782 + k * (1.781477937 + k * (
            -1.821255978 + k * 1.330274429))))
        tail = 0.3989422804014327 * torch.exp(-0.5 * x * x) * p
        return torch.where(x > 0, 1.0 - tail, tail)

    def black_scholes(spot, strike, years, rate, volatility):
        root = volatility * torch.sqrt(years)
        d1 = (torch.log(spot / strike) + (rate + 0.5 * volatility * volatility) * years) / root
        paid = strike * torch.exp(-rate * years)
        call = spot * cdf(d1) - paid * cdf(d1 - root)
        return call, call - spot + paid
    return black_scholes


def polar(z):
    """Complex numbers: squares, magnitudes, conjugates."""
    return z * z + np.conj(z) / (1.0 + np.abs(z))


def rotate(points, angle):
    """Points in the plane turned about their mean: a reduction, then broadcasts."""
    center = points.mean(axis=0)
    c, s = np.cos(angle), np.sin(angle)
    moved = points - center
    x, y = moved[:, 0], moved[:, 1]
    return np.stack((c * x - s * y, s * x + c * y), axis=1) + center


def rotate_numba():
    def rotate(points, angle):
        n = len(points)
        cx = cy = 0.0
        for i in range(n):
            cx += points[i, 0]
            cy += points[i, 1]
        cx, cy = cx / n, cy / n
        c, s = np.cos(angle), np.sin(angle)
        out = np.empty_like(points)
        for i in range(n):
            x, y = points[i, 0] - cx, points[i, 1] - cy
            out[i, 0] = c * x - s * y + cx
            out[i, 1] = s * x + c * y + cy
        return out
    return rotate


def normals(*how):
    """make: n normal numbers for each argument."""
    return lambda n, rng: tuple(rng.standard_normal(n) for _ in how)


def narrow(make):
    """make of a 32-bit twin."""
    return lambda n, rng: tuple(a.astype(np.float32) if hasattr(a, "astype") else a
                                for a in make(n, rng))


def options(n, rng):
    return (rng.uniform(50, 150, n), rng.uniform(50, 150, n), rng.uniform(0.1, 2, n), 0.03,
            rng.uniform(0.1, 0.5, n))


def places(n, rng):
    return tuple(rng.uniform(-1.5, 1.5, n) for _ in range(4))


LINE = (2_000, 200_000, 5_000_000)

CHAIN = Kernel(chain, make=normals("x"), sizes=(*LINE, 125_000_000),
               work=lambda n: (16 * n, 10 * n), jax=SAME, torch_compile=SAME,
               numexpr=chain_numexpr)
SIGMOID = Kernel(sigmoid, make=normals("x"), sizes=(*LINE, 62_500_000),
                 work=lambda n: (16 * n, 20 * n), jax=SAME, torch_compile=SAME,
                 numexpr=sigmoid_numexpr)
BLACK_SCHOLES = Kernel(black_scholes, make=options, sizes=(1_000, 100_000, 2_000_000),
                       work=lambda n: (48 * n, 130 * n), tolerance=1e-8, jax=SAME,
                       torch_compile=black_scholes_torch, numexpr=black_scholes_numexpr)

KERNELS = [
    CHAIN,
    replace(CHAIN, called="chain_f32", make=narrow(CHAIN.make), tolerance=1e-5,
            work=lambda n: (8 * n, 10 * n)),
    Kernel(triad, make=normals("a", "b", "c"), sizes=(*LINE, 31_250_000),
           work=lambda n: (32 * n, 3 * n), jax=SAME, torch_compile=SAME, numexpr=triad_numexpr),
    SIGMOID,
    replace(SIGMOID, called="sigmoid_f32", make=narrow(SIGMOID.make), tolerance=1e-5,
            work=lambda n: (8 * n, 20 * n)),
    Kernel(horner, make=normals("x"), sizes=LINE, work=lambda n: (16 * n, 24 * n), jax=SAME,
           torch_compile=SAME),
    Kernel(clipped, make=lambda n, rng: (rng.standard_normal(n), -0.7, 0.9), sizes=LINE,
           work=lambda n: (16 * n, 8 * n), jax=SAME, numexpr=clipped_numexpr),
    Kernel(haversine, make=places, sizes=(1_000, 100_000, 2_000_000),
           work=lambda n: (40 * n, 130 * n), jax=SAME, torch_compile=SAME,
           numexpr=haversine_numexpr),
    BLACK_SCHOLES,
    replace(BLACK_SCHOLES, called="black_scholes_f32", make=narrow(options), tolerance=1e-3,
            work=lambda n: (24 * n, 130 * n)),
    Kernel(polar, make=lambda n, rng: (rng.standard_normal(n) + 1j * rng.standard_normal(n),),
           sizes=(1_000, 100_000, 2_500_000), work=lambda n: (32 * n, 16 * n), jax=SAME),
    Kernel(rotate, make=lambda n, rng: (rng.standard_normal((n, 2)), 0.3),
           sizes=(1_000, 100_000, 2_500_000), work=lambda n: (32 * n, 12 * n), jax=SAME,
           numba=rotate_numba),
]
