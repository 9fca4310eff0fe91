# ruff: noqa: B007, C416
"""Python objects as state: lists, dicts, instances, dataclasses, comprehensions, strings."""

import dataclasses
import enum
import math
import typing

import numpy as np
import pytest
from agreement import Cases, agree
from compare import check
from numpy import sqrt as root
from numpy import zeros as zz

import hotloop
from hotloop.errors import UnsupportedError

cases = Cases()


def f8(n):
    return np.arange(n) * 1.5 + 0.25


class Counter:
    def __init__(self, x):
        self.x = x
        self.n = 0

    def step(self, k):
        self.x = self.x + k
        return self.x


class Vector:
    def __init__(self, d):
        self.__d = d

    def add(self, other):
        return Vector(self.__d + other.__d)

    def get(self):
        return self.__d


@dataclasses.dataclass
class Pair:
    a: object
    b: float = 2.0

    @property
    def s(self):
        return self.a.sum() if self.b > 1 else 0.0


G1 = 3.0
TAB = np.array([1.0, 2.0, 4.0, 8.0])


def scaled_sum(x, n, scale=1.0):
    return x[:n].sum() * scale


def factorial(n):
    return 1 if n <= 1 else n * factorial(n - 1)


@cases((f8(4),))
def list_append_static(x):
    r = []
    for i in range(4):
        r.append(x[i] * 2)
    return r


@cases((3,))
def list_slots(n):
    r = [0, 1]
    for i in range(n):
        r = [r[1], r[0] + r[1]]
    return r


@cases((3,))
def list_store(n):
    r = [0, 1]
    for i in range(n):
        r[0] = r[0] + i
    return r


@cases((3.0, 4))
def object_static(x, n):
    o = Counter(x)
    o.step(2.0)
    return o.x


@cases((3.0, 4), (3.0, 0))
def object_in_loop(x, n):
    o = Counter(x)
    for i in range(n):
        o.x = o.x + 1.0
    return o.x


@cases((f8(4),))
def comp_static(x):
    return (sum([x[i] * i for i in range(4)]), [i for i in range(3)])


@cases((f8(4), 3), (f8(4), 0))
def kw(x, n, *, w=2.0, **kw):
    return scaled_sum(x, *(n,), scale=w)


@cases((f8(4), 3))
def gen(x, n):
    return sum(x[i] for i in range(3))


@cases((f8(4),))
def dictstate(x):
    d = {'a': 0.0, 'b': 1}
    for k in d:
        d[k] = d[k] + x[0]
    return d


@cases((f8(4), 3), (f8(4), 0))
def dict_in_loop(x, n):
    d = {'a': 0.0}
    for i in range(n):
        d['a'] += x[i]
    return d['a']


@cases((f8(4), f8(4)))
def mangled(x, y):
    return Vector(x).add(Vector(y)).get()


@cases((f8(4),))
def dataclass(x):
    d = Pair(x)
    return d.s + d.b


@cases((f8(6), 'sum'))
def strings(x, mode):
    if mode == 'sum':
        return x.sum()
    return x.max()


@cases((5.0,))
def recursion_static(x):
    return x * factorial(5)


@cases((f8(4), 2))
def globals_closures(x, n):
    k = 2.0

    def g(v, w=1.0):
        return v * k + w + G1
    h = lambda v: g(v) + TAB[n]  # noqa: E731
    return (h(x[0]) + g(x[1], w=5.0), root(x), zz(n), math.sqrt(x[1]),
            [v * 2 for v in (x[0], x[1])])


class Body:
    kind = "body"
    growth = 2.0

    def __init__(self):
        self.x = f8(3)
        self.v = np.ones(3)
        self.t = 0.0
        self.n = 0
        self.history = [1.0, 2.0]

    def step(self, dt):
        self.x += self.v * dt
        self.t += dt * self.growth
        self.n += 1
        return self.energy

    @property
    def energy(self):
        return 0.5 * (self.v ** 2).sum() if self.t > 1 else 0.0


@cases((Body(), 0.5, 3), (Body(), 0.5, 0))
def object_as_argument(body, dt, n):
    e = 0.0
    for i in range(n):
        e = e + body.step(dt)
    body.history[0] = e
    return e, body.t, body.kind


