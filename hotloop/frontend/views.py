"""Steps of a view: how a view of an array reads its base and writes through to it.

A traced array is (base, steps); `y = x[1:].T` is the base of x with the steps Index and Transpose.
Reading applies `get` in order to the base's current value. Storing applies `put` from the inside
out, so a store through any chain of views is one functional update of the base:

    x[1:].T[0] = v      ->   b = set[codes="s"] a (transpose of set[codes="i:"] ...) ...
"""

from __future__ import annotations

from collections.abc import Sequence

from hotloop.frontend.builder import emit
from hotloop.frontend.dims import equal, same_dims
from hotloop.ir.core import Atom, Dim


class Index:
    """`codes` and operands of the ops get and set (see docs/ir.md), and the resulting shape."""

    __slots__ = ("codes", "operands", "shape")

    def __init__(self, codes: str, operands: Sequence[Atom], shape: tuple[Dim, ...]):
        self.codes, self.operands, self.shape = codes, tuple(operands), shape

    def get(self, value: Atom) -> Atom:
        if self.whole:
            return value
        return emit("get", [value, *self.operands], [(value.dtype, self.shape)],
                    codes=self.codes)[0]

    def put(self, value: Atom, part: Atom) -> Atom:
        if self.whole:
            return part
        return emit("set", [value, part, *self.operands], [(value.dtype, value.shape)],
                    codes=self.codes)[0]

    def same(self, other: object) -> bool:
        return (isinstance(other, Index) and self.codes == other.codes
                and all(map(equal, self.operands, other.operands)))

    @property
    def whole(self) -> bool:
        return set(self.codes) <= {":"}

    @property
    def contiguous(self) -> bool:
        """Is a selection from a contiguous array certainly contiguous? (Leading axis cut only.)"""
        head = self.codes.lstrip("i")
        return set(head[1:]) <= {":"} and (
            head[:1] in ("", ":") or head[0] == "s" and equal(self.operands[-1], 1))


class Transpose:
    """Axis k of the view is axis perm[k] of what it views."""

    __slots__ = ("perm", "shape")

    def __init__(self, perm: Sequence[int], shape: tuple[Dim, ...]):
        self.perm, self.shape = tuple(perm), shape

    def get(self, value: Atom) -> Atom:
        return emit("transpose", [value], [(value.dtype, self.shape)], perm=self.perm)[0]

    def put(self, value: Atom, part: Atom) -> Atom:
        inverse = tuple(self.perm.index(k) for k in range(len(self.perm)))
        return emit("transpose", [part], [(value.dtype, value.shape)], perm=inverse)[0]

    def same(self, other: object) -> bool:
        return isinstance(other, Transpose) and self.perm == other.perm

    contiguous = False


class Reshape:
    """The same elements in C order under other dimensions."""

    __slots__ = ("shape",)

    def __init__(self, shape: tuple[Dim, ...]):
        self.shape = shape

    def get(self, value: Atom) -> Atom:
        return reshaped(value, self.shape)

    def put(self, value: Atom, part: Atom) -> Atom:
        return reshaped(part, value.shape)

    def same(self, other: object) -> bool:
        return isinstance(other, Reshape) and same_dims(self.shape, other.shape)

    contiguous = True


class Part:
    """The real or imaginary part of a complex array."""

    __slots__ = ("name", "shape")

    def __init__(self, name: str, shape: tuple[Dim, ...]):
        self.name, self.shape = name, shape

    def get(self, value: Atom) -> Atom:
        return emit(self.name, [value], [(value.dtype.type(0).real.dtype, value.shape)])[0]

    def put(self, value: Atom, part: Atom) -> Atom:
        other = Part("imag" if self.name == "real" else "real", self.shape).get(value)
        both = [part, other] if self.name == "real" else [other, part]
        return emit("complex", both, [(value.dtype, value.shape)])[0]

    def same(self, other: object) -> bool:
        return isinstance(other, Part) and self.name == other.name

    contiguous = False


Step = Index | Transpose | Reshape | Part


def reshaped(value: Atom, dims: tuple[Dim, ...]) -> Atom:
    """`value` under other dimensions; the caller has proved or checked the number of elements."""
    if len(value.shape) == len(dims) and all(p is q or isinstance(p, int) and p == q
                                             for p, q in zip(value.shape, dims, strict=True)):
        return value
    return emit("reshape", [value, *dims], [(value.dtype, dims)])[0]


def read(value: Atom, steps: Sequence[Step]) -> Atom:
    """The current value of a view whose base has `value`."""
    for step in steps:
        value = step.get(value)
    return value


def written(value: Atom, steps: Sequence[Step], part: Atom) -> Atom:
    """The base's new value when `part` is stored in the view."""
    if not steps:
        return part
    inner = written(steps[0].get(value), steps[1:], part) if len(steps) > 1 else part
    return steps[0].put(value, inner)


def same_steps(a: Sequence[Step], b: Sequence[Step]) -> bool:
    """Do two chains provably select the same elements?"""
    return len(a) == len(b) and all(p.same(q) for p, q in zip(a, b, strict=True))

