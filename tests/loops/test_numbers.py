"""What integers can be, as numbers: rules for each operation on short integers, all values tried;
and whole loops, every name's value looked at while the interpreter runs them."""

import contextlib
import itertools
import random

import numpy as np
import pytest
from compare import check
from meaning import kernel_of

from hotloop.loops import interp
from hotloop.loops.core import Check, walk
from hotloop.loops.expr import e, fresh_table, lit, var
from hotloop.loops.numbers import Numbers
from hotloop.loops.prove import prove
from hotloop.loops.scalar import SCALAR_OPS
from hotloop.ops.elementwise import _floor_divide, _remainder

TWO = """
    kernel f
      x: {0}
      y: {0}
      body
      results
"""


def spans(dtype, count):
    ends = np.iinfo(dtype)
    chance = random.Random(1)
    special = [ends.min, ends.min + 1, -1, 0, 1, 2, 7, 8, ends.max - 1, ends.max]
    for _ in range(count):
        choice = [chance.choice(special) if chance.random() < 0.4 else
                  chance.randint(ends.min, ends.max) for _ in range(2)]
        low, high = sorted(min(max(v, ends.min), ends.max) for v in choice)
        yield low, high


OPERATIONS = [*sorted(n for n, row in SCALAR_OPS.items() if row.span or row.wraps), "convert"]


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("op", OPERATIONS)
def test_operations(op, dtype):
    dtype = np.dtype(dtype)
    with fresh_table():
        numbers = Numbers(kernel_of(TWO.format("i8" if dtype.kind == "i" else "u8")))
        x, y = var("x", dtype), var("y", dtype)
        found = list(spans(dtype, 50))
        for a, b in zip(found, found[::-1], strict=True):
            numbers.names.update(x=a, y=b)
            numbers.memo.clear()
            if op == "convert":
                node = e.convert(x, "uint8" if dtype.kind == "i" else "int8")
            else:
                node = e.op(op, *(x, y)[:SCALAR_OPS[op].arity])
            low, high = numbers.span(node)
            p, q = np.meshgrid(*(np.arange(lo, hi + 1).astype(dtype) for lo, hi in (a, b)))
            with np.errstate(all="ignore"):
                values = p.astype(node.dtype) if op == "convert" else (
                    SCALAR_OPS[op].evaluate(*(p, q)[:SCALAR_OPS[op].arity]))
            assert low <= values.min(), (a, b)
            assert values.max() <= high, (a, b)


class Watched(dict):
    """The names of an interpreter, each looked at when it is bound."""

    def __init__(self, numbers):
        super().__init__()
        self.numbers = numbers

    def __setitem__(self, name, value):
        super().__setitem__(name, value)
        if np.asarray(value).dtype.kind in "iub" and name in self.numbers.names:
            low, high = self.numbers.names[name] or (1, 0)
            assert low <= int(value) <= high, f"{name} is {value}, not in {low}..{high}"

    def update(self, other=(), **names):
        for name, value in {**dict(other), **names}.items():
            self[name] = value

    def setdefault(self, name, value):
        if name not in self:
            self[name] = value
        return self[name]


def random_kernel(chance):
    """Loops that carry integers, masked, shifted and divided, some stored and loaded again."""
    count = itertools.count()
    lines = []

    def atom(names):
        if chance.random() < 0.25:
            return str(chance.choice([-7, -1, 0, 1, 2, 3, 15, 63, 255, 1000, 2**31, 2**40]))
        return chance.choice(names)

    def value(names):
        op = chance.choice(["add", "sub", "mul", "and", "or", "xor", "idiv", "irem", "shl", "ashr",
                            "minimum", "maximum", "abs", "select", "load"])
        if op == "load":
            return "b[0]"
        if op == "abs":
            return f"abs({atom(names)})"
        if op in ("shl", "ashr"):
            return f"{op}({atom(names)}, {chance.choice([1, 3, 8, 40])})"
        if op in ("idiv", "irem"):
            return f"{op}({atom(names)}, {chance.choice([2, 3, 16, -3, 1000])})"
        if op == "select":
            cond = f"{chance.choice(['lt', 'ge', 'eq'])}({atom(names)}, {atom(names)})"
            return f"select({cond}, {atom(names)}, {atom(names)})"
        return f"{op}({atom(names)}, {atom(names)})"

    def body(names, indent, depth):
        names = list(names)
        for _ in range(chance.randint(1, 3)):
            name, kind = f"t{next(count)}", chance.random()
            if kind < 0.5 or depth == 2:
                lines.append(f"{indent}{name} = {value(names)}")
                names.append(name)
            elif kind < 0.6:
                lines.append(f"{indent}b[0] <- {atom(names)}")
            elif kind < 0.7:
                a, b = atom(names), atom(names)
                test = chance.choice([f"not(add_overflows({a}, {b}))", f"lt({a}, {b})",
                                      f"not(mul_overflows(3, {a}))"])
                lines.append(f"{indent}check {test} error 0")
            elif kind < 0.85:
                lines.append(f"{indent}if {chance.choice(['lt', 'ge', 'ne'])}({atom(names)}, "
                             f"{atom(names)})")
                then = body(names, indent + "  ", depth + 1)
                lines.append(f"{indent}  give {atom(then)}")
                lines.append(f"{indent}else")
                orelse = body(names, indent + "  ", depth + 1)
                lines.append(f"{indent}  give {atom(orelse)}")
                lines.append(f"{indent}-> {name}: i64")
                names.append(name)
            else:
                loop(names, indent, depth + 1)
        return names

    def loop(names, indent, depth):
        carries = [f"c{next(count)}" for _ in range(chance.randint(1, 2))]
        i = f"i{next(count)}"
        trips = chance.choice(["n", "3", "7"])
        lines.append(f"{indent}for {i} in 0..{trips} step 1")
        for c in carries:
            lines.append(f"{indent}  carry {c}: i64 = {atom(names)}")
        inner = body([*names, i, *carries], indent + "  ", depth)
        for c in carries:
            lines.append(f"{indent}  next {c} = {atom(inner)}")
        names += carries

    names = ["p", "n"]
    loop(names, "    ", 0)
    head = ["kernel f", "  a: f64[n] in", "  p: i64", "  error builtins:ValueError 'no'", "  body",
            "    alloc b: i64[1]", f"    b[0] <- {atom(['p'])}"]
    return "\n".join([*head, *lines, "  results", ""])


