"""Arguments of random programs, as text: dtypes, memory layouts, sizes, special values, overlap.

    calls(random.Random(7), ("f8", "i4", "f8"))     # lines of the body of `def calls():`

The text evaluates to new arrays each time, laid out and overlapping as it says.
"""

from __future__ import annotations

import random

DTYPES = ("f8", "f8", "f8", "i8", "i8", "i4", "u1", "f4", "f4", "?", "c16", "i2", "u4", "u8", "c8",
          "i1", "u2", "f2")
SIZES = (0, 1, 1, 2, 3, 3, 4, 5, 8, 9, 17, 40)
EXTREMES = {"i1": (-128, 127), "i2": (-2**15, 2**15 - 1), "i4": (-2**31, 2**31 - 1),
            "i8": (-2**63, 2**63 - 1), "u1": (0, 255), "u2": (0, 2**16 - 1),
            "u4": (0, 2**32 - 1), "u8": (0, 2**64 - 1)}
SPECIAL = ("nan", "inf", "-inf", "-0.0")
LAYOUTS = ("{a}",) * 6 + (
    "np.asfortranarray({a})", "np.repeat({a}, 2, 0)[::2]", "np.repeat({a}, 3, -1)[..., ::3]",
    "{a}[::-1].copy()[::-1]", "{a}.T.copy().T", "np.pad({a}, 1)[{cut}]",
    "np.stack(({a}, {a}), -1)[..., 0]", "{a}.copy('F')[..., ::1]")
RARE = ("np.broadcast_to({a}, {shape})", "{a}.astype({a}.dtype.newbyteorder())",
        "unaligned({a})", "np.asarray(np.matrix({a})).reshape({shape})")
SCALARS = ("0.5", "-1.25", "0.0", "2.0", "-3.5", "1.0", "2", "True", "np.float64(1.5)",
           "np.float32(0.25)", "np.int64(3)", "-0.0", "0")
UNALIGNED = '''
def unaligned(a):
    raw = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    raw[...] = a
    return raw
'''


def kind_of(dtype: str) -> str:
    """The letter of `writer.KINDS`."""
    return "b" if dtype == "?" else "i" if dtype[0] in "iu" else dtype[0]


def number(rnd: random.Random, dtype: str, special: bool) -> str:
    kind = kind_of(dtype)
    if kind == "b":
        return rnd.choice(("True", "False"))
    if kind == "i":
        if special:
            return str(rnd.choice((*EXTREMES[dtype], 0, 1)))
        return str(rnd.randrange(0 if dtype[0] == "u" else -12, 13))
    if special and rnd.random() < 0.3:
        return rnd.choice(SPECIAL)
    value = rnd.randrange(-12, 13) / 4
    return str(value if kind == "f" else complex(value, rnd.randrange(-4, 5)))


def array(rnd: random.Random, dtype: str, shape: tuple[int, ...]) -> str:
    """An expression for an array in C order."""
    size = 1
    for d in shape:
        size *= d
    if size == 0:
        return f"np.zeros({shape}, '{dtype}')"
    if size > 64:
        factor, low = rnd.choice((3, 7, 11)), 0 if dtype[0] == "u" else 12
        after = {"f": " / 4", "c": " / 4 * (1+2j)", "b": " > 0"}.get(kind_of(dtype), "")
        made = f"((np.arange({size}) * {factor} % 25 - {low}){after}).astype('{dtype}')"
    else:
        special = rnd.random() < 0.12
        values = ", ".join(number(rnd, dtype, special) for _ in range(size))
        made = f"np.array([{values}], '{dtype}')"
    return made if len(shape) == 1 else f"{made}.reshape{shape}"


def laid_out(rnd: random.Random, text: str, shape: tuple[int, ...]) -> str:
    layout = rnd.choice(RARE if rnd.random() < 0.04 else LAYOUTS)
    cut = ", ".join(["1:-1"] * len(shape))
    return layout.format(a=text, cut=cut, shape=shape)


def call(rnd: random.Random, dtypes: tuple[str, ...]) -> list[str]:
    """Lines that make one tuple of arguments `a, b, m, k, x` and yield it."""
    n = rnd.choice(SIZES)
    shapes = [(n,), (n,), (n, n)]
    lines = [f"{name} = {laid_out(rnd, array(rnd, dtype, shape), shape)}"
             for name, dtype, shape in zip("abm", dtypes, shapes, strict=True)]
    overlap = rnd.random()
    if overlap < 0.07 and n:
        lines.append(rnd.choice(("b = a", "b = a[::-1]", f"b = m[{rnd.randrange(n)}]",
                                 f"m = np.broadcast_to(a, ({n}, {n}))", f"a = m[:, {n - 1}]",
                                 "a = m.diagonal()", "m.flags.writeable = False")))
    k = rnd.choice((0, 1, 2, 3, -1, -2, 5, 7))
    return [*lines, f"yield a, b, m, {k}, {rnd.choice(SCALARS)}"]


def calls(rnd: random.Random, dtypes: tuple[str, ...]) -> list[str]:
    """The body of `calls`: one to three calls of one compiled function."""
    lines = call(rnd, dtypes)
    for _ in range(rnd.choice((0, 0, 1, 2))):
        if rnd.random() < 0.3:
            dtypes = tuple(rnd.choice(DTYPES) for _ in dtypes)
        lines += call(rnd, dtypes)
    return lines
