"""Names that are one of several strings, Nones or enumeration members at run time."""

import enum
from collections import deque

import numpy as np
import pytest
from compare import check

import hotloop
from hotloop.errors import UnsupportedError


class Color(enum.Enum):
    RED = "r"
    BLUE = 2.5


OPERATIONS = {
    "len": len,
    "equal": lambda s: (s == "hello", s != "hello", s in ("a", "hello"), s is None),
    "added": lambda s: s + "x" + s,
    "added_to": lambda s: "y" + s,
    "method": lambda s: s.replace("l", "L").title(),
    "test_method": lambda s: s.startswith("he"),
    "item": lambda s: (s[0], s[1:], ord(s[0])),
    "contains": lambda s: "h" in s,
    "class": lambda s: (isinstance(s, str), type(s)),
    "key": lambda s: {"hello": 1.5, "world!": 2.5}[s],
    "truth": lambda s: (s or "z", not s),
    "order": lambda s: s < "i",
    "repeated": lambda s: s * 2,
    "listed": lambda s: ([s, 1], list(s), sorted(s)),
    "number": lambda s: np.sin(len(s)) + int(s == "hello"),
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("first", [True, False])
def test_operations(name, first):
    operation = OPERATIONS[name]

    def f(b):
        return operation("hello" if b else "world!")
    check(f, first)


def kind(x):
    return "up" if x > 0 else "down" if x < 0 else "flat"


def chosen(x):
    return {"up": 1.0, "down": -1.0, "flat": 0.0}[kind(x)] * x, kind(x)


def in_a_loop(x, n):
    mode = "up" if x > 0 else None
    for _ in range(n):
        if mode == "up":
            x -= 1
            if x < 0:
                mode = "down"
        elif mode is None:
            mode = "up"
            x = 2.5
        else:
            x += 1
    return x, mode


def fizz_buzz(n):
    out = []
    for i in range(1, n + 1):
        if i % 15 == 0:
            out.append("fizzbuzz")
        elif i % 5 == 0:
            out.append("buzz")
        elif i % 3 == 0:
            out.append("fizz")
        else:
            out.append("-")
    return out


def colored(x):
    color = Color.RED
    if x > 1:
        color = Color.BLUE
    return color, color is Color.RED, (1, color)


def early(x):
    if x > 90:
        return "A"
    if x > 80:
        return "B"
    return None


@pytest.mark.parametrize("f, arguments", [
    (chosen, [(1.5,), (0.0,), (-2.0,)]), (in_a_loop, [(1.5, 4), (-1.0, 0), (-1.0, 7)]),
    (fizz_buzz, [(0,), (16,)]), (colored, [(0.5,), (2,)]), (early, [(95.0,), (85,), (3,)])])
def test_programs(f, arguments):
    for given in arguments:
        check(f, *given)


def shown(x):
    name = kind(x)
    print(name, f"is <{name}>", [name], x)


def test_printed(capsys):
    for x in (1, -1, 0):
        shown(x)
        wanted = capsys.readouterr().out
        hotloop.jit(shown)(x)
        assert capsys.readouterr().out == wanted


def test_text_of_one_of_several_constants():
    check(lambda x: str(kind(x)) + "!", 1.0)


@pytest.mark.parametrize("x", [1.0, -1.0])
def test_text_or_number(x):
    check(lambda x: [1 if x > 0 else "none"], x)


class Op(enum.Enum):
    ADD = 1
    MUL = 2


class Level(enum.IntEnum):
    LOW = 0
    HIGH = 5


def machine(code, x):
    for k in code:
        op = Op(k)
        if op is Op.ADD:
            x += 1
        else:
            x *= 2
    return x, op


def levels(xs):
    t = 0
    for x in xs:
        t += Level(x) * 2
        if Level(x) == Level.HIGH:
            t += 100
    return t


def test_members_of_enumerations_by_value():
    jitted = check(machine, np.array([1, 2, 1]), 3)
    check(machine, np.array([1, 3]), 3, jitted=jitted)       # no valid Op
    check(levels, [0, 5, 0])


def keyed(xs, want):
    best = None
    for i, x in enumerate(xs):
        if x > want:
            best = i, x
    seen = {best}
    table = {best: 1}
    q = deque([best])
    return len(seen), table[best], best in seen, len(q)


def test_keys_that_may_be_none():
    jitted = check(keyed, np.arange(5), 2)
    with pytest.raises(UnsupportedError, match="None as a key"):
        jitted(np.arange(5), 9)