@pytest.mark.parametrize("seed", range(60))
def test_every_value_is_inside(seed):
    with fresh_table(), np.errstate(all="ignore"):
        kernel = kernel_of(random_kernel(random.Random(seed)))
        numbers = Numbers(kernel)
        for n, p in ((0, 0), (1, 5), (4, -3), (9, 255), (6, 2**62), (5, -2**63)):
            machine = interp._Machine(kernel)
            machine.names = Watched(numbers)
            machine.bind([np.zeros(n), np.int64(p)])
            with contextlib.suppress(ValueError):
                machine.run(kernel.body, keep=True)


@pytest.mark.parametrize(("carries", "body", "cond", "proven"), [
    # masks, in 64 bits and in a loop's carry
    ("h = 17", "t = mul(h, 16777619)\n    next h = and(t, 4294967295)",
     "not(mul_overflows(h, 16777619))", True),
    ("h = 17", "t = mul(h, 16777619)\n    next h = and(t, 1099511627775)",
     "not(mul_overflows(h, 16777619))", False),
    ("h = p", "next h = and(h, 255)", "not(mul_overflows(h, 16777619))", False),
    # a shift there and back
    ("h = 1", "next h = and(shl(h, 6), 16777215)", "eq(h, ashr(shl(h, 6), 6))", True),
    ("h = 1", "next h = shl(h, 6)", "eq(h, ashr(shl(h, 6), 6))", False),
    # what is loaded from short integers
    ("h = 0", "next h = and(add(h, convert(u[i], i64)), 1023)",
     "not(add_overflows(mul(h, h), 1))", True),
    # 3*h + 1 does not wrap once it was checked
    ("h = 1", "check not(mul_overflows(3, h)) error 0\n"
     "    check not(add_overflows((3*h), 1)) error 0\n    next h = (3*h + 1)", "ge(h, 1)", True),
    ("h = 1", "next h = (3*h + 1)", "ge(h, 1)", False),
])
def test_checks(carries, body, cond, proven):
    name, start = carries.split(" = ")
    text = f"""
kernel f
  u: u8[n] in
  p: i64
  error builtins:ValueError 'no'
  error builtins:OverflowError 'asked'
  body
    for i in 0..n step 1
      carry {name}: i64 = {start}
      check {cond} error 1
""" + "".join(f"      {line.strip()}\n" for line in body.split("\n")) + "  results\n"
    with fresh_table():
        kernel = prove(kernel_of(text))
        left = any(isinstance(s, Check) and s.error == 1 for s in walk(kernel.body))
        assert left != proven


def test_memory_bounds_its_size():
    """After an allocation of p elements p is no number that 2*p would make wrap, but it may be
    below 0 if a loop that does not run would have needed the memory."""
    with fresh_table():
        kernel = prove(kernel_of("""
            kernel f
              p: i64
              error builtins:OverflowError 'asked'
              body
                check not(add_overflows(p, p)) error 0
                check ge(p, 0) error 0
                alloc b: u8[p]
                t = not(add_overflows(p, p))
                check t error 0
              results
        """))
        assert sum(isinstance(s, Check) for s in walk(kernel.body)) == 2


def test_floor_division_by_powers_of_two_is_a_shift():
    with fresh_table():
        x = var("x")
        assert _floor_divide(e, x, lit(8)) is e.ashr(x, lit(3))
        assert _remainder(e, x, lit(8)) is e.and_(x, lit(7))
        for by in (3, -4, 0):
            assert _floor_divide(e, x, lit(by)).op == "select"


def quotients(x):
    return x // 8, x % 8, x // -8, x % -8, x // 7, x % 7, x // -7, x % -7, x // 1, x % 1


def test_quotients():
    check(quotients, np.arange(-40, 40))
    check(quotients, np.arange(-40, 40).astype(np.int8))
    check(quotients, np.arange(0, 80).astype(np.uint8))
    check(quotients, -2**63)
    check(quotients, 17)


def decode(src, table, out):
    k, acc, bits = 0, 0, 0
    for i in range(len(src)):
        acc = ((acc << 6) | int(table[src[i]])) & 0xFFFFFF
        bits += 6
        if bits >= 8:
            bits -= 8
            out[k] = (acc >> bits) & 0xFF
            k += 1
    return k


def draws(seed, n):
    x, total = seed, 0
    for _ in range(n):
        x = (1103515245 * x + 12345) % 2147483648
        total += x % 7
    return x, total


def longest(n):
    best = 0
    for start in range(1, n):
        x, length = start, 1
        while x != 1:
            x = x // 2 if x % 2 == 0 else 3 * x + 1
            length += 1
        best = max(best, length)
    return best


def test_programs():
    table = np.arange(256, dtype=np.uint8) & 63
    check(decode, np.arange(40, dtype=np.uint8), table, np.zeros(40, np.uint8))
    check(draws, 12345, 50)
    check(draws, -99, 5)
    check(longest, 60)
