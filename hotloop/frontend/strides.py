"""Is a reshape a view? NumPy's answer, from the strides: decided while compiling or at run time.

    x.T.ravel()         a copy: the strides (1, n) of its axes are not those of one axis
    x[:, ::2].ravel()   a view if the number of columns is even, else a copy

Strides are counted in elements: ints or i64 Vars. A base of unknown layout has none.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import current, emit, lit
from hotloop.frontend.tracers import Array, as_int, dim_of
from hotloop.frontend.views import (
    Broadcast,
    Cast,
    Diagonal,
    Index,
    Part,
    Reshape,
    Transpose,
    Windows,
    same_vars,
)
from hotloop.ir.core import Atom, Dim, Lit
from hotloop.ir.types import BOOL, I64

Flag = Atom | bool


def never_one(d: Dim) -> bool:
    """Is the dimension certainly not 1? (Sizes of arguments that are 1 are known.)"""
    if isinstance(d, int):
        return d != 1
    return d in current().state.session.dims.values() or dm.at_most(2, d)


def strides_of(x: Array) -> list[Dim] | None:
    """The strides of a view of an array in C order, or in the opposite one; None if they are
    unknown."""
    if not x.base.contiguous and not x.base.fortran:
        return None
    dims: tuple[Dim, ...] = x.base.shape
    strides = _of_c_order(dims) if x.base.contiguous else _of_c_order(dims[::-1])[::-1]
    for step in x.steps:
        if isinstance(step, Transpose):
            strides = [strides[k] for k in step.perm]
        elif isinstance(step, Index):
            own, operands, found = iter(strides), iter(step.operands), list[Dim]()
            for code in step.codes:
                if code == "n":
                    found.append(0)
                    continue
                stride = next(own)
                if code == "i":
                    next(operands)
                elif code == "s":
                    _, _, by = next(operands), next(operands), next(operands)
                    found.append(_times(stride, int(by.value) if isinstance(by, Lit) else by))
                else:
                    found.append(stride)
            strides = found
        elif isinstance(step, Part):
            strides = [_times(stride, 2) for stride in strides]
        elif isinstance(step, Reshape):
            if _same(strides, _of_c_order(dims)):
                strides = _of_c_order(step.shape)
            elif len(inner := [s for s, d in zip(strides, dims, strict=True) if d != 1]) == 1:
                strides = [_times(inner[0], s) for s in _of_c_order(step.shape)]
            else:
                return None
        elif isinstance(step, Broadcast):
            new = len(step.shape) - len(dims)
            if any(d != 1 and not never_one(d) and not same_vars((d,), (e,))
                   for d, e in zip(dims, step.shape[new:], strict=True)):
                return None                # it can't be told which axes are repeated
            repeated: list[Dim] = [0] * new
            strides = repeated + [0 if d == 1 else s for s, d in zip(strides, dims, strict=True)]
        elif isinstance(step, Diagonal):
            both = as_int(strides[0]) + as_int(strides[1])
            strides = [*strides[2:], dim_of(both)]
        elif isinstance(step, Windows):
            strides = [*strides, strides[step.axis]]
        elif not isinstance(step, Cast):
            return None
        dims = step.shape
    return strides


def _of_c_order(dims: Sequence[Dim]) -> list[Dim]:
    found: list[Dim] = []
    size: Dim = 1
    for d in reversed(dims):
        found.append(size)
        size = _times(size, d)
    return found[::-1]


def _times(a: Dim, b: Dim) -> Dim:
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    for p, q in ((a, b), (b, a)):
        if isinstance(p, int) and p in (0, 1):
            return q if p else 0
    return emit("mul", [a, b], [(I64, ())])[0]


def _same(a: Sequence[Dim], b: Sequence[Dim]) -> bool:
    return all(p is q or isinstance(p, int) and isinstance(q, int) and p == q
               for p, q in zip(a, b, strict=True))


def keeps_strides(x: Array, dims: Sequence[Dim]) -> Flag | None:
    """Is `x.reshape(dims)` a view? None: it can't be told."""
    strides = strides_of(x)
    if strides is None:
        return None
    source = [(d, s) for d, s in zip(x.dims, strides, strict=True) if d != 1]
    target = [d for d in dims if d != 1]
    while source and target and dm.equal(source[0][0], target[0]):
        source, target = source[1:], target[1:]
    while source and target and dm.equal(source[-1][0], target[-1]):
        source, target = source[:-1], target[:-1]
    if len(source) > 2 and len(target) > 1:
        return None
    flag = _is_one_axis(source)
    if len(source) == 2 and len(target) == 2:
        flag = _either(flag, _is_equal(source[0][0], target[0]))
    return flag


def _is_one_axis(axes: Sequence[tuple[Dim, Dim]]) -> Flag:
    """Can the axes be one? Each stride is that of the next axis times its size; sizes of 1 don't
    count."""
    return _are_laid_out(axes, True, 0)


def is_contiguous(x: Array) -> Flag | None:
    """Is the array in C order without gaps? None: it can't be told."""
    if x.contiguous:
        return True
    strides = strides_of(x)
    if strides is None:
        return None
    return _are_laid_out([(d, s) for d, s in zip(x.dims, strides, strict=True) if d != 1], False, 1)


def _are_laid_out(axes: Sequence[tuple[Dim, Dim]], free: Flag, need: Dim) -> Flag:
    """Is the stride of each axis, from the last one, what the next ones need? `free`: the first
    that counts may have any stride."""
    result: Flag = True
    more = False                           # is `need` certainly more than 1, or nothing there?
    for d, stride in reversed(axes):
        one: Flag = False if never_one(d) else _is_equal(d, 1)
        if free is not True:
            fits = False if more and isinstance(stride, int) and stride == 1 else _is_equal(
                stride, need)
            result = _both(result, _either(_either(free, one), fits))
        step = _times(d, stride)
        need = step if one is False else _chosen(one, need, step)
        more = one is False
        free = _both(free, one)
    return result


def _is_equal(a: Dim, b: Dim) -> Flag:
    return dm.compare("eq", a, b)


def _both(a: Flag, b: Flag) -> Flag:
    if isinstance(a, bool) or isinstance(b, bool):
        return (b if a else False) if isinstance(a, bool) else (a if b else False)
    return emit("and", [a, b], [(BOOL, ())])[0]


def _either(a: Flag, b: Flag) -> Flag:
    if isinstance(a, bool) or isinstance(b, bool):
        return (True if a else b) if isinstance(a, bool) else (True if b else a)
    return emit("or", [a, b], [(BOOL, ())])[0]


def _chosen(flag: Flag, yes: Dim, no: Dim) -> Dim:
    if isinstance(flag, bool):
        return yes if flag else no
    a, b = (lit(k) if isinstance(k, int) else k for k in (yes, no))
    return emit("select", [flag, a, b], [(I64, ())])[0]
