# ruff: noqa: RUF007, C417, UP033, B007, E731
"""Python as people write it: classes, operators, closures, itertools, match, small functions."""

import cmath
import dataclasses
import enum
import functools
import itertools
import math
import operator
import statistics
from collections import namedtuple


class Account:
    rate = 0.02

    def __init__(self, balance):
        self.balance = balance
        self.history = []

    def deposit(self, amount):
        if amount <= 0:
            raise ValueError("deposit must be positive")
        self.balance += amount
        self.history.append(amount)

    def withdraw(self, amount):
        if amount > self.balance:
            raise ValueError("insufficient funds")
        self.balance -= amount
        self.history.append(-amount)

    @property
    def count(self):
        return len(self.history)

    def add_interest(self):
        self.balance *= 1 + self.rate


def bank(n):
    account = Account(100.0)
    refused = 0
    for k in range(n):
        try:
            if k % 3 == 0:
                account.withdraw(k * 7.5)
            else:
                account.deposit(k * 2.0)
        except ValueError:
            refused += 1
    account.add_interest()
    return account.balance, account.count, refused


class Vector:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __sub__(self, other):
        return Vector(self.x - other.x, self.y - other.y)

    def __mul__(self, k):
        return Vector(self.x * k, self.y * k)

    __rmul__ = __mul__

    def __neg__(self):
        return Vector(-self.x, -self.y)

    def __abs__(self):
        return math.hypot(self.x, self.y)

    def __eq__(self, other):
        return self.x == other.x and self.y == other.y

    def dot(self, other):
        return self.x * other.x + self.y * other.y


def orbit(n, dt):
    p = Vector(1.0, 0.0)
    v = Vector(0.0, 1.0)
    for _ in range(n):
        a = p * (-1.0 / abs(p) ** 3)
        v = v + dt * a
        p = p + dt * v
    return p.x, p.y, abs(v), p.dot(v), (-p).x


def vector_algebra(a, b):
    u, w = Vector(a, 1.0), Vector(b, -1.0)
    s = u + w - u * 2
    return s.x, s.y, u == w, abs(s)


@dataclasses.dataclass
class Particle:
    x: float
    v: float
    mass: float = 1.0

    def kinetic(self):
        return 0.5 * self.mass * self.v ** 2

    def step(self, force, dt):
        self.v += force / self.mass * dt
        self.x += self.v * dt


def particles(n, dt):
    a, b = Particle(0.0, 1.0), Particle(2.0, -0.5, mass=3.0)
    for _ in range(n):
        force = -(a.x - b.x)
        a.step(force, dt)
        b.step(-force, dt)
    return a.x, b.x, a.kinetic() + b.kinetic(), a


def particle_list(n, dt):
    ps = [Particle(float(k), 0.0) for k in range(4)]
    for _ in range(n):
        for p in ps:
            p.step(-p.x, dt)
    return sum(p.kinetic() for p in ps), max(p.x for p in ps)


class Shape:
    def area(self):
        raise NotImplementedError

    def describe(self):
        return self.area() * 2


class Square(Shape):
    def __init__(self, side):
        self.side = side

    def area(self):
        return self.side ** 2


class Circle(Shape):
    def __init__(self, radius):
        super().__init__()
        self.radius = radius

    def area(self):
        return math.pi * self.radius ** 2

    def describe(self):
        return super().describe() + 1


def shapes(a):
    return sum(s.describe() for s in (Square(a), Circle(a / 2), Square(2)))


class Polynomial:
    def __init__(self, coefficients):
        self.c = coefficients

    def __call__(self, x):
        total = 0.0
        for c in self.c:
            total = total * x + c
        return total

    def __getitem__(self, k):
        return self.c[k]

    def __len__(self):
        return len(self.c)


def polynomial_object(x):
    p = Polynomial([1.0, -2.0, 3.0])
    return p(x), p[1], len(p), [p(t) for t in range(3)]


class Matrix2:
    def __init__(self, a, b, c, d):
        self.a, self.b, self.c, self.d = a, b, c, d

    def __matmul__(self, o):
        return Matrix2(self.a * o.a + self.b * o.c, self.a * o.b + self.b * o.d,
                       self.c * o.a + self.d * o.c, self.c * o.b + self.d * o.d)


