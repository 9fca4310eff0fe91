"""The type of a NumPy function's result, found by calling it on small examples.

    trial(np.roots, ...)      # c128[?] or f64[?], depending on the values: two trees

Examples have the operands' dtypes, ranks and known dimensions. Dimensions that are one Var are
equal in them, and those that follow from others (`n - 1`) do. Tried are the values of the call that
is traced, where they follow from the arguments without loops, and several sizes with several
contents, each a likely argument of some function: increasing, a definite matrix, zeros, signs.
Examples that raise tell nothing; if all do, the function is called for its exception.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from hotloop.frontend.builder import Form, current
from hotloop.frontend.numpy_invocation import (
    ArrayResult,
    Entries,
    Foreign,
    Invocation,
    Items,
    Tree,
    as_argument,
    tree_of,
)
from hotloop.frontend.traced import ARRAY
from hotloop.ir.core import Atom, Dim, Eqn, Lit, Var
from hotloop.ops.table import IO
from hotloop.record import record

LARGEST = 10_000
"""Elements of an operand up to which the first call's own values are an example."""

MOST_TYPES = 4

STEPS = 200
"""Equations up to which they are computed for that."""

ROOM = 1 << 16


@record
class Trial:
    """`trees`: of the results, one for each type that they may have. `changed`: operands that the
    function stores to. `shared`: operands of which a result was a view. `failures`: what examples
    raised."""
    trees: tuple[Tree, ...]
    changed: tuple[int, ...]
    shared: tuple[int, ...]
    failures: tuple[tuple[type[Exception], str], ...]


def trial(call: Invocation, atoms: Sequence[Atom], careful: bool) -> Trial:
    """Raises Foreign for results that compiled code can't hold, or of too many types. `careful`:
    the function may trust its arguments (pivots, indices) and destroy memory if they are no good.
    """
    trees: dict[Any, Any] = {}                         # -> the same without operands
    changed: set[int] = set()
    failures: dict[tuple[type[Exception], str], None] = {}
    shared: set[int] = set()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for example, unlikely in examples(atoms, call.kinds, careful):
            if unlikely and trees:
                break
            before = [x.tobytes() if isinstance(x, np.ndarray) else b"" for x in example]
            args, named = call.given(example)
            lists = [(x, list(x)) for x in (*args, *named.values()) if type(x) is list]
            try:
                result = call.function(*args, **named)
            except Exception as error:  # whatever the function raises for this example
                failures[type(error), str(error)] = None
                continue
            if any(len(x) != len(y) or any(p is not q for p, q in zip(x, y, strict=True))
                   for x, y in lists):
                raise Foreign("it changes a list")
            tree = tree_of(result, example)
            changed.update(k for k, x in enumerate(example)
                           if isinstance(x, np.ndarray) and x.tobytes() != before[k])
            if not trees:
                changed |= _insists(call, example)
            trees.setdefault(tree, tree_of(result, ()))
            shared.update(_shared(tree, result, example))
    found = tuple(t for t, plain in trees.items() if t == plain or plain not in trees)
    if len(found) > MOST_TYPES:
        raise Foreign("a result whose type depends on the values of the arguments")
    return Trial(found, tuple(sorted(changed)), tuple(sorted(shared)), tuple(failures))


def _insists(call: Invocation, example: Sequence[Any]) -> set[int]:
    """The operands that the function refuses if they are read-only."""
    found = set()
    for k, x in enumerate(example):
        if isinstance(x, np.ndarray):
            again = [np.array(y) if isinstance(y, np.ndarray) else y for y in example]
            again[k].flags.writeable = False
            try:
                call.called(again)
            except Exception as error:  # only what its text says is of interest
                if "read-only" in str(error) or "not writeable" in str(error):
                    found.add(k)
    return found


def _shared(tree: Tree, result: Any, example: Sequence[Any]) -> Iterator[int]:
    if isinstance(tree, ArrayResult):
        for k, x in enumerate(example):
            if isinstance(x, np.ndarray) and np.may_share_memory(x, result):
                yield k
    elif isinstance(tree, Items | Entries):
        values = result.values() if isinstance(result, dict) else result
        for item, value in zip(tree.items, values, strict=True):
            yield from _shared(item, value, example)


# ---- examples

INTS = (1, 2, 0, 3, -1, 1, 2, 0, 1)
FLOATS = (0.5, 1.0, 0.0, 2.0, -1.5, 0.25, 3.0, 1e-3, 1.0)
NICE, ONES, ZEROS, SIGNS, SMALL, DOWN = range(6)
TRIED = (("same", 3, NICE), ("other", 3, NICE), ("same", 4, SIGNS), ("same", 2, ONES),
         ("same", 3, ZEROS), ("same", 4, SMALL), ("other", 2, SIGNS), ("same", 0, NICE),
         ("same", 5, DOWN))
"""For each example: all free sizes the same or different, the size, the content."""

AS_A_LAST_RESORT = (("all", 3, NICE), ("all", 4, SIGNS))
"""All sizes the same, though it is not known that they can be: tried if nothing else went."""


