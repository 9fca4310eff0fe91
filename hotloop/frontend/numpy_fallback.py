"""NumPy functions without a lowering of their own: compiled code calls NumPy.

    np.roots(p)      # call_numpy_checked[function=call_..., results=...] p

Any function of NumPy or SciPy (or ufunc method, or method of arrays) can be called so: its results'
types are found by trying it (`numpy_trial`), their sizes come with them at run time, its exceptions
come through. Arrays that it stores to (`np.place`) are stored back. A result whose type depends on
values (`np.roots` is real or complex) is an `Either`: what uses it is compiled for both types.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.errors import TypeInstabilityError, UnsupportedError
from hotloop.frontend import dims as dm
from hotloop.frontend.builder import (
    Certain,
    check,
    current,
    emit,
    fail,
    here,
    inputs_of,
    unsupported,
)
from hotloop.frontend.numpy_arrays import settled
from hotloop.frontend.numpy_callback import LINALG, emit_tried
from hotloop.frontend.numpy_invocation import (
    LITERALS,
    ArrayResult,
    Entries,
    Foreign,
    Invocation,
    Items,
    Known,
    NumberResult,
    Operand,
    Same,
    leaves,
    made,
    path_of,
)
from hotloop.frontend.numpy_trial import trial
from hotloop.frontend.numpy_unsupported import reason
from hotloop.frontend.slots import Either, Maybe, Unjoined
from hotloop.frontend.traced import ARRAY, PYTHON
from hotloop.frontend.tracers import Array, Scalar, Tracer, fresh, lift, may_share
from hotloop.frontend.truth import choose
from hotloop.ir.core import Atom, Dim, Var
from hotloop.ir.types import BOOL, CODE_OF, DTYPES, I64

ROOTS = ("numpy", "scipy")


def home_of(f: Any) -> str:
    """The module of a function, of the class of a method; NumPy of ufuncs, whoever made them."""
    if isinstance(f, np.ufunc):
        return "numpy"
    module = getattr(f, "__module__", None)
    if not isinstance(module, str):
        owner = getattr(f, "__objclass__", None) or type(getattr(f, "__self__", None))
        module = owner.__module__
    return module


def able(f: Any) -> bool:
    """May compiled code call it?"""
    root, *rest = home_of(f).split(".")
    return root in ROOTS and not reason(f) and not isinstance(f, type) and not any(
        part.endswith("_tests") for part in rest)      # those of NumPy's own C code may crash


def _trusts(f: Any) -> bool:
    """May the function trust the sizes and indices that it gets? A ufunc of arrays that is not
    NumPy's own does not know the size of an output that no operand has."""
    if isinstance(f, np.ufunc) and f.signature is not None:
        return getattr(np, f.__name__, None) is not f
    if f is np.lib.stride_tricks.as_strided:
        return True
    return home_of(f).split(".")[0] != "numpy"


class _Arguments:
    """The trees of a call's arguments, and the operands in them."""

    def __init__(self, function: Any):
        self.function = function
        self.tracers: list[Tracer] = []
        self.atoms: list[Atom] = []
        self.kinds: list[str] = []

    def tree(self, x: Any) -> Any:
        if isinstance(x, np.ndarray):
            x = lift(x)
        if isinstance(x, Maybe | Unjoined):
            raise getattr(x, "error", None) or unsupported("a possibly unbound variable here")
        if isinstance(x, Scalar | Array):
            return self.operand(settled(x))
        kind = type(x)
        if kind in (tuple, list) or isinstance(x, tuple) and hasattr(kind, "_make"):
            return Items(kind, tuple(map(self.tree, x)))
        if kind is slice:
            return Items(slice, tuple(map(self.tree, (x.start, x.stop, x.step))))
        if kind is dict:
            return Entries(tuple(x), tuple(map(self.tree, x.values())))
        if isinstance(x, (*LITERALS, type, np.ufunc, types.BuiltinFunctionType, range)) or (
                x is Ellipsis or kind.__module__.split(".")[0] == "numpy"):
            return Known(x)
        raise unsupported(f"{path_of(self.function)} with a {kind.__name__} as an argument")

    def operand(self, x: Any) -> Operand:
        for k, known in enumerate(self.tracers):
            if known is x:
                return Operand(k, self.kinds[k])
        self.tracers.append(x)
        self.atoms.append(x.value() if isinstance(x, Array) else x.atom)
        self.kinds.append(ARRAY if isinstance(x, Array) else x.kind)
        return Operand(len(self.tracers) - 1, self.kinds[-1])