def fibonacci_matrix(n):
    result = Matrix2(1, 0, 0, 1)
    base = Matrix2(1, 1, 1, 0)
    while n > 0:
        if n % 2 == 1:
            result = result @ base
        base = base @ base
        n //= 2
    return result.b


class Counter:
    def __init__(self):
        self.n = 0

    def __enter__(self):
        self.n += 1
        return self

    def __exit__(self, kind, error, trace):
        self.n += 10
        return False


def with_counter(x):
    c = Counter()
    with c as inner:
        inner.n += x
    return c.n


def counter_closure(n):
    count = 0

    def bump(k):
        nonlocal count
        count += k
        return count
    for i in range(n):
        bump(i)
    return count


def make_adder(k):
    def add(x):
        return x + k
    return add


def compose(n):
    fs = [make_adder(1), make_adder(10), lambda v: v * 2]
    for f in fs:
        n = f(n)
    return n


Point = namedtuple("Point", "x y")


class Mode(enum.IntEnum):
    SLOW = 1
    FAST = 2


class Bits(enum.IntFlag):
    A = 1
    B = 2
    C = 4


def named_points(n):
    p = Point(0, 0)
    for k in range(n):
        p = Point(p.x + k, p.y - k)
    return p, p._replace(x=5), p.x + p[1]


def enum_values(n):
    total = 0
    for m in Mode:
        total += m.value * n
    return total + Mode.FAST * 2, Bits.A | Bits.C == 5, n & Bits.B.value


def matched(n):
    match n % 4:
        case 0:
            return 10
        case 1 | 2:
            r = 20
        case k if k > 2:
            r = 30 + k
        case _:
            r = 0
    return r + 1


def matched_tuple(a, b):
    match (a, b):
        case (0, 0):
            return 0
        case (0, y):
            return y
        case (x, 0):
            return -x
        case (x, y) if x == y:
            return 100
        case _:
            return 1


def string_dispatch(x):
    out = []
    for mode in ("double", "square", "other"):
        if mode == "double":
            out.append(x * 2)
        elif mode == "square":
            out.append(x ** 2)
        else:
            out.append(-x)
    return out


def starred(*values, scale=1, **options):
    first, *rest = values
    return (first + sum(rest)) * scale + options.get("shift", 0)


def star_arguments(a, b):
    args = (a, b, 3)
    return (starred(*args), starred(a, b, scale=2), starred(a, shift=b),
            starred(*[a], **{"scale": 3}))


def only(a, /, b, *, c=5):
    return a * 100 + b * 10 + c


def positional_only(a, b):
    return only(a, b), only(a, b=b, c=1), only(a, c=b, b=a)


