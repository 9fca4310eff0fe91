"""Measures in one system how long functions of growing length take to compile.

`source(shape, n)` writes a function of about n operations:

    line     one expression after the other on whole arrays
    scalars  the same on numbers
    loops    loops over arrays, one after the other, ten operations each
    nested   loops in loops (three deep), ten operations in each innermost one
    calls    functions of ten operations, each called once

A "result" is the fastest of a few compilations: ms from the decoration to the result of the first
call, on arrays of 64 numbers, so that running takes next to no time; for hotloop also the ms of
each stage.
"""

import linecache
import time

STEPS = ("0.5 * {t} + 0.25 * {u}", "0.75 * {t} - 0.25 * {u}", "({t} + {u}) * 0.5",
         "{t} * 0.5 - {u} * 0.125", "0.75 * {t} + 0.1")
"""Right-hand sides of two operations or three; values stay small, so that nothing overflows."""


def steps(count, names, indent):
    """Statements of two operations each on two names, the first of which is set last."""
    t, u = names
    lines = []
    for k in range(max(1, count // 2)):
        right = STEPS[k % len(STEPS)].format(t=t, u=u)
        lines.append(f"{indent}{t}, {u} = {right}, {t}" if k % 3 == 2 else f"{indent}{t} = {right}")
    return lines


def loops(n):
    lines = ["def f(x, y):"]
    for _ in range(max(1, n // 10)):
        lines += ["    for i in range(len(x)):", "        t, u = x[i], y[i]",
                  *steps(10, "tu", " " * 8), "        y[i] = t"]
    return [*lines, "    return y"]


def nested(n):
    lines = ["def f(x, y):"]
    for _ in range(max(1, n // 10)):
        lines += ["    for k in range(2):", "        for i in range(8):",
                  "            for j in range(8):", "                t, u = x[i, j], y[i, j]",
                  *steps(10, "tu", " " * 16), "                y[i, j] = t"]
    return [*lines, "    return y"]


def loops_jax(n):
    """JAX's users give the bodies of their loops names."""
    lines = ["def f(x, y):"]
    for _ in range(max(1, n // 10)):
        lines += ["    def body(i, y):", "        t, u = x[i], y[i]", *steps(10, "tu", " " * 8),
                  "        return y.at[i].set(t)", "    y = fori_loop(0, len(x), body, y)"]
    return [*lines, "    return y"]


def nested_jax(n):
    lines = ["def f(x, y):"]
    for _ in range(max(1, n // 10)):
        lines += ["    def body(i, j, y):", "        t, u = x[i, j], y[i, j]",
                  *steps(10, "tu", " " * 8), "        return y.at[i, j].set(t)",
                  "    y = fori_loop(0, 2, lambda k, y: fori_loop(0, 8, lambda i, y: fori_loop(",
                  "        0, 8, lambda j, y: body(i, j, y), y), y), y)"]
    return [*lines, "    return y"]


def line(n):
    return ["def f(x, y):", *steps(n, "xy", "    "), "    return x"]


def calls(n):
    count = max(1, n // 10)
    lines = []
    for k in range(count):
        lines += [f"def g{k}(t, u):", *steps(10, "tu", "    "), "    return t"]
    return [*lines, "def f(x, y):", *(f"    x = g{k}(x, y)" for k in range(count)), "    return x"]


SHAPES = {"line": line, "scalars": line, "loops": loops, "nested": nested, "calls": calls}
JAX = {"loops": loops_jax, "nested": nested_jax}


def source(shape, n, system=""):
    """The text of a module with a function f of about n operations."""
    write = JAX.get(shape, SHAPES[shape]) if system == "jax" else SHAPES[shape]
    return "\n".join(write(n)) + "\n"


def made(shape, n, system):
    """The function f; Numba's users decorate what it calls, too."""
    name = type(system).__name__.lower()
    text = source(shape, n, name)
    file = f"<{shape} {n}>"
    # inspect.getsource, which hotloop needs, reads through linecache
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    scope = {"fori_loop": system.jax.lax.fori_loop} if name == "jax" else {}
    exec(compile(text, file, "exec"), scope)
    if name == "numba":
        for key, value in list(scope.items()):
            if key.startswith("g"):
                scope[key] = system.jit(value)
    return scope["f"]


def inputs(shape):
    import numpy as np

    rng = np.random.default_rng(0)
    if shape in ("scalars", "calls"):
        return 0.5, 0.25
    size = (8, 8) if shape == "nested" else 64
    return rng.random(size), rng.random(size)


def once(system, shape, n):
    """(ms of the first call, {stage: ms}, the result)"""
    function = made(shape, n, system)
    args = [system.given(a) for a in inputs(shape)]
    system.settle()                             # what was compiled before is no part of this
    start = time.perf_counter()
    call = system.compiled(function, tuple(args))
    result = system.wait(call(*args))
    took = 1e3 * (time.perf_counter() - start)
    entries = getattr(getattr(call, "_specializations", None), "entries", ())
    stages = {k: 1e3 * s for e in entries for k, s in e.compiled.seconds.items()}
    return took, stages, result


def right(system, shape, n, result):
    """Is it what Python computes?"""
    import numpy as np

    return np.allclose(np.asarray(result), made(shape, n, None)(*inputs(shape)), rtol=1e-6,
                       atol=1e-9)


def run(system, options, say):
    once(system, "line", 2)                     # what the first compilation of a process does more
    for shape in SHAPES:
        before = None
        for n in options["sizes"]:
            if before and before[1] * n / before[0] > 1e3 * options["limit"]:
                say("stopped", n=n, reason=f"{shape} would take over {options['limit']:g} s")
                break
            found = [once(system, shape, n)]
            while sum(f[0] for f in found) < 1e3 * options["at_least"] and len(found) < 5:
                found.append(once(system, shape, n))
            if not right(system, shape, n, found[0][2]):
                say("wrong", reason=f"{shape}, {n} operations: another result than Python's")
                return
            ms, stages, _ = min(found, key=lambda f: f[0])
            before = n, ms
            say("result", shape=shape, n=n, ms=ms, stages=stages)
