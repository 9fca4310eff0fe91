"""Integers in lanes are as short as they can be, and what they were."""

import random

import numpy as np
import pytest
from compare import check
from meaning import loops, transformed

from hotloop.loops.independence import varying_names, widest
from hotloop.loops.narrow import narrow
from hotloop.loops.prove import prove
from hotloop.loops.text import show
from hotloop.loops.vectorize import vectorize

LOOP = """
    kernel f
      a: u8[n] in
      b: i16[n] in
      r: {result}[n] inout
      p: i64
      body
        for i in 0..n step 1
          x = convert(a[i], i64)
          y = convert(b[i], i64)
{lets}
          r[i] <- {value}
      results
"""


def narrowed(value, *lets, result="u8", passes=(prove, vectorize, narrow)):
    rng = np.random.default_rng(0)
    n = 37
    args = (rng.integers(0, 256, n, dtype=np.uint8),
            rng.integers(-2**15, 2**15, n, dtype=np.int16),
            np.zeros(n, {"u8": "u1", "i16": "i2", "i32": "i4", "i64": "i8"}[result]), 5)
    text = LOOP.format(value=value, result=result,
                       lets="\n".join(" " * 10 + let for let in lets))
    return transformed(text, list(passes), *args)


@pytest.mark.parametrize(("value", "lets", "result", "size"), [
    ("convert(t, u8)", ["t = idiv(add(x, and(y, 255)), 3)"], "u8", 2),
    ("convert(t, u8)", ["t = ashr(add(mul(x, 150), mul(y, 29)), 8)"], "u8", 4),
    ("convert(t, i16)", ["t = minimum(maximum((x + y + -300), 0), 255)"], "i16", 4),
    ("convert(t, u8)", ["t = select(lt(x, 100), 0, 255)"], "u8", 2),
    ("convert(t, i32)", ["t = mul(x, y)", "u = add(t, 1)"], "i32", 4),
    ("convert(t, i16)", ["t = add(add(x, 2000000000000), -2000000000000)"], "i16", 2),
    ("convert(t, u8)", ["t = mul(mul(y, y), mul(y, y))"], "u8", 8),     # 2**60
    ("convert(t, i32)", ["t = mul(mul(y, y), 2)"], "i32", 8),             # 2**31
    ("t", ["t = add(x, 1)"], "i64", 8),
    ("convert(t, u8)", ["t = add(x, p)"], "u8", 8),
])
def test_how_short(value, lets, result, size):
    kernel = narrowed(value, *lets, result=result)
    loop, = (x for x in loops(kernel) if x.lanes)
    assert widest(loop, varying_names(loop)) == size, show(kernel)


@pytest.mark.parametrize("seed", range(40))
def test_random_values(seed):
    chance = random.Random(seed)
    names, lets = ["x", "y"], []

    def atom():
        return chance.choice([*names, *names, str(chance.choice([-300, -1, 1, 2, 7, 255, 65536]))])
    for k in range(chance.randint(2, 7)):
        op = chance.choice(["add", "sub", "mul", "and", "or", "xor", "minimum", "maximum", "idiv",
                            "irem", "shl", "ashr", "abs", "select", "neg", "not"])
        if op in ("abs", "neg", "not"):
            value = f"{op}({chance.choice(names)})"
        elif op in ("shl", "ashr"):
            value = f"{op}({chance.choice(names)}, {chance.choice([1, 3, 7, 17])})"
        elif op in ("idiv", "irem"):
            value = f"{op}({chance.choice(names)}, {chance.choice([2, 3, -5, 300, 0])})"
        elif op == "select":
            test = chance.choice(["lt", "le", "eq", "ne"])
            value = f"select({test}({chance.choice(names)}, {atom()}), {atom()}, {atom()})"
        else:
            value = f"{op}({chance.choice(names)}, {atom()})"
        lets.append(f"t{k} = {value}")
        if chance.random() < 0.5:
            name = f"m{k}"
            lets.append(f"{name} = {chance.choice(['and', 'irem'])}(t{k}, "
                        f"{chance.choice([15, 255, 4095])})")
            names.append(name)
        names.append(f"t{k}")
    result = chance.choice(["u8", "i16", "i32"])
    narrowed(f"convert({names[-1]}, {result})", *lets, result=result)


def blur(image):
    h, w = image.shape
    out = np.zeros_like(image)
    for y in range(1, h - 1):
        for x in range(1, w - 1):
            s = 0
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    s += int(image[y + dy, x + dx])
            out[y, x] = s // 9
    return out


def contrast(image, low, high):
    out = np.empty_like(image)
    for i in range(image.size):
        v = int(image[i])
        if v < low:
            out[i] = 0
        elif v > high:
            out[i] = 255
        else:
            out[i] = min(255, max(0, (v * 3 - 100) // 2))
    return out


def edges(image):
    out = np.zeros(len(image), np.uint8)
    for i in range(1, len(image)):
        d = abs(int(image[i]) - int(image[i - 1]))
        out[i] = 255 if d > 40 else d
    return out


def test_programs():
    bytes_ = np.random.default_rng(1).integers(0, 256, (21, 83), dtype=np.uint8)
    check(blur, bytes_)
    check(blur, bytes_[::2, ::3])
    check(contrast, bytes_.ravel(), 30, 220)
    check(edges, bytes_.ravel())
    check(edges, bytes_.ravel().view(np.int8))