def walrus(n):
    total = 0
    while (k := n // 2) > 0:
        total += k
        n = k
    if (m := total % 7) > 3:
        total += m
    return total, m


def ternaries(x):
    a = 1 if x > 0 else -1 if x < 0 else 0
    return a, x and 5, x or 7, not x, (x > 1) + (x > 2)


def chained(x):
    return 0 < x < 10, 1 <= x <= 1, 0 < x > 3, x == x != 4


def else_clauses(n):
    for d in range(2, n):
        if n % d == 0:
            break
    else:
        d = 0
    k = n
    while k > 3:
        k -= 2
        if k == 4:
            break
    else:
        k = -k
    return d, k


def deleted(n):
    a = [1, 2, 3, 4]
    b = n
    del a[1]
    c = b + 1
    del b
    return a, c


def bits(n):
    return (n.bit_length(), n.bit_count(), n ^ 5, n & 3, n | 8, ~n, n << 2, n >> 1,
            bin(5), (n >> 1) & 1)


def integers(a, b):
    return (divmod(a, b), pow(a, 2), pow(3, a, 7), a // b, a % b, -a // b, -a % b, abs(-a),
            math.gcd(a, b), math.lcm(a, b), math.isqrt(a), math.comb(a, 2), math.perm(a, 2),
            math.factorial(5))


def floats(x):
    return (round(x), round(x, 2), int(x), float(3), x.is_integer(), math.floor(x), math.ceil(x),
            math.trunc(x), math.fabs(-x), math.copysign(1, -x), math.fmod(x, 2), math.modf(x),
            math.frexp(x), math.ldexp(x, 3), math.isclose(x, x + 1e-12), x // 1, x % 1)


def math_functions(x):
    return (math.gamma(x), math.lgamma(x), math.erf(x), math.erfc(x), math.log(x, 3),
            math.log2(x), math.log10(x), math.log1p(x), math.expm1(x), math.cbrt(x), math.exp2(x),
            math.atan2(x, 2), math.hypot(x, 2, 3), math.degrees(x), math.radians(x),
            math.dist((x, 0.0), (1.0, 2.0)), math.sinh(x), math.acosh(x + 1), math.atanh(0.5),
            math.nextafter(x, 10.0), math.ulp(x))


def math_reductions(a, b):
    return math.prod([a, b, 3]), math.fsum([0.1, a, b]), math.prod((a, 2), start=b)


def complex_functions(x):
    z = complex(x, 1 - x)
    return (abs(z), z.conjugate(), z.real, z.imag, cmath.exp(z), cmath.sqrt(z), cmath.phase(z),
            cmath.polar(z), cmath.rect(2.0, x), z * z, z / (1 + 2j), z ** 2, cmath.log(z))


def iterated(n):
    total = 0
    for i, j in itertools.product(range(3), repeat=2):
        total += i * j * n
    for a, b in itertools.combinations((1, 2, n), 2):
        total += a * b
    for p in itertools.permutations((1, n)):
        total = total * 2 + p[0]
    running = list(itertools.accumulate((1, 2, n)))
    return total, running, list(itertools.chain((1, n), (3,))), list(itertools.islice((1, n, 3), 2))


def pairs(n):
    xs = [k * k for k in range(n)]
    return [b - a for a, b in zip(xs, xs[1:])], [a + b for a, b in itertools.pairwise(xs)]


def functional(n):
    values = [3, n, 1]
    return (functools.reduce(lambda a, b: a * b, values), list(map(lambda v: v + 1, values)),
            list(filter(lambda v: v > 1, values)), sorted(values, key=lambda v: -v),
            max(values, key=lambda v: v % 3), min([], default=n), list(reversed(values)),
            functools.partial(pow, 2)(3), functools.reduce(operator.add, values, 10))


def functional_staged(n):
    xs = list(map(lambda v: v * v % 7, range(n)))
    return (sum(map(lambda v: v + 1, xs)), list(filter(lambda v: v % 2, xs)),
            sorted(xs, reverse=True), max(xs, key=lambda v: (v * 3) % 5), min(xs, default=0),
            functools.reduce(lambda a, b: a + 2 * b, xs, 1), sorted(xs, key=lambda v: -v))


@functools.lru_cache(maxsize=None)
def cached_square(n):
    return n * n


def cached(n):
    return cached_square(n) + cached_square(n + 1)


def nested_comprehensions(n):
    table = [[i * j for j in range(n)] for i in range(n)]
    flat = [v for row in table for v in row if v % 2 == 0]
    return table, flat, sum(sum(row) for row in table), [max(row) for row in table]


def generator_pipeline(n):
    squares = (k * k for k in range(n))
    odd = (s for s in squares if s % 2)
    return sum(odd)


def any_all(n):
    return (any(k * k == n for k in range(n)), all(k < n for k in range(n)),
            any(x > n for x in [1, 2, 3]), all([]), sum(1 for k in range(n) if k % 3 == 0))


def is_prime(n):
    if n < 2:
        return False
    return all(n % d for d in range(2, math.isqrt(n) + 1))


def primes_by_all(n):
    return [k for k in range(n) if is_prime(k)]


def perfect(n):
    return [k for k in range(2, n) if sum(d for d in range(1, k) if k % d == 0) == k]


def enumerated(x):
    best = -1
    where = 0
    for k, v in enumerate(x):
        if v > best:
            best, where = v, k
    return float(best), where


def zipped(x, y):
    return sum(a * b for a, b in zip(x, y)), [float(a - b) for a, b in zip(x, y)]


def dictionary(a, b):
    d = {"x": a, "y": b}
    d["z"] = d["x"] + d["y"]
    d["x"] += 1
    total = 0
    for k, v in d.items():
        total += v if k != "y" else 2 * v
    return d, total, "x" in d, d.get("q", 0), list(d), len(d), sum(d.values())


def counts_by_key(x):
    counts = {"low": 0, "high": 0}
    for v in x:
        if v < 0.5:
            counts["low"] += 1
        else:
            counts["high"] += 1
    return counts


def tuples_swapped(a, b):
    for _ in range(3):
        a, b = b, a + b
    (c, d), e = (a, b), 5
    return a, b, c + d + e


def newton(x):
    f = lambda t: t * t - x
    df = lambda t: 2 * t
    t = 1.0
    for k in range(50):
        step = f(t) / df(t)
        t -= step
        if abs(step) < 1e-12:
            break
    return t, k


def bisection(f_power, lo, hi):
    def f(t):
        return t ** f_power - 2
    while hi - lo > 1e-10:
        mid = (lo + hi) / 2
        if f(lo) * f(mid) <= 0:
            hi = mid
        else:
            lo = mid
    return (lo + hi) / 2


def simpson(n):
    a, b = 0.0, 1.0
    h = (b - a) / n
    s = math.exp(a) + math.exp(b)
    for i in range(1, n):
        s += (4 if i % 2 else 2) * math.exp(a + i * h)
    return s * h / 3


def roman(n):
    count = 0
    for value, length in ((1000, 1), (900, 2), (500, 1), (400, 2), (100, 1), (90, 2), (50, 1),
                          (40, 2), (10, 1), (9, 2), (5, 1), (4, 2), (1, 1)):
        while n >= value:
            n -= value
            count += length
    return count


def leap_days(first, last):
    return sum(1 for y in range(first, last + 1) if y % 4 == 0 and (y % 100 != 0 or y % 400 == 0))


def luhn(digits):
    total = 0
    for k, d in enumerate(reversed(digits)):
        d = int(d)
        if k % 2 == 1:
            d *= 2
            if d > 9:
                d -= 9
        total += d
    return total % 10 == 0


def temperature(table):
    return [round(c * 9 / 5 + 32, 1) for c in table]


def argument_list(values):
    total = 0.0
    for v in values:
        total += v
    mean = total / len(values)
    spread = sum((v - mean) ** 2 for v in values) / len(values)
    return mean, math.sqrt(spread), max(values), min(values), sorted(values)


def annotated(n: int) -> int:
    """Docstrings and annotations are no code."""
    total: int = 0
    k: int
    for k in range(n):
        total += k
    return total


def isinstances(x, n):
    out = []
    for v in (x, n, 1.5, "a", None, [1], (2,)):
        if isinstance(v, (int, float)):
            out.append(1)
        elif isinstance(v, str):
            out.append(2)
        elif v is None:
            out.append(3)
        else:
            out.append(len(v) + 10)
    return out, type(x) is float, isinstance(n, bool)


def defaults(x, scale=2.0, offset=(1, 2)):
    return x * scale + offset[1]


def called_with_defaults(x):
    return defaults(x) + defaults(x, offset=(0, 5)) + defaults(x, 1.0)


def average(*xs):
    return sum(xs) / len(xs)


def variadic(a, b):
    return average(a, b), average(a), average(*range(4), b)


def mean_of_list(n):
    return statistics.fmean([1.0, 2.0, 4.0]) * n


def sorted_records(n):
    rows = [(k * 7 % 5, k, k / 2) for k in range(n)]
    rows.sort()
    by_last = sorted(rows, key=lambda r: (r[2], r[0]), reverse=True)
    return rows, by_last[0], [r[1] for r in rows]


def mutable_argument(values, n):
    values.append(n)
    values[0] = values[-1] + 1
    return len(values)


def array_object(x):
    class_like = {"data": x * 2}
    class_like["data"][0] = 9.0
    return class_like["data"].sum()


PROGRAMS = [
    (bank, lambda r, n: (n,), (7, 12), 100),
    (orbit, lambda r, n: (n, 0.01), (5, 20), 1000),
    (vector_algebra, lambda r, n: (n / 2, 3.0), (3, 6), 1),
    (particles, lambda r, n: (n, 0.01), (5, 20), 1000),
    (particle_list, lambda r, n: (n, 0.01), (5, 20), 1000),
    (shapes, lambda r, n: (n / 2,), (3, 6), 1),
    (polynomial_object, lambda r, n: (n / 2,), (3, 6), 1),
    (fibonacci_matrix, lambda r, n: (n,), (10, 50), 80),
    (with_counter, lambda r, n: (n,), (3, 6), 1),
    (counter_closure, lambda r, n: (n,), (3, 6), 1000),
    (compose, lambda r, n: (n,), (3, 6), 1),
    (named_points, lambda r, n: (n,), (3, 6), 1000),
    (enum_values, lambda r, n: (n,), (3, 6), 1),
    (matched, lambda r, n: (n,), (4, 5, 6, 7), 1),
    (matched_tuple, lambda r, n: (n % 3, n // 3), (0, 1, 3, 4, 5), 1),
    (string_dispatch, lambda r, n: (n,), (3, 6), 1),
    (star_arguments, lambda r, n: (n, 2), (3, 6), 1),
    (positional_only, lambda r, n: (n, 2), (3, 6), 1),
    (walrus, lambda r, n: (n,), (10, 100), 10000),
    (ternaries, lambda r, n: (n - 3,), (3, 1, 6), 1),
    (chained, lambda r, n: (n,), (1, 5, 20), 1),
    (else_clauses, lambda r, n: (n,), (7, 9, 12), 1000),
    (deleted, lambda r, n: (n,), (7, 9), 1),
    (bits, lambda r, n: (n,), (7, 100), 1),
    (integers, lambda r, n: (n, 4), (7, 10), 1),
    (floats, lambda r, n: (n / 8 + 0.3,), (7, 10), 1),
    (math_functions, lambda r, n: (n / 8 + 0.3,), (7, 10), 1),
    (math_reductions, lambda r, n: (n / 8, 2.5), (7, 10), 1),
    (complex_functions, lambda r, n: (n / 8,), (7, 10), 1),
    (iterated, lambda r, n: (n,), (7, 10), 1),
    (pairs, lambda r, n: (n,), (7, 10), 1000),
    (functional, lambda r, n: (n,), (7, 10), 1),
    (functional_staged, lambda r, n: (n,), (7, 10), 1000),
    (cached, lambda r, n: (n,), (7, 10), 1),
    (nested_comprehensions, lambda r, n: (n,), (4, 7), 100),
    (generator_pipeline, lambda r, n: (n,), (4, 7), 10000),
    (any_all, lambda r, n: (n,), (4, 7), 10000),
    (primes_by_all, lambda r, n: (n,), (20, 50), 10000),
    (perfect, lambda r, n: (n,), (30, 50), 1000),
    (enumerated, lambda r, n: (r.random(n),), (4, 7), 10000),
    (zipped, lambda r, n: (r.random(n), r.random(n)), (4, 7), 10000),
    (dictionary, lambda r, n: (n, 2), (4, 7), 1),
    (counts_by_key, lambda r, n: (r.random(n),), (4, 7), 10000),
    (tuples_swapped, lambda r, n: (n, 2), (4, 7), 1),
    (newton, lambda r, n: (float(n),), (4, 7), 1),
    (bisection, lambda r, n: (n, 0.0, 2.0), (2, 3), 5),
    (simpson, lambda r, n: (n,), (10, 20), 10000),
    (roman, lambda r, n: (n,), (1994, 14), 3999),
    (leap_days, lambda r, n: (1890, 1890 + n), (10, 220), 10000),
    (luhn, lambda r, n: (r.integers(0, 10, n),), (4, 7), 10000),
    (temperature, lambda r, n: ([float(k) for k in range(n)],), (4, 7), 20),
    (argument_list, lambda r, n: ([float(k * 7 % 5) for k in range(n)],), (4, 7), 20),
    (annotated, lambda r, n: (n,), (4, 7), 10000),
    (isinstances, lambda r, n: (n / 2, n), (4, 7), 1),
    (called_with_defaults, lambda r, n: (n / 2,), (4, 7), 1),
    (variadic, lambda r, n: (n / 2, 1.0), (4, 7), 1),
    (mean_of_list, lambda r, n: (n,), (4, 7), 1),
    (sorted_records, lambda r, n: (n,), (4, 9), 1000),
    (mutable_argument, lambda r, n: ([1, 2], n), (4, 9), 1),
    (array_object, lambda r, n: (r.random(n),), (4, 9), 1000),
]
