"""`trace`: a Python function and example arguments give a Program for all arguments of their types.

    traced = trace(f, (x, 3), {})      # x: float64[5] -> a Program for f64[n] and any int

Array sizes (except 1) and numbers are symbolic; dtypes, ranks, contiguity, statics and the
structure of containers are fixed. The function is rewritten (`rewrite`) and run once on tracers. If
that needs the value of an argument that is a number (an axis, say), tracing begins again with it.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hotloop import config, lazy
from hotloop.errors import Location, SourceError, UnsupportedError
from hotloop.frontend import numpy_elementwise, one_of, operators, slice_slots
from hotloop.frontend.builder import Builder, Dead, Regrow, Restart, Settled, opened
from hotloop.frontend.calls import function
from hotloop.frontend.results import Results
from hotloop.frontend.session import FIXED_TEXTS, Session, short_sizes
from hotloop.frontend.traced import Constant, Path, Traced
from hotloop.frontend.warned import found, traced_state
from hotloop.ir.core import Program, Var
from hotloop.record import replace

text = lazy.module("hotloop.frontend.text")
traceback = lazy.module("traceback")

TEXTS = "text"
"""What the sites of text begin with, or are (`text.TEXTS`)."""

_signatures: weakref.WeakKeyDictionary[Any, inspect.Signature] = weakref.WeakKeyDictionary()


def trace(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any],
          static_argnums: tuple[int, ...] = (), static_argnames: tuple[str, ...] = ()) -> Traced:
    """The Traced of `fn` for arguments like these. Raises errors.UnsupportedError for what can't be
    compiled, and what the function itself raises whatever its arguments' values are (TypeError for
    their types, IndexError for a tuple that is too short).

    `static_argnums`, `static_argnames`: positions and names of arguments whose values are fixed.
    """
    if inspect.isgeneratorfunction(fn) or inspect.iscoroutinefunction(fn):
        code = fn.__code__
        kind = "generator" if inspect.isgeneratorfunction(fn) else "coroutine"
        raise UnsupportedError(
            f"a {kind} function can't be compiled",
            Location(code.co_filename, code.co_firstlineno, -1, code.co_name),
            "compile the functions it calls, or fill an array and return that")
    signature = _signature(fn)
    names = list(signature.parameters)
    statics = {*static_argnames, *(names[k] for k in static_argnums if k < len(names))}
    frozen: dict[Path, None] = {}
    growing: set[Any] = set()
    wary: set[Any] = set()
    recursive: set[Any] = set()
    while True:
        try:
            return _traced(fn, signature.bind(*args, **kwargs), statics, tuple(frozen), growing,
                           wary, recursive)
        except Restart as error:
            assert error.key not in wary
            wary.add(error.key)
        except Settled as error:
            frozen.update(dict.fromkeys(error.paths))
        except Regrow as error:
            assert error.site not in growing
            growing.add(error.site)
        except UnsupportedError as error:
            if error.site is not None and error.site not in growing:
                growing.add(error.site)
            elif error.recursive is not None and error.recursive not in recursive:
                recursive.add(error.recursive)
            elif set(error.inputs) - set(frozen):
                frozen.update(dict.fromkeys(error.inputs))
            elif _has_texts(growing):
                _report(error)
                frozen, growing, wary, recursive = {}, {FIXED_TEXTS}, set(), set()
            elif error.sourceless:
                raise SourceError(
                    f"{error.message}; the source of {error.sourceless} is not known, which only "
                    "straight-line code can do without", error.location,
                    "define it in a file, a notebook or IPython (or the prompt of Python 3.13)"
                    ) from None
            else:
                raise
        except Exception as error:
            if not _has_texts(growing):
                raise
            _report(error)
            frozen, growing, wary, recursive = {}, {FIXED_TEXTS}, set(), set()


def _report(error: Exception) -> None:
    """Why text is compiled in that could have been an input."""
    if config.debug >= 2:
        traceback.print_exception(error)


def _has_texts(growing: set[Any]) -> bool:
    """Was the content of an argument that is text made an input?"""
    return any(type(site) is tuple and site[0] == TEXTS for site in growing)


def _traced(fn: Callable[..., Any], bound: inspect.BoundArguments, statics: set[str],
            frozen: tuple[Path, ...], growing: set[Any], wary: set[Any],
            recursive: set[Any]) -> Traced:
    """One trace; `frozen`: arguments inside the arguments, numbers, whose values are fixed;
    `growing`: where the lists are made whose length is known at run time only; `wary`: see
    `builder.Restart`; `recursive`: codes of functions that call themselves on run-time values."""
    bound.apply_defaults()
    root = Builder(None)
    root.state.wary = frozenset(wary)
    session = Session(root, frozen)
    root.state.session = session
    session.growing, session.recursive = growing, recursive
    outcome: list[Any] = []
    for x in bound.arguments.values():
        session.short.update(*map(short_sizes, x if type(x) in (tuple, list) else (x,)))
    with opened(root), traced_state():
        if any(site == TEXTS or type(site) is tuple and site[0] == TEXTS for site in growing):
            session.pool = text.Pool(session)
        for name, x in bound.arguments.items():
            path = (("arg", name),)
            if name in statics:
                session.statics.append((path, x))
            else:
                bound.arguments[name] = session.stand_in(x, path, None, True)
        session.traced = True
        try:
            outcome.append(function(fn)(*bound.args, **bound.kwargs))
            died = False
        except UnsupportedError as error:
            at = error.location
            error.sourceless = next((code.co_name for code in session.sourceless if at and (
                at.file, at.function) == (code.co_filename, code.co_name)), "")
            raise
        except Dead:
            died = True
        return _finish(fn, session, Constant(None) if died else None, outcome)


def _signature(fn: Callable[..., Any]) -> inspect.Signature:
    try:
        return _signatures[fn]
    except (KeyError, TypeError):
        known = inspect.signature(fn, follow_wrapped=False)
        with suppress(TypeError):                   # not hashable, or no weak references to it
            _signatures[fn] = known
        return known


def _finish(fn: Callable[..., Any], session: Session, tree: Any, outcome: list[Any]) -> Traced:
    root = session.root
    results = Results(session)
    writes: list[Any] = []
    if tree is None:
        results.count(outcome[0], set())
        tree = results.tree(outcome[0])
        session.check_cells()
        writes = results.writes()
    if session.pool is not None:
        session.pool.finish(session)
    into: list[Var | None] = [None] * len(results.outs)
    outs = list(results.outs)
    inputs = []
    for given, var, base in session.inputs:
        with opened(root):
            now = var if base is None else base.read()
        if now is not var:
            outs.append(now)
            into.append(var)
            given = replace(given, written=True)
        inputs.append(given)
    params = [var for _, var, _ in session.inputs]
    program = Program(params, root.eqns, outs, getattr(fn, "__name__", "main"), into)
    sizes = {dim: size for size, dim in session.dims.items()} | session.sizes
    examples = [tuple(d if isinstance(d, int) else sizes[d] for d in var.shape)
                for _, var, _ in session.inputs]
    return Traced(program, inputs, tree, session.guards, session.statics, session.functions,
                  writes, session.aliases, examples, session.frozen,
                  None if session.transforms else found(
                      root.state.notes, program, inputs, session.key is not None),
                  session.transforms)


__all__ = ["numpy_elementwise", "one_of", "operators", "slice_slots", "trace"]
