"""Programs of `hotloop.grad`, `jvp`, `hvp` and `vmap`, of functions drawn from smooth rules.

    gradients     grad and jvp against differences and each other, hvp against grad's
    batches       vmap against the results one by one

Such a program has a function `python` beside `f`, which gives the same without hotloop or with less
of it, and `agree`, which says whether two results are the same (`differences`).
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from hotloop.fuzz.grammar import Group
from hotloop.fuzz.writer import Rules, Writer

HEAD = """\
import hotloop
from hotloop.fuzz import differences


def inner(z, w):
    return z * w + np.sin(w)


def turned(z):
    if z > 0.2:
        return z * z
    return 0.04 - np.sin(z - 0.2)


def steps(z, c):
    for e in range(3):
        z = z + 0.3 * np.cos(z * c)
    return z

"""

SMOOTH: Group = {
    "index": (*("@nX",) * 4, "0", "-1", "k % n", "n - 1"), "aug": ("+=", "-=", "*="),
    "i": ("k", "n"), "order": ("np.arange(n)[::-1]", "np.arange(n) // 2", "np.argsort(@Vf)"),
    "b": ("(@f > 0.3)", "(k > 1)", "(@f < @f)", "(@f > 0.3 and @f < 0.9)", "np.any(@Vf > 0.8)"),
    "f": ("@nVf[@index]", "@nMf[@index, @index]", "@Vf.@{sum|mean|max|min}()", "@Mf.@{sum|mean}()",
          "(@f @{+|-} @f)", "(@f * @f * 0.5)", "@{np|math}.@{sin|cos|tanh}(@f)",
          "(@f / (2.0 + @f ** 2))", "@{np|math}.exp(-(@f ** 2))", "@{np|math}.sqrt(1.0 + @f ** 2)",
          "@{np|math}.log(2.0 + @f ** 2)", "(@f if @b else @f)", "@{max|min}(@f, @f)", "abs(@f)",
          "np.dot(@Vf, @Vf)", "(@Vf @ @Vf)", "np.linalg.norm(@Vf + 3.0)", "np.trace(@Mf)",
          "np.@{var|std}(np.append(@Vf, [2.5, -9.0]))",
          "np.prod(@Vf)", "np.median(@Vf)", "inner(@f, @f)",
          "turned(@f)", "steps(@f, @f)", "math.atan2(@f, 2.0 + @f ** 2)", "np.hypot(@f, 1.5)",
          "np.einsum('ij,ij->', @Mf, @Mf)", "((1.5 + np.sin(@f)) ** @f)", "float(@f)",
          "sum(e * e for e in @Vf)", "np.max(@Mf, axis=@{0|1}).sum()", "np.linalg.det(@Mf)",
          "np.logaddexp(@f, @f)", "(@f ** @{2|3|-1 if k > 99 else 2})"),
    "Vf": ("(@Vf @{+|-|*} @Vf)", "(@Vf * @f)", "np.@{sin|cos|tanh|arctan}(@Vf)",
           "np.exp(-@Vf ** 2)",
           "np.sqrt(1.0 + @Vf ** 2)", "(@Vf / (2.0 + @Vf ** 2))", "np.where(@Vf > 0.1, @Vf, @Vf)",
           "@Mf[@index]", "@Mf[:, @index]", "(@Mf @ @Vf) * 0.3", "(@Vf @ @Mf) * 0.3",
           "np.cumsum(@Vf)", "@Vf[::-1]", "np.sort(@Vf)", "np.roll(@Vf, @{1|k})", "@Vf[@order]",
           "np.concatenate((@Vf[1:], @Vf[:1]))", "@Mf.@{sum|mean|max}(axis=@{0|1})",
           "np.@{maximum|minimum}(@Vf, @Vf)", "np.clip(@Vf, -0.7, 0.9)", "np.diag(@Mf)",
           "np.linalg.solve(0.1 * np.tanh(@Mf) + 3.0 * np.eye(n), @Vf)", "np.cumprod(np.tanh(@Vf))",
           "np.array([e * @f for e in @Vf])", "inner(@Vf, @Vf)", "steps(@Vf, @f)", "abs(@Vf)",
           "np.diff(@Vf, prepend=0.5)", "@Mf.ravel()[::n + 1]", "np.@{zeros|ones}(n)",
           "np.interp(@Vf, np.arange(n) * 1.0, @Vf)", "np.einsum('ij,j->i', @Mf, @Vf)",
           "np.convolve(@Vf, [0.5, 0.25, 0.1], mode='same')[:n]", "np.copysign(@Vf, @Vf)"),
    "Mf": ("(@Mf @{+|-|*} @Mf)", "(@Mf * @f)", "np.@{sin|tanh}(@Mf)", "(@Vf[:, None] * @Vf)",
           "np.outer(@Vf, @Vf)", "@Mf.T", "(@Mf @ @Mf) * 0.2", "np.where(@Mf > 0.1, @Mf, @Mf)",
           "np.tril(@Mf)", "np.stack([@Vf] * 2)[np.arange(n) % 2]", "(@Mf + @Vf)", "np.diag(@Vf)",
           "np.linalg.inv(0.1 * np.tanh(@Mf) + 3.0 * np.eye(n))", "np.cumsum(@Mf, axis=@{0|1})",
           "(@Mf - @Mf.mean(axis=0))", "np.eye(n)", "np.maximum(@Mf, @f)", "@Mf[@order]"),
    "statement": (
        "@set:f = @f", "@set:Vf = @Vf", "@set:Mf = @Mf", "t += @f", "t = t * 0.5 + @f",
        "@nVf[@index] = @f", "@nVf[@index] @aug @f", "@nVf[1:] += @nVf[:-1] * 0.5", "@nVf @aug @Vf",
        "@nVf[:-1] = @nVf[1:]", "@nMf[@index] = @Vf", "@nMf[:, @index] @aug @Vf", "@nVf[::2] = @f",
        "@nVf[@nVf > 0.2] *= 0.5", "np.multiply(@nVf, @Vf, out=@nVf)", "@nMf @aug @Vf",
        "@nVf[@order] = @Vf", "@nMf[1:, 1:] += @nMf[:-1, :-1]", "@nMf[@index, @index] @aug @f",
        "u, v = u * 0.5, u + @Vf", "t, s = @f, t * 0.5",
        "l = [@f, @f]\nl[0] *= @f\nt += l[0] - l[1]"),
    "in a loop": ("if @b:\n    @{break|continue}",),
    "block": (
        *("for @idx in range(n):\n    @body", "for @idx in range(n - 1, -1, -1):\n    @body",
          "if @b:\n    @body", "if @b:\n    @body\nelse:\n    @body") * 2,
        "for @new:f in @Vf:\n    @body", "for @new:Vf in @Mf:\n    @body",
        "@new:K = 0\nwhile @last < 3 and @f < 4.0:\n    @last += 1\n    @body",
        "for @idx, @new:f in enumerate(@Vf):\n    @body",
        "try:\n    t += @nVf[@{k|0}]\nexcept IndexError:\n    @body",
        "if @b:\n    return @early"),
}

RULES: Rules = {made: [(t, 1.0) for t in templates] for made, templates in SMOOTH.items()}
EARLY = {"gradients": "t + @f", "batches": "(t + @f), u, w"}
"""What a return in the middle gives, as the one at the end."""

START = ("def g(a, m, k, x):\n    n, t, s = len(a), x * 0.5, x\n"
         "    u, v, w = a * 1.0, a + x, m + 0.0")
SCOPE = {"u": "Vf", "v": "Vf", "w": "Mf", "k": "i", "x": "f", "t": "f", "s": "f"}

WAYS: dict[str, dict[str, str]] = {
    "gradients": {
        "grad": """