@cases(([f8(3), f8(4)], {"u": f8(2), "k": 3}),)
def containers_as_arguments(arrays, d):
    arrays[0][0] = 5.0
    arrays[1] = arrays[0] * 2
    d["k"] = d["k"] + 1
    d["new"] = d["u"] * 2
    return arrays[1].sum(), d


CONFIG = {"a": 1.5, "n": 3}
ITEMS = [1, 2.0, np.arange(3.0)]


class Settings:
    n = 4


@cases((f8(4),))
def captured_containers(x):
    return x * G1 + TAB[1] + CONFIG["a"] * CONFIG["n"] + ITEMS[2][1] + Settings.n


@cases((f8(4), 3), (f8(4), 0))
def nonlocal_in_a_loop(x, n):
    total = 0.0

    def add(v):
        nonlocal total
        total += v
    for i in range(n):
        add(x[i])
        x[i] = total
    return total


@cases((3.0, f8(2)), (1.0, f8(2)))
def closures(k, x):
    scale = [lambda v, j=j: v * j * k for j in range(3)]
    return [f(x[1]) for f in scale], (lambda *a, **w: a[0] + w["z"])(x[0], z=k)


class Point(typing.NamedTuple):
    x: object
    y: object


@cases((Point(1.0, f8(2)),))
def named_tuple(p):
    return Point(p.x * 2, p.y + 1), p[0] + p.y[1], Point(*p)


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


@cases((f8(3), Colour.RED), (f8(3), Colour.GREEN))
def enumeration(x, c):
    return x * 2 if c is Colour.RED else x + 1


@pytest.mark.parametrize("f", cases, ids=Cases.name)
def test_as_python(f):
    agree(f, *cases[f])


@dataclasses.dataclass
class Plane:
    x: float
    y: float

    def __add__(self, o):
        return Plane(self.x + o.x, self.y + o.y)

    def __mul__(self, k):
        return Plane(self.x * k, self.y * k)


@dataclasses.dataclass
class Particle:
    pos: Plane
    vel: Plane


def bounced(ps, n):
    e = 0.0
    for _ in range(n):
        for p in ps:
            p.vel = p.vel + Plane(0.0, -9.8) * 0.01
            p.pos = p.pos + p.vel * 0.1
            if p.pos.y < 0:
                p.pos = Plane(p.pos.x, -p.pos.y)
            e += p.pos.y
    return e


def multiple(v, n):
    acc = v
    for _ in range(n):
        acc = acc + v
    return acc


def test_objects_that_came_in_or_were_made():
    def make():
        return Particle(Plane(0.0, 0.1), Plane(1.0, -2.0))
    check(bounced, [make(), make()], 4)
    check(multiple, Plane(1.0, 2.0), 3)


class Stack:
    def __init__(self):
        self._items = []

    def push(self, x):
        self._items.append(x)

    def pop(self):
        if not self._items:
            raise IndexError("pop from empty stack")
        return self._items.pop()

    def __len__(self):
        return len(self._items)

    def __iter__(self):
        return iter(self._items)

    def __contains__(self, x):
        return x in self._items


def stacked(xs):
    s = Stack()
    for x in xs:
        if x > 0:
            s.push(x)
        elif len(s) > 0:
            s.pop()
    total = 0
    for x in s:
        total += x
    return total, len(s), 3 in s, [y for y in s], sum(s)


def iterated_twice(xs):
    it = iter(xs)
    for x in it:
        if x > 1:
            break
    return sum(it)


def test_containers_of_the_users():
    check(stacked, [1, 2, 3, -1, 5, 3])
    check(stacked, np.array([1, 2, 3, -1, 5, 3]))
    for xs in ([1, 2, 3], np.arange(4)):
        with pytest.raises(UnsupportedError, match=r"an iterator is left|used twice"):
            hotloop.jit(iterated_twice)(xs)


class Node:
    def __init__(self, value, following):
        self.value, self.following = value, following


def linked(xs):
    head = None
    for x in xs:
        head = Node(x, head)
    total = 0
    while head is not None:
        total += head.value
        head = head.following
    return total


def test_the_refusal_of_linked_objects_says_what_to_do():
    with pytest.raises(UnsupportedError, match="with parts of different types"):
        hotloop.jit(linked)([1, 2, 3])
