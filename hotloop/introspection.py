"""Looking at what was compiled: `make_jaxpr` and `explain`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from hotloop import lazy
from hotloop.frontend import trace
from hotloop.ir.core import Program
from hotloop.ops import dce

text = lazy.module("hotloop.ir.text")
expand = lazy.module("hotloop.transforms.expand")
passes = lazy.module("hotloop.passes.pipeline")
threads = lazy.module("hotloop.llvm.threads")


class Jaxpr:
    """A traced Program that prints itself; `.program` is the Program."""

    def __init__(self, program: Program):
        self.program = program

    def __repr__(self) -> str:
        return text.show(self.program)


def make_jaxpr(fn: Callable[..., Any], *, static_argnums: tuple[int, ...] = (),
               static_argnames: tuple[str, ...] = ()) -> Callable[..., Jaxpr]:
    """A function that traces `fn` on its arguments' types and gives the Program.

    >>> import hotloop
    >>> def relu(x):
    ...     return max(0.0, x)
    >>> hotloop.make_jaxpr(relu)(1.0)
    { lambda ; a:f64[]. let b:f64[] = max 0.0 a in (b,) }
    """
    target = getattr(fn, "__wrapped__", fn)

    @functools.wraps(target)
    def traced(*args: Any, **kwargs: Any) -> Jaxpr:
        found = trace.trace(target, args, kwargs, static_argnums=static_argnums,
                            static_argnames=static_argnames)
        program = found.program
        if found.transforms:
            program, _ = expand.expand(program, passes.canonical, {})
        return Jaxpr(dce.dce(program))
    return traced


def explain(fn: Callable[..., Any]) -> str:
    """What a jitted function was compiled for, how long each stage took, what the loop passes did
    and why not more; and how often calls ran as Python instead, with the reason.

    Raises TypeError if `fn` is not a jitted function.
    """
    found = getattr(fn, "_specializations", None)
    if found is None:
        raise TypeError(f"{fn!r} is not a jitted function")
    lines = [f"{fn.__name__}: {len(found.entries)} specialization"
             + ("" if len(found.entries) == 1 else "s")]
    for entry in found.entries:
        compiled = entry.compiled
        lines.append("  (" + ", ".join(_input(i) for i in compiled.traced.inputs) + ")")
        total = sum(compiled.seconds.values())
        if total:
            lines.append(f"    compiled in {1e3 * total:.1f} ms: " + ", ".join(
                f"{name} {1e3 * s:.1f}" for name, s in compiled.seconds.items()))
        lines += [f"    {note}" for note in dict.fromkeys(compiled.notes)]
        if any("parallel where" in note for note in compiled.notes):
            lines.append(f"    parallel loops run in {threads.count()} threads")
    lines += [f"  calls {kind}: {n}" for kind, n in sorted(found.calls.items())
              if kind.startswith("python")]
    return "\n".join(lines)


def _input(given: Any) -> str:
    path = "".join(str(step[1]) if k == 0 and len(step) > 1 else f".{step[1]}"
                   if step[0] == "attr" else f"[{step[1]!r}]" if len(step) > 1 else step[0]
                   for k, step in enumerate(given.path))
    if given.kind != "array":
        return f"{path}: {given.kind} {given.dtype}"
    layout = "" if given.contiguous else " strided"
    written = " written" if given.written else ""
    return f"{path}: {given.dtype}[{','.join(':' * given.rank)}]{layout}{written}"