def examples(atoms: Sequence[Atom], kinds: Sequence[str],
             careful: bool) -> Iterator[tuple[list[Any], bool]]:
    """Lists of operands, as the user's call would give them, and whether they are a last resort.
    To be careful: nothing but the first call's own if they are known; else arrays with elements
    whose integers are 0."""
    known = first_values(atoms)
    if known is not None:
        yield [_argument(x, kind) for x, kind in zip(known, kinds, strict=True)], False
        if careful:
            return
    for number, (rule, size, content) in enumerate(TRIED + AS_A_LAST_RESORT):
        sizes = _sizes(atoms, size, rule)
        if sizes is None or careful and (size < 2 or rule == "other"):
            continue
        given = []
        for k, (atom, kind) in enumerate(zip(atoms, kinds, strict=True)):
            shape = tuple(int(sizes[d]) if isinstance(d, Var) else d for d in atom.shape)
            if isinstance(atom, Lit):
                value = atom.value
            elif kind != ARRAY and atom in sizes:
                value = sizes[atom]
            elif kind == ARRAY and shape:
                integers = careful and atom.dtype.kind in "iu"
                value = _content(atom.dtype, shape, ZEROS if integers else content, k)
            else:
                value = _number(atom.dtype, number + 3 * k)
            given.append(_argument(value, kind))
        yield given, rule == "all"


def _argument(value: Any, kind: str) -> Any:
    x = as_argument(value, kind)
    return np.array(x) if isinstance(x, np.ndarray) else x


def _number(dtype: np.dtype, number: int) -> Any:
    number %= len(INTS)
    if dtype.kind == "b":
        return np.bool_(number % 2 == 0)
    if dtype.kind == "c":
        return dtype.type(FLOATS[number] + 1j * FLOATS[-number])
    if dtype.kind == "u":
        return dtype.type(abs(INTS[number]))
    return dtype.type(INTS[number] if dtype.kind == "i" else FLOATS[number])


def _content(dtype: np.dtype, shape: tuple[int, ...], content: int, k: int) -> np.ndarray:
    n = int(np.prod(shape))
    count = np.arange(n).reshape(shape)
    x: Any
    if content == NICE and len(shape) > 1 and shape[-1] == shape[-2]:
        x = np.eye(shape[-1]) * 4 + 0.5 + 0 * count
    elif content == NICE:
        x = count + 1.0 + k * 0.5
    elif content in (ONES, ZEROS):
        x = np.full(shape, float(content == ONES))
    elif content == SIGNS:
        x = np.asarray(np.random.default_rng(k).normal(size=shape))
    else:
        x = count % 2 * 1.0 if content == SMALL else n - count * 1.0
    if dtype.kind == "u":
        x = np.abs(x)
    if dtype.kind == "b":
        x = np.rint(x) % 2
    if dtype.kind == "c" and content == SIGNS:
        x = x + 1j * x[::-1]
    return np.asarray(x).astype(dtype)


def _sizes(atoms: Sequence[Atom], size: int, rule: str) -> dict[Any, int] | None:
    """A size for every Var among the dimensions, and for the numbers that are computed from them;
    None if one would be negative."""
    affine = current().state.affine
    dims: list[Dim] = [d for atom in atoms for d in atom.shape]
    if rule == "all":
        return {d: size for d in dims if isinstance(d, Var)}
    step = 0 if rule == "same" else 1
    free: dict[Var, int] = {}
    for d in dims:
        if isinstance(d, Var):
            for v in affine.get(d, {d: 1}):
                if isinstance(v, Var):
                    free.setdefault(v, size + step * len(free))
    found: dict[Any, int] = {}
    for var in (*dims, *atoms):
        if isinstance(var, Var) and not var.shape:
            form: Form = affine.get(var, {var: 1})
            if all(v is None or v in free for v in form):
                found[var] = sum(c * (1 if v is None else free[v]) for v, c in form.items())
    if any(isinstance(d, Var) and found[d] < 0 for d in dims):
        return None
    return found


# ---- what the first call gives

def first_values(atoms: Sequence[Atom]) -> list[Any] | None:
    """The values in the call that is traced, if they follow from its arguments by few equations
    without blocks, and are small."""
    root = current().lineage[0]
    session = root.state.session
    values: dict[Var, Any] = {dim: np.int64(n) for n, dim in session.dims.items()}
    values.update(session.actual)
    made: dict[Var, Eqn] = {out: eqn for eqn in root.eqns for out in eqn.outs}
    needed: dict[Eqn, None] = {}
    todo = [a for a in atoms if isinstance(a, Var)]
    while todo:
        var = todo.pop()
        if var in values:
            continue
        eqn = made.get(var)
        if eqn is None or eqn.blocks or eqn.op.effect == IO or len(needed) > STEPS:
            return None
        if eqn not in needed:
            needed[eqn] = None
            todo += [a for a in eqn.ins if isinstance(a, Var)]

    def value(atom: Atom) -> Any:
        return atom.value if isinstance(atom, Lit) else values[atom]
    try:
        for eqn in root.eqns:
            if eqn in needed:
                operands = [value(a) for a in eqn.ins]
                if any(np.size(x) > ROOM for x in operands) or _creates_much(eqn, value):
                    return None
                evaluate: Callable[..., Any] | None = eqn.op.evaluate
                assert evaluate is not None
                result = evaluate(eqn.params, *operands)
                values.update(zip(eqn.outs, result if isinstance(result, tuple) else (result,),
                                  strict=True))
    except Exception:                   # a check that comes before would have failed: no example
        return None
    found = [value(a) for a in atoms]
    return found if all(np.size(x) <= LARGEST for x in found) else None


def _creates_much(eqn: Eqn, value: Callable[[Any], Any]) -> bool:
    for out in eqn.outs:
        if all(isinstance(d, int) or d not in eqn.outs for d in out.shape):
            shape = [d if isinstance(d, int) else int(value(d)) for d in out.shape]
            if np.prod(shape, dtype=float) > ROOM:
                return True
    return False
