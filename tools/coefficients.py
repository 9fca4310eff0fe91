"""Compute the constants of llvm.mathlib:

    python tools/coefficients.py > hotloop/llvm/coefficients.py

Polynomials are minimax fits (Remez's exchange on a grid) in 60 digits, then rounded: p(t) with the
least maximum of |p(t) - f(t)| * weight(t) over an interval. The degree is the smallest whose error
stays below a tenth of an ulp of the function's result; the errors are printed to stderr.
Needs mpmath; run again only to change an approximation.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable

import mpmath as mp
from mpmath import mpf

mp.mp.dps = 60
LN2 = mp.log(2)


def remez(f: Callable, low: mpf, high: mpf, degree: int, weight: Callable) -> tuple[list, mpf]:
    """Coefficients (lowest first) and the largest weighted error."""
    count = degree + 2
    low, high = mpf(low), mpf(high)
    grid = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * k / (40 * count))
            for k in range(40 * count + 1)]
    values = [f(t) for t in grid]
    weights = [weight(t) for t in grid]
    points = [40 * k + 20 for k in range(count)]
    for _ in range(12):
        matrix, right = mp.matrix(count, count), mp.matrix(count, 1)
        for row, at in enumerate(points):
            for power in range(degree + 1):
                matrix[row, power] = grid[at] ** power
            matrix[row, degree + 1] = (-1) ** row / weights[at]
            right[row] = values[at]
        solution = list(mp.lu_solve(matrix, right))
        c, level = solution[:-1], abs(solution[-1])
        errors = [(mp.polyval(c[::-1], t) - v) * w for t, v, w in zip(grid, values, weights)]
        extremes: list[int] = []          # the largest of each run of one sign
        for k, error in enumerate(errors):
            if extremes and (errors[extremes[-1]] > 0) == (error > 0):
                if abs(error) > abs(errors[extremes[-1]]):
                    extremes[-1] = k
            elif error != 0:
                extremes.append(k)
        worst = max(abs(e) for e in errors)
        while len(extremes) > count:
            drop = 0 if abs(errors[extremes[0]]) < abs(errors[extremes[-1]]) else -1
            del extremes[drop]
        if len(extremes) < count or worst <= level * mpf("1.001"):
            break
        points = extremes
    return c, worst


def series(f: Callable, at_zero: mpf) -> Callable:
    """f(t) with its limit at 0, where the formula is 0/0."""
    return lambda t: f(t) if abs(t) > mpf(10) ** -25 else mpf(at_zero)


def of_square(f: Callable, at_zero: mpf) -> Callable:
    """The function of t = s * s that f is of s."""
    return series(lambda t: f(mp.sqrt(t)), at_zero)


def show(v: mpf, bits: int) -> str:
    x = float(v)
    if bits == 24:
        x, = struct.unpack("<f", struct.pack("<f", x))
    return x.hex()


def split(v: mpf, *bits: int) -> list[mpf]:
    """v as a sum: pieces of so many bits each, the last one rounded."""
    pieces = []
    for n in bits:
        m, exponent = mp.frexp(v)
        piece = mp.ldexp(mp.nint(mp.ldexp(m, n)), exponent - n)
        pieces.append(piece)
        v -= piece
    return [*pieces, v]


ONE = mpf(1)
H = LN2 / 2 * mpf("1.0001")               # exp is reduced to |r| <= ln(2) / 2
ROOT = mp.sqrt(2)                         # log to 1/sqrt(2) <= m < sqrt(2)
S2 = ((ROOT - 1) / (ROOT + 1)) ** 2 * mpf("1.0001")
T2 = mpf("0.55") ** 2 * mpf("1.0001")     # tanh is below 1/2
Q2 = (mp.pi / 4) ** 2 * mpf("1.01")       # sin, cos to |r| <= pi/4
A2 = mp.tan(mp.pi / 8) ** 2 * mpf("1.0001")

exp_tail = series(lambda r: (mp.expm1(r) - r) / r**2, ONE / 2)
exp2_tail = series(lambda r: (mpf(2) ** r - 1) / r, LN2)
log_ratio = of_square(lambda s: (mp.log((1 + s) / (1 - s)) / s - 2) / s**2, mpf(2) / 3)
atanh_tail = of_square(lambda s: (mp.atanh(s) / s - 1) / s**2, ONE / 3)
tanh_tail = of_square(lambda s: (mp.tanh(s) / s - 1) / s**2, -ONE / 3)
log_tail = series(lambda g: (mp.log1p(g) - g + g * g / 2) / g**3, ONE / 3)
sin_tail = of_square(lambda s: (mp.sin(s) / s - 1) / s**2, -ONE / 6)
cos_tail = of_square(lambda s: (mp.cos(s) - 1 + s * s / 2) / s**4, ONE / 24)
atan_tail = of_square(lambda s: (mp.atan(s) / s - 1) / s**2, -ONE / 3)
asin_tail = of_square(lambda s: (mp.asin(s) / s - 1) / s**2, ONE / 6)
log2_ratio = of_square(lambda s: mp.log((1 + s) / (1 - s)) / s / LN2, 2 / LN2)
log2_far = of_square(
    lambda s: (mp.log((1 + s) / (1 - s)) / s - 2 - 2 * s * s / 3) / s**4 / LN2, mpf(2) / 5 / LN2)
erf_ratio = of_square(lambda s: mp.erf(s) / s - 1, 2 / mp.sqrt(mp.pi) - 1)


def erfc_scaled(q: mpf) -> mpf:
    a = 4 * (1 + q) / (1 - q)
    return (1 + 2 * a) * mp.exp(a * a) * mp.erfc(a)


# name: (comment, bits, function, interval, degree, weight: relative to the function's result)
POLYNOMIALS = {
    "EXP_F32": ("(expm1(r) - r) / r^2", 24, exp_tail, (-H, H), 4, abs),
    "EXP_F64": ("", 53, exp_tail, (-H, H), 9, abs),
    "EXP2_F32": ("(2^r - 1) / r", 24, exp2_tail, (-0.5, 0.5), 5, abs),
    "EXP2_F64": ("", 53, exp2_tail, (-0.5, 0.5), 10, abs),
    "LOG_F32": ("(log(1 + g) - g + g^2/2) / g^3", 24, log_tail,
                (1 / ROOT - 1, ROOT - 1), 7, lambda g: g * g),
    "LOG_F64": ("(log((1 + s) / (1 - s)) / s - 2) / s^2, of s^2", 53, log_ratio, (0, S2), 6,
                lambda t: t),
    "ATANH_F32": ("(artanh(s) / s - 1) / s^2, of s^2", 24, atanh_tail, (0, S2), 2, lambda t: t),
    "ATANH_F64": ("", 53, atanh_tail, (0, S2), 6, lambda t: t),
    "TANH_F32": ("(tanh(s) / s - 1) / s^2, of s^2", 24, tanh_tail, (0, T2), 4, lambda t: t),
    "TANH_F64": ("", 53, tanh_tail, (0, T2), 9, lambda t: t),
    "SIN_F32": ("(sin(s) / s - 1) / s^2, of s^2", 24, sin_tail, (0, Q2), 2, lambda t: t),
    "SIN_F64": ("", 53, sin_tail, (0, Q2), 5, lambda t: t),
    "COS_F32": ("(cos(s) - 1 + s^2/2) / s^4, of s^2", 24, cos_tail, (0, Q2), 2, lambda t: t * t),
    "COS_F64": ("", 53, cos_tail, (0, Q2), 5, lambda t: t * t),
    "ATAN_F32": ("(arctan(s) / s - 1) / s^2, of s^2", 24, atan_tail, (0, A2), 4, lambda t: t),
    "ATAN_F64": ("", 53, atan_tail, (0, A2), 10, lambda t: t),
    "ASIN_F32": ("(arcsin(s) / s - 1) / s^2, of s^2", 24, asin_tail, (0, 0.25), 4, lambda t: t),
    "ASIN_F64": ("", 53, asin_tail, (0, 0.25), 12, lambda t: t),
    "RCBRT_F32": ("m^(-1/3)", 24, lambda m: m ** (-ONE / 3), (1, 2), 3, lambda m: ONE),
    "RCBRT_F64": ("", 53, lambda m: m ** (-ONE / 3), (1, 2), 5, lambda m: ONE),
    "ERF_F64": ("erf(x) / x - 1, of x^2", 53, erf_ratio, (0, 1), 12, lambda t: ONE),
    "ERFC_F64": ("(1 + 2a) e^(a^2) erfc(a), of (a - 4) / (a + 4)", 53, erfc_scaled,
                 (mpf(-7) / 9, mpf("0.75")), 22, lambda q: 1 / erfc_scaled(q)),
    "POW_LOG2": ("(log2((1 + s) / (1 - s)) / s - c0 - c1 s^2) / s^4, of s^2", 53, log2_far,
                 (0, S2), 7, lambda t: t * t),
    "POWF_LOG2": ("log2((1 + s) / (1 - s)) / s, of s^2", 53, log2_ratio, (0, S2), 4,
                  lambda t: ONE),
    "POWF_EXP2": ("2^r", 53, lambda r: mpf(2) ** r, (-0.5, 0.5), 6, lambda r: ONE),
}

# name: (comment, bits of the format, pieces)
SUMS = {
    "LN2_F32": ("ln(2); n times the first piece is exact", 24, split(LN2, 15)),
    "LN2_F64": ("", 53, split(LN2, 41)),
    "LOG10_2_F32": ("log10(2), likewise", 24, split(mp.log10(2), 15)),
    "LOG10_2_F64": ("", 53, split(mp.log10(2), 41)),
    "LOG2E_F32": ("1 / ln(2)", 24, split(1 / LN2, 24)),
    "LOG2E_F64": ("", 53, split(1 / LN2, 53)),
    "LOG10E_F32": ("1 / ln(10)", 24, split(1 / mp.log(10), 24)),
    "LOG10E_F64": ("", 53, split(1 / mp.log(10), 53)),
    "HALF_PI_F32": ("pi/2", 24, split(mp.pi / 2, 24, 24)),
    "HALF_PI_F64": ("", 53, split(mp.pi / 2, 53, 53)),
    "QUARTER_PI_F32": ("pi/4", 24, split(mp.pi / 4, 24)),
    "QUARTER_PI_F64": ("", 53, split(mp.pi / 4, 53)),
    "TWO_OVER_PI_F32": ("2/pi", 24, [2 / mp.pi]),
    "TWO_OVER_PI_F64": ("", 53, [2 / mp.pi]),
    "POW_C0": ("2 / ln(2)", 53, split(2 / LN2, 53)),
    "POW_C1": ("2 / (3 ln(2))", 53, split(2 / (3 * LN2), 53)),
    "CBRT2": ("2^(1/3), 2^(-1/3)", 53,
              [mpf(2) ** (ONE / 3), mpf(2) ** (-ONE / 3)]),
}


def main() -> None:
    print('"""Constants of llvm.mathlib, made by tools/coefficients.py: polynomials (lowest')
    print("coefficient first) and numbers as sums of floats. Do not edit.")
    print('"""\n\nimport numpy as np\n')
    print("\ndef _floats(kind: type, text: str) -> tuple:")
    print("    return tuple(kind(float.fromhex(word)) for word in text.split())\n\n")

    def line(name: str, comment: str, bits: int, values: list) -> None:
        if comment:
            print(f"# {comment}")
        kind = "np.float32" if bits == 24 else "np.float64"
        print(f'{name} = _floats({kind}, """')
        for k in range(0, len(values), 3):
            print("    " + " ".join(show(v, bits) for v in values[k:k + 3]))
        print('""")')

    for name, (comment, bits, f, (low, high), degree, weight) in POLYNOMIALS.items():
        c, error = remez(f, low, high, degree, lambda t, w=weight: w(t) + mpf(10) ** -30)
        print(f"{name}: error 2^{float(mp.log(error, 2)):.1f}", file=sys.stderr)
        line(name, comment, bits, c)
    for name, (comment, bits, pieces) in SUMS.items():
        line(name, comment, bits, pieces)


if __name__ == "__main__":
    main()
