"""Inputs that are subclasses of dict, objects with slots, and objects that are iterated."""

from collections import Counter, OrderedDict, defaultdict
from dataclasses import dataclass

import pytest
from compare import check

import hotloop


class Pair:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __iter__(self):
        yield self.x
        yield self.y


def unpacked(n):
    v = Pair(n, 2.0)
    for _ in range(n):
        v = Pair(v.x + 1, v.y * 2)
    x, y = v
    return x, y, sum(v), list(v), [t * 2 for t in v], max(*v)


def in_order(d):
    made = OrderedDict()
    made["x"] = sum(d.values())
    made["y"] = list(d)
    return made


def counts(c, xs):
    for x in xs:
        c[x] += 1
    return c[99], len(c), c


def made_if_missing(d, n):
    total = 0
    for i in range(n):
        total += d[i]
    return total, len(d)


@dataclass(slots=True)
class Slotted:
    x: float
    other: object

    def step(self, dt):
        self.x += dt


def stepped(s, n):
    for i in range(n):
        if i % 2:
            s.step(0.5)
    s.other = n
    return s.x, s


@pytest.mark.parametrize("f, args", [
    (unpacked, (3,)),
    (in_order, (OrderedDict(a=1, b=2.5),)),
    (counts, (Counter({1: 2, 5: 1}), [1, 1, 7])),
    (made_if_missing, (defaultdict(int, {1: 2, 2: 5}), 4)),
    (stepped, (Slotted(1.0, None), 5)),
], ids=lambda x: getattr(x, "__name__", ""))
def test_as_in_python(f, args):
    check(f, *args)


class Account:
    __slots__ = ("balance", "owner")

    def __init__(self, balance):
        self.balance, self.owner = balance, "me"

    def deposit(self, x):
        self.balance += x


def deposits(a, n):
    for i in range(n):
        a.deposit(i)
    return a.balance


def test_slots_are_written():
    jitted, account = hotloop.jit(deposits, cache=False), Account(5)
    assert [jitted(account, n) for n in (3, 4, 2)] == [8, 14, 15]
    assert account.balance == 15 and account.owner == "me"


def moved(d, k):
    if k > 2:
        d.move_to_end("a")
    return list(d)


def test_the_order_of_an_ordered_dict_that_is_an_argument_can_not_change():
    with pytest.raises(hotloop.errors.UnsupportedError, match="move_to_end"):
        hotloop.jit(moved, cache=False)(OrderedDict(a=1, b=2), 1)
