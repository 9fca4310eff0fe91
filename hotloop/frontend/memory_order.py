"""In which order the axes of an array lie in memory, and new arrays in an order that is asked for.

    np.zeros((n, m), order="F")      # the transpose of a new array of (m, n)
    x + 1                            # of an input in Fortran order: as x lies, like NumPy

All arrays that compiled code makes are in C order; another order is a view with its axes permuted.
An *order* is a tuple of axes, the outermost in memory first; None where it can't be told: of inputs
that lie in neither order. A new array made from one of these is treated as of unknown strides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hotloop.frontend import dims as dm
from hotloop.frontend.builder import fail
from hotloop.frontend.strides import never_one
from hotloop.frontend.tracers import Array, fresh
from hotloop.frontend.views import Broadcast, Diagonal, Index, Reshape, Transpose, Windows
from hotloop.ir.core import Atom, Dim

Order = tuple[int, ...]


def order_of(x: Array) -> Order | None:
    """The axes of `x` as they lie in memory. Axes of size 1 may stand anywhere."""
    rank = len(x.base.shape)
    if x.base.fortran:
        places: list[float] = [-k for k in range(rank)]
    elif x.base.contiguous:
        places = [*range(rank)]
    else:
        return None
    for step in x.steps:
        if isinstance(step, Transpose):
            places = [places[k] for k in step.perm]
        elif isinstance(step, Index):
            left = iter(places)
            places = [-1.0 if code == "n" else place for code, place in (
                (code, -1.0 if code == "n" else next(left)) for code in step.codes) if code != "i"]
        elif isinstance(step, Reshape):
            if places != sorted(places):
                return None
            places = [*range(len(step.shape))]
        elif isinstance(step, Broadcast | Diagonal | Windows):
            return None
    return tuple(sorted(range(len(places)), key=places.__getitem__))


def common_order(dims: Sequence[Dim], operands: Sequence[Any]) -> Order | None:
    """The order of what an elementwise function makes of its operands: that of their memory; where
    they disagree, C's. NumPy's `npyiter_find_best_axis_ordering`: axes are inserted from the last
    one on, each behind those whose strides are smaller in all operands that have both."""
    ranks: list[dict[int, int]] = []
    for x in operands:
        if not isinstance(x, Array) or not x.dims:
            continue
        order = order_of(x)
        if order is None:
            return None
        shift, own = len(dims) - len(x.dims), {}
        for place, axis in enumerate(order):
            d, whole = x.dims[axis], dims[axis + shift]
            if dm.equal(d, 1):
                continue
            if not dm.equal(d, whole) and not never_one(d):
                return None                        # it may be repeated
            own[axis + shift] = place
        ranks.append(own)
    inner_first: list[int] = []
    for axis in reversed(range(len(dims))):
        at = len(inner_first)
        for k in reversed(range(len(inner_first))):
            other = inner_first[k]
            outside = [own[axis] < own[other] for own in ranks if axis in own and other in own]
            if outside and not any(outside):
                at = k
            elif outside:
                break
        inner_first.insert(at, axis)
    return tuple(inner_first[::-1])


def laid_out(atom: Atom, order: Order | None) -> Array:
    """A new array of this content whose axes lie in this order; None: it is not known in which."""
    if order is None or order == tuple(range(len(order))):
        made = fresh(atom)
        made.base.contiguous = order is not None
        return made
    made = fresh(Transpose(order, tuple(atom.shape[k] for k in order)).get(atom))
    made.base.laid_out = True
    return made.view(Transpose([order.index(k) for k in range(len(order))], atom.shape))


def ordered(made: Array, order: Order | None) -> Array:
    """A new array, in this order."""
    if order == tuple(range(made.ndim)) and not made.steps:
        return made
    return laid_out(made.value(), order)


def like_operands(made: Array, operands: Sequence[Any]) -> Array:
    """`made`, computed elementwise from `operands`, in the order that NumPy gives it."""
    return ordered(made, common_order(made.dims, operands))


def asked_order(order: Any, rank: int, like: Array | None) -> Order | None:
    """The order that an `order=` argument asks for. `like`: what "A" and "K" refer to."""
    name = "K" if order is None else order.upper() if isinstance(order, str) else ""
    if name not in ("C", "F", "A", "K"):
        fail(ValueError, f"order must be one of 'C', 'F', 'A', or 'K' (got {order!r})")
    if name == "F":
        return tuple(reversed(range(rank)))
    if name == "C" or like is None or rank < 2:
        return tuple(range(rank))
    found = order_of(like)
    if name == "A" and found is not None:
        backwards = tuple(reversed(range(rank)))
        return backwards if found == backwards else tuple(range(rank))
    return found