def f(a, m, k, x):
    return hotloop.grad(g, argnums=(0, 1, 3))(a, m, k, x)

def python(a, m, k, x):
    return differences.gradients(g, (a, m, k, x), (0, 1, 3))

agree = differences.close
""", "jvp": """
def f(a, m, k, x):
    return hotloop.jvp(lambda a, m, x: g(a, m, k, x), (a, m, x), (np.cos(a), m[::-1], 0.7))[1:]

def python(a, m, k, x):
    return [differences.along(lambda a, m, x: g(a, m, k, x), (a, m, x),
                              (np.cos(a), m[::-1], 0.7))]

agree = differences.close
""", "both": """
def f(a, m, k, x):
    da, dm, dx = hotloop.grad(g, argnums=(0, 1, 3))(a, m, k, x)
    return (da * np.cos(a)).sum() + (dm * m[::-1]).sum() + dx * 0.7, g(a, m, k, x)

def python(a, m, k, x):
    value, slope = hotloop.jvp(lambda a, m, x: g(a, m, k, x), (a, m, x),
                               (np.cos(a), m[::-1], 0.7))
    return np.float64(slope), value

agree = differences.alike
""", "hvp": """
def f(a, m, k, x):
    return hotloop.hvp(lambda a: g(a, m, k, x), (a,), (np.cos(a),))