def through(function: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """The result of `function(*args, **keywords)`, which NumPy computes at run time."""
    given = _Arguments(function)
    trees = tuple(map(given.tree, args))
    named = tuple((name, given.tree(x)) for name, x in keywords.items())
    call = Invocation(function, trees, named, tuple(given.kinds), (), ())
    try:
        tried = trial(call, given.atoms, careful=_trusts(function))
    except Foreign as foreign:
        error = unsupported(f"{path_of(function)}: {foreign}",
                            "call it outside of the compiled function")
        # the number of columns may be what decides (np.histogramdd): try with it known
        error.inputs = tuple(dict.fromkeys(path for a in given.atoms if len(a.shape) > 1
                                           for path in inputs_of(a.shape[-1])))
        raise error from None
    _refuse_sharing(given, tried.changed, function)
    call = Invocation(function, trees, named, tuple(given.kinds), tried.trees, tried.changed,
                      tuple(c for block in current().state.notes.ignored for c in block.categories))
    return _emitted(call, given, tried.shared, tried.failures)


def _refuse_sharing(given: _Arguments, changed: tuple[int, ...], function: Any) -> None:
    """What the function stores to must not be what another argument sees."""
    for k in changed:
        x = given.tracers[k]
        assert isinstance(x, Array)
        if x.base.readonly:
            raise unsupported(x.base.readonly)
        others = [y for j, y in enumerate(given.tracers) if j != k and isinstance(y, Array)]
        if any(set(y.base.memory) & set(x.base.memory) for y in others):
            raise unsupported(f"{path_of(function)} of arrays that share memory", "copy one")


def _emitted(call: Invocation, given: _Arguments, shared: tuple[int, ...],
             failures: tuple[tuple[type[Exception], str], ...]) -> Any:
    builder = current()
    if not call.results and builder.state.tries and failures:
        fail(*failures[0])              # which the program may catch
    outs: list[Var] = []
    declared: list[Any] = []

    def out(dtype: Any, shape: tuple[Any, ...] = (), dims: tuple[Dim, ...] = ()) -> Var:
        outs.append(builder.bind(dtype, dims))
        declared.append((CODE_OF[np.dtype(dtype)], shape))
        return outs[-1]

    flags = [Scalar(out(BOOL), PYTHON) for _ in call.results[1:]]
    parts: list[list[Var]] = []
    for tree in call.results:
        found = []
        for leaf in leaves(tree):
            sizes: list[Var] = []
            for _ in range(leaf.rank if isinstance(leaf, ArrayResult) else 0):
                sizes.append(dm.bound(out(I64), 0, dm.MAX_DIM))
            place = len(outs) - len(sizes)
            found.append(out(DTYPES[leaf.dtype],
                             tuple(("out", place + k) for k in range(len(sizes))), tuple(sizes)))
        parts.append(found)
    operands: list[Atom] = list(given.atoms)
    stored = []
    for k in call.changed:
        atom = given.atoms[k]
        shape = []
        for d in atom.shape:
            if isinstance(d, Var):
                shape.append(("in", len(operands)))
                operands.append(d)
            else:
                shape.append(d)  # type: ignore[arg-type]
        stored.append((k, out(atom.dtype, tuple(shape), atom.shape)))
    params: dict[str, Any] = {"function": call, "results": tuple(declared),
                              "take": len(given.atoms)}
    if current().state.tries and call.results and not call.changed:
        emit_tried(operands, outs, tuple(dict.fromkeys((*failures[:4], *LINALG))), params)
    else:
        emit("call_numpy_checked", operands, outs, **params)
    for k, new in stored:
        target = given.tracers[k]
        assert isinstance(target, Array)
        target.assign(new)
    if not call.results:
        fail(UnsupportedError, f"not supported: {path_of(call.function)}, which raised for all "
             "examples tried while compiling")
    sharing = [given.tracers[k] for k in shared]
    results = [_built(tree, iter(found), given, sharing)
               for tree, found in zip(call.results, parts, strict=True)]
    reason = TypeInstabilityError(
        f"the type of what {path_of(call.function)} gives depends on the values of its arguments",
        here(), "return it, or use a function whose result has one type")
    return _either(reason, flags, call.results, results)


def _either(reason: TypeInstabilityError, flags: Sequence[Scalar], trees: Sequence[Any],
            results: Sequence[Any]) -> Any:
    """One of several results; of tuples of one class item by item."""
    one, *others = trees
    if not others:
        return results[0]
    if isinstance(one, Items) and all(
            isinstance(tree, Items) and tree.type is one.type
            and len(tree.items) == len(one.items) for tree in others):
        return made(one.type, [_either(reason, flags, parts, items) for parts, items in zip(
            zip(*(tree.items for tree in trees), strict=True), zip(*results, strict=True),
            strict=True)])
    rest = _either(reason, flags[1:], others, results[1:])
    if all(tree == one for tree in others):
        return choose(flags[0], lambda: results[0], lambda: rest)
    return Either(reason, flags[0], results[0], rest)


def _built(tree: Any, found: Any, given: _Arguments, sharing: list[Any]) -> Any:
    """The object that stands for a result."""
    if isinstance(tree, ArrayResult):
        array = fresh(next(found))
        for x in sharing:
            may_share(array.base, x.base)
        return array
    if isinstance(tree, NumberResult):
        return Scalar(next(found), tree.kind)
    if isinstance(tree, Items):
        return made(tree.type, [_built(item, found, given, sharing) for item in tree.items])
    if isinstance(tree, Entries):
        return dict(zip(tree.keys, [_built(item, found, given, sharing) for item in tree.items],
                        strict=True))
    return given.tracers[tree.k] if isinstance(tree, Same) else tree.value


def instead(function: Any, args: tuple[Any, ...], keywords: dict[str, Any],
            error: UnsupportedError) -> Any:
    """NumPy's result where a stand-in raised `error`, which stays if NumPy can't be called."""
    if error.inputs or error.counted or not able(function) or _depends_on_layout(
            function, args, keywords):
        raise error
    try:
        return through(function, args, keywords)
    except UnsupportedError as other:
        raise (other if other.inputs or "a store to" in other.message else error) from None


def failed(function: Any, args: tuple[Any, ...], keywords: dict[str, Any], failure: Certain) -> Any:
    """NumPy's exception where a stand-in is certain that the arguments are wrong: which one it is,
    and what it says, is NumPy's to tell."""
    exception, message, operands, attributes = failure.check
    home = home_of(function).split(".")
    if home[0] == "numpy" and "random" not in home and able(function) and not _depends_on_layout(
            function, args, keywords):
        try:
            return through(function, args, keywords)
        except UnsupportedError:
            pass
    check(False, exception, message, *operands, attributes=attributes)
    raise AssertionError("a check that fails has ended the path")


def _depends_on_layout(function: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> bool:
    """Compiled code hands over copies in C order, which these would tell from the array itself."""
    if function is np.lib.stride_tricks.as_strided:
        x = args[0] if args else None
        return not isinstance(x, Array) or bool(x.steps) or not x.contiguous
    return getattr(function, "__name__", "") in ("ravel", "reshape", "flatten") and (
        keywords.get("copy") is False or any(
            x in ("A", "K", "a", "k") for x in (*args, *keywords.values()) if isinstance(x, str)))