def python(a, m, k, x):
    slope = hotloop.grad(g)
    return [differences.along(lambda a: slope(a, m, k, x), (a,), (np.cos(a),))]

agree = differences.close
"""},
    "batches": {
        "rows": """
def f(a, m, k, x):
    return hotloop.vmap(lambda a, x: g(a, m, k, x), in_axes=(0, None))(np.stack((a, a + 0.4)), x)

def python(a, m, k, x):
    found = [g(row, m, k, x) for row in np.stack((a, a + 0.4))]
    return differences.stacked(found)

agree = differences.alike
""", "numbers": """
def f(a, m, k, x):
    return hotloop.vmap(lambda x, m: g(a, m, k, x), in_axes=(0, 1))(
        np.array([x, -0.5, 0.31]), np.stack((m, m * 0.5, m.T), axis=1))

def python(a, m, k, x):
    found = [g(a, one, k, float(y)) for y, one in zip([x, -0.5, 0.31], (m, m * 0.5, m.T))]
    return differences.stacked(found)

agree = differences.alike
""", "gradients": """
def f(a, m, k, x):
    return hotloop.vmap(lambda a: hotloop.grad(lambda a: g(a, m, k, x)[0])(a))(
        np.stack((a, a + 0.4)))

def python(a, m, k, x):
    slope = hotloop.grad(lambda a: g(a, m, k, x)[0])
    return np.stack([slope(row) for row in np.stack((a, a + 0.4))])

agree = differences.alike
"""}}
KINDS = tuple(WAYS)


def program(rnd: random.Random, kind: str) -> str:
    """The module but for its first imports."""
    way = rnd.choice(tuple(WAYS[kind]))
    function = Writer(rnd, {**RULES, "early": [(EARLY[kind], 1.0)]}).function(
        SCOPE, START, of_all if kind == "gradients" else pair)
    calls = "".join(call(rnd) for _ in range(rnd.choice((1, 1, 2))))
    return f"{HEAD}\n{function}\n{WAYS[kind][way]}\n\ndef calls():\n{calls}"


def of_all(scope: Mapping[str, str]) -> str:
    """One number that depends on all that a function has computed."""
    arrays = [f"{name}.sum()" for name, type in scope.items() if type in ("Vf", "Mf")]
    numbers = [name for name, type in scope.items() if type == "f"]
    return " + ".join([*numbers[:8], *arrays[:8]])


def pair(scope: Mapping[str, str]) -> str:
    return f"({of_all(scope)}), u, w"


def call(rnd: random.Random) -> str:
    """Arguments that are no multiples of anything, so that no comparison hangs on rounding."""
    n, factor, start = rnd.choice((1, 2, 3, 3, 5)), rnd.choice((0.37, 0.61, 0.83)), rnd.random()
    a = f"np.sin(np.arange({n}) * {factor} + {start:.4f})"
    m = f"np.cos(np.arange({n * n}) ** 2 * {factor} + {start:.3f}).reshape({n}, {n})"
    return f"    yield {a}, {m}, {rnd.choice((0, 1, 2, -1))}, {rnd.uniform(-1, 1):.4f}\n"
